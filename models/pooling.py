"""From the windows of a recording to one vector: what every member of the genre head looks at.

Taggrams are (..., n_patches, n_tags) activations from 0 to 1; the order of the patches and how densely they lie
does not matter. A single patch is a pool of its own.
"""

from collections.abc import Callable

import numpy as np

from models.errors import ModelError

ACTIVATION_FLOOR = 1e-4  # below it an activation is noise


def pool(taggram: np.ndarray, kind: str) -> np.ndarray:
    """Summarise patches.

    Parameters
    ----------
    taggram : np.ndarray, shape (..., n_patches, n_tags)
        Tag activations, at least one patch.
    kind : str
        A key of `POOLINGS`.

    Returns
    -------
    np.ndarray, shape (..., n_features), float64
    """
    if kind not in POOLINGS:
        raise ModelError(f"no pooling {kind!r}, expected one of {', '.join(POOLINGS)}")
    if taggram.ndim < 2 or taggram.shape[-2] == 0:
        raise ModelError(f"expected patches of shape (..., n >= 1, n_tags), got {taggram.shape}")
    return POOLINGS[kind](np.asarray(taggram, dtype=np.float64))


def _root_of_mean(taggram: np.ndarray) -> np.ndarray:
    return np.sqrt(taggram.mean(axis=-2))


def log_odds(activations: np.ndarray) -> np.ndarray:
    """log(a / (1 - a)) of each activation, those below `ACTIVATION_FLOOR` taken for equal."""
    clipped = np.clip(activations, ACTIVATION_FLOOR, 1 - ACTIVATION_FLOOR)
    return np.log(clipped) - np.log1p(-clipped)


def _mean_log_odds(taggram: np.ndarray) -> np.ndarray:
    return log_odds(taggram).mean(axis=-2)


POOLINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "root_of_mean": _root_of_mean,
    "mean_log_odds": _mean_log_odds,
}
