import itertools
import math

import numpy as np
import pytest

from models.conformal import class_scores, in_set, threshold
from models.errors import ModelError

FREE = {"rank_charge": 0.0, "free_ranks": 1}


def peaky(rng: np.random.Generator, n: int, *, n_classes: int = 6) -> np.ndarray:
    return rng.dirichlet(np.full(n_classes, 0.3), n)


def test_a_score_is_the_mass_before_a_class_and_half_of_its_own():
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [1.0, 0.0, 0.0]])
    expected = [[0.25, 0.65, 0.9], [0.95, 0.8, 0.35], [0.5, 1.0, 1.0]]
    np.testing.assert_allclose(class_scores(p, **FREE), expected)


def test_ranks_after_the_free_ones_are_charged():
    p = np.array([[0.3, 0.5, 0.2]])
    charge = class_scores(p, rank_charge=0.1, free_ranks=1) - class_scores(p, rank_charge=0.0, free_ranks=1)
    np.testing.assert_allclose(charge, [[0.1, 0.0, 0.2]])
    np.testing.assert_allclose(
        class_scores(p, rank_charge=0.1, free_ranks=3), class_scores(p, rank_charge=0.0, free_ranks=3)
    )


@pytest.mark.parametrize(("rank_charge", "free_ranks"), [(0.0, 1), (0.05, 0), (0.2, 2)])
def test_scores_are_those_of_a_slow_loop(rank_charge, free_ranks, rng):
    p = np.round(peaky(rng, 40), 1)  # with ties: the class that is named first comes first
    expected = np.empty_like(p)
    for row, scores in zip(p, expected, strict=True):
        mass = 0.0
        for rank, k in enumerate(sorted(range(6), key=lambda k: (-row[k], k)), start=1):
            scores[k] = mass + row[k] / 2 + rank_charge * max(0, rank - free_ranks)
            mass += row[k]
    np.testing.assert_allclose(class_scores(p, rank_charge=rank_charge, free_ranks=free_ranks), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("n", "coverage", "rank"),
    [
        (99, 0.9, 90),
        (100, 0.9, 91),  # 101 * 0.9 = 90.9
        (9, 0.9, 9),
        (1, 0.5, 1),
        (3, 0.1, 1),
    ],
)
def test_the_limit_is_the_score_of_this_rank(n, coverage, rank, rng):
    assert threshold(rng.permutation(np.arange(1.0, n + 1)), coverage=coverage) == rank


@pytest.mark.parametrize(("n", "coverage"), [(8, 0.9), (1, 0.9), (98, 0.99)])
def test_too_few_scores_promise_nothing_and_every_class_belongs(n, coverage, rng):
    limit = threshold(np.zeros(n), coverage=coverage)
    assert math.isinf(limit)
    assert in_set(peaky(rng, 5), limit, **FREE).all()


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_a_new_score_is_within_the_limit_as_often_as_stated(coverage, rng):
    """With 19 scores, 20 * coverage is whole: the coverage of the next one is exact."""
    n_trials = 5000
    scores = rng.standard_normal((n_trials, 20)) ** 3
    limits = [threshold(row, coverage=coverage) for row in scores[:, :19]]
    noise = math.sqrt(coverage * (1 - coverage) / n_trials)
    assert (scores[:, 19] <= limits).mean() == pytest.approx(coverage, abs=4 * noise)


@pytest.mark.parametrize("sharpening", [1.0, 3.0])
@pytest.mark.parametrize(("rank_charge", "free_ranks"), [(0.0, 1), (0.1, 2)])
def test_sets_hold_the_truth_as_often_as_stated_even_of_an_overconfident_classifier(
    sharpening, rank_charge, free_ranks, rng
):
    settings = {"rank_charge": rank_charge, "free_ranks": free_ranks}
    n_fitted, n_new, coverage = 4000, 8000, 0.9
    p = rng.dirichlet(np.ones(6), n_fitted + n_new)
    labels = np.minimum((rng.random((len(p), 1)) > p.cumsum(axis=1)).sum(axis=1), 5)
    said = p**sharpening / (p**sharpening).sum(axis=1, keepdims=True)
    rows = np.arange(n_fitted)
    limit = threshold(class_scores(said[:n_fitted], **settings)[rows, labels[:n_fitted]], coverage=coverage)
    sets = in_set(said[n_fitted:], limit, **settings)
    covered = sets[np.arange(n_new), labels[n_fitted:]].mean()
    noise = math.sqrt(coverage * (1 - coverage) * (1 / n_fitted + 1 / n_new))
    assert covered == pytest.approx(coverage, abs=4 * noise)
    assert sets.sum(axis=1).mean() < 5.5  # and not by taking everything


@pytest.mark.parametrize("limit", [-1.0, 0.0, 0.3])
def test_the_most_probable_class_is_always_a_member(limit, rng):
    p = peaky(rng, 200)
    sets = in_set(p, limit, rank_charge=0.5, free_ranks=0)
    assert sets[np.arange(200), p.argmax(axis=1)].all()
    if limit < 0:
        assert (sets.sum(axis=1) == 1).all()


def test_a_set_takes_the_classes_within_the_limit():
    p = np.array([[0.5, 0.3, 0.2]])  # scores 0.25, 0.65, 0.9
    assert in_set(p, 0.7, **FREE).tolist() == [[True, True, False]]
    assert in_set(p, 0.6, **FREE).tolist() == [[True, False, False]]
    assert in_set(p, 0.95, **FREE).tolist() == [[True, True, True]]


def test_a_class_whose_score_is_the_limit_belongs():
    assert in_set(np.array([[0.5, 0.25, 0.25]]), 0.625, **FREE).tolist() == [[True, True, False]]


def test_a_wider_limit_loses_no_class(rng):
    p = peaky(rng, 100)
    sets = [in_set(p, limit, rank_charge=0.05, free_ranks=1) for limit in (0.2, 0.5, 0.8, 1.1)]
    for narrow, wide in itertools.pairwise(sets):
        assert (wide | ~narrow).all()
        assert wide.sum() > narrow.sum()


@pytest.mark.parametrize(
    ("scores", "coverage", "words"),
    [
        ([], 0.9, "0 scores"),
        ([0.5], 0.0, r"coverage 0\.0"),
        ([0.5], 1.0, r"coverage 1\.0"),
        ([0.5], -0.1, r"coverage -0\.1"),
        ([0.5], float("nan"), "coverage nan"),
    ],
)
def test_bad_input_is_refused_by_name(scores, coverage, words):
    with pytest.raises(ModelError, match=words):
        threshold(np.array(scores), coverage=coverage)
