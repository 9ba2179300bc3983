"""Which of several takes of one wish fits best."""

from collections.abc import Mapping
from typing import Any


def doubts_of(genre_agreement: float | None, report: Mapping[str, Any]) -> tuple[float, ...]:
    """What speaks against a take, the weightiest first: the least of some takes is the best.

    Takes are ranked by what the house classifier hears in them, then, and alone where it cannot tell, by how sound and
    how new they are: fewest attempts, shortest run shared with the training material, fewest short ones.

    Parameters
    ----------
    genre_agreement : float, optional
        How far the classifier agrees with the wish, 0 to 1.
    report : mapping
        Of the clip.
    """
    originality = report["originality"]
    return (
        -(genre_agreement or 0.0),
        report["takes_tried"],
        originality["longest_run_s"],
        originality["shared_ngrams"],
    )
