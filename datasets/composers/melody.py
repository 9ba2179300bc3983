"""Melodies by Markov chains: rhythm from cells, pitches from an n-gram over scale steps.

The pitch model is a table of how many scale steps a melody moves after the two moves before (a trigram), counted on
phrases that its composer writes down, with every table smoothed by small steps. On strong beats a note is drawn to
the chord that sounds.

References
----------
Conklin and Witten, "Multiple viewpoint systems for music prediction", Journal of New Music Research 24(1), 1995.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from datasets.composers.harmony import ChordSpan, chord_at
from datasets.composers.song import Note
from datasets.composers.theory import nearest, scale_pitches

MOVES = np.arange(-5, 6)  # scale steps
SMOOTHING = np.exp(-0.9 * np.abs(MOVES)) * np.where(MOVES == 0, 0.4, 1.0)
CHORD_PULL = 6.0  # factor for a note of the chord on a strong beat
CENTRE_PULL = 0.02  # per scale step and step of distance: keeps a melody in its register
REST = "r"
Cell = Sequence[float | str]  # durations in beats; "r0.5" is a rest


@dataclass(frozen=True)
class Line:
    """How a melody is drawn.

    Attributes
    ----------
    scale : str
        Key of `theory.SCALES`.
    low, high : int
        Register, MIDI pitches.
    phrases : sequence of str
        Scale degrees apart by spaces, such as "0 1 2 4 2 1 0": what the n-gram is counted on.
    cells : sequence of (weight, cell)
        Rhythms, in beats; a cell that begins with "r" rests there. Drawn one after the other.
    legato : float
        Share of its time that a note sounds.
    velocity : int
        Of a note on a weak beat; strong beats have 10 more.
    rest : float
        Chance that a whole cell is silent.
    repeat : float
        Chance that a bar takes the rhythm and contour of the bar two before: motifs come back.
    """

    scale: str
    low: int
    high: int
    phrases: Sequence[str]
    cells: Sequence[tuple[float, Cell]]
    legato: float = 0.9
    velocity: int = 84
    rest: float = 0.1
    repeat: float = 0.35


def melody(
    line: Line, chords: Sequence[ChordSpan], tonic: int, rng: np.random.Generator, *, beats_per_bar: int = 4
) -> list[Note]:
    """One melody over chords, from the first to the last.

    Parameters
    ----------
    line : Line
        How it is drawn.
    chords : sequence of ChordSpan
        Gapless chords.
    tonic : int
        Pitch class of the scale's first note.
    """
    table = NGram.of(line.phrases)
    pitches = scale_pitches(tonic, line.scale, line.low, line.high)
    place = len(pitches) // 2
    before = (0, 0)
    start, end = chords[0].start, chords[-1].end
    rhythms: list[list[tuple[float, float]]] = []
    notes: list[Note] = []
    bar_start = start
    while bar_start < end - 1e-9:
        again = len(rhythms) >= 2 and rng.random() < line.repeat
        rhythm = rhythms[-2] if again else _rhythm(line, rng, beats_per_bar)
        rhythms.append(rhythm)
        for offset, duration in rhythm:
            beat = bar_start + offset
            if beat >= end - 1e-9:
                break
            strong = offset % 1 == 0
            chord = chord_at(chords, beat).pitch_classes
            weights = table.weights(before) * _pull(pitches, place, chord if strong else ())
            move = int(rng.choice(MOVES, p=weights / weights.sum()))
            place += move
            before = (before[1], move)
            notes.append(Note(beat, duration * line.legato, int(pitches[place]), line.velocity + 10 * strong))
        bar_start += beats_per_bar
    return notes


def guide_line(chords: Sequence[ChordSpan], *, low: int, high: int, start: float | None = None) -> list[int]:
    """The note of each chord that is nearest to the note before: a smooth line of long notes.

    Returns
    -------
    list of int
        One MIDI pitch a chord.
    """
    wanted = (low + high) / 2 if start is None else start
    line = []
    for span in chords:
        pitches = np.array([p for p in range(low, high + 1) if p % 12 in span.chord.pitch_classes])
        wanted = nearest(pitches, wanted)
        line.append(int(wanted))
    return line


def tiled(tune: Sequence[Note], tune_beats: float, start: float, end: float) -> list[Note]:
    """A tune of `tune_beats` from beat `start` on, again and again, without what would begin at `end` or later."""
    times = np.arange(start, end, tune_beats).tolist()
    notes = [replace(note, start=note.start + time) for time in times for note in tune]
    return [note for note in notes if note.start < end]


class NGram:
    """How often a melody moves by so many scale steps after its last two moves, with backing off to shorter pasts."""

    def __init__(self, tables: Sequence[dict[tuple[int, ...], Counter[int]]]) -> None:
        self._tables = tables

    @classmethod
    def of(cls, phrases: Sequence[str]) -> "NGram":
        """Count on phrases of scale degrees."""
        tables: list[dict[tuple[int, ...], Counter[int]]] = [defaultdict(Counter) for _ in range(3)]
        for phrase in phrases:
            degrees = [int(degree) for degree in phrase.split()]
            moves = [int(np.clip(b - a, MOVES[0], MOVES[-1])) for a, b in pairwise(degrees)]
            for index, move in enumerate(moves):
                for order in range(3):
                    if index >= order:
                        tables[order][tuple(moves[index - order : index])][move] += 1
        return cls(tables)

    def weights(self, before: tuple[int, int]) -> np.ndarray:
        """Weight of each of `MOVES`: counts after two moves count most, then after one, then all."""
        found = 0.3 * SMOOTHING.copy()
        for order, factor in ((0, 0.5), (1, 2.0), (2, 4.0)):
            counts = self._tables[order].get(before[2 - order :] if order else (), Counter())
            total = sum(counts.values())
            if total:
                found += factor * np.array([counts[int(move)] / total for move in MOVES])
        return found


def _pull(pitches: np.ndarray, place: int, chord: Sequence[int]) -> np.ndarray:
    places = place + MOVES
    inside = (places >= 0) & (places < len(pitches))
    there = pitches[np.clip(places, 0, len(pitches) - 1)]
    pull = np.exp(-CENTRE_PULL * (places - len(pitches) / 2) ** 2)
    if len(chord):
        pull = pull * np.where(np.isin(there % 12, chord), CHORD_PULL, 1.0)
    return pull * inside


def _rhythm(line: Line, rng: np.random.Generator, beats_per_bar: int) -> list[tuple[float, float]]:
    """Offsets and durations of the notes of one bar."""
    weights = np.array([weight for weight, _ in line.cells])
    rhythm: list[tuple[float, float]] = []
    offset = 0.0
    while offset < beats_per_bar - 1e-9:
        _, cell = line.cells[int(rng.choice(len(weights), p=weights / weights.sum()))]
        silent = rng.random() < line.rest
        for item in cell:
            is_rest = isinstance(item, str)
            duration = float(item[1:]) if isinstance(item, str) else float(item)
            duration = min(duration, beats_per_bar - offset)
            if duration <= 1e-9:
                break
            if not is_rest and not silent:
                rhythm.append((offset, duration))
            offset += duration
    return rhythm
