"""What moved the decision: how much probability the genre loses when a stretch is left out.

The recording is cut into stretches of neighbouring windows, at most `MAX_STRETCHES`; for each, the genre of the whole
is asked again without it. A positive effect speaks for the genre, a negative one against it.
"""

from typing import Any

import numpy as np

from models.classification import Evidence
from models.heads import Head
from models.segmentation import SEGMENT_HOP_S, SEGMENT_S

MAX_STRETCHES = 60
MIN_EFFECT = 1e-3  # of probability: less moved nothing
TOP_EVIDENCE = 3


def effects(head: Head, views: Any) -> np.ndarray:
    """Probability that the genre of the whole loses without each window.

    Parameters
    ----------
    head : Head
        Anything with `track_probabilities`.
    views : as the head's `views` gives them
        The windows that sound.

    Returns
    -------
    np.ndarray, shape (n_windows,)
        Windows of one stretch share its effect evenly; zeros for a single window, which cannot be left out.
    """
    n_windows = len(views)
    if n_windows < 2:
        return np.zeros(n_windows)
    whole = head.track_probabilities(views)
    genre = int(whole.argmax())
    lost = np.empty(n_windows)
    for stretch in np.array_split(np.arange(n_windows), min(n_windows, MAX_STRETCHES)):
        without = head.track_probabilities(views[np.setdiff1d(np.arange(n_windows), stretch)])
        lost[stretch] = (whole[genre] - without[genre]) / len(stretch)
    return lost


def evidence(
    head: Head, views: Any, *, sounding: np.ndarray, duration_s: float, top: int = TOP_EVIDENCE
) -> tuple[Evidence, ...]:
    """The stretches that moved the decision most, neighbours merged.

    Parameters
    ----------
    head : Head
        Names the genre.
    views : as the head's `views` gives them
        Of all windows, one every `SEGMENT_HOP_S`.
    sounding : np.ndarray of bool, shape (n_windows,)
        Windows that took part in the decision.
    duration_s : float
        Length of the recording, the latest end of a stretch.
    top : int
        At most this many.

    Returns
    -------
    tuple of Evidence
        Largest absolute effect first; empty where nothing moved anything.
    """
    of_window = np.zeros(len(views))
    of_window[sounding] = effects(head, views[sounding])
    # A stretch is a run of windows that pull one way more than a window does on average.
    strong = np.abs(of_window) >= max(np.abs(of_window[sounding]).mean() if sounding.any() else 0.0, MIN_EFFECT / 10)
    pull = np.where(strong, np.sign(of_window), 0).astype(int)
    first = np.flatnonzero(np.diff(pull, prepend=2))  # 2 is no pull: the first window begins a run
    last = np.append(first[1:], len(pull)) - 1
    found = [
        Evidence(
            start_s=round(float(i) * SEGMENT_HOP_S, 3),
            end_s=round(min(float(j) * SEGMENT_HOP_S + SEGMENT_S, duration_s), 3),
            effect=round(float(of_window[i : j + 1].sum()), 4),
        )
        for i, j in zip(first, last, strict=True)
        if pull[i] != 0 and abs(of_window[i : j + 1].sum()) >= MIN_EFFECT
    ]
    return tuple(sorted(found, key=lambda each: -abs(each.effect))[:top])
