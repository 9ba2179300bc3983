"""Improvised lines over changes, as bebop players build them: eighth notes in phrases, on the scale of each chord.

The moves come from an n-gram over scale steps (`melody.NGram`), counted on licks. A note on the beat belongs to the
chord, and the notes before it may enclose it: the scale's next note above, then the semitone below.

References
----------
Baker, "How to Play Bebop", volume 1, 1985: scales with an added note, so that chord tones fall on the beats.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from datasets.composers.harmony import ChordSpan, chord_at
from datasets.composers.melody import MOVES, NGram
from datasets.composers.song import Note
from datasets.composers.theory import SCALES, Chord

CENTRE_PULL = 0.004  # per semitone and semitone of distance from the middle of the register
REPEAT = 0.1  # weight of the same pitch again, relative to the n-gram's
HELD = 2.0  # steps that the last note of a phrase sounds


@dataclass(frozen=True)
class Solo:
    """How a line is improvised.

    Attributes
    ----------
    low, high : int
        Register, MIDI pitches.
    licks : sequence of str
        Scale degrees apart by spaces: what the n-gram is counted on.
    grid : float
        Beats from note to note.
    phrase_notes, rest_notes : (int, int)
        Fewest and most notes of a phrase, and steps of silence after it.
    enclosure : float
        Chance that the two notes before the first or third beat enclose it.
    velocity : int
        Of a note off the beat, which is the louder one; on the beat 8 less.
    """

    low: int
    high: int
    licks: Sequence[str]
    grid: float = 0.5
    phrase_notes: tuple[int, int] = (4, 15)
    rest_notes: tuple[int, int] = (1, 5)
    enclosure: float = 0.3
    velocity: int = 92


def improvise(solo: Solo, chords: Sequence[ChordSpan], rng: np.random.Generator) -> list[Note]:
    """One solo over gapless chords, phrase after phrase, on a straight grid."""
    table = NGram.of(solo.licks)
    beat, end = chords[0].start, chords[-1].end
    pitch = (solo.low + solo.high) // 2
    notes: list[Note] = []
    while beat < end - 1e-9:
        n_notes = int(rng.integers(*solo.phrase_notes, endpoint=True))
        times = [time for index in range(n_notes) if (time := beat + index * solo.grid) < end - 1e-9]
        phrase = _enclosed(_phrase(solo, table, times, pitch, chords, rng), chords, solo.enclosure, rng)
        phrase[-1] = replace(phrase[-1], duration=min(HELD * solo.grid, end - phrase[-1].start))
        pitch = phrase[-1].pitch
        notes += phrase
        beat = times[-1] + solo.grid * (1 + int(rng.integers(*solo.rest_notes, endpoint=True)))
    return notes


def chord_scale(chord: Chord) -> tuple[int, ...]:
    """The scale that is played over a chord, in semitones above its root."""
    if chord.third == 3:
        if 6 in chord.intervals:  # diminished, or half diminished: locrian
            return (0, 2, 3, 5, 6, 8, 9, 11) if 9 in chord.intervals else (0, 1, 3, 5, 6, 8, 10)
        return SCALES["dorian"]
    if 10 not in chord.intervals:
        return (0, 2, 4, 5, 7, 8, 9, 11)  # bebop major: the added note is between fifth and sixth
    return (0, 1, 4, 5, 7, 8, 10) if 13 in chord.intervals else SCALES["bebop"]


def _phrase(
    solo: Solo,
    table: NGram,
    times: Sequence[float],
    pitch: int,
    chords: Sequence[ChordSpan],
    rng: np.random.Generator,
) -> list[Note]:
    before = (0, 0)
    phrase = []
    for time in times:
        chord, on_beat = chord_at(chords, time), time % 1 == 0
        pitches = _pitches(chord, chord.pitch_classes if on_beat else None, solo.low, solo.high)
        ladder = _pitches(chord, None, solo.low, solo.high)
        place = int(np.abs(ladder - pitch).argmin())
        moves = np.searchsorted(ladder, pitches) - place
        reachable = np.abs(moves) <= MOVES[-1]
        weights = np.where(reachable, table.weights(before)[np.clip(moves, MOVES[0], MOVES[-1]) - MOVES[0]], 0.0)
        weights *= np.exp(-CENTRE_PULL * (pitches - (solo.low + solo.high) / 2) ** 2)
        weights *= np.where(pitches == pitch, REPEAT, 1.0)
        chosen = int(rng.choice(len(pitches), p=weights / weights.sum()))
        pitch, before = int(pitches[chosen]), (before[1], int(moves[chosen]))
        phrase.append(Note(time, solo.grid * 0.95, pitch, solo.velocity - 8 * on_beat))
    return phrase


def _enclosed(phrase: list[Note], chords: Sequence[ChordSpan], chance: float, rng: np.random.Generator) -> list[Note]:
    enclosed = list(phrase)
    for index, goal in enumerate(phrase[2:]):
        if goal.start % 2 == 0 and rng.random() < chance:
            ladder = _pitches(chord_at(chords, goal.start), None, goal.pitch + 1, goal.pitch + 4)
            enclosed[index] = replace(phrase[index], pitch=int(ladder[0]))
            enclosed[index + 1] = replace(phrase[index + 1], pitch=goal.pitch - 1)
    return enclosed


def _pitches(chord: Chord, pitch_classes: Sequence[int] | None, low: int, high: int) -> np.ndarray:
    """Notes of the chord's scale between two pitches; of them only those of `pitch_classes` if it is given."""
    pitches = np.arange(low, high + 1)
    inside = np.isin((pitches - chord.root) % 12, chord_scale(chord))
    return pitches[inside & (True if pitch_classes is None else np.isin(pitches % 12, pitch_classes))]
