"""Each term is nothing where nothing differs, and tells blur from what is sharp and slightly wrong."""

import numpy as np
import pytest

from features.log_mel import N_MELS
from models.errors import ModelError
from models.reconstruction_loss import SCALES, LossSettings, reconstruction_terms
from models.tensorflow_runtime import tf

TERMS = ("absolute", "square", "scales", "spread")


@pytest.fixture
def true(rng) -> np.ndarray:
    return rng.normal(size=(2, 32, N_MELS)).astype(np.float32)


def terms(true: np.ndarray, decoded: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in reconstruction_terms(tf.constant(true), tf.constant(decoded)).items()}


def test_the_same_costs_nothing(true):
    assert terms(true, true) == dict.fromkeys(TERMS, 0.0)


def test_a_constant_error_has_a_size_and_neither_slope_nor_spread(true):
    found = terms(true, true + 0.5)
    assert found["absolute"] == pytest.approx(0.5, rel=1e-4)
    assert found["square"] == pytest.approx(0.25, rel=1e-4)
    assert found["scales"] == pytest.approx(0.5, rel=1e-4)  # at every scale the error itself, its slopes are zero
    assert found["spread"] == pytest.approx(0.0, abs=1e-3)


def test_the_scales_are_those_of_a_slow_loop(true, rng):
    decoded = true + rng.normal(size=true.shape).astype(np.float32)
    expected = 0.0
    for scale in SCALES:
        cells = (true - decoded).reshape(2, 32 // scale, scale, N_MELS // scale, scale).mean(axis=(2, 4))
        expected += np.abs(cells).mean() + np.abs(np.diff(cells, axis=1)).mean() + np.abs(np.diff(cells, axis=2)).mean()
    assert terms(true, decoded)["scales"] == pytest.approx(expected / len(SCALES), rel=1e-4)


def test_blur_loses_the_spread_that_noise_keeps(true, rng):
    """The mean of noise errs less than other noise of the same kind, and only the spread tells which sounds right."""
    blurred, other = np.zeros_like(true), rng.normal(size=true.shape).astype(np.float32)
    assert terms(true, blurred)["absolute"] < terms(true, other)["absolute"]
    assert terms(true, blurred)["spread"] == pytest.approx(1.0, abs=0.05)
    assert terms(true, other)["spread"] < 0.2


def test_slopes_are_finite_where_nothing_sounds():
    decoded = tf.Variable(np.zeros((1, 32, N_MELS), np.float32))
    with tf.GradientTape() as tape:
        loss = tf.add_n(list(reconstruction_terms(tf.zeros((1, 32, N_MELS)) + 1.0, decoded).values()))
    assert np.isfinite(tape.gradient(loss, decoded)).all()


def test_weights_out_of_range_are_refused():
    with pytest.raises(ModelError, match="spread=-1"):
        LossSettings(spread=-1)
