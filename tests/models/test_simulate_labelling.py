"""Replayed labelling on tracks made for the test."""

import dataclasses

import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.taggrams import TaggramSet
from models import simulate_labelling as module
from models.active import DEFAULT_STRATEGY
from models.errors import ModelError
from models.simulate_labelling import simulate_labelling
from tests.support.taggrams import GENRES, synthetic_tracks


@pytest.fixture(scope="module")
def pool() -> TaggramSet:
    return synthetic_tracks(np.random.default_rng(0), per_genre=10)


@pytest.fixture(scope="module")
def test_tracks() -> TaggramSet:
    return synthetic_tracks(np.random.default_rng(1), per_genre=5)


def test_figures_have_an_accuracy_for_each_strategy_fraction_and_seed(pool, test_tracks):
    found = simulate_labelling(pool, test_tracks, strategies=("random", "mixed"), n_seeds=2, fractions=(0.2, 1.0))
    assert set(found) == {"full", "fractions", "default", "strategies"}
    assert found["fractions"] == [0.2, 1.0]
    assert found["default"] == DEFAULT_STRATEGY
    assert list(found["strategies"]) == ["random", "mixed"]
    assert np.shape(found["strategies"]["mixed"]) == (2, 2)
    assert found["full"] > 0.9  # the genres are easy
    assert found["strategies"]["random"][1] == [found["full"]] * 2


def test_without_a_test_corpus_every_track_is_scored_once(pool):
    found = simulate_labelling(pool, strategies=("margin",), n_seeds=2, fractions=(0.5, 1.0))
    every = np.array(found["strategies"]["margin"])
    np.testing.assert_allclose(every * 30, np.round(every * 30), atol=1e-9)
    assert found["full"] == pytest.approx(every[1].mean())


def test_it_is_the_same_again(pool, test_tracks):
    settings = {"strategies": ("random", "mixed"), "n_seeds": 2, "fractions": (0.1, 0.3)}
    assert simulate_labelling(pool, test_tracks, **settings) == simulate_labelling(pool, test_tracks, **settings)


def test_a_label_is_looked_at_only_when_it_is_bought(pool, test_tracks, monkeypatch):
    """Labels that are never bought may be anything: the order and the answers stay the same."""
    bought_in = []

    def remember(pool, labelled, targets, probabilities, *, strategy, n, seed):
        rows = rank(pool, labelled, targets, probabilities, strategy=strategy, n=n, seed=seed)
        bought_in.append(rows.tolist())
        return rows

    rank = module.rank
    monkeypatch.setattr(module, "rank", remember)
    settings = {"strategies": ("mixed",), "n_seeds": 1, "fractions": (0.2,)}
    before = simulate_labelling(pool, test_tracks, **settings)
    first, bought_in = bought_in, []
    bought = [row for batch in first for row in batch]
    labels = (pool.labels + 1) % 3
    labels[bought] = pool.labels[bought]
    after = simulate_labelling(dataclasses.replace(pool, labels=labels), test_tracks, **settings)
    assert bought_in == first
    assert after["strategies"] == before["strategies"]


def test_progress_reaches_the_end(pool, test_tracks):
    told = []
    simulate_labelling(
        pool,
        test_tracks,
        strategies=("random",),
        n_seeds=3,
        fractions=(0.1,),
        progress=lambda words, share: told.append((words, share)),
    )
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert told[-1][0] == "simulated 3 of 3 labellings"


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"strategies": ("wisest",)}, "no strategy 'wisest'"),
        ({"strategies": ()}, "0 strategies"),
        ({"strategies": ("random", "random")}, "each strategy once"),
        ({"n_seeds": 0}, "0 seeds"),
        ({"fractions": ()}, "fractions"),
        ({"fractions": (0.0, 0.1)}, "fractions"),
        ({"fractions": (0.2, 0.1)}, "fractions"),
        ({"fractions": (0.5, 1.5)}, "fractions"),
        ({"fractions": (float("nan"),)}, "fractions"),
    ],
)
def test_settings_out_of_range_are_refused(pool, settings, match):
    with pytest.raises(ModelError, match=match):
        simulate_labelling(pool, **settings)


def test_corpora_of_different_genres_are_refused(pool, test_tracks):
    with pytest.raises(ModelError, match="the pool's genres are"):
        simulate_labelling(pool, dataclasses.replace(test_tracks, genres=(*GENRES[:2], "tango")))


def test_too_few_tracks_for_blocks_are_refused():
    with pytest.raises(DatasetError, match="cannot fill 5 folds"):
        simulate_labelling(synthetic_tracks(np.random.default_rng(0), per_genre=3), strategies=("random",), n_seeds=1)
