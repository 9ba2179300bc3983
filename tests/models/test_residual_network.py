"""Residual convolutions in NumPy are those in Keras, and reach as far as their settings say."""

import numpy as np
import pytest

from models.residual_network import residual_network
from models.tensorflow_runtime import keras
from models.vqvae import trunk
from models.vqvae_settings import TrunkSettings
from tests.support.small_priors import draw_weights

SETTINGS = TrunkSettings(width=6, kernel=3, dilations=(1, 2))


@pytest.fixture(scope="module")
def network() -> keras.Model:
    x = keras.Input((None, 4))
    made = keras.Model(x, keras.layers.Dense(3, name="out")(trunk(x, SETTINGS)))
    draw_weights(made)
    return made


@pytest.fixture(scope="module")
def arrays(network) -> dict[str, np.ndarray]:
    return {f"net/{layer.name}/{each.name}": each.numpy() for layer in network.layers for each in layer.variables}


def test_it_answers_as_the_network_does(network, arrays, rng):
    x = rng.normal(size=(17, 4)).astype(np.float32)
    expected = network(x[np.newaxis]).numpy()[0]
    np.testing.assert_allclose(residual_network(arrays, "net", x, SETTINGS.dilations), expected, atol=1e-4)


def test_a_change_reaches_as_far_as_the_context_and_no_further(arrays, rng):
    x = rng.normal(size=(31, 4)).astype(np.float32)
    other = x.copy()
    other[15] += 1
    answers = [residual_network(arrays, "net", each, SETTINGS.dilations) for each in (x, other)]
    changed = np.flatnonzero((answers[0] != answers[1]).any(axis=1))
    assert (changed.min(), changed.max()) == (15 - SETTINGS.context, 15 + SETTINGS.context)
