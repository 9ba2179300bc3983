"""Weights of a network by name, "layer/weight", as model folders keep them."""

from collections.abc import Mapping

import numpy as np

from models.errors import ModelError
from models.tensorflow_runtime import keras


def named_weights(network: keras.Model) -> dict[str, keras.Variable]:
    """The variables of a network's layers."""
    return {f"{layer.name}/{variable.name}": variable for layer in network.layers for variable in layer.weights}


def set_weights(network: keras.Model, arrays: Mapping[str, np.ndarray], *, what: str) -> None:
    """Give a network the weights of another of the same shape.

    Raises
    ------
    ModelError
        Where they do not fit; `what` says of what they are, for the message.
    """
    variables = named_weights(network)
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    if shapes != {name: array.shape for name, array in arrays.items()}:
        raise ModelError(f"the weights to start from are of a {what} of another shape: give the same network settings")
    for name, variable in variables.items():
        variable.assign(arrays[name])
