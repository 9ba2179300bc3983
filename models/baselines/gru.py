"""A recurrent baseline: gated recurrent units that are told what the prior is told.

The Keras network has the inputs and the output of `models.prior`; `GruInference` is the same in NumPy, step by step.

References
----------
Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
EMNLP 2014.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from models.errors import ModelError
from models.prior_settings import GruSettings
from models.told_inputs import ToldInputs

if TYPE_CHECKING:
    import keras


def build(settings: GruSettings) -> "keras.Model":
    """A network with random weights; inputs and output as in `models.prior`."""
    from models.prior import predicted, told
    from models.tensorflow_runtime import keras

    inputs, x = told(settings, settings.width)
    for i in range(settings.n_layers):
        x = keras.layers.Dropout(settings.dropout)(x)
        x = keras.layers.GRU(settings.width, return_sequences=True, name=f"layer_{i}")(x)
    return keras.Model(inputs, predicted(x, settings), name="gru")


class GruInference:
    """One trained network; safe to use from several threads.

    Parameters
    ----------
    arrays : mapping of str to np.ndarray
        Of `prior.arrays_of`.
    settings : GruSettings
        Of the network.

    Raises
    ------
    ModelError
        If an array is missing or does not fit the settings.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], settings: GruSettings) -> None:
        self.settings = settings
        try:
            named = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
            self.told = ToldInputs(named, settings)
            self.layers = [
                tuple(named[f"layer_{i}/{part}"] for part in ("kernel", "recurrent_kernel", "bias"))
                for i in range(settings.n_layers)
            ]
            self.logits = named["logits/kernel"], named["logits/bias"]
            self.start(1).step(np.zeros((1, settings.width), np.float32))
        except KeyError as error:
            raise ModelError(f"no recurrent network: {error} is missing") from error
        except (IndexError, TypeError, ValueError) as error:
            raise ModelError(f"no recurrent network: its arrays do not fit its settings ({error})") from error

    def start(self, n_rows: int) -> "GruMemory":
        """An empty memory for as many rows."""
        return GruMemory(self, n_rows)


class GruMemory:
    """States of all layers for some rows."""

    def __init__(self, network: GruInference, n_rows: int) -> None:
        self._network = network
        self._states = [np.zeros((n_rows, network.settings.width), np.float32) for _ in network.layers]

    def step(self, x: np.ndarray) -> np.ndarray:
        """Take what a step is told, (n_rows, width), to its logits, (n_rows, n_codebooks, n_codes)."""
        for i, (kernel, recurrent, bias) in enumerate(self._network.layers):
            state = self._states[i]
            told = np.split(np.matmul(x[:, np.newaxis], kernel)[:, 0] + bias[0], 3, axis=1)
            remembered = np.split(np.matmul(state[:, np.newaxis], recurrent)[:, 0] + bias[1], 3, axis=1)
            update, reset = (expit(told[gate] + remembered[gate]) for gate in (0, 1))
            candidate = np.tanh(told[2] + reset * remembered[2])
            x = self._states[i] = update * state + (1 - update) * candidate
        kernel, bias = self._network.logits
        settings = self._network.settings
        logits = np.matmul(x[:, np.newaxis], kernel)[:, 0] + bias
        return logits.reshape(len(x), settings.n_codebooks, settings.n_codes)
