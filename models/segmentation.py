"""From windows to a timeline: neighbouring windows of one genre become one run.

Windows are `SEGMENT_S` long and start every `SEGMENT_HOP_S`; they overlap, runs do not.
"""

import numpy as np

from models.classification import Segment

SEGMENT_S = 3.0
SEGMENT_HOP_S = 1.5
STAY_PROBABILITY = 0.9  # of the genre from one window to the next, 1.5 s later: changes within a song are rare
PROBABILITY_FLOOR = 1e-6


def segments_of(
    probabilities: np.ndarray, sounding: np.ndarray, *, genres: tuple[str, ...], duration_s: float
) -> tuple[Segment, ...]:
    """One segment a window, each judged by itself.

    Parameters
    ----------
    probabilities : np.ndarray, shape (n_windows, n_genres)
        Of each window, rows sum to 1.
    sounding : np.ndarray of bool, shape (n_windows,)
        False where the window holds no music; such a segment has no genre.
    genres : tuple of str
        Names of the columns.
    duration_s : float
        Length of the recording, the latest end of a segment.

    Returns
    -------
    tuple of Segment
        In order of time.
    """
    segments = []
    for index, (row, sounds) in enumerate(zip(probabilities, sounding, strict=True)):
        start_s = index * SEGMENT_HOP_S
        end_s = min(start_s + SEGMENT_S, duration_s)
        segments.append(_segment(start_s, end_s, int(row.argmax()) if sounds else None, row, genres))
    return tuple(segments)


def runs_of(
    probabilities: np.ndarray, sounding: np.ndarray, *, genres: tuple[str, ...], duration_s: float
) -> tuple[Segment, ...]:
    """The timeline without overlaps: the most probable sequence of genres, neighbours of one genre merged.

    A single odd window does not break a run (Viterbi decoding with a sticky transition). Parameters
    are those of `segments_of`; the runs follow each other without a gap from 0 to the last window's end.
    """
    n_windows = len(probabilities)
    path = np.where(sounding, _most_probable_path(probabilities, sounding), -1)
    first = np.flatnonzero(np.diff(path, prepend=-2))
    last = np.append(first[1:], n_windows) - 1
    # A window owns the middle of itself; two runs meet in the middle of what their windows share.
    border_s = (first + 0.5) * SEGMENT_HOP_S
    starts_s = np.append(0.0, border_s[1:])
    ends_s = np.append(border_s[1:], min((n_windows - 1) * SEGMENT_HOP_S + SEGMENT_S, duration_s))
    return tuple(
        _segment(
            float(start_s),
            float(end_s),
            int(path[i]) if path[i] >= 0 else None,
            probabilities[i : j + 1].mean(axis=0),
            genres,
        )
        for i, j, start_s, end_s in zip(first, last, starts_s, ends_s, strict=True)
    )


def _most_probable_path(probabilities: np.ndarray, sounding: np.ndarray) -> np.ndarray:
    """Viterbi path through the genres; a window without music says nothing and passes the state on."""
    n_windows, n_genres = probabilities.shape
    log_p = np.log(np.maximum(probabilities, PROBABILITY_FLOOR)) * sounding[:, np.newaxis]
    if n_genres == 1:
        return np.zeros(n_windows, dtype=int)
    change = np.full((n_genres, n_genres), np.log((1 - STAY_PROBABILITY) / (n_genres - 1)))
    np.fill_diagonal(change, np.log(STAY_PROBABILITY))
    score = log_p[0]
    came_from = np.zeros((n_windows, n_genres), dtype=int)
    for t in range(1, n_windows):
        candidates = score[:, np.newaxis] + change
        came_from[t] = candidates.argmax(axis=0)
        score = candidates.max(axis=0) + log_p[t]
    path = np.empty(n_windows, dtype=int)
    path[-1] = score.argmax()
    for t in range(n_windows - 1, 0, -1):
        path[t - 1] = came_from[t, path[t]]
    return path


def _segment(start_s: float, end_s: float, genre: int | None, row: np.ndarray, genres: tuple[str, ...]) -> Segment:
    return Segment(
        start_s=round(start_s, 3),
        end_s=round(end_s, 3),
        genre=None if genre is None else genres[genre],
        probabilities={name: round(float(p), 4) for name, p in zip(genres, row, strict=True)},
    )
