import numpy as np
import pytest

from datasets.errors import DatasetError
from models.label_cross_fit import label_folds, out_of_fold
from tests.support.stand_in_learner import NearestMean, separable_pool


def held_together(folds: np.ndarray, groups: list[str]) -> bool:
    return all(len({fold for fold, group in zip(folds, groups, strict=True) if group == name}) == 1 for name in groups)


def test_artists_stay_together_and_genres_are_shared_out():
    groups = [f"artist {i // 2}" for i in range(60)]
    labels = np.arange(60) // 2 % 2
    folds = label_folds(groups, labels)
    assert held_together(folds, groups)
    assert set(folds) == set(range(5))
    for fold in range(5):
        np.testing.assert_array_equal(np.bincount(labels[folds == fold]), [6, 6])


def test_recordings_without_artist_are_dealt_out_one_by_one():
    folds = label_folds([""] * 20, np.arange(20) % 2)
    np.testing.assert_array_equal(np.bincount(folds), [4] * 5)


def test_few_artists_are_a_fold_each():
    groups = ["a", "", "b", "a", ""]
    np.testing.assert_array_equal(label_folds(groups, np.array([0, 0, 1, 1, 1])), [0, 1, 2, 0, 3])


def test_one_artist_alone_cannot_be_held_out():
    np.testing.assert_array_equal(label_folds(["a"] * 30, np.arange(30) % 2), np.zeros(30))


def test_a_rare_genre_does_not_keep_the_others_from_being_shared_out():
    labels = np.array([2] + [0, 1] * 25)
    folds = label_folds([""] * 51, labels)
    for genre in (0, 1):
        assert np.bincount(folds[labels == genre], minlength=5).min() >= 4


def test_a_genre_of_few_artists_with_many_recordings_does_not_either():
    """Two artists have most recordings, all of genre 0; those of genre 1 are spread over all folds."""
    groups = ["first"] * 40 + ["second"] * 40 + [""] * 10
    labels = np.array([0] * 80 + [1] * 10)
    folds = label_folds(groups, labels)
    assert held_together(folds[:80], groups[:80])
    assert folds[0] != folds[40]
    assert len(set(folds[80:])) >= 3


def test_where_genres_cannot_be_shared_out_artists_still_stay_together(monkeypatch):
    def refuse(*args, **kwargs):
        raise DatasetError("label 1: fold 0 is left without it")

    monkeypatch.setattr("models.label_cross_fit.stratified_group_folds", refuse)
    groups = [f"artist {i // 3}" for i in range(36)]
    folds = label_folds(groups, np.arange(36) % 2)
    assert held_together(folds, groups)
    assert set(folds) == set(range(5))


def test_folds_follow_from_the_seed():
    labels = np.arange(60) % 3
    one, same, other = (label_folds([""] * 60, labels, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


GENRES = np.arange(24) % 2
POOL = separable_pool(GENRES)
FOLDS = np.arange(24) // 2 % 3
TARGETS = np.eye(2)[GENRES]


def test_no_head_learns_from_what_it_is_asked_about():
    rows = np.arange(24)[::-1]
    seen = []

    def fit(pool, labelled, targets):
        assert pool is POOL
        np.testing.assert_array_equal(targets, TARGETS[labelled])
        seen.append(set(labelled.tolist()))
        return NearestMean(pool, labelled, targets)

    p = out_of_fold(POOL, rows, TARGETS[rows], FOLDS[rows], fit)
    assert seen == [set(np.flatnonzero(fold != FOLDS).tolist()) for fold in range(3)]
    np.testing.assert_array_equal(p.argmax(axis=1), GENRES[rows])


def test_labels_can_be_kept_from_being_learned():
    seen = []

    def fit(pool, labelled, targets):
        seen.append(labelled.tolist())
        return NearestMean(pool, labelled, targets)

    out_of_fold(POOL, np.arange(24), TARGETS, FOLDS, fit, learned=np.arange(24) < 6)
    assert seen == [[2, 3, 4, 5], [0, 1, 4, 5], [0, 1, 2, 3]]


@pytest.mark.parametrize(
    ("learned", "expected"),
    [
        ([], [[np.nan] * 2] * 6),
        ([0], [[np.nan] * 2] * 2 + [[1, 0]] * 4),
        ([1, 3], [[0, 1]] * 6),
    ],
    ids=["no label", "one label", "one genre"],
)
def test_without_two_genres_no_head_is_fitted(learned, expected):
    def fit(pool, labelled, targets):
        raise AssertionError("a head was asked to learn less than two genres")

    p = out_of_fold(POOL, np.arange(6), TARGETS[:6], FOLDS[:6], fit, learned=np.isin(np.arange(6), learned))
    np.testing.assert_array_equal(p, expected)


def test_work_can_be_stopped_between_heads():
    class Stopped(Exception):
        pass

    fitted = []

    def fit(pool, labelled, targets):
        fitted.append(labelled)
        return NearestMean(pool, labelled, targets)

    def stop_after_two() -> None:
        if len(fitted) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        out_of_fold(POOL, np.arange(24), TARGETS, FOLDS, fit, after_fit=stop_after_two)
    assert len(fitted) == 2
