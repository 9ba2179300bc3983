import numpy as np
import pytest

from models.errors import ModelError
from models.suspicious_labels import SuspiciousLabel, find_suspicious_labels


def sure_of(genres: np.ndarray, *, surest: tuple[int, ...] = (), n_genres: int = 3) -> np.ndarray:
    """Probabilities of a model that gives each row's genre about 0.8, and of some rows 0.95."""
    top = np.random.default_rng(0).uniform(0.75, 0.85, len(genres))
    top[list(surest)] = 0.95
    p = np.repeat(((1 - top) / (n_genres - 1))[:, np.newaxis], n_genres, axis=1)
    p[np.arange(len(genres)), genres] = top
    return p


TRUTH = np.repeat([0, 1, 2], 20)


def test_labels_that_the_model_believes_in_are_not_suspicious():
    assert find_suspicious_labels(sure_of(TRUTH), TRUTH) == ()


def test_planted_mistakes_are_found_and_no_others():
    labels = TRUTH.copy()
    labels[[3, 25, 59]] = [1, 2, 0]
    p = sure_of(TRUTH)
    p[25] = [0.03, 0.95, 0.02]
    p[3] = [0.9, 0.04, 0.06]
    p[59] = [0.09, 0.05, 0.86]
    assert find_suspicious_labels(p, labels) == (
        SuspiciousLabel(25, 2, 1, 0.02),
        SuspiciousLabel(3, 1, 0, 0.04),
        SuspiciousLabel(59, 0, 2, 0.09),
    )


def test_a_doubt_is_no_suspicion():
    """The model leans towards another genre, but less than it believes in that genre's own recordings."""
    p = sure_of(TRUTH)
    p[3] = [0.4, 0.55, 0.05]
    assert find_suspicious_labels(p, TRUTH) == ()


def test_rows_without_probabilities_or_without_one_genre_are_skipped():
    labels = TRUTH.copy()
    labels[[3, 25, 40]] = [1, 2, -1]
    p = sure_of(TRUTH, surest=(3, 25, 40))
    p[3] = np.nan
    assert [each.row for each in find_suspicious_labels(p, labels)] == [25]


def test_genres_with_few_labels_are_neither_judged_nor_named():
    """Genre 2 has four labels, one of which is wrong; a recording of genre 0 looks as if it were of genre 2."""
    labels = np.repeat([0, 1, 2], [20, 20, 4])
    seen = labels.copy()
    seen[43], seen[7] = 0, 2
    assert find_suspicious_labels(sure_of(seen, surest=(7, 43)), labels) == ()


def test_a_mistake_among_genres_with_enough_labels_is_found_beside_a_rare_one():
    truth = np.repeat([1, 2, 0], [20, 20, 4])
    labels = truth.copy()
    labels[7] = 2
    found = find_suspicious_labels(sure_of(truth, surest=(7,)), labels)
    assert [(each.row, each.label, each.likely) for each in found] == [(7, 2, 1)]


@pytest.mark.parametrize(
    "labels",
    [np.zeros(0, int), np.zeros(20, int), np.repeat([0, 1], [20, 4]), np.arange(6) % 3, np.full(30, -1)],
    ids=["no labels", "one genre", "one genre with enough labels", "two labels each", "no single genre anywhere"],
)
def test_without_two_genres_to_tell_apart_nothing_is_suspicious(labels):
    p = np.tile([0.1, 0.8, 0.1], (len(labels), 1))
    assert find_suspicious_labels(p, labels) == ()


def test_nothing_is_printed(capfd, recwarn):
    labels = TRUTH.copy()
    labels[0] = 2
    assert len(find_suspicious_labels(sure_of(TRUTH, surest=(0,)).astype(np.float32), labels)) == 1
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


@pytest.mark.parametrize(
    ("p", "labels", "words"),
    [
        (np.ones((3, 2)) / 2, np.zeros(2, int), r"probabilities \(3, 2\) and labels \(2,\)"),
        (np.ones(3), np.zeros(3, int), r"expected \(n, k\) and \(n,\)"),
        (np.ones((1, 2)) / 2, np.array([2]), "labels from 2 to 2: expected -1 to 1"),
        (np.ones((1, 2)) / 2, np.array([-2]), "labels from -2 to -2"),
    ],
)
def test_bad_input_is_refused_by_name(p, labels, words):
    with pytest.raises(ModelError, match=words):
        find_suspicious_labels(p, labels)
