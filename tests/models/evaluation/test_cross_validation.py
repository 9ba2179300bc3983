import json

import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.splits import block_folds, split_checksum
from datasets.taggrams import TaggramSet
from models.errors import ModelError
from models.evaluation import cross_validation
from models.evaluation.cross_validation import FIGURES, cross_validate
from models.genre_members import MemberSettings
from models.genre_recipe import Recipe, fit_head, subset
from tests.support.taggrams import GENRES, synthetic_tracks

SMALL = Recipe(n_folds=3, rotations=(0.0,), guard=0, clip_patches=(1, 6), clips_per_track=2, max_set_size=1)
MEMORY = Recipe(
    members=(MemberSettings("kernel_ridge", "root_of_mean", ridge=1e-9),),
    n_folds=3,
    rotations=(0.0,),
    guard=0,
    clip_patches=(6,),
)


@pytest.fixture(scope="module")
def tracks() -> TaggramSet:
    """Not too easy: some answers are wrong."""
    return synthetic_tracks(np.random.default_rng(0), lift=0.6)


@pytest.fixture(scope="module")
def validation(tracks) -> dict:
    return cross_validate(tracks, SMALL, layouts=((3, 0.0), (4, 0.5)))


def test_genres_that_sound_unlike_each_other_are_all_recognised(rng):
    found = cross_validate(synthetic_tracks(rng, lift=4.0), SMALL, layouts=((3, 0.0),))
    assert found["mean"]["accuracy"] == 1.0
    assert found["confusion"] == [[12, 0, 0], [0, 12, 0], [0, 0, 12]]
    assert all(
        figures["recall"] == figures["precision"] == figures["f1"] == 1.0 for figures in found["per_class"].values()
    )


def test_what_was_learned_by_heart_is_no_better_than_chance(rng):
    """Labels mean nothing here: a track that is scored by a head that saw it would be answered rightly."""
    tracks = synthetic_tracks(rng, per_genre=40, lift=0.0)
    found = cross_validate(tracks, MEMORY, layouts=((4, 0.0),))
    noise = (1 / 3 * 2 / 3 / len(tracks)) ** 0.5
    assert found["mean"]["accuracy"] == pytest.approx(1 / 3, abs=4 * noise)


@pytest.mark.parametrize("guard", [0, 1])
def test_a_track_is_scored_by_a_head_that_saw_neither_it_nor_its_neighbours(guard, rng, monkeypatch):
    tracks = synthetic_tracks(rng)
    seen: list[set[str]] = []

    def remember(training: TaggramSet, recipe: Recipe, **options):
        seen.append(set(training.ids))
        return fit_head(training, recipe, **options)

    monkeypatch.setattr(cross_validation, "fit_head", remember)
    cross_validate(tracks, SMALL, layouts=((3, 0.5),), guard=guard)
    folds = block_folds(tracks.ids, tracks.labels, n_folds=3, rotation=0.5)
    for fold, training in enumerate(seen):
        for i in np.flatnonzero(folds == fold):
            near = {
                tracks.ids[j]
                for j in range(len(tracks))
                if tracks.labels[i] == tracks.labels[j] and abs(i - j) <= guard
            }
            assert not training & near
    # Fold by fold a third is held out; with the guard, one more at each end of a block that has a neighbour there.
    assert [len(training) for training in seen] == ([24, 24, 24] if guard == 0 else [18, 18, 18])


def test_a_twin_on_the_other_side_of_the_cut_flatters_and_the_guard_shows_it(rng):
    """Tracks 2k - 1 and 2k are twins and their genre means nothing; every block of two parts two pairs."""
    tracks = synthetic_tracks(rng, per_genre=24, lift=0.0)
    twins = TaggramSet(
        tracks=tuple(tracks.tracks[i - 1 if i % 2 == 0 and i % 24 else i] for i in range(len(tracks))),
        labels=tracks.labels,
        ids=tracks.ids,
        genres=tracks.genres,
    )
    flattered = cross_validate(twins, MEMORY, layouts=((12, 0.0),))["mean"]["accuracy"]
    guarded = cross_validate(twins, MEMORY, layouts=((12, 0.0),), guard=1)["mean"]["accuracy"]
    assert flattered > 0.9
    assert guarded < 0.6


def test_a_layout_has_the_figures_of_its_heads(validation, tracks):
    folds = block_folds(tracks.ids, tracks.labels, n_folds=3)
    answers, sets, abstained = [], [], []
    for i, (track, label) in enumerate(tracks):
        head = fit_head(subset(tracks, folds != folds[i]), SMALL, name="fold", backbone="any")
        p = head.track_probabilities(track)
        answers.append(p.argmax() == label)
        sets.append(head.prediction_set(p))
        abstained.append(head.abstains(sets[-1]))
    figures = validation["layouts"][0]
    assert figures["accuracy"] == pytest.approx(np.mean(answers))
    assert figures["coverage"] == np.mean(
        [GENRES[k] in members for k, members in zip(tracks.labels, sets, strict=True)]
    )
    assert figures["mean_set_size"] == pytest.approx(np.mean([len(members) for members in sets]))
    assert 0 < figures["abstention_rate"] == pytest.approx(np.mean(abstained))
    assert figures["selective_accuracy"] == pytest.approx(np.mean(np.array(answers)[~np.array(abstained)]))


def test_means_are_over_layouts(validation):
    assert [(each["n_folds"], each["rotation"]) for each in validation["layouts"]] == [(3, 0.0), (4, 0.5)]
    for name in FIGURES:
        first, second = (each[name] for each in validation["layouts"])
        assert validation["mean"][name] == pytest.approx((first + second) / 2)
        assert validation["spread"][name] == pytest.approx(abs(first - second) / 2)
        assert (validation["lowest"][name], validation["highest"][name]) == (min(first, second), max(first, second))


def test_the_figures_fit_each_other(validation, tracks):
    counts = np.array(validation["confusion"])
    np.testing.assert_allclose(counts.sum(axis=1), 12)
    assert np.trace(counts) / len(tracks) == pytest.approx(validation["mean"]["accuracy"])
    assert list(validation["per_class"]) == list(GENRES)
    recalls = [figures["recall"] for figures in validation["per_class"].values()]
    np.testing.assert_allclose(recalls, np.diag(counts) / 12)
    coverages = [figures["coverage"] for figures in validation["per_class"].values()]
    assert np.mean(coverages) == pytest.approx(validation["mean"]["coverage"])
    assert 1 / 3 < validation["mean"]["accuracy"] < 1


def test_each_layout_names_its_split(validation, tracks):
    for each in validation["layouts"]:
        folds = block_folds(tracks.ids, tracks.labels, n_folds=each["n_folds"], rotation=each["rotation"])
        assert each["split_sha256"] == split_checksum(tracks.ids, folds)


def test_a_layout_is_scored_the_same_alone_and_beside_others(validation, tracks):
    alone = cross_validate(tracks, SMALL, layouts=((4, 0.5),))
    assert alone["layouts"] == validation["layouts"][1:]
    assert set(alone["spread"].values()) == {0.0}


def test_it_goes_through_json_unchanged(validation):
    assert json.loads(json.dumps(validation, allow_nan=False)) == validation


@pytest.mark.parametrize(
    ("layouts", "guard", "error", "words"),
    [
        (((13, 0.0),), 0, DatasetError, "12 tracks cannot fill 13 folds"),
        (((1, 0.0),), 0, DatasetError, "n_folds=1"),
        (((3, 1.0),), 0, DatasetError, r"rotation=1\.0"),
        (((2, 0.0),), 6, ModelError, "no track of fado, polka, raga to learn from"),
        (((2, 0.0),), 4, DatasetError, "2 tracks cannot fill 3 folds"),
    ],
)
def test_bad_input_is_refused_by_name(layouts, guard, error, words, tracks):
    with pytest.raises(error, match=words):
        cross_validate(tracks, SMALL, layouts=layouts, guard=guard)
