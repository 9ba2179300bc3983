import json
from itertools import count, pairwise

import numpy as np
import pytest

from models.errors import ModelError
from models.label_training import LabelTraining, train_from_labels
from models.learning_curve import wilson_interval
from tests.support.stand_in_learner import NearestMean, separable_pool

NAMES = ("fado", "cumbia", "rock")


def trained(truth: np.ndarray, *, labels: np.ndarray | None = None, groups=None, **changes) -> LabelTraining:
    """All of a separable pool is labelled, in the order of its rows, every second label on the random slice."""
    labels = truth if labels is None else labels
    settings = {
        "genres": NAMES,
        "on_random_slice": np.arange(len(truth)) % 2 == 0,
        "fit": NearestMean,
    } | changes
    targets = settings.pop("targets", np.eye(len(NAMES))[labels])
    return train_from_labels(separable_pool(truth, groups), np.arange(len(truth)), targets, **settings)


TRUTH = np.arange(60) % 3


def test_genres_that_are_easy_to_tell_are_learned():
    found = trained(TRUTH)
    assert (found.n_labels, found.n_evaluated, found.accuracy) == (60, 30, 1.0)
    assert (found.low, found.high) == wilson_interval(30, 30)
    np.testing.assert_array_equal(found.out_of_fold.argmax(axis=1), TRUTH)
    np.testing.assert_array_equal(found.confusion, 20 * np.eye(3))
    assert found.per_class == {name: {"labels": 20, "recall": 1.0, "precision": 1.0} for name in NAMES}
    top = found.out_of_fold.max(axis=1)
    assert found.ece == pytest.approx(1 - top.mean())  # always right: all that confidence lacks of 1
    assert found.suspicious == ()
    assert found.predictor.learned == tuple(range(60))
    assert (found.activate, found.accuracy_before) == (True, None)
    assert found.reason == "the first version: 30 of 30 recordings of the random slice are answered rightly"


def test_the_curve_has_the_accuracy_of_heads_that_know_the_first_labels():
    """The first 20 labels are of two genres, the 40 others of the third: then, a third of the pool can be known."""
    genres = np.concatenate([np.arange(20) % 2, np.full(40, 2)])
    found = trained(genres)
    assert [point.labels for point in found.curve] == [10, 14, 20, 29, 42, 60]
    assert [point.n_eval for point in found.curve] == [30] * 6
    assert [point.accuracy for point in found.curve] == pytest.approx([1 / 3] * 3 + [1.0] * 3)
    assert found.curve[-1].accuracy == found.accuracy
    assert found.gain is not None
    assert found.gain.labels == 50
    assert found.advice.text.startswith("Too early to say: there are 60 labels")


def test_a_flat_curve_of_many_labels_says_stop_and_names_the_agreement_of_people():
    found = trained(np.arange(120) % 3, agreement=0.9)
    assert found.advice.stop
    assert "People agree with each other in 90 % of their answers, the model is right in 100 %." in found.advice.text


def test_planted_mistakes_are_suspicious():
    labels = TRUTH.copy()
    labels[[7, 30]] = [2, 1]
    found = trained(TRUTH, labels=labels)
    assert {(each.row, each.label, each.likely) for each in found.suspicious} == {(7, 2, 1), (30, 1, 0)}


def test_poisoned_labels_are_refused():
    """The 60 labels before were right; of the 90 that came since, all of two genres are swapped."""
    genres = np.arange(150) % 3
    labels = genres.copy()
    labels[60:] = np.array([1, 0, 2])[genres[60:]]
    known_before = np.arange(150) < 60
    found = trained(genres, labels=labels, on_random_slice=known_before, known_before=known_before)
    assert not found.activate
    assert (found.accuracy_before, found.accuracy) == (1.0, pytest.approx(1 / 3))
    # 40 of 60 differences are -1, 20 are 0.
    assert found.reason == (
        "worse than before: 20 of 60 recordings of the random slice are answered rightly, 60 with the labels before "
        "(-66.7 points, standard error 6.1)"
    )


def test_labels_of_a_new_genre_are_better_than_before():
    genres = np.concatenate([np.arange(30) % 2, np.arange(60) % 3])
    found = trained(genres, known_before=np.arange(90) < 30)
    assert found.activate
    assert found.reason.startswith("better than before: 45 of 45")
    assert found.accuracy_before == pytest.approx(35 / 45)


def test_labels_that_change_nothing_are_as_good():
    found = trained(TRUTH, known_before=np.arange(60) < 30)
    assert found.activate
    assert found.reason.startswith("as good as before: 30 of 30")
    assert "30 with the labels before (+0.0 points, standard error 0.0)" in found.reason


def test_a_small_loss_within_the_standard_error_is_no_reason_to_refuse():
    """One of 20 answers is worse: -5 points, with a standard error of 5."""

    class ForgetsOne(NearestMean):
        def probabilities_of(self, pool):
            p = super().probabilities_of(pool)
            if max(self.learned) >= 30:  # knows the new labels
                p[pool.roots[:, 49] == np.float32(0.55)] = [0.0, 0.0, 1.0]
            return p

    pool = separable_pool(TRUTH)
    pool.roots[0, 49] = 0.55
    found = train_from_labels(
        pool,
        np.arange(60),
        np.eye(3)[TRUTH],
        genres=NAMES,
        on_random_slice=np.arange(60) < 20,
        known_before=np.arange(60) < 30,
        fit=ForgetsOne,
    )
    assert found.activate
    assert found.reason.startswith("as good as before: 19 of 20")
    assert "20 with the labels before (-5.0 points, standard error 5.0)" in found.reason


@pytest.mark.parametrize("n_evaluated", [0, 1, 9])
def test_without_enough_that_measures_the_head_takes_over(n_evaluated):
    mask = np.arange(60) < n_evaluated
    found = trained(TRUTH, on_random_slice=mask, known_before=np.arange(60) < 30)
    assert (found.activate, found.accuracy_before, found.n_evaluated) == (True, None, n_evaluated)
    assert found.reason == f"not measured yet: {n_evaluated} labels of the random slice can measure, 10 are needed"
    assert not found.advice.stop
    if n_evaluated == 0:
        assert (found.accuracy, found.low, found.high, found.curve, found.gain) == (None, None, None, (), None)
        np.testing.assert_array_equal(found.confusion, 20 * np.eye(3))


def test_nothing_can_be_held_out_where_all_labels_are_of_one_artist():
    found = trained(TRUTH, groups=["the same"] * 60, known_before=np.arange(60) < 30)
    assert (found.n_evaluated, found.accuracy, found.ece, found.activate) == (0, None, None, True)
    assert found.reason.startswith("not measured yet: 0 labels")
    assert np.isnan(found.out_of_fold).all()
    assert (found.confusion.sum(), found.suspicious) == (0, ())
    assert found.predictor.learned == tuple(range(60))


def test_artists_are_held_out_whole():
    """Each artist plays in a genre of their own sound: whoever never heard the artist, cannot know."""
    genres = np.repeat(np.arange(3), 20)
    found = trained(genres, groups=[f"artist {genre}" for genre in genres])
    assert found.accuracy == 0.0
    assert found.suspicious == ()  # heads that never met a genre cannot doubt its labels


def test_a_genre_with_a_single_label_is_neither_known_nor_suspicious_while_held_out():
    genres = np.append(np.arange(40) % 2, 2)
    found = trained(genres)
    assert found.per_class["rock"] == {"labels": 1, "recall": 0.0, "precision": None}
    assert found.accuracy == pytest.approx(20 / 21)
    assert found.suspicious == ()
    assert found.predictor.known.all()


def test_a_genre_without_labels_has_no_figures():
    found = trained(np.arange(40) % 2)
    assert found.per_class["rock"] == {"labels": 0, "recall": None, "precision": None}


def test_either_genre_of_a_label_with_two_is_right_and_it_is_in_no_row_of_the_confusion():
    targets = np.eye(3)[TRUTH]
    targets[0] = [0.5, 0.0, 0.5]  # sounds like fado
    targets[2] = [0.5, 0.5, 0.0]  # sounds like rock
    found = trained(TRUTH, targets=targets)
    assert found.accuracy == pytest.approx(29 / 30)
    assert found.confusion.sum() == 58


def test_unsure_labels_measure_like_others():
    targets = 0.5 * np.eye(3)[TRUTH]
    assert trained(TRUTH, targets=targets).accuracy == 1.0


def test_two_labels_are_enough_to_train():
    found = trained(np.array([0, 1]))
    assert (found.activate, found.n_evaluated, len(found.curve)) == (True, 1, 1)
    assert found.accuracy == 0.0  # each head knows the other genre only


def test_the_rows_of_the_pool_may_come_in_any_order():
    order = np.random.default_rng(0).permutation(60)[:45]
    found = train_from_labels(
        separable_pool(TRUTH),
        order,
        np.eye(3)[TRUTH[order]],
        genres=NAMES,
        on_random_slice=np.ones(45, bool),
        fit=NearestMean,
    )
    assert found.accuracy == 1.0
    assert found.predictor.learned == tuple(order.tolist())


@pytest.mark.parametrize(("fit_s", "n_points"), [(0.1, 6), (4.0, 3), (5.0, 2), (1000.0, 1)])
def test_slow_heads_shorten_the_curve(fit_s, n_points):
    """80 s hold the first round of five heads, the final one (counted as a round), and what is left of rounds."""
    ticks = count()
    found = trained(TRUTH, clock=lambda: 5 * fit_s * next(ticks), budget_s=80.0)
    assert len(found.curve) == n_points
    assert (found.gain is None) == (n_points < 3)
    assert found.curve[-1].labels == 60


@pytest.mark.parametrize("budget_s", [0.0, 3600.0])
def test_progress_rises_from_nothing_to_all(budget_s):
    told: list[float] = []
    trained(TRUTH, known_before=np.arange(60) < 30, progress=told.append, budget_s=budget_s)
    assert told[0] == 0.0
    assert told[-1] == 1.0
    assert all(before < after for before, after in pairwise(told))


@pytest.mark.parametrize("after", [0, 1, 8, 20, 35, 36])
def test_work_can_be_cancelled_at_any_time(after):
    class Cancelled(Exception):
        pass

    told: list[float] = []

    def progress(share: float) -> None:
        told.append(share)
        if len(told) > after:
            raise Cancelled

    with pytest.raises(Cancelled):
        trained(TRUTH, known_before=np.arange(60) < 30, progress=progress)
    assert len(told) == after + 1


def test_the_same_labels_give_the_same_training():
    labels = TRUTH.copy()
    labels[[7, 30, 31]] = [2, 1, 2]
    one, other = (trained(TRUTH, labels=labels, known_before=np.arange(60) < 30, seed=3) for _ in range(2))
    assert one.to_dict() == other.to_dict()
    np.testing.assert_array_equal(one.out_of_fold, other.out_of_fold)


@pytest.mark.parametrize(
    "changes",
    [{}, {"on_random_slice": np.zeros(60, bool)}, {"groups": ["the same"] * 60}, {"known_before": np.arange(60) < 30}],
    ids=["usual", "nothing measures", "one artist", "compared"],
)
def test_it_is_ready_for_json(changes):
    labels = TRUTH.copy()
    labels[7] = 2
    found = trained(TRUTH, labels=labels, **changes)
    written = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert written == found.to_dict()
    assert written["genres"] == list(NAMES)
    assert set(written["curve"]) == {"points", "gain", "advice"}
    for each in written["suspicious"]:
        assert (each["row"], each["label"], each["likely"]) == (7, "rock", "cumbia")


def test_one_genre_is_not_enough():
    with pytest.raises(ModelError, match="label at least two genres"):
        trained(np.zeros(30, int))


def test_no_label_is_not_enough():
    with pytest.raises(ModelError, match="label at least two genres"):
        trained(np.zeros(0, int))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"targets": np.eye(3)}, r"60 labels, targets \(3, 3\)"),
        ({"genres": ("fado", "rock")}, r"targets \(60, 3\), 2 genres"),
        ({"on_random_slice": np.ones(59, bool)}, r"masks \[\(59,\)\]"),
        ({"on_random_slice": np.ones(60)}, "masks .* of bool"),
        ({"known_before": np.ones(3, bool)}, r"masks \[\(60,\), \(3,\)\]"),
        ({"n_folds": 1}, "n_folds=1: expected 2 or more"),
        ({"targets": np.vstack([np.eye(3)[TRUTH[:59]], np.zeros(3)])}, "leave out items of no genre"),
        ({"targets": np.vstack([np.eye(3)[TRUTH[:59]], [np.nan, 1, 0]])}, "expected numbers of at least 0"),
        ({"targets": np.vstack([np.eye(3)[TRUTH[:59]], [-1, 2, 0]])}, "expected numbers of at least 0"),
    ],
)
def test_bad_input_is_refused_by_name(changes, words):
    with pytest.raises(ModelError, match=words):
        trained(TRUTH, **changes)


@pytest.mark.parametrize("rows", [[0, 1, 1], [0, 1, 6], [-1, 0, 1]])
def test_rows_that_are_not_of_the_pool_are_refused(rows):
    with pytest.raises(ModelError, match="expected each row of the pool once"):
        train_from_labels(
            separable_pool(np.arange(6) % 3),
            np.array(rows),
            np.eye(3),
            genres=NAMES,
            on_random_slice=np.ones(3, bool),
            fit=NearestMean,
        )
