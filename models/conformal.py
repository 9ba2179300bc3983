"""Prediction sets that hold the truth with a stated probability, whatever the classifier.

The score of a class is how much probability lies on it and on all more probable ones, plus a charge for every rank
beyond `free_ranks` (RAPS, in its deterministic form). A set takes the classes whose score is within a threshold, and
the threshold is a quantile of the scores that the truth had on tracks the model was not fitted on.

References
----------
Angelopoulos, Bates, Malik and Jordan, "Uncertainty sets for image classifiers using conformal prediction", ICLR 2021.
Barber, Candès, Ramdas and Tibshirani, "Predictive inference with the jackknife+", Annals of Statistics 49(1), 2021.
"""

import numpy as np

from models.errors import ModelError


def class_scores(probabilities: np.ndarray, *, rank_charge: float, free_ranks: int) -> np.ndarray:
    """How badly each class fits: the smaller, the sooner it joins the set.

    Parameters
    ----------
    probabilities : np.ndarray, shape (n, n_classes)
        Rows sum to 1.
    rank_charge : float
        Added for each rank after `free_ranks`; keeps sets small.
    free_ranks : int
        Ranks that cost nothing.

    Returns
    -------
    np.ndarray, shape (n, n_classes)
        From near 0 for the likeliest class of many alike, 0.5 for one that is certain, up to 1 plus the charges.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranks = np.argsort(order, axis=1, kind="stable")
    before = np.cumsum(np.take_along_axis(probabilities, order, axis=1), axis=1)
    mass = np.take_along_axis(before, ranks, axis=1)
    # Half of a class's own probability counts: else a certain answer would score as badly as a hopeless one.
    return mass - 0.5 * probabilities + rank_charge * np.maximum(ranks + 1 - free_ranks, 0)


def threshold(scores_of_truth: np.ndarray, *, coverage: float) -> float:
    """Score within which the truth lies with probability `coverage`, with the finite-sample correction.

    Raises
    ------
    ModelError
        If there are no scores, or `coverage` is not between 0 and 1.
    """
    n = scores_of_truth.size
    if n == 0 or not 0 < coverage < 1:
        raise ModelError(f"{n} scores, coverage {coverage}: expected at least one score and 0 < coverage < 1")
    rank = int(np.ceil((n + 1) * coverage))
    if rank > n:  # too few to promise anything: every class belongs
        return float("inf")
    return float(np.sort(scores_of_truth)[rank - 1])


def in_set(probabilities: np.ndarray, limit: float, *, rank_charge: float, free_ranks: int) -> np.ndarray:
    """Which classes belong: score within `limit`, and always the most probable one.

    Returns
    -------
    np.ndarray of bool, shape (n, n_classes)
    """
    member = class_scores(probabilities, rank_charge=rank_charge, free_ranks=free_ranks) <= limit
    member[np.arange(len(probabilities)), probabilities.argmax(axis=1)] = True
    return member
