"""Means over windows, embeddings that may be unknown, and vectors there and back."""

from types import SimpleNamespace

import numpy as np
import pytest

from models.errors import ModelError
from models.label_pool import MAX_LOG_ODDS, N_FEATURES, LabelPool


def heard(taggram: np.ndarray, embedding: np.ndarray, sounding: list[bool]) -> SimpleNamespace:
    activations = SimpleNamespace(taggram=taggram, embedding=embedding)
    return SimpleNamespace(activations=activations, sounding=np.array(sounding))


def taggram(*levels: float) -> np.ndarray:
    return np.repeat(np.array(levels, dtype=np.float32)[:, np.newaxis], 50, axis=1)


def test_roots_are_of_the_mean_and_log_odds_are_a_mean():
    pool = LabelPool.of_taggrams([taggram(0.25), taggram(0.0, 0.5), taggram(0.5, 1.0)], ("a", "", "b"))
    np.testing.assert_allclose(pool.roots[:, 0], [0.5, 0.5, np.sqrt(0.75)], rtol=1e-6)
    np.testing.assert_allclose(pool.log_odds[:, 7], [np.log(1 / 3), -MAX_LOG_ODDS / 2, MAX_LOG_ODDS / 2], rtol=1e-3)
    assert pool.groups == ("a", "", "b")
    assert pool.embedding is None
    assert not pool.embedded.any()


def test_of_a_listening_only_the_windows_that_sound_count():
    embedding = np.stack([np.full(200, 1.0), np.full(200, 3.0), np.full(200, 9.0)])
    pool = LabelPool.of_listening(heard(taggram(0.04, 0.12, 1.0), embedding, [True, True, False]), "someone")
    assert pool.roots[0, 0] == pytest.approx(np.sqrt(0.08))
    assert pool.embedding[0, 0] == 2.0
    assert pool.groups == ("someone",)
    assert pool.embedded.all()


def test_where_no_window_sounds_all_count():
    pool = LabelPool.of_listening(heard(taggram(0.04, 0.12), np.ones((2, 200)), [False, False]))
    assert pool.roots[0, 0] == pytest.approx(np.sqrt(0.08))


def test_vectors_there_and_back_keep_what_is_unknown_unknown(rng):
    pool = LabelPool.of_taggrams(list(rng.random((3, 2, 50))), ("a", "b", ""))
    embedding = np.full((3, 200), np.nan, np.float32)
    embedding[1] = rng.random(200)
    pool = LabelPool(pool.roots, pool.log_odds, embedding, pool.groups)
    again = LabelPool.from_vectors(pool.to_vectors(), pool.groups)
    assert again.groups == pool.groups
    assert again.embedded.tolist() == [False, True, False]
    for name in ("roots", "log_odds", "embedding"):
        np.testing.assert_array_equal(getattr(again, name), getattr(pool, name))


def test_vectors_without_any_embedding_have_none_again(rng):
    pool = LabelPool.of_taggrams(list(rng.random((2, 2, 50))), ("", ""))
    assert pool.to_vectors().shape == (2, N_FEATURES)
    assert LabelPool.from_vectors(pool.to_vectors(), pool.groups).embedding is None


def test_rows_are_taken_in_the_order_asked_for(rng):
    pool = LabelPool.of_taggrams(list(rng.random((4, 2, 50))), ("a", "b", "c", "d"))
    taken = pool.take(np.array([2, 0]))
    assert taken.groups == ("c", "a")
    np.testing.assert_array_equal(taken.roots, pool.roots[[2, 0]])
    assert len(pool.take(np.array([], dtype=int))) == 0


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"roots": np.zeros((2, 49), np.float32)}, "roots of shape"),
        ({"groups": ("a",)}, "for 1 recordings"),
        ({"log_odds": np.full((2, 50), np.nan, np.float32)}, "NaN"),
        ({"roots": np.full((2, 50), 1.5, np.float32)}, "outside 0 to 1"),
        ({"log_odds": np.full((2, 50), 12.0, np.float32)}, "beyond"),
        ({"embedding": np.array([[np.nan] + [0.0] * 199] * 2, np.float32)}, "neither known nor unknown"),
        ({"embedding": np.zeros((2, 256), np.float32)}, "embedding of shape"),
    ],
)
def test_what_no_recording_gives_is_refused(change, match):
    fields = {"roots": np.zeros((2, 50), np.float32), "log_odds": np.zeros((2, 50), np.float32), "embedding": None}
    with pytest.raises(ModelError, match=match):
        LabelPool(**(fields | {"groups": ("", "")} | change))


def test_vectors_of_another_width_are_refused():
    with pytest.raises(ModelError, match="expected"):
        LabelPool.from_vectors(np.zeros((2, 100), np.float32), ("", ""))
