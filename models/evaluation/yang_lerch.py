"""How alike two sets of pieces are, by distances within each set and between them.

A set whose pieces differ from those of the other as they differ among themselves is like the other, however many
dimensions a feature has: distances are compared, not features. Distances within a set are taken by leaving one piece
out at a time, so that each pair counts twice. They are smoothed to densities by a Gaussian kernel with Scott's rule.

References
----------
Yang and Lerch, "On the evaluation of generative models in music", Neural Computing and Applications 32, 2020.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.errors import ModelError

N_POINTS = 500  # at which densities are compared, over each sample
MOST_AT_ONCE = 1 << 20  # kernels that are computed at a time
MARGIN = 5.0  # bandwidths beyond the outermost distance, where a Gaussian kernel has ended
SAME = 1e-12  # spread below which all distances are the same number


@dataclass(frozen=True)
class Absolute:
    """Mean and standard deviation of one feature over a set, each of the feature's shape."""

    mean: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True)
class Distances:
    """Euclidean distances between pieces of a set `a` of n and a set `b` of m.

    Attributes
    ----------
    intra_a, intra_b : np.ndarray, shape (n * (n - 1),) and (m * (m - 1),)
        Within each set, from each piece to each other.
    inter : np.ndarray, shape (n * m,)
        From each piece of `a` to each of `b`.
    """

    intra_a: np.ndarray
    intra_b: np.ndarray
    inter: np.ndarray


@dataclass(frozen=True)
class Likeness:
    """How the distances within one set lie to the distances between the sets.

    Attributes
    ----------
    kl_divergence : float or None
        Kullback-Leibler divergence from the density of the former to that of the latter, in nats: 0 where they are
        the same. None where one of them is a single number and the other is not that number.
    overlap_area : float
        Area under both densities, 0 (they never meet) to 1 (they are the same).
    """

    kl_divergence: float | None
    overlap_area: float


@dataclass(frozen=True)
class Relative:
    """How like each other a set `a` and a set `b` are in one feature.

    Attributes
    ----------
    intra_a, intra_b, inter : float
        Mean distances.
    a, b : Likeness
        Of the distances within each set to those between them. Where `b` gives the same piece again and again, `a`
        may not show it, but `b` does.
    """

    intra_a: float
    intra_b: float
    inter: float
    a: Likeness
    b: Likeness

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def absolute_measures(features: Mapping[str, np.ndarray]) -> dict[str, Absolute]:
    """Mean and standard deviation of each feature; arrays of shape (n_pieces, ...)."""
    return {name: Absolute(values.mean(axis=0), values.std(axis=0)) for name, values in features.items()}


def relative_measures(
    features_a: Mapping[str, np.ndarray], features_b: Mapping[str, np.ndarray]
) -> dict[str, Relative]:
    """Compare a set with a reference, feature by feature.

    Parameters
    ----------
    features_a, features_b : mapping of name to np.ndarray, shape (n, ...) and (m, ...)
        Features of the reference, such as training material, and of the set that is judged, such as generated pieces;
        the same names, 3 pieces or more each.

    Raises
    ------
    ModelError
        If the names or shapes differ, or a set is too small.
    """
    if set(features_a) != set(features_b):
        odd = ", ".join(sorted(set(features_a) ^ set(features_b)))
        raise ModelError(f"features of one set only: {odd}; measure both sets alike")
    return {name: relative(intra_inter(_rows(values), _rows(features_b[name]))) for name, values in features_a.items()}


def intra_inter(a: np.ndarray, b: np.ndarray) -> Distances:
    """Distances within and between two sets of features of any kind, of notes or of sound.

    Parameters
    ----------
    a, b : np.ndarray, shape (n, d) and (m, d)
        One row a piece, 3 or more.

    Raises
    ------
    ModelError
        If the shapes do not fit, a set is too small, or a value is not a finite number.
    """
    from scipy.spatial.distance import cdist

    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 3:
        raise ModelError(f"sets of shape {a.shape} and {b.shape}: expected (n >= 3, d) and (m >= 3, d)")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ModelError("features that are infinite or not a number: expected finite ones")
    within = [cdist(each, each)[~np.eye(len(each), dtype=bool)] for each in (a, b)]
    return Distances(within[0], within[1], cdist(a, b).ravel())


def relative(distances: Distances) -> Relative:
    """Sum up the distances of two sets."""
    return Relative(
        intra_a=float(distances.intra_a.mean()),
        intra_b=float(distances.intra_b.mean()),
        inter=float(distances.inter.mean()),
        a=likeness(distances.intra_a, distances.inter),
        b=likeness(distances.intra_b, distances.inter),
    )


def likeness(x: np.ndarray, y: np.ndarray) -> Likeness:
    """Of two samples of one dimension, such as the distances within a set and those between sets.

    Both densities are read at the same points; the authors' toolbox reads each over its own range for the divergence,
    which is 0 then for samples that are only shifted, and cuts the overlap at the outermost values.
    """
    if min(np.ptp(x), np.ptp(y)) < SAME:
        same = bool(np.ptp(np.concatenate([x, y])) < SAME)
        return Likeness(0.0 if same else None, float(same))
    widths = [_bandwidth(each) for each in (x, y)]
    points = np.unique(
        [
            np.linspace(each.min() - MARGIN * width, each.max() + MARGIN * width, N_POINTS)
            for each, width in zip((x, y), widths, strict=True)
        ]
    )
    p, q = (_density(each, width, points) for each, width in zip((x, y), widths, strict=True))
    ratio = np.maximum(p, np.finfo(float).tiny) / np.maximum(q, np.finfo(float).tiny)
    return Likeness(
        kl_divergence=max(0.0, float(np.trapezoid(p * np.log(ratio), points))),
        overlap_area=min(1.0, float(np.trapezoid(np.minimum(p, q), points))),
    )


def _rows(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)


def _bandwidth(x: np.ndarray) -> float:
    """Scott's rule."""
    return float(x.std(ddof=1) * x.size ** (-1 / 5))


def _density(x: np.ndarray, width: float, points: np.ndarray) -> np.ndarray:
    """Of a Gaussian kernel, at points; each distance of a pair, and whole numbers, come many times."""
    values, counts = np.unique(x, return_counts=True)
    shares = counts / (x.size * width * np.sqrt(2 * np.pi))
    return np.concatenate(
        [
            np.exp(-0.5 * ((some[:, np.newaxis] - values) / width) ** 2) @ shares
            for some in np.array_split(points, max(1, points.size * values.size // MOST_AT_ONCE))
        ]
    )
