"""A genre head on tag activations that were computed before."""

import os
from typing import Any

import numpy as np

from datasets.taggrams import TaggramSet, load_taggrams
from models.evaluation.report import report
from models.heads import Head, load_head
from models.registry import ModelRegistry


def evaluate_taggrams(path: str | os.PathLike[str], head: Head | None = None) -> dict[str, Any]:
    """Score a head on a file of labelled tag activations.

    Parameters
    ----------
    path : path
        An `.npz` laid out as `datasets.taggrams` says; its labels count in the order of the head's genres.
    head : Head, optional
        The active one by default.

    Returns
    -------
    dict
        `model` and the figures of `models.evaluation.report`.

    Raises
    ------
    DatasetError
        If the file is not laid out like that.
    """
    if head is None:
        head = load_head(ModelRegistry().active("genre").path)
    return {"model": head.name, **evaluate_set(load_taggrams(path, genres=head.genres), head)}


def evaluate_set(tracks: TaggramSet, head: Head) -> dict[str, Any]:
    """The same for tracks in memory."""
    probabilities = np.stack([head.track_probabilities(head.views_of_taggram(taggram)) for taggram in tracks.tracks])
    member = head.in_set(probabilities)
    abstained = np.array([head.abstains(head.prediction_set(row)) for row in probabilities])
    return report(probabilities, tracks.labels, genres=head.genres, member_of_set=member, abstained=abstained)
