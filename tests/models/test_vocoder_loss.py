"""The terms are nothing where nothing is wrong, and each tells of its own error."""

import numpy as np
import pytest

from features.log_mel import HOP_LENGTH, N_FFT
from models.errors import ModelError
from models.phases import spectra_of
from models.tensorflow_runtime import tf
from models.vocoder_loss import LossSettings, TrueSpectra, spectral_terms, true_spectra
from models.vocoder_network import Spectra


@pytest.fixture
def true(rng) -> TrueSpectra:
    y = rng.normal(size=(2, N_FFT + 8 * HOP_LENGTH)).astype(np.float32)
    return true_spectra(np.stack([spectra_of(each) for each in y]))


def terms(true: TrueSpectra, **changes) -> dict[str, float]:
    made = Spectra(*(tf.constant(changes.get(name, part)) for name, part in true._asdict().items()))
    return {name: float(value) for name, value in spectral_terms(true, made).items()}


def test_what_is_right_has_no_error(true):
    assert true.log_power.shape == (2, 8, 1025)
    assert true.advance.shape == true.delay.shape == (2, 8, 2, 1025)
    assert terms(true) == pytest.approx({"bins": 0, "cells": 0, "mel": 0, "phase": 0}, abs=1e-6)


def test_twice_the_power_is_wrong_by_log_2(true):
    found = terms(true, log_power=true.log_power + np.float32(np.log(2)))
    assert found == pytest.approx({"bins": np.log(2), "cells": np.log(2), "mel": np.log(2), "phase": 0}, abs=1e-3)


def test_power_at_the_neighbours_is_right_in_the_bands(true):
    """Pairs of bins that change places: wrong bin by bin, right in cells of four."""
    places = np.arange(1024).reshape(-1, 2)[:, ::-1].reshape(-1)
    found = terms(true, log_power=true.log_power[..., [*places, 1024]])
    assert found["bins"] > 0.5
    assert found["cells"] == pytest.approx(0, abs=1e-5)
    assert found["mel"] < 0.2 * found["bins"]


def test_who_does_not_know_the_phases_errs_less_than_who_is_wrong(true):
    """On the unit circle, the middle is one away and the opposite two; halved, for two parts of each number."""
    unsure, wrong = (terms(true, advance=factor * true.advance)["phase"] for factor in (np.float32(0), np.float32(-1)))
    assert (unsure, wrong) == pytest.approx((0.5, 2.0), rel=1e-3)


def test_loud_bins_count_more(rng):
    """A tone over faint noise: the phase of the tone's bins matters more than that of as many others."""
    t = np.arange(N_FFT + 8 * HOP_LENGTH)
    y = (np.cos(2 * np.pi * 100 * t / N_FFT) + 1e-3 * rng.normal(size=t.size)).astype(np.float32)
    true = true_spectra(spectra_of(y)[np.newaxis])
    found = []
    for place in (99, 600):
        advance = true.advance.copy()
        advance[..., place : place + 3] *= -1
        found.append(terms(true, advance=advance)["phase"])
    assert found[0] > 5 * found[1]


def test_silence_below_the_floor_is_silence(true):
    silent = TrueSpectra(np.full_like(true.log_power, np.log(1e-5)), true.advance, true.delay)
    found = terms(silent, log_power=np.full_like(true.log_power, -40.0))
    assert found["bins"] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("fields", [{"bins": -1.0}, {"cells": 101.0}, {"mel": "1"}, {"phase": float("nan")}])
def test_weights_out_of_range_are_refused(fields):
    with pytest.raises(ModelError, match=next(iter(fields))):
        LossSettings(**fields)
