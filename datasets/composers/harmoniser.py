"""Chords for a melody by a hidden Markov model: the hidden states are chords, what is heard are the notes of a bar.

The most likely sequence of chords comes from Viterbi's algorithm (Simon, Morris and Basu, "MySong: automatic
accompaniment generation for vocal melodies", CHI 2008, harmonise singing in the same way).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from datasets.composers.harmony import ChordSpan
from datasets.composers.song import Note
from datasets.composers.theory import roman
from datasets.errors import DatasetError

IN_CHORD, OFF_CHORD = 1.0, 0.12  # likelihood of a unit of time on a note of the chord, and on another one
UNSEEN = 0.01  # of a change of chords that the table does not name
Transitions = Mapping[str, Mapping[str, float]]

MAJOR_CHANGES: Transitions = {
    "I": {"I": 2, "IV": 3, "V": 3, "vi": 2, "ii": 1, "iii": 0.5},
    "ii": {"V": 5, "IV": 1, "vi": 0.5},
    "iii": {"vi": 3, "IV": 2},
    "IV": {"I": 3, "V": 3, "ii": 1, "IV": 1},
    "V": {"I": 5, "vi": 2, "IV": 1},
    "vi": {"IV": 3, "ii": 2, "V": 1, "I": 1},
}
MINOR_CHANGES: Transitions = {
    "i": {"i": 2, "iv": 3, "V": 2, "bVI": 2, "bVII": 2, "bIII": 1},
    "bIII": {"bVI": 2, "iv": 1, "bVII": 2},
    "iv": {"i": 2, "V": 3, "bVII": 1},
    "V": {"i": 5, "bVI": 1},
    "bVI": {"bVII": 2, "iv": 2, "V": 1, "bIII": 1},
    "bVII": {"i": 2, "bIII": 2, "bVI": 1},
}


def harmonise(
    notes: Sequence[Note],
    changes: Transitions,
    tonic: int,
    *,
    n_spans: int,
    span_beats: float = 4.0,
    first: str | None = None,
    last: str | None = None,
) -> list[ChordSpan]:
    """The likeliest chords under a melody.

    Parameters
    ----------
    notes : sequence of Note
        The melody, from beat 0.
    changes : mapping of str to mapping of str to float
        Weight of each change of chords, in Roman numerals.
    tonic : int
        Pitch class of the key.
    n_spans, span_beats : int, float
        How many chords, and how long each is.
    first, last : str, optional
        Chords that the sequence must begin and end with.

    Raises
    ------
    DatasetError
        If there is no span, or `first` or `last` is no chord of the table.
    """
    states = list(changes)
    for name in (first, last):
        if name is not None and name not in changes:
            raise DatasetError(f"chord {name!r}: expected one of {', '.join(states)}")
    if n_spans < 1:
        raise DatasetError(f"n_spans={n_spans}: expected 1 or more")
    emissions = np.log(_emissions(notes, states, tonic, n_spans, span_beats))
    moves = np.array([[changes[a].get(b, UNSEEN) for b in states] for a in states])
    moves = np.log(moves / moves.sum(axis=1, keepdims=True))
    if first is not None:
        emissions[0, [state != first for state in states]] = -np.inf
    if last is not None:
        emissions[-1, [state != last for state in states]] = -np.inf
    path = viterbi(emissions, moves)
    return [
        ChordSpan(roman(states[state], tonic), index * span_beats, span_beats, states[state])
        for index, state in enumerate(path)
    ]


def viterbi(emissions: np.ndarray, moves: np.ndarray) -> list[int]:
    """Likeliest path of a hidden Markov model.

    Parameters
    ----------
    emissions : np.ndarray, shape (n_steps, n_states)
        Log-likelihood of what is heard at each step, given the state.
    moves : np.ndarray, shape (n_states, n_states)
        Log-probability of the column's state after the row's.

    Returns
    -------
    list of int
        One state a step.
    """
    best = emissions[0]
    sources = []
    for heard in emissions[1:]:
        totals = best[:, np.newaxis] + moves
        sources.append(totals.argmax(axis=0))
        best = totals.max(axis=0) + heard
    path = [int(best.argmax())]
    for source in reversed(sources):
        path.append(int(source[path[-1]]))
    return path[::-1]


def _emissions(notes: Sequence[Note], states: Sequence[str], tonic: int, n_spans: int, span_beats: float) -> np.ndarray:
    heard = np.zeros((n_spans, 12))
    for note in notes:
        index = int(note.start // span_beats)
        if index < n_spans:
            heard[index, note.pitch % 12] += note.duration
    inside = np.full((len(states), 12), OFF_CHORD)
    for index, state in enumerate(states):
        inside[index, list(roman(state, tonic).pitch_classes)] = IN_CHORD
    return np.exp(heard @ np.log(inside).T)
