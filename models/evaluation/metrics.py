"""Figures about probabilities: accuracy, log-loss, calibration error, confusion.

`probabilities` are (n, n_classes) with rows that sum to 1, `labels` (n,) the true classes.
"""

from typing import Any

import numpy as np

from models.errors import ModelError

ECE_BINS = 15
LOG_LOSS_FLOOR = 1e-12


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Share of rows whose most probable class is the truth."""
    _check(probabilities, labels)
    return float((probabilities.argmax(axis=1) == labels).mean())


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative natural logarithm of the truth's probability; log(n_classes) for one who knows nothing."""
    _check(probabilities, labels)
    of_truth = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_truth, LOG_LOSS_FLOOR)).mean())


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, *, n_bins: int = ECE_BINS) -> float:
    """How far confidence is from accuracy: the mean over rows, in bins of equal width of the top probability.

    Bins are (0, 1/n_bins], (1/n_bins, 2/n_bins] and so on; an empty bin weighs nothing.

    References
    ----------
    Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015.
    """
    _check(probabilities, labels)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, n_bins + 1)[1:-1]
    gaps = np.bincount(np.searchsorted(edges, confidence, side="left"), weights=confidence - right)
    return float(np.abs(gaps).sum() / len(labels))


def confusion(predicted: np.ndarray, labels: np.ndarray, *, n_classes: int) -> np.ndarray:
    """Counts, shape (n_classes, n_classes): row is the truth, column the prediction."""
    return np.bincount(labels * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)


def bootstrap_interval(
    right: np.ndarray, *, level: float = 0.95, n_resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of a share, when tracks are drawn again with replacement.

    Parameters
    ----------
    right : np.ndarray of bool, shape (n_tracks,)
        Whether each track was answered rightly.
    """
    draws = np.random.default_rng(seed).integers(0, right.size, (n_resamples, right.size))
    tail = (1 - level) / 2
    low, high = np.quantile(right[draws].mean(axis=1), [tail, 1 - tail])
    return float(low), float(high)


def share_of(right: np.ndarray) -> dict[str, Any]:
    """How many are right, with a 95 % interval, ready for JSON: bool (n,); no share of none."""
    if not right.size:
        return {"n": 0, "share": None, "interval": None}
    return {"n": int(right.size), "share": float(right.mean()), "interval": list(bootstrap_interval(right))}


def _check(probabilities: np.ndarray, labels: np.ndarray) -> None:
    if probabilities.ndim != 2 or labels.shape != (len(probabilities),) or len(labels) == 0:
        raise ModelError(
            f"probabilities {probabilities.shape} and labels {labels.shape}: expected (n >= 1, k) and (n,)"
        )
