"""Fréchet distance between the Gaussians that fit two sets of embeddings best.

Embeddings are (n, dim), one row for each patch of sound. The distance is the squared one, as it is usually reported:
|m1 - m2|^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2). It comes out too large when n is small, so that it means something
only with its n, beside a distance between real recordings of the same n, or extrapolated to infinite n.

References
----------
Kilgour et al., "Fréchet audio distance: a reference-free metric for evaluating music enhancement algorithms",
Interspeech 2019.
Chong and Forsyth, "Effectively unbiased FID and Inception Score and where to find them", CVPR 2020 (extrapolation).
Gui et al., "Adapting Frechet audio distance for generative music evaluation", ICASSP 2024 (the same for music).
Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", 2004 (shrinkage).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import norm

from models.errors import ModelError

ROWS_PER_DIMENSION = 2  # that a covariance needs without shrinkage
ROUNDING = 1e-6  # of the largest eigenvalue: so far below 0 an eigenvalue may come out for rounding alone
N_SIZES = 15  # of the subsets that are extrapolated from
LEAST_SPREAD = 1.5  # the largest subset has so many times the rows of the smallest
DRAWS_PER_SIZE = 4
N_RESAMPLES = 60  # enough for a standard error


@dataclass(frozen=True)
class Gaussian:
    """Mean (dim,) and covariance (dim, dim) of `n` embeddings, and whether the covariance was shrunk."""

    mean: np.ndarray
    covariance: np.ndarray
    n: int
    shrunk: bool

    @cached_property
    def root(self) -> np.ndarray:
        """Symmetric square root of the covariance."""
        values, vectors = np.linalg.eigh(self.covariance)
        return (vectors * np.sqrt(_not_negative(values))) @ vectors.T


@dataclass(frozen=True)
class Extrapolation:
    """Distance at infinite n, with the slope over 1/n and the share of variance that the line explains."""

    value: float
    slope: float
    r_squared: float
    sizes: tuple[int, ...]


def fit_gaussian(embeddings: np.ndarray, *, shrinkage: bool = False) -> Gaussian:
    """Mean and covariance.

    Parameters
    ----------
    embeddings : np.ndarray, shape (n, dim)
        One row for each patch, n >= 2.
    shrinkage : bool
        Whether the covariance is shrunk towards a multiple of the identity, as Ledoit and Wolf do: needed where n is
        small, at the price of a distance that depends on n in yet another way.

    Raises
    ------
    ModelError
        If there are fewer than 2 dim rows without shrinkage, or the embeddings are not finite.
    """
    X = np.asarray(embeddings, dtype=np.float64)
    if X.ndim != 2 or len(X) < 2 or not X.shape[1]:
        raise ModelError(f"embeddings of shape {X.shape}: expected (n >= 2, dim)")
    if not np.isfinite(X).all():
        raise ModelError("the embeddings hold NaN or infinity")
    n, dim = X.shape
    if shrinkage:
        covariance = _shrunk_covariance(X)
    elif n < ROWS_PER_DIMENSION * dim:
        raise ModelError(
            f"{n} embeddings of {dim} dimensions: a covariance needs {ROWS_PER_DIMENSION * dim} or more; give more "
            "sound, or use shrinkage"
        )
    else:
        covariance = np.cov(X, rowvar=False)
    return Gaussian(mean=X.mean(axis=0), covariance=np.reshape(covariance, (dim, dim)), n=n, shrunk=shrinkage)


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """Squared Fréchet distance of two Gaussians: 0 for equal ones, else positive up to rounding.

    The trace of the root of the product is taken from the eigenvalues of a symmetric matrix, never of the product
    itself, whose root would be complex by rounding.

    Raises
    ------
    ModelError
        If they have different dimensions, or a covariance has a negative eigenvalue beyond rounding.
    """
    if a.mean.shape != b.mean.shape:
        raise ModelError(f"Gaussians of {a.mean.size} and {b.mean.size} dimensions: expected embeddings of one network")
    shift = a.mean - b.mean
    values = np.linalg.eigvalsh(b.root @ a.covariance @ b.root)
    overlap = np.sqrt(_not_negative(values)).sum()
    return float(shift @ shift + np.trace(a.covariance) + np.trace(b.covariance) - 2 * overlap)


def extrapolated_distance(
    embeddings: np.ndarray, reference: Gaussian, *, smallest: int | None = None, seed: int = 0
) -> Extrapolation:
    """Distance to a reference at infinite n: a line through the distances of subsets over 1/n, at 1/n = 0.

    Parameters
    ----------
    embeddings : np.ndarray, shape (n, dim)
        To be measured.
    reference : Gaussian
        Stays as it is: what its own n adds remains in the figure.
    smallest : int, optional
        Rows of the smallest subset; 2 dim by default.
    seed : int
        Of the draws.

    Raises
    ------
    ModelError
        If n is less than 1.5 times the smallest subset.
    """
    X = np.asarray(embeddings)
    smallest = ROWS_PER_DIMENSION * reference.mean.size if smallest is None else smallest
    if len(X) < LEAST_SPREAD * smallest:
        raise ModelError(f"{len(X)} embeddings: extrapolation needs {round(LEAST_SPREAD * smallest)} or more")
    rng = np.random.default_rng(seed)
    # Even steps of 1/n, so that no end of the line weighs more than the other.
    sizes = np.round(1 / np.linspace(1 / smallest, 1 / len(X), N_SIZES)).astype(int)
    distances = [
        np.mean([_of_subset(X, reference, rng.choice(len(X), size, replace=False)) for _ in range(DRAWS_PER_SIZE)])
        for size in sizes
    ]
    slope, value = np.polyfit(1 / sizes, distances, 1)
    left = distances - (value + slope / sizes)
    spread = np.sum((distances - np.mean(distances)) ** 2)
    r_squared = 1.0 if spread == 0 else 1 - float(np.sum(left**2) / spread)
    return Extrapolation(float(value), float(slope), r_squared, tuple(int(size) for size in sizes))


def distance_interval(
    embeddings: np.ndarray,
    recording: np.ndarray,
    reference: Gaussian,
    *,
    shrinkage: bool = False,
    level: float = 0.95,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of the distance to a reference: its standard error when recordings are drawn again with replacement.

    Recordings that are drawn twice make the distances of the draws too large, as a smaller n would: only their spread
    is used, about the distance itself.

    Parameters
    ----------
    embeddings : np.ndarray, shape (n, dim)
        Patches.
    recording : np.ndarray of int, shape (n,)
        Of which recording each patch is: patches of one are no independent draws.
    reference : Gaussian
        Stays as it is.
    shrinkage, level, n_resamples, seed
        Of the Gaussians, of the interval, and of the draws.

    Raises
    ------
    ModelError
        If there are fewer than 2 recordings.
    """
    X = np.asarray(embeddings)

    def distance(rows: np.ndarray) -> float:
        return frechet_distance(fit_gaussian(X[rows], shrinkage=shrinkage), reference)

    error = _standard_error(distance, recording, n_resamples=n_resamples, seed=seed)
    value, times = distance(np.arange(len(X))), float(norm.ppf((1 + level) / 2))
    return value - times * error, value + times * error


def _shrunk_covariance(X: np.ndarray) -> np.ndarray:
    """Ledoit and Wolf's estimate; that of scikit-learn, without its checks, which take longer than the work."""
    n, dim = X.shape
    Z = X - X.mean(axis=0)
    covariance = Z.T @ Z / n
    level = np.trace(covariance) / dim
    delta = (np.square(covariance).sum() - dim * level**2) / dim  # how far from a multiple of the identity
    beta = (np.square(np.square(Z).sum(axis=1)).sum() / n - np.square(covariance).sum()) / (n * dim)  # how uncertain
    share = min(beta, delta) / delta if delta > 0 else 0.0
    return (1 - share) * covariance + share * level * np.eye(dim)


def _standard_error(
    figure: Callable[[np.ndarray], float], recording: np.ndarray, *, n_resamples: int, seed: int
) -> float:
    """Spread of a figure of the rows of recordings that are drawn with replacement."""
    rows_of = [np.flatnonzero(recording == name) for name in np.unique(recording)]
    if len(rows_of) < 2:
        raise ModelError(f"{len(rows_of)} recordings: an interval needs 2 or more")
    rng = np.random.default_rng(seed)
    draws = [rng.integers(0, len(rows_of), len(rows_of)) for _ in range(n_resamples)]
    return float(np.std([figure(np.concatenate([rows_of[i] for i in draw])) for draw in draws], ddof=1))


def _of_subset(X: np.ndarray, reference: Gaussian, rows: np.ndarray) -> float:
    return frechet_distance(fit_gaussian(X[rows], shrinkage=reference.shrunk), reference)


def _not_negative(eigenvalues: np.ndarray) -> np.ndarray:
    """Eigenvalues of a matrix that has none below 0 but for rounding."""
    if eigenvalues.min() < -ROUNDING * max(eigenvalues.max(), np.finfo(float).tiny):
        raise ModelError(f"a covariance with an eigenvalue of {eigenvalues.min():.3g}: expected none below 0")
    return np.maximum(eigenvalues, 0)
