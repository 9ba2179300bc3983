"""What is reported of a classifier with prediction sets: one dictionary, ready for JSON."""

from typing import Any

import numpy as np

from models.evaluation.metrics import bootstrap_interval, confusion, expected_calibration_error, log_loss


def report(
    probabilities: np.ndarray,
    labels: np.ndarray,
    *,
    genres: tuple[str, ...],
    member_of_set: np.ndarray,
    abstained: np.ndarray,
    unanswered: np.ndarray | None = None,
) -> dict[str, Any]:
    """Figures of a classifier on labelled tracks.

    Parameters
    ----------
    probabilities : np.ndarray, shape (n_tracks, n_genres)
        Of each track.
    labels : np.ndarray, shape (n_tracks,)
        True genres.
    genres : tuple of str
        Names.
    member_of_set : np.ndarray of bool, shape (n_tracks, n_genres)
        The prediction sets.
    abstained : np.ndarray of bool, shape (n_tracks,)
        Where the set is too large to mean anything.
    unanswered : np.ndarray of bool, shape (n_tracks,), optional
        Where there is no answer, as of silence: wrong, and in no column of `confusion`.

    Returns
    -------
    dict
        `confusion` has a row per true genre; `selective_accuracy` is over the tracks that are answered (None without
        any); `accuracy_interval` is a 95 % bootstrap interval over tracks.
    """
    answered = np.ones(len(labels), dtype=bool) if unanswered is None else ~unanswered
    predicted = probabilities.argmax(axis=1)
    right = (predicted == labels) & answered
    covered = member_of_set[np.arange(len(labels)), labels]
    counts = confusion(predicted[answered], labels[answered], n_classes=len(genres))
    n_true = np.bincount(labels, minlength=len(genres))
    return {
        "n_tracks": len(labels),
        "accuracy": float(right.mean()),
        "accuracy_interval": list(bootstrap_interval(right)),
        "log_loss": log_loss(probabilities, labels),
        "ece": expected_calibration_error(probabilities, labels),
        "coverage": float(covered.mean()),
        "mean_set_size": float(member_of_set.sum(axis=1).mean()),
        "abstention_rate": float(abstained.mean()),
        "selective_accuracy": float(right[~abstained].mean()) if not abstained.all() else None,
        "genres": list(genres),
        "confusion": counts.tolist(),
        "per_class": {
            genre: _of_class(counts, index, int(n_true[index])) | {"coverage": float(covered[labels == index].mean())}
            for index, genre in enumerate(genres)
            if n_true[index]
        },
    }


def _of_class(counts: np.ndarray, index: int, true: int) -> dict[str, float | int | None]:
    right, predicted = int(counts[index, index]), int(counts[:, index].sum())
    return {
        "n_tracks": true,
        "recall": right / true,
        "precision": right / predicted if predicted else None,
        "f1": 2 * right / (true + predicted),
    }
