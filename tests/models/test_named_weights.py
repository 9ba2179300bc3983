"""Weights have names, go from one network to another, and do not go where they do not fit."""

import numpy as np
import pytest

from models.errors import ModelError
from models.named_weights import named_weights, set_weights
from models.tensorflow_runtime import keras


def network(width: int = 3) -> keras.Model:
    x = keras.Input((2,))
    return keras.Model(x, keras.layers.Dense(1, name="out")(keras.layers.Dense(width, name="first")(x)))


def test_names_are_layer_and_weight():
    assert set(named_weights(network())) == {"first/kernel", "first/bias", "out/kernel", "out/bias"}


def test_weights_go_from_one_network_to_another():
    one, other = network(), network()
    set_weights(other, {name: weight.numpy() for name, weight in named_weights(one).items()}, what="sieve")
    x = np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(one(x), other(x))


def test_weights_of_another_shape_are_refused():
    arrays = {name: weight.numpy() for name, weight in named_weights(network(4)).items()}
    with pytest.raises(ModelError, match="of a sieve of another shape"):
        set_weights(network(), arrays, what="sieve")
    with pytest.raises(ModelError, match="of a sieve of another shape"):
        set_weights(network(4), {name: array for name, array in arrays.items() if name != "out/bias"}, what="sieve")
