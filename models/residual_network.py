"""A network of residual convolutions over time, in NumPy: `vqvae.trunk` and a layer "out" after it."""

from collections.abc import Mapping, Sequence

import numpy as np

NORMALISE_EPSILON = 1e-5


def residual_network(
    arrays: Mapping[str, np.ndarray], name: str, x: np.ndarray, dilations: Sequence[int]
) -> np.ndarray:
    """A convolution, a residual block for each dilation, and a layer on what comes of them.

    Parameters
    ----------
    arrays : mapping of str to np.ndarray
        Weights, float32: "name/layer/weight".
    name : str
        Of the network.
    x : np.ndarray, shape (time, n_in)
        Beyond its ends are zeros.
    dilations : sequence of int
        Of the blocks.

    Returns
    -------
    np.ndarray, shape (time, n_out)
    """
    x = _conv(arrays, f"{name}/in", x, dilation=1)
    for index, dilation in enumerate(dilations):
        y = _normalise(arrays, f"{name}/block_{index}_normalise", x)
        y = _silu(_conv(arrays, f"{name}/block_{index}_conv", y, dilation=dilation))
        x = x + _dense(arrays, f"{name}/block_{index}_mix", y)
    return _dense(arrays, f"{name}/out", _normalise(arrays, f"{name}/normalise", x))


def _dense(arrays: Mapping[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    return x @ arrays[f"{name}/kernel"] + arrays[f"{name}/bias"]


def _normalise(arrays: Mapping[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=1, keepdims=True) + np.float32(NORMALISE_EPSILON))
    return centred / spread * arrays[f"{name}/gamma"] + arrays[f"{name}/beta"]


def _conv(arrays: Mapping[str, np.ndarray], name: str, x: np.ndarray, *, dilation: int) -> np.ndarray:
    """Convolution over time that keeps the length: one matrix product for each place of the kernel."""
    kernel, bias = arrays[f"{name}/kernel"], arrays[f"{name}/bias"]
    reach = dilation * (len(kernel) // 2)
    padded = np.pad(x, ((reach, reach), (0, 0)))
    out = np.broadcast_to(bias, (len(x), bias.size)).copy()
    for place, weights in enumerate(kernel):
        out += padded[place * dilation : place * dilation + len(x)] @ weights
    return out


def _silu(x: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return x * expit(x)
