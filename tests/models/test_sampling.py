"""Codes are drawn as often as their probabilities say, and never from what is cut away."""

import numpy as np
import pytest

from models.errors import ModelError
from models.sampling import Sampling, draw

PROBABILITIES = np.array([0.05, 0.5, 0.15, 0.3])
LOGITS = np.log(PROBABILITIES).astype(np.float32)[np.newaxis]  # one codebook
N_DRAWN = 4000


def shares(sampling: Sampling, logits: np.ndarray = LOGITS) -> np.ndarray:
    """How often each code is drawn for numbers that are evenly spread."""
    numbers = ((np.arange(N_DRAWN) + 0.5) / N_DRAWN)[:, np.newaxis]
    codes = draw(np.broadcast_to(logits, (N_DRAWN, *logits.shape)), numbers, sampling)
    return np.bincount(codes[:, 0], minlength=logits.shape[-1]) / N_DRAWN


def test_codes_are_drawn_as_often_as_they_are_likely():
    np.testing.assert_allclose(shares(Sampling()), PROBABILITIES, atol=1e-3)


def test_heat_evens_out_and_cold_sharpens():
    for temperature in (0.5, 2.0):
        expected = PROBABILITIES ** (1 / temperature)
        np.testing.assert_allclose(shares(Sampling(temperature)), expected / expected.sum(), atol=1e-3)


@pytest.mark.parametrize(
    "sampling",
    [Sampling(0.0), Sampling(0), Sampling(1e-3), Sampling(top_k=1), Sampling(top_p=0.0), Sampling(top_p=0.4)],
)
def test_extremes_take_the_likeliest(sampling):
    np.testing.assert_array_equal(shares(sampling), [0, 1, 0, 0])


def test_top_k_leaves_the_k_likeliest():
    np.testing.assert_allclose(shares(Sampling(top_k=2)), [0, 0.625, 0, 0.375], atol=1e-3)
    np.testing.assert_allclose(shares(Sampling(top_k=4)), PROBABILITIES, atol=1e-3)
    np.testing.assert_allclose(shares(Sampling(top_k=99)), PROBABILITIES, atol=1e-3)


@pytest.mark.parametrize(
    ("top_p", "left"), [(0.45, [1]), (0.6, [1, 3]), (0.79, [1, 3]), (0.81, [1, 2, 3]), (0.96, [0, 1, 2, 3])]
)
def test_the_nucleus_is_the_fewest_that_reach_the_probability(top_p, left):
    expected = np.zeros(4)
    expected[left] = PROBABILITIES[left] / PROBABILITIES[left].sum()
    np.testing.assert_allclose(shares(Sampling(top_p=top_p)), expected, atol=1e-3)


def test_each_codebook_may_have_its_own_temperature():
    logits = np.tile(LOGITS, (2, 1))
    numbers = np.full((N_DRAWN, 2), 0.97)
    codes = draw(np.broadcast_to(logits, (N_DRAWN, 2, 4)), numbers, Sampling((0.0, 1.0)))
    assert set(codes[:, 0]) == {1}
    assert set(codes[:, 1]) == {3}


def test_the_largest_number_below_one_draws_a_code_that_is_left():
    numbers = np.full((1, 1), np.nextafter(1.0, 0))
    for sampling in (Sampling(), Sampling(top_k=2), Sampling(top_p=0.6)):
        assert draw(LOGITS[np.newaxis], numbers, sampling)[0, 0] == 3


def test_rows_do_not_know_of_each_other(rng):
    logits, numbers = rng.normal(size=(5, 3, 16)), rng.random((5, 3))
    sampling = Sampling(0.9, top_k=5, top_p=0.8)
    together = draw(logits, numbers, sampling)
    for row in range(5):
        np.testing.assert_array_equal(draw(logits[row], numbers[row], sampling), together[row])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": -0.1}, "temperature=-0.1: expected 0 to 10"),
        ({"temperature": float("nan")}, "temperature=nan"),
        ({"temperature": (1.0, 11.0)}, r"temperature=\(1.0, 11.0\)"),
        ({"temperature": ()}, r"temperature=\(\)"),
        ({"temperature": "hot"}, "temperature='hot'"),
        ({"top_k": -1}, "top_k=-1"),
        ({"top_p": 1.1}, "top_p=1.1"),
    ],
)
def test_settings_out_of_range_are_named(values, message):
    with pytest.raises(ModelError, match=message):
        Sampling(**values)


def test_a_wrong_number_of_temperatures_is_named():
    with pytest.raises(ModelError, match="2 temperatures: expected 1, or one for each of 1 codebooks"):
        draw(LOGITS, np.zeros(1), Sampling((1.0, 1.0)))
