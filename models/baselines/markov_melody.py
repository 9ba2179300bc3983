"""Songs by a Markov chain over notes: what a composer writes without knowing chords, metre or form.

For each part by its name, a chain counts how a line goes on: how many semitones the next note lies from the last, how
long after it and how long it sounds, after the `order` steps before; where those were never seen, after fewer. With
order 0 the steps are independent of each other. Drums stay as they were composed.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from datasets.composers.song import Note, Part, Song
from models.errors import ModelError

GRID = 24  # steps of a beat to which times are rounded: sixteenths and triplets lie on it
LOWEST, HIGHEST = 21, 108  # of a piano
Step = tuple[int, int, int]  # semitones from the last note; grid steps after it; grid steps that it sounds


class MarkovMelody:
    """The chain of one part."""

    def __init__(self, tables: Sequence[Mapping[tuple[Step, ...], Counter[Step]]]) -> None:
        self._tables = [  # by the number of steps that are looked back to: what follows, and sums of its counts
            {
                past: (sorted(counts), np.cumsum([counts[step] for step in sorted(counts)]))
                for past, counts in each.items()
            }
            for each in tables
        ]

    @classmethod
    def fit(cls, lines: Sequence[Sequence[Note]], order: int) -> "MarkovMelody":
        """Count on lines of notes.

        Raises
        ------
        ModelError
            If no line has two notes, or the order is negative.
        """
        if order < 0:
            raise ModelError(f"order={order}: expected 0 (independent steps) or more")
        tables: list[dict[tuple[Step, ...], Counter[Step]]] = [defaultdict(Counter) for _ in range(order + 1)]
        for line in lines:
            steps = _steps(line)
            for index, step in enumerate(steps):
                for back in range(min(order, index) + 1):
                    tables[back][tuple(steps[index - back : index])][step] += 1
        if not tables[0]:
            raise ModelError("no line of two notes or more to count on")
        return cls(tables)

    def line(self, first: Note, end: float, rng: np.random.Generator) -> list[Note]:
        """A line that begins with a note and ends before beat `end`."""
        notes = [first]
        past: list[Step] = []
        while True:
            step = self._draw(past, rng)
            move, after, length = step
            start = notes[-1].start + after / GRID
            if start >= end - 1e-9 or len(notes) > GRID * max(1.0, end):  # the latter: chords without end
                return notes
            pitch = notes[-1].pitch + move
            pitch += 12 * ((pitch < LOWEST) - (pitch > HIGHEST))
            notes.append(Note(start, length / GRID, int(np.clip(pitch, LOWEST, HIGHEST)), first.velocity))
            past.append(step)

    def _draw(self, past: Sequence[Step], rng: np.random.Generator) -> Step:
        for back in range(min(len(self._tables) - 1, len(past)), -1, -1):
            found = self._tables[back].get(tuple(past[len(past) - back :]))
            if found:
                steps, sums = found
                return steps[int(np.searchsorted(sums, rng.integers(sums[-1]), side="right"))]
        raise AssertionError("fit() has counted at least one step")


def markov_songs(songs: Sequence[Song], n: int, *, order: int, seed: int) -> list[Song]:
    """Songs in the manner of others.

    Parameters
    ----------
    songs : sequence of Song
        What is counted on. Each new song takes tempo, parts, length and first notes of one of them, drawn at random.
    n : int
        How many, 1 or more.
    order : int
        Steps that the chains look back, 0 or more.
    seed : int
        The same songs for the same seed.

    Raises
    ------
    ModelError
        If there are no songs, or a value is out of range.
    """
    if not songs or n < 1:
        raise ModelError(f"{n} songs in the manner of {len(songs)}: expected one or more of both")
    lines: dict[str, list[tuple[Note, ...]]] = defaultdict(list)
    for song in songs:
        for part in song.parts:
            if _is_line(part):
                lines[part.name].append(part.notes)
    chains = {name: MarkovMelody.fit(of_part, order) for name, of_part in lines.items()}
    rng = np.random.default_rng(seed)
    return [_rewritten(songs[int(rng.integers(len(songs)))], chains, rng) for _ in range(n)]


def _rewritten(song: Song, chains: dict[str, MarkovMelody], rng: np.random.Generator) -> Song:
    end = max(note.end for part in song.parts for note in part.notes)
    return replace(
        song,
        parts=tuple(
            replace(part, notes=tuple(chains[part.name].line(_ordered(part.notes)[0], end, rng)))
            if _is_line(part)
            else part
            for part in song.parts
        ),
    )


def _is_line(part: Part) -> bool:
    return not part.instrument.is_drums and len(part.notes) > 1


def _steps(line: Sequence[Note]) -> list[Step]:
    notes = _ordered(line)
    return [
        (b.pitch - a.pitch, round((b.start - a.start) * GRID), max(1, round(b.duration * GRID)))
        for a, b in pairwise(notes)
    ]


def _ordered(line: Sequence[Note]) -> list[Note]:
    return sorted(line, key=lambda note: (note.start, note.pitch))
