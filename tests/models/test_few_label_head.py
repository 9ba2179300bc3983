"""A head from few labels: answers known by thought, honesty where little is known, there and back through files."""

from types import SimpleNamespace

import numpy as np
import pytest

from models.errors import ModelError
from models.few_label_head import ARCHITECTURE, UNTESTED_TEMPERATURE, FewLabelHead, fit_few_label_head
from models.heads import load_head
from models.label_pool import LabelPool
from models.model_folder import save_model
from models.musicnn_tags import MSD_TAGS
from tests.support.label_pools import grouped_pool

GENRES = ("fado", "polka", "raga")  # none of which is a tag
TRUTH = np.repeat(np.arange(3), 20)
NAMES = {"name": "mine-1", "backbone": "MSD_musicnn"}


def fitted(pool: LabelPool, rows, genres=None, *, targets=None, names=GENRES) -> FewLabelHead:
    rows = np.array(rows, dtype=int)
    if targets is None:
        targets = np.eye(len(names))[TRUTH[rows] if genres is None else genres].reshape(len(rows), len(names))
    return fit_few_label_head(pool, rows, targets, genres=names, **NAMES)


@pytest.fixture(scope="module")
def pool() -> LabelPool:
    return grouped_pool(TRUTH)


@pytest.fixture(scope="module")
def unseen() -> LabelPool:
    return grouped_pool(TRUTH, seed=1)


@pytest.fixture(scope="module")
def head(pool) -> FewLabelHead:
    return fitted(pool, range(0, 60, 2))


def embedded(pool: LabelPool, *, seed: int = 0) -> LabelPool:
    """The same with embeddings that tell the genres apart, whatever the tags do."""
    embedding = np.random.default_rng(seed).normal(0, 0.3, (len(pool), 200))
    embedding += 3 * (np.arange(200) // 60 == TRUTH[: len(pool), np.newaxis])
    return LabelPool(pool.roots, pool.log_odds, embedding.astype(np.float32), pool.groups)


def test_one_label_of_each_genre_names_the_rest(pool, unseen):
    head = fitted(pool, [0, 20, 40])
    assert (head.probabilities_of(pool).argmax(axis=1) == TRUTH).all()
    assert (head.probabilities_of(unseen).argmax(axis=1) == TRUTH).all()


def test_probabilities_are_those_of_each_recording(head, unseen):
    probabilities = head.probabilities_of(unseen)
    assert probabilities.shape == (60, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(head.probabilities_of(unseen.take(np.array([7])))[0], probabilities[7], rtol=1e-9)


def test_more_labels_make_it_surer(pool, unseen, head):
    certainty = [fitted(pool, rows).probabilities_of(unseen).max(axis=1).mean() for rows in ([0, 20, 40], range(60))]
    assert certainty[0] < head.probabilities_of(unseen).max(axis=1).mean() < certainty[1]


def test_wrong_answers_on_labels_that_were_left_out_make_it_unsure(pool, unseen):
    by_chance = np.random.default_rng(0).integers(0, 3, 60)
    assert fitted(pool, range(60), by_chance).probabilities_of(unseen).max(axis=1).mean() < 0.55


@pytest.mark.parametrize("rows", [[], [5], [0, 20, 40]], ids=["no label", "one label", "three labels"])
def test_where_nothing_is_known_the_set_holds_every_genre(pool, unseen, rows):
    names = ("jazz", "metal", "raga")  # so that no label is enough
    head = fitted(pool, rows, names=names)
    probabilities = head.probabilities_of(unseen)
    assert head.in_set(probabilities).all()
    assert head.abstains(head.prediction_set(probabilities[0]))


def test_sets_are_small_and_hold_the_truth_where_enough_is_known(head, unseen):
    probabilities = head.probabilities_of(unseen)
    member = head.in_set(probabilities)
    assert member[np.arange(60), TRUTH].mean() >= 0.9
    assert member.sum(axis=1).mean() < 1.2


def test_a_genre_that_nobody_has_met_keeps_sets_large(pool, unseen):
    rows = [row for row in range(0, 60, 4) if TRUTH[row] != 2]  # ten labels would do for the two genres by themselves
    head = fitted(pool, rows)
    assert head.in_set(head.probabilities_of(unseen)).all()


def test_labels_of_one_genre_alone_are_no_reason_to_fail(pool, unseen):
    probabilities = fitted(pool, [0, 1, 2, 3]).probabilities_of(unseen)
    assert np.isfinite(probabilities).all()
    assert probabilities[:20, 0].mean() > probabilities[20:, 0].mean()


def test_a_single_artist_is_not_tested_on_itself(pool):
    alone = LabelPool(pool.roots, pool.log_odds, None, ("one artist",) * 60)
    assert fitted(alone, range(0, 60, 2)).temperature(28) == pytest.approx(UNTESTED_TEMPERATURE)


def test_one_window_is_believed_less_than_a_recording(head):
    assert head.temperature(1) == pytest.approx(1.2 * head.temperature(28))
    assert head.temperature(100) == head.temperature(28)


def test_names_alone_are_a_start():
    jazz, metal = MSD_TAGS.index("jazz"), MSD_TAGS.index("metal")
    activations = np.full((20, 1, 50), 0.1)
    activations[:10, 0, jazz] = 0.8
    activations[10:, 0, metal] = 0.8
    pool = LabelPool.of_taggrams(list(activations), ("",) * 20)
    head = fit_few_label_head(pool, np.array([], int), np.zeros((0, 2)), genres=("Jazz", "Metal"), **NAMES)
    probabilities = head.probabilities_of(pool)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), np.repeat([0, 1], 10))
    assert probabilities.max() < 0.9


def test_labels_overrule_a_name_that_misleads():
    jazz = MSD_TAGS.index("jazz")
    activations = np.full((40, 1, 50), 0.1)
    activations[:20, 0, jazz] = 0.8
    pool = LabelPool.of_taggrams(list(activations), ("",) * 40)
    rows = np.arange(0, 40, 2)
    targets = np.eye(2)[np.repeat([1, 0], 10)]  # what has the tag jazz is not called so here
    head = fit_few_label_head(pool, rows, targets, genres=("jazz", "raga"), **NAMES)
    np.testing.assert_array_equal(head.probabilities_of(pool).argmax(axis=1), np.repeat([1, 0], 20))


def test_the_name_of_a_genre_without_a_tag_does_not_matter(pool, unseen, head):
    renamed = fitted(pool, range(0, 60, 2), names=("one", "two", "three"))
    np.testing.assert_array_equal(renamed.probabilities_of(unseen), head.probabilities_of(unseen))


def test_an_unsure_label_counts_less(pool, unseen):
    rows = np.arange(0, 60, 2)
    right, wrong = np.eye(3)[TRUTH[rows]], np.eye(3)[(TRUTH[rows] + 1) % 3]
    both = LabelPool(
        *(np.concatenate([view, view]) for view in (pool.roots, pool.log_odds)), None, pool.groups + pool.groups
    )
    rows = np.concatenate([rows, rows + 60])
    trusting = fitted(both, rows, targets=np.concatenate([right, 0.1 * wrong]))
    assert (trusting.probabilities_of(unseen).argmax(axis=1) == TRUTH).all()
    trusting = fitted(both, rows, targets=np.concatenate([0.1 * right, wrong]))
    assert (trusting.probabilities_of(unseen).argmax(axis=1) == (TRUTH + 1) % 3).all()


def test_a_row_without_a_genre_says_nothing(pool, unseen):
    rows = np.arange(0, 60, 2)
    targets = np.eye(3)[TRUTH[rows]]
    targets[::3] = 0.0
    told = targets.sum(axis=1) > 0
    np.testing.assert_array_equal(
        fitted(pool, rows, targets=targets).probabilities_of(unseen),
        fitted(pool, rows[told], targets=targets[told]).probabilities_of(unseen),
    )


def test_two_genres_at_once_lie_between_both(pool):
    targets = np.eye(3)[TRUTH[[0, 20, 40]]]
    targets[0] = [0.5, 0.5, 0.0]
    targets[1] = [0.5, 0.5, 0.0]
    probabilities = fitted(pool, [0, 20, 40], targets=targets).probabilities_of(pool)
    np.testing.assert_allclose(probabilities[[0, 20], 0], probabilities[[0, 20], 1], atol=0.1)


def test_where_the_embedding_is_known_it_decides(pool):
    blurred = LabelPool(*(np.repeat(v[:1], 60, axis=0) for v in (pool.roots, pool.log_odds)), None, pool.groups)
    head = fitted(embedded(blurred), range(0, 60, 4))
    assert (head.probabilities_of(embedded(blurred, seed=1)).argmax(axis=1) == TRUTH).all()
    np.testing.assert_allclose(head.probabilities_of(blurred), head.probabilities_of(blurred)[[0]].repeat(60, 0))


def test_where_it_is_not_the_tags_do(pool, unseen):
    head = fitted(embedded(pool), range(0, 60, 4))
    assert (head.probabilities_of(unseen).argmax(axis=1) == TRUTH).all()
    some = embedded(unseen)
    some.embedding[::2] = np.nan
    probabilities = head.probabilities_of(some)
    np.testing.assert_allclose(probabilities[::2], head.probabilities_of(unseen)[::2])
    np.testing.assert_allclose(probabilities[1::2], head.probabilities_of(embedded(unseen))[1::2])


def test_a_pool_that_was_heard_in_part_is_learned_from_its_tags(pool):
    part = embedded(pool)
    part.embedding[0] = np.nan
    assert not any(
        "embedding" in str(array) for key, array in fitted(part, [0, 20, 40]).arrays.items() if "pooling" in key
    )


def test_windows_of_a_recording_are_pooled_as_in_the_pool(head, rng):
    taggram = rng.random((4, 50)).astype(np.float32)
    views = head.views_of_taggram(taggram)
    assert views.shape == (4, 250)
    track = head.track_probabilities(views)
    of_pool = head.probabilities_of(LabelPool.of_taggrams([taggram], ("",)))[0]
    assert (np.argsort(track) == np.argsort(of_pool)).all()  # the temperature of four windows is another
    windows = head.segment_probabilities(views)
    assert windows.shape == (4, 3)
    np.testing.assert_allclose(windows[2], head.track_probabilities(views[[2]]), rtol=1e-6)


def test_of_a_listening_the_views_are_tags_and_embedding(head, rng):
    activations = SimpleNamespace(taggram=rng.random((3, 50)), embedding=rng.random((3, 200)))
    views = head.views(SimpleNamespace(activations=activations))
    np.testing.assert_array_equal(views, np.concatenate([activations.taggram, activations.embedding], axis=1))


def test_a_saved_head_answers_as_before(pool, unseen, tmp_path):
    head = fitted(embedded(pool), range(0, 60, 4))
    card = head.card | {"version": "3", "created": "2026-01-01"}
    save_model(tmp_path, card, head.arrays)
    again = load_head(tmp_path)
    assert isinstance(again, FewLabelHead)
    assert (again.name, again.genres, again.card["architecture"]) == ("mine-1", GENRES, ARCHITECTURE)
    for recordings in (unseen, embedded(unseen)):
        np.testing.assert_array_equal(again.probabilities_of(recordings), head.probabilities_of(recordings))


def test_nothing_is_drawn_at_random(pool, unseen, head):
    np.testing.assert_array_equal(fitted(pool, range(0, 60, 2)).probabilities_of(unseen), head.probabilities_of(unseen))


def test_copies_of_one_recording_are_no_reason_to_fail(pool):
    copies = pool.take(np.zeros(10, dtype=int))
    head = fit_few_label_head(copies, np.arange(4), np.eye(3)[[0, 1, 0, 1]], genres=GENRES, **NAMES)
    assert np.isfinite(head.probabilities_of(copies)).all()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"labelled": np.array([0, 0])}, "come twice"),
        ({"labelled": np.array([0, 60])}, "outside the pool"),
        ({"labelled": np.array([-1, 0])}, "outside the pool"),
        ({"targets": np.ones((2, 2))}, "targets of shape"),
        ({"targets": np.full((2, 3), np.nan)}, "NaN"),
        ({"targets": -np.ones((2, 3))}, "below 0"),
        ({"targets": np.zeros((2, 3))}, "no label to learn from"),
        ({"labelled": np.array([], int), "targets": np.zeros((0, 3))}, "no label to learn from"),
        ({"genres": ("fado", "fado", "raga")}, "each once"),
        ({"genres": ("fado",), "targets": np.ones((2, 1))}, "two or more"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(pool, change, match):
    asked = {"labelled": np.array([0, 20]), "targets": np.eye(3)[[0, 1]], "genres": GENRES}
    asked |= change
    with pytest.raises(ModelError, match=match):
        fit_few_label_head(pool, asked["labelled"], asked["targets"], genres=asked["genres"], **NAMES)


@pytest.mark.parametrize(
    "views", [np.zeros((0, 250)), np.zeros((2, 50)), np.zeros(250), np.full((2, 250), 1.5), np.full((2, 250), np.nan)]
)
def test_views_that_are_none_are_refused(head, views):
    with pytest.raises(ModelError, match="views"):
        head.track_probabilities(views)


def test_arrays_of_something_else_are_refused(head):
    for broken in (
        {key: array for key, array in head.arrays.items() if not key.startswith("members/")},
        {key: array for key, array in head.arrays.items() if not key.startswith("calibration/")},
        {key: array for key, array in head.arrays.items() if key != "members/0/bias"},
        head.arrays | {"members/0/pooling": np.array("spectrum")},
    ):
        with pytest.raises(ModelError):
            FewLabelHead(head.card, broken)
    with pytest.raises(ModelError, match="expected 50 and 2"):
        FewLabelHead(head.card | {"genres": ["fado", "polka"]}, head.arrays)
