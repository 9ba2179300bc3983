"""Labels that are likely wrong, by confident learning.

An item is suspicious where a model that did not learn from it is surer of another genre than it is, on average, of the
recordings that carry that genre.

References
----------
Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70, 2021.
"""

from dataclasses import dataclass

import numpy as np

from models.errors import ModelError

MIN_LABELS = 5  # of a genre: the mean confidence of fewer says nothing
NO_LABEL = -1


@dataclass(frozen=True)
class SuspiciousLabel:
    """A label that is likely wrong.

    Attributes
    ----------
    row : int
        Of the label among those that were given.
    label, likely : int
        The genre that it says, and the likely one.
    quality : float
        Probability of the genre that the label says, 0 to 1.
    """

    row: int
    label: int
    likely: int
    quality: float


def find_suspicious_labels(probabilities: np.ndarray, labels: np.ndarray) -> tuple[SuspiciousLabel, ...]:
    """Labels that are likely wrong, the likeliest first.

    Parameters
    ----------
    probabilities : np.ndarray, shape (n, n_genres)
        Of each item, by a model that was not fitted on it. Rows with NaN are skipped.
    labels : np.ndarray of int, shape (n,)
        Genre that each label says, -1 where it says no single one: skipped.

    Returns
    -------
    tuple of SuspiciousLabel
        Genres with fewer than 5 labels are neither judged nor named as likely; with fewer than two genres left there
        is nothing to find.

    Raises
    ------
    ModelError
        If the shapes disagree, or a label is no genre.
    """
    if probabilities.ndim != 2 or labels.shape != (len(probabilities),):
        raise ModelError(f"probabilities {probabilities.shape} and labels {labels.shape}: expected (n, k) and (n,)")
    n_genres = probabilities.shape[1]
    if labels.size and not NO_LABEL <= labels.min() <= labels.max() < n_genres:
        raise ModelError(f"labels from {labels.min()} to {labels.max()}: expected -1 to {n_genres - 1}")
    usable = np.isfinite(probabilities).all(axis=1) & (labels != NO_LABEL)
    counts = np.bincount(labels[usable], minlength=n_genres)
    judged = np.flatnonzero(counts >= MIN_LABELS)
    if len(judged) < 2:
        return ()
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    rows = np.flatnonzero(usable & np.isin(labels, judged))
    # Genres that are not judged keep their share: what is left for the others is not blown up to 1.
    of_judged = probabilities[np.ix_(rows, judged)].astype(float)
    own = np.searchsorted(judged, labels[rows])
    wrong = find_label_issues(own, of_judged, filter_by="confident_learning", n_jobs=1)
    quality = get_label_quality_scores(own, of_judged, method="self_confidence")
    likely = judged[of_judged.argmax(axis=1)]
    found = np.flatnonzero(wrong & (likely != labels[rows]))
    order = found[np.argsort(quality[found], kind="stable")]
    return tuple(SuspiciousLabel(int(rows[i]), int(labels[rows[i]]), int(likely[i]), float(quality[i])) for i in order)
