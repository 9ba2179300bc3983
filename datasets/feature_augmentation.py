"""Seeded changes of features of shape (..., n_frames, n_bands): masks, noise, crops, mixtures.

A transform is a frozen dataclass of settings, called as `transform(x, rng)`; `Mixup` takes labels too. `x` is a
floating-point array and is not changed; the answer has its type, and is the same for the same state of `rng`. What is
drawn is drawn anew for each (n_frames, n_bands) of a batch.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from datasets.errors import DatasetError

LARGEST_ALPHA = 1000.0  # beyond it, lambda is 0.5 for all that float32 shows


class FeatureTransform(ABC):
    """A change of features; the settings are the fields of the subclass."""

    def __call__(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change features.

        Parameters
        ----------
        x : np.ndarray, shape (..., n_frames, n_bands)
            Floating-point and finite; no axis is empty.
        rng : np.random.Generator
            Draws what the settings leave open.

        Returns
        -------
        np.ndarray, shape (..., n_frames, n_bands)
            Of the type of `x`; only `Crop` changes n_frames.

        Raises
        ------
        DatasetError
            If `x` is no such array, or too small for the settings.
        """
        _check_features(x)
        items = x.reshape(-1, *x.shape[-2:])
        changed = self._change(items, rng)
        return changed.reshape(*x.shape[:-2], *changed.shape[1:]).astype(x.dtype, copy=False)

    @abstractmethod
    def _change(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The change itself, (n_items, n_frames, n_bands); `x` must be left as it is."""


@dataclass(frozen=True)
class SpecAugment(FeatureTransform):
    """Masks over runs of frames and of bands, without the time warp, which its authors found to help least.

    Attributes
    ----------
    time_masks, frequency_masks : int
        How many of each; they may overlap.
    longest_time_mask, widest_frequency_mask : int
        In frames and bands; the size of each mask is drawn uniformly from 0 to this, or to the whole axis.
    largest_time_share : float
        No time mask is longer than this share of the frames, 0 to 1: short clips keep something.
    fill : float or None
        What stands in a mask; None: the mean of the item, as 0 does where features are normalised.

    References
    ----------
    Park et al., "SpecAugment: a simple data augmentation method for automatic speech recognition", Interspeech 2019.
    """

    time_masks: int = 2
    longest_time_mask: int = 20
    frequency_masks: int = 2
    widest_frequency_mask: int = 12
    largest_time_share: float = 0.2
    fill: float | None = None

    def __post_init__(self) -> None:
        counts = (self.time_masks, self.longest_time_mask, self.frequency_masks, self.widest_frequency_mask)
        if min(counts) < 0 or not 0 <= self.largest_time_share <= 1:
            raise DatasetError(f"{self}: expected counts and sizes of 0 or more, and a share from 0 to 1")
        if self.fill is not None and not np.isfinite(self.fill):
            raise DatasetError(f"fill={self.fill}: expected a finite number, or None for the mean")

    def _change(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n_items, n_frames, n_bands = x.shape
        longest = min(self.longest_time_mask, int(self.largest_time_share * n_frames))
        frames = _masks(rng, n_items, self.time_masks, longest, n_frames)
        bands = _masks(rng, n_items, self.frequency_masks, min(self.widest_frequency_mask, n_bands), n_bands)
        masked = frames[:, :, np.newaxis] | bands[:, np.newaxis, :]
        fill = x.mean(axis=(1, 2), keepdims=True) if self.fill is None else x.dtype.type(self.fill)
        return np.where(masked, fill, x)


@dataclass(frozen=True)
class FeatureNoise(FeatureTransform):
    """Gaussian noise on every feature.

    Attributes
    ----------
    std : pair of float
        Range from which each item's standard deviation is drawn uniformly, in the features' own unit; 0 or more.
    """

    std: tuple[float, float] = (0.0, 0.1)

    def __post_init__(self) -> None:
        if np.shape(self.std) != (2,) or not 0 <= self.std[0] <= self.std[1] < float("inf"):
            raise DatasetError(f"std={self.std}: expected (low, high) with 0 <= low <= high")

    def _change(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return x + rng.uniform(*self.std, size=(len(x), 1, 1)) * rng.standard_normal(x.shape)


@dataclass(frozen=True)
class Crop(FeatureTransform):
    """A run of frames from a drawn place.

    Attributes
    ----------
    n_frames : int
        How many, at least 1; features that have fewer are refused.
    """

    n_frames: int

    def __post_init__(self) -> None:
        if self.n_frames < 1:
            raise DatasetError(f"n_frames={self.n_frames}: expected 1 or more")

    def _change(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        spare = x.shape[1] - self.n_frames
        if spare < 0:
            raise DatasetError(f"{x.shape[1]} frames cannot be cropped to {self.n_frames}: give a longer recording")
        start = rng.integers(spare + 1, size=(len(x), 1))
        return np.take_along_axis(x, (start + np.arange(self.n_frames))[:, :, np.newaxis], axis=1)


@dataclass(frozen=True)
class Mixup:
    """Mixtures of pairs of a batch, features and labels alike.

    Attributes
    ----------
    alpha : float
        Of the Beta(alpha, alpha) from which each pair's share is drawn, above 0 to 1000: near 0 one of the two
        dominates, at 1 every share is as likely.

    References
    ----------
    Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.
    """

    alpha: float = 0.2

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= LARGEST_ALPHA:
            raise DatasetError(f"alpha={self.alpha}: expected more than 0, up to {LARGEST_ALPHA:g}")

    def __call__(self, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Mix each item of a batch with one of a drawn order of the same batch.

        Parameters
        ----------
        x : np.ndarray, shape (n_items, ..., n_frames, n_bands)
            Floating-point and finite.
        y : np.ndarray, shape (n_items, n_classes)
            Floating-point, rows that sum to 1: one-hot labels or probabilities.
        rng : np.random.Generator
            Draws the partners and the shares, one for each item.

        Returns
        -------
        x, y : np.ndarray
            lambda * own + (1 - lambda) * partner's, with the shapes and types of `x` and `y`.

        Raises
        ------
        DatasetError
            If an array is no such array.
        """
        _check_features(x)
        if x.ndim < 3 or y.ndim != 2 or len(x) != len(y) or not np.issubdtype(y.dtype, np.floating):
            raise DatasetError(
                f"x {x.shape}, y {y.dtype} {y.shape}: expected (n_items, ..., n_frames, n_bands) and float labels "
                "(n_items, n_classes)"
            )
        if not ((y >= 0).all() and np.allclose(y.sum(axis=1), 1, atol=1e-4)):
            raise DatasetError("labels that do not sum to 1: expected one-hot rows or probabilities")
        share = rng.beta(self.alpha, self.alpha, len(x))
        partner = rng.permutation(len(x))
        return _mixed(x, partner, share), _mixed(y, partner, share)


def _check_features(x: np.ndarray) -> None:
    if x.ndim < 2 or x.size == 0 or not np.issubdtype(x.dtype, np.floating):
        raise DatasetError(f"{x.dtype} {x.shape}: expected floating-point features (..., n_frames, n_bands), not empty")
    if not np.isfinite(x).all():
        raise DatasetError("the features hold NaN or infinity")


def _masks(rng: np.random.Generator, n_items: int, n_masks: int, longest: int, length: int) -> np.ndarray:
    """Where any mask of an item lies, (n_items, length) of bool."""
    size = rng.integers(longest + 1, size=(n_items, n_masks, 1))
    start = rng.integers(length - size + 1)
    place = np.arange(length)
    return np.logical_or.reduce((place >= start) & (place < start + size), axis=1)


def _mixed(values: np.ndarray, partner: np.ndarray, share: np.ndarray) -> np.ndarray:
    own = share.reshape(-1, *(1,) * (values.ndim - 1)).astype(values.dtype)
    return own * values + (1 - own) * values[partner]
