"""One template that every strategy must meet, and what single ones are known to choose."""

import numpy as np
import pytest

from models.active import DEFAULT_STRATEGY, STRATEGIES, rank
from models.errors import ModelError
from models.label_pool import LabelPool
from tests.support.label_pools import grouped_pool

N, K = 24, 3


@pytest.fixture(scope="module")
def pool() -> LabelPool:
    """Eight recordings of each of three genres."""
    return grouped_pool(np.repeat(np.arange(K), N // K))


def targets_of(genres: list[int]) -> np.ndarray:
    return np.eye(K)[genres].reshape(len(genres), K)


def ordered(pool, strategy, *, labelled=(0, 8), genres=(0, 1), probabilities=None, n=5, seed=0):
    return rank(
        pool,
        np.array(labelled, dtype=int),
        targets_of(list(genres)),
        probabilities,
        strategy=strategy,
        n=n,
        seed=seed,
    )


CASES = {
    "no label, no head": {"labelled": (), "genres": ()},
    "one label": {"labelled": (3,), "genres": (1,)},
    "one genre": {"labelled": (0, 1, 2), "genres": (2, 2, 2)},
    "two genres": {},
    "probabilities": {"probabilities": np.random.default_rng(0).dirichlet(np.ones(K), N)},
    "certain": {"probabilities": np.eye(K)[np.repeat(np.arange(K), N // K)]},
    "all alike": {"probabilities": np.full((N, K), 1 / K)},
    "zeros": {"probabilities": np.zeros((N, K))},
    "no row has a prediction": {"probabilities": np.full((N, K), np.nan)},
    "some rows have no prediction": {
        "probabilities": np.where(np.arange(N)[:, np.newaxis] % 4 == 0, np.nan, np.full((N, K), 1 / K))
    },
    "all but one labelled": {"labelled": tuple(range(N - 1)), "genres": (0,) * (N - 1), "n": 1},
    "more than there are": {"n": 100},
    "none wanted": {"n": 0},
}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_strategy_gives_unlabelled_rows_once(pool, strategy, case):
    rows = ordered(pool, strategy, **case)
    labelled = case.get("labelled", (0, 8))
    assert rows.dtype == np.int64
    assert rows.shape == (min(case.get("n", 5), N - len(labelled)),)
    assert len(set(rows.tolist())) == len(rows)
    assert set(rows.tolist()) <= set(range(N)) - set(labelled)
    np.testing.assert_array_equal(rows, ordered(pool, strategy, **case))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_copies_of_one_recording_are_ranked_too(strategy):
    copies = grouped_pool(np.zeros(6, dtype=int)).take(np.zeros(6, dtype=int))
    for labelled, genres in (((), ()), ((2,), (1,))):
        rows = ordered(copies, strategy, labelled=labelled, genres=genres, n=6)
        assert sorted(rows) == sorted(set(range(6)) - set(labelled))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_embeddings_are_looked_at_where_all_are_known(pool, strategy, rng):
    embedded = LabelPool(pool.roots, pool.log_odds, rng.random((N, 200), np.float32), pool.groups)
    assert len(set(ordered(embedded, strategy, n=10).tolist())) == 10


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_long_queue_is_ranked_to_its_end(strategy):
    long = grouped_pool(np.arange(250) % K)
    rows = ordered(long, strategy, labelled=(0, 1, 2), genres=(0, 1, 2), n=250)
    assert sorted(rows) == list(range(3, 250))


@pytest.mark.parametrize("strategy", ["random", "margin", "entropy", "least_confidence", "core_set"])
def test_the_seed_decides_between_equals(pool, strategy):
    orders = {tuple(ordered(pool, strategy, labelled=(), genres=(), n=N, seed=seed)) for seed in range(5)}
    assert len(orders) > 1


@pytest.mark.parametrize("strategy", ["least_confidence", "margin", "entropy", "badge", "mixed"])
def test_the_one_recording_in_doubt_comes_first(pool, strategy):
    probabilities = np.eye(K)[np.repeat(np.arange(K), N // K)] * 0.97 + 0.01
    probabilities[13] = [0.34, 0.33, 0.33]
    assert ordered(pool, strategy, probabilities=probabilities)[0] == 13


@pytest.mark.parametrize("strategy", ["least_confidence", "margin", "entropy", "mixed"])
def test_a_recording_without_a_prediction_is_the_most_uncertain(pool, strategy):
    probabilities = np.tile([0.9, 0.06, 0.04], (N, 1))
    probabilities[20] = np.nan
    assert ordered(pool, strategy, probabilities=probabilities)[0] == 20


def test_measures_of_doubt_differ_where_they_should(pool):
    probabilities = np.tile([1.0, 0.0, 0.0], (N, 1))
    probabilities[5] = [0.5, 0.5, 0.0]  # no margin
    probabilities[6] = [0.5, 0.25, 0.25]  # more entropy
    assert ordered(pool, "margin", probabilities=probabilities)[0] == 5
    assert ordered(pool, "entropy", probabilities=probabilities)[0] == 6


@pytest.mark.parametrize("strategy", ["core_set", "typicality", "mixed"])
def test_a_cold_start_meets_every_genre(pool, strategy):
    rows = ordered(pool, strategy, labelled=(), genres=(), n=K)
    assert sorted(rows // (N // K)) == list(range(K))


@pytest.mark.parametrize("strategy", ["core_set", "typicality", "mixed"])
def test_what_has_no_label_near_comes_before_what_has(pool, strategy):
    assert ordered(pool, strategy, n=1)[0] >= 16  # genres 0 and 1 are labelled


def test_the_default_serves_copies_late():
    pool = grouped_pool(np.array([0, 0, 1, 1])).take(np.array([0, 0, 0, 2]))
    assert set(ordered(pool, DEFAULT_STRATEGY, labelled=(), genres=(), n=2)) & {3}


def test_the_committee_disagrees_where_labels_contradict_each_other(pool):
    labelled = (0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19)
    rows = ordered(pool, "committee", labelled=labelled, genres=(0, 1, 0, 1) + (1,) * 4 + (2,) * 4, n=3)
    assert set(rows) <= {4, 5, 6, 7}


def test_the_default_is_one_of_them():
    assert DEFAULT_STRATEGY in STRATEGIES


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"strategy": "wisest"}, "no strategy 'wisest', expected one of random"),
        ({"targets": np.zeros((1, K))}, "targets of shape"),
        ({"targets": np.zeros((2, 1))}, "targets of shape"),
        ({"labelled": np.array([0, N])}, "outside the pool"),
        ({"labelled": np.array([-1, 0])}, "outside the pool"),
        ({"probabilities": np.ones((N, K + 1))}, "probabilities of shape"),
        ({"probabilities": np.ones((N - 2, K))}, "probabilities of shape"),
    ],
)
def test_what_does_not_fit_is_refused(pool, change, match):
    asked = {"labelled": np.array([0, 8]), "targets": np.zeros((2, K)), "probabilities": None, "strategy": "random"}
    with pytest.raises(ModelError, match=match):
        rank(pool, n=1, seed=0, **(asked | change))
