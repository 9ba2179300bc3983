"""Temperatures by length and prediction sets that hold what they promise."""

import numpy as np
import pytest
from scipy.special import softmax

from models.calibrated_head import CalibratedHead, calibration_arrays
from models.errors import ModelError

CARD = {"name": "any-1", "genres": ["fado", "polka", "raga"], "backbone": "stand-in", "coverage": 0.8}
ARRAYS = {
    "calibration/n_patches": np.array([1.0, 4.0, 16.0]),
    "calibration/temperatures": np.array([4.0, 2.0, 1.0]),
    "conformal/limit": np.array(0.6),
    "conformal/rank_charge": np.array(0.0),
    "conformal/free_ranks": np.array(1),
    "conformal/max_set_size": np.array(1),
}
SETS = {"coverage": 0.8, "rank_charge": 0.0, "free_ranks": 1, "max_set_size": 2}


def drawn(rng: np.random.Generator, n: int, *, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits and truths drawn from their softmax; the logits are then made `sharpness` times too large."""
    logits = rng.normal(0, 1.5, (n, 3))
    truths = np.array([rng.choice(3, p=p) for p in softmax(logits, axis=1)])
    return sharpness * logits, truths


@pytest.mark.parametrize(
    ("n_windows", "temperature"), [(1, 4.0), (2, 8**0.5), (4, 2.0), (8, 2**0.5), (16, 1.0), (400, 1.0)]
)
def test_the_temperature_of_a_length_lies_between_those_that_were_fitted(n_windows, temperature):
    head = CalibratedHead(CARD, ARRAYS)
    assert head.temperature(n_windows) == pytest.approx(temperature)
    logits = np.array([[2.0, 0.0, -1.0]])
    np.testing.assert_allclose(head.calibrated(logits, n_windows), softmax(logits / temperature, axis=1))


def test_each_length_gets_the_temperature_that_undoes_its_sharpness(rng):
    sharpness = {1: 0.5, 4: 1.0, 40: 3.0}
    answers = {n: drawn(rng, 3000, sharpness=s) for n, s in sharpness.items()}
    arrays = calibration_arrays({n: a[0] for n, a in answers.items()}, {n: a[1] for n, a in answers.items()}, **SETS)
    assert arrays["calibration/n_patches"].tolist() == [1, 4, 40]
    np.testing.assert_allclose(arrays["calibration/temperatures"], list(sharpness.values()), rtol=0.1)


def test_sets_hold_the_truth_as_often_as_promised_on_recordings_that_were_not_fitted_on(rng):
    logits, truths = drawn(rng, 3000, sharpness=2.0)
    head = CalibratedHead(CARD, ARRAYS | calibration_arrays({40: logits}, {40: truths}, **SETS))
    unheard, true = drawn(rng, 3000, sharpness=2.0)
    held = head.in_set(head.calibrated(unheard, 40))[np.arange(3000), true]
    assert held.mean() == pytest.approx(0.8, abs=0.03)


def test_the_longest_length_decides_on_the_sets(rng):
    short, long = drawn(rng, 200, sharpness=1.0), drawn(rng, 200, sharpness=2.0)
    both = calibration_arrays({1: short[0], 40: long[0]}, {1: short[1], 40: long[1]}, **SETS)
    alone = calibration_arrays({40: long[0]}, {40: long[1]}, **SETS)
    assert both["conformal/limit"] == alone["conformal/limit"]


def test_too_few_answers_to_promise_anything_make_every_genre_possible():
    arrays = calibration_arrays({1: np.eye(3)}, {1: np.arange(3)}, **SETS | {"coverage": 0.9})
    head = CalibratedHead(CARD, ARRAYS | arrays)
    assert set(head.prediction_set(np.array([0.98, 0.01, 0.01]))) == {"fado", "polka", "raga"}
    assert head.abstains(head.prediction_set(np.array([0.98, 0.01, 0.01])))


def test_a_set_names_its_genres_most_probable_first():
    head = CalibratedHead(CARD, ARRAYS)
    assert head.prediction_set(np.array([0.28, 0.32, 0.4])) == ("raga", "polka")  # scores 0.86, 0.56, 0.2
    assert head.abstains(("raga", "polka"))
    assert not head.abstains(("raga",))


@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_a_missing_array_is_named(name):
    with pytest.raises(ModelError, match=f"no genre head: .*{name}"):
        CalibratedHead(CARD, {key: array for key, array in ARRAYS.items() if key != name})


@pytest.mark.parametrize("name", sorted(CARD))
def test_a_missing_entry_of_the_card_is_named(name):
    with pytest.raises(ModelError, match=f"no genre head: .*{name}"):
        CalibratedHead({key: value for key, value in CARD.items() if key != name}, ARRAYS)


@pytest.mark.parametrize(
    ("card", "arrays", "words"),
    [
        ({"coverage": "high"}, {}, "no genre head"),
        ({"genres": 3}, {}, "no genre head"),
        ({}, {"conformal/limit": np.array([0.1, 0.2])}, "no genre head"),
        ({}, {"calibration/temperatures": np.ones(2)}, r"temperatures \(2,\) for lengths \(3,\)"),
        ({}, {"calibration/n_patches": np.array(1.0), "calibration/temperatures": np.array(1.0)}, r"temperatures \(\)"),
    ],
)
def test_what_does_not_fit_is_refused(card, arrays, words):
    with pytest.raises(ModelError, match=words):
        CalibratedHead(CARD | card, ARRAYS | arrays)
