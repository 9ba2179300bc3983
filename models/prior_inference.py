"""The prior in NumPy: one step at a time, the same numbers as the Keras network of `models.prior`.

It needs no TensorFlow, whose call alone takes longer than a step. Each row of a batch is multiplied by itself, as a
vector: for the few rows that there are this is faster than a product of matrices, and a take comes out the same to
the bit however many others are made with it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import ModelError
from models.model_folder import load_weights
from models.prior_settings import PriorSettings
from models.settings_file import settings_of
from models.told_inputs import ToldInputs

KIND = "prior"
EPSILON = 1e-6  # of the normalisation
SLOWEST = 10_000.0  # steps, over 2 pi, that the slowest rotation takes for a turn
SPARE_STEPS = 128  # room in a memory after its window: how rarely it is moved


class PriorInference:
    """One trained prior; safe to use from several threads.

    Parameters
    ----------
    arrays : mapping of str to np.ndarray
        Of `prior.arrays_of`.
    settings : PriorSettings
        Of the network.

    Raises
    ------
    ModelError
        If an array is missing or does not fit the settings.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], settings: PriorSettings) -> None:
        self.settings = settings
        try:
            named = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
            self.told = ToldInputs(named, settings)
            self._layers = [_Layer(named, i, settings) for i in range(settings.n_layers)]
            self._logits = named["normalise/scale"][:, np.newaxis] * named["logits/kernel"], named["logits/bias"]
            self.start(1).step(np.zeros((1, settings.width), np.float32))
        except KeyError as error:
            raise ModelError(f"no prior: {error} is missing") from error
        except (IndexError, TypeError, ValueError) as error:
            raise ModelError(f"no prior: its arrays do not fit its settings ({error})") from error

    @classmethod
    def load(cls, folder: Path) -> tuple[dict[str, Any], "PriorInference"]:
        """The card and the network of a model folder.

        Raises
        ------
        IntegrityError, ModelError
            If the weights are not those that the card names, or no prior.
        """
        card, arrays = load_weights(folder, kind=KIND)
        return card, cls(arrays, settings_of(PriorSettings, card.get("network"), where=f"{folder}, network"))

    def start(self, n_rows: int) -> "Memory":
        """An empty memory for as many rows."""
        return Memory(self, n_rows)

    def _step(self, x: np.ndarray, memory: "Memory") -> np.ndarray:
        place = memory.next_place()
        turn = memory.turn()
        for layer, (keys, values) in zip(self._layers, memory.layers, strict=True):
            layer(x, keys, values, place, turn)
        kernel, bias = self._logits
        logits = np.matmul(_normalised(x)[:, np.newaxis], kernel)[:, 0]
        logits += bias
        return logits.reshape(len(x), self.settings.n_codebooks, self.settings.n_codes)


class Memory:
    """Keys and values of the last steps of some rows: constant, however long they get."""

    def __init__(self, network: PriorInference, n_rows: int) -> None:
        self._network = network
        settings = network.settings
        self._window = settings.window
        self._n_steps = 0  # so far
        self._end = 0  # of what is filled in
        size = settings.width // settings.n_heads
        self._speeds = rotations(size)
        shape = n_rows, settings.n_heads, self._window + SPARE_STEPS, size
        self.layers = [(np.zeros(shape, np.float32), np.zeros(shape, np.float32)) for _ in range(settings.n_layers)]

    def step(self, x: np.ndarray) -> np.ndarray:
        """Take one step.

        Parameters
        ----------
        x : np.ndarray, shape (n_rows, width), float32
            What the step is told; it is overwritten.

        Returns
        -------
        np.ndarray, shape (n_rows, n_codebooks, n_codes)
            Logits of the step's delayed codes.
        """
        return self._network._step(x, self)

    def next_place(self) -> slice:
        """Make room for a step, the last of the places that attention sees."""
        if self._end == self._window + SPARE_STEPS:
            kept = self._window - 1
            for each in self.layers:
                for array in each:
                    array[:, :, :kept] = array[:, :, self._end - kept : self._end].copy()
            self._end = kept
        self._end += 1
        self._n_steps += 1
        return slice(max(self._end - self._window, 0), self._end)

    def turn(self) -> np.ndarray:
        """By how much the step's queries and keys are turned, as complex factors."""
        return np.exp(1j * (self._n_steps - 1) * self._speeds).astype(np.complex64)


class _Layer:
    """Attention and perceptron of one layer; what can be multiplied into a matrix beforehand is."""

    def __init__(self, arrays: Mapping[str, np.ndarray], i: int, settings: PriorSettings) -> None:
        self._n_heads, self._size = settings.n_heads, settings.width // settings.n_heads
        qkv = arrays[f"layer_{i}_qkv/kernel"].reshape(settings.width, 3, self._n_heads, self._size).copy()
        # A pair that is turned together is one complex number, real part first.
        qkv[:, :2] = (
            qkv[:, :2].reshape(settings.width, 2, self._n_heads, 2, -1).swapaxes(-1, -2).reshape(qkv[:, :2].shape)
        )
        qkv[:, 0] /= np.sqrt(self._size)
        scale = arrays[f"layer_{i}_normalise_attention/scale"][:, np.newaxis]
        self._qkv = scale * qkv.reshape(settings.width, -1)
        self._attended = arrays[f"layer_{i}_attended/kernel"]
        self._widen = arrays[f"layer_{i}_normalise_mlp/scale"][:, np.newaxis] * arrays[f"layer_{i}_widen/kernel"]
        self._narrow = arrays[f"layer_{i}_narrow/kernel"]

    def __call__(self, x: np.ndarray, keys: np.ndarray, values: np.ndarray, place: slice, turn: np.ndarray) -> None:
        """Add to the stream, (n_rows, width), in place, and write down the step's keys and values."""
        n_rows = len(x)
        qkv = np.matmul(_normalised(x)[:, np.newaxis], self._qkv).reshape(n_rows, 3, self._n_heads, self._size)
        turned = qkv[:, :2].view(np.complex64)
        turned *= turn
        keys[:, :, place.stop - 1] = qkv[:, 1]
        values[:, :, place.stop - 1] = qkv[:, 2]
        scores = np.matmul(qkv[:, 0, :, np.newaxis], keys[:, :, place].swapaxes(-1, -2))  # (row, head, 1, step)
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        heard = np.matmul(scores, values[:, :, place])
        heard /= scores.sum(axis=-1, keepdims=True)
        x += np.matmul(heard.reshape(n_rows, 1, -1), self._attended)[:, 0]
        wide = np.matmul(_normalised(x)[:, np.newaxis], self._widen)
        np.maximum(wide, 0, out=wide)
        wide *= wide
        x += np.matmul(wide, self._narrow)[:, 0]


def rotations(size: int) -> np.ndarray:
    """Radians by which each pair of a head's `size` features turns in a step, (size / 2,) float64."""
    return SLOWEST ** (-np.arange(size // 2) / (size // 2))


def _normalised(x: np.ndarray) -> np.ndarray:
    """Rows of (n_rows, width) at a root mean square of 1."""
    power = np.einsum("rw,rw->r", x, x) / x.shape[1]
    return x / np.sqrt(power + EPSILON)[:, np.newaxis]
