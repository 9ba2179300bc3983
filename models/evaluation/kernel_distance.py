"""Kernel distance between two sets of embeddings: the squared maximum mean discrepancy with a cubic kernel, unbiased.

Unlike the Fréchet distance it expects no Gaussians and is right on average however small the sets are: it is 0 on
average, and as often negative as positive, where both come from one distribution.

Reference
---------
Bińkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs", ICLR 2018 (kernel inception distance).
"""

from dataclasses import dataclass

import numpy as np

from models.errors import ModelError

N_SUBSETS = 100
LEAST_ROWS = 2  # of a set: the mean over pairs of different rows needs one pair
LEAST_RECORDINGS = 4  # half of them make a set again


@dataclass(frozen=True)
class KernelDistance:
    """The distance with its interval, from so many rows on either side."""

    value: float
    low: float
    high: float
    n: int
    n_reference: int


def kernel_distance(X: np.ndarray, Y: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy.

    Parameters
    ----------
    X, Y : np.ndarray, shape (n, dim) and (m, dim)
        Embeddings of one network, n and m at least 2.

    Returns
    -------
    float
        In units of the kernel (x . y / dim + 1)^3.

    Raises
    ------
    ModelError
        If a set is too small, or they have different dimensions.
    """
    X, Y = (np.asarray(each, dtype=np.float64) for each in (X, Y))
    _check(X, Y)
    k_xx, k_yy, k_xy = _kernel(X, X), _kernel(Y, Y), _kernel(X, Y)
    return float(_pairs(k_xx) + _pairs(k_yy) - 2 * k_xy.mean())


def kernel_distance_interval(
    X: np.ndarray,
    recording: np.ndarray,
    Y: np.ndarray,
    *,
    level: float = 0.95,
    n_subsets: int = N_SUBSETS,
    seed: int = 0,
) -> KernelDistance:
    """The distance, with the interval that random halves of the recordings give.

    A figure of half the recordings, drawn without replacement, scatters about that of all as that of all scatters
    about the truth.

    Parameters
    ----------
    X, Y : np.ndarray, shape (n, dim) and (m, dim)
        Embeddings.
    recording : np.ndarray of int, shape (n,)
        Of which recording each row of X is.
    level, n_subsets, seed
        Of the interval and of the draws.

    Raises
    ------
    ModelError
        As `kernel_distance`, and if X has fewer than 4 recordings.
    """
    X, Y = (np.asarray(each, dtype=np.float64) for each in (X, Y))
    _check(X, Y)
    names = np.unique(recording)
    if len(names) < LEAST_RECORDINGS:
        raise ModelError(f"{len(names)} recordings: an interval needs {LEAST_RECORDINGS} or more")
    k_xx, of_y = _kernel(X, X), _pairs(_kernel(Y, Y))
    towards_y = _kernel(X, Y).mean(axis=1)

    def distance(rows: np.ndarray) -> float:
        return float(_pairs(k_xx[np.ix_(rows, rows)]) + of_y - 2 * towards_y[rows].mean())

    rng = np.random.default_rng(seed)
    halves = [rng.choice(names, len(names) // 2, replace=False) for _ in range(n_subsets)]
    draws = np.array([distance(np.flatnonzero(np.isin(recording, half))) for half in halves])
    value = distance(np.arange(len(X)))
    tail = (1 - level) / 2
    low, high = value + np.quantile(draws - draws.mean(), [tail, 1 - tail])
    return KernelDistance(value, float(low), float(high), len(X), len(Y))


def _check(X: np.ndarray, Y: np.ndarray) -> None:
    if X.ndim != 2 or Y.ndim != 2 or X.shape[1:] != Y.shape[1:] or min(len(X), len(Y)) < LEAST_ROWS:
        raise ModelError(f"embeddings of shapes {X.shape} and {Y.shape}: expected (n >= 2, dim) and (m >= 2, dim)")
    if not (np.isfinite(X).all() and np.isfinite(Y).all()):
        raise ModelError("the embeddings hold NaN or infinity")


def _kernel(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    return (X @ Y.T / X.shape[1] + 1) ** 3


def _pairs(kernel: np.ndarray) -> float:
    """Mean over pairs of different rows."""
    n = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (n * (n - 1)))
