"""Probabilities that mean what they say: temperature scaling of logits.

References
----------
Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from models.errors import ModelError

TEMPERATURES = (0.05, 20.0)  # searched range


def scale(logits: np.ndarray, temperature: float | np.ndarray) -> np.ndarray:
    """Probabilities of logits at a temperature.

    Parameters
    ----------
    logits : np.ndarray, shape (..., n_classes)
        Up to a constant per row; log-probabilities will do.
    temperature : float or np.ndarray that broadcasts against `logits`
        Above 1 softens, below 1 sharpens; positive.

    Returns
    -------
    np.ndarray, shape (..., n_classes)
        Rows sum to 1.
    """
    return softmax(logits / temperature, axis=-1)


def fit_temperature(
    logits: np.ndarray, labels: np.ndarray, *, sample_weight: np.ndarray | None = None, doubt: float = 0.0
) -> float:
    """Temperature of least log-loss.

    Parameters
    ----------
    logits : np.ndarray, shape (n, n_classes)
        Of rows that the model was not fitted on.
    labels : np.ndarray, shape (n,)
        True classes.
    sample_weight : np.ndarray, shape (n,), optional
        Weight of each row.
    doubt : float
        Share of every label that counts for all classes alike. Where few rows are all answered rightly, the best
        temperature is the lowest, and the answers are surer than so few rows can justify; `rule_of_succession` says
        what they justify.

    Returns
    -------
    float
        1 where the probabilities are calibrated as they are.

    Raises
    ------
    ModelError
        If there are no rows, or shapes disagree.
    """
    if logits.ndim != 2 or labels.shape != (len(logits),) or len(logits) == 0:
        raise ModelError(f"logits {logits.shape} and labels {labels.shape}: expected (n >= 1, n_classes) and (n,)")
    rows = np.arange(len(labels))

    def log_loss(log_temperature: float) -> float:
        each = log_softmax(logits / np.exp(log_temperature), axis=1)
        of_target = (1 - doubt) * each[rows, labels] + doubt * each.mean(axis=1)
        return -float(np.average(of_target, weights=sample_weight))

    return float(np.exp(minimize_scalar(log_loss, bounds=np.log(TEMPERATURES), method="bounded").x))


def rule_of_succession(n_rows: int, n_classes: int) -> float:
    """Doubt that is left after so many rows, all answered rightly: Laplace's rule, with one more row of each class.

    The expected share of right answers is then (n_rows + 1) / (n_rows + n_classes).
    """
    return n_classes / (n_rows + n_classes)
