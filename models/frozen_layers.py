"""Pieces of a network whose weights no longer change, in NumPy, folded into as few steps as possible."""

from dataclasses import dataclass

import numpy as np

EPSILON = 1e-3  # of every batch normalisation in the published checkpoints


@dataclass(frozen=True)
class Affine:
    """Batch normalisation at inference: x * scale + offset per channel."""

    scale: np.ndarray
    offset: np.ndarray

    @classmethod
    def of(cls, weights: dict[str, np.ndarray], i: int) -> "Affine":
        """The i-th batch normalisation of a checkpoint."""
        name = f"batch_normalization_{i}" if i else "batch_normalization"
        scale = weights[f"{name}/gamma"] / np.sqrt(weights[f"{name}/moving_variance"] + EPSILON)
        return cls(scale, weights[f"{name}/beta"] - weights[f"{name}/moving_mean"] * scale)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Normalise the last axis in place."""
        np.multiply(x, self.scale, out=x)
        return np.add(x, self.offset, out=x)


class MaxPooledConvolution:
    """A convolution of which only the maximum over the bands is used, after bias, ReLU and batch normalisation.

    The normalisation's scale is folded into the kernel. What follows, for each channel, never falls when the
    scaled convolution rises (a ReLU with a negative scale becomes a minimum with 0), so it commutes with the
    maximum and is applied after it.

    Attributes
    ----------
    kernel : np.ndarray, shape (n_frames, n_bands, n_filters)
        To be convolved and maximised.
    """

    def __init__(self, weights: dict[str, np.ndarray], i: int):
        normalise = Affine.of(weights, i + 1)
        name = f"conv2d_{i}" if i else "conv2d"
        self.kernel = weights[f"{name}/kernel"][:, :, 0] * normalise.scale
        bias = weights[f"{name}/bias"] * normalise.scale
        self._lowest = np.where(normalise.scale < 0, np.float32(-np.inf), -bias)
        self._highest = np.where(normalise.scale < 0, -bias, np.float32(np.inf))
        self._offset = normalise.offset + bias

    @property
    def n_filters(self) -> int:
        """Number of channels."""
        return len(self._offset)

    def finish(self, maximum: np.ndarray) -> np.ndarray:
        """From the maximum of the convolution to the block's output, in place; channels are the last axis."""
        np.maximum(maximum, self._lowest, out=maximum)
        np.minimum(maximum, self._highest, out=maximum)
        return np.add(maximum, self._offset, out=maximum)
