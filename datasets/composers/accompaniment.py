"""What instruments play under a melody: chords in a rhythm, bass lines, arpeggios, long notes.

Rhythms are written like drum patterns (`drums`): one character a step, "X" accent, "x" stroke, "g" soft, "." silence,
and "-" for a note that goes on. The line is one bar and is repeated over all chords.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from datasets.composers.drums import VELOCITIES
from datasets.composers.harmony import ChordSpan, chord_at
from datasets.composers.melody import guide_line
from datasets.composers.song import Note
from datasets.composers.theory import Chord, pitch_near
from datasets.composers.voicing import block_chords, close_voicings
from datasets.errors import DatasetError

BASS_TONES = "R35678b"  # root, third, fifth, sixth, minor seventh, octave, the semitone below the next root


def comp(
    spans: Sequence[ChordSpan],
    rhythm: str,
    *,
    centre: float = 60.0,
    n_voices: int = 4,
    beats_per_bar: int = 4,
    velocity: float = 0.8,
    legato: float = 0.9,
    strum_beats: float = 0.0,
    voicings: Sequence[tuple[int, ...]] | None = None,
) -> list[Note]:
    """Chords in a rhythm, led smoothly from one to the next.

    Parameters
    ----------
    spans : sequence of ChordSpan
        Gapless chords.
    rhythm : str
        One bar.
    centre, n_voices
        As for `voicing.close_voicings`.
    velocity : float
        Factor on the velocities of the rhythm.
    legato : float
        Share of a step, with its "-", that a chord sounds.
    strum_beats : float
        From one string to the next.
    voicings : sequence of tuple of int, optional
        MIDI pitches of each chord, instead of close voicings around `centre`.
    """
    if voicings is None:
        voicings = close_voicings(spans, centre=centre, n_voices=n_voices)
    notes = []
    for beat, duration, step in steps(rhythm, spans[0].start, spans[-1].end, beats_per_bar):
        index = next((i for i, span in enumerate(spans) if beat < span.end - 1e-9), len(spans) - 1)
        strength = int(np.clip(VELOCITIES[step] * velocity, 1, 127))
        for string, pitch in enumerate(voicings[index]):
            start = beat + string * strum_beats
            notes.append(Note(start, max(duration * legato - string * strum_beats, 0.05), pitch, strength))
    return notes


def power_chords(
    spans: Sequence[ChordSpan], rhythm: str, *, low: int = 40, beats_per_bar: int = 4, velocity: float = 0.9
) -> list[Note]:
    """Root, fifth and octave in a rhythm; "g" is a palm-muted root alone."""
    notes = []
    for beat, duration, step in steps(rhythm, spans[0].start, spans[-1].end, beats_per_bar):
        root = low + (chord_at(spans, beat).root - low) % 12
        strength = int(np.clip(VELOCITIES["x" if step == "g" else step] * velocity, 1, 127))
        for interval in (0,) if step == "g" else (0, 7, 12):
            notes.append(Note(beat, duration * (0.5 if step == "g" else 0.97), root + interval, strength))
    return notes


def bass(
    spans: Sequence[ChordSpan],
    rhythm: str,
    *,
    low: int = 28,
    beats_per_bar: int = 4,
    velocity: int = 96,
    legato: float = 0.9,
) -> list[Note]:
    """A bass line whose steps name tones of the chord: "R" root, "3" third, "5" fifth, "8" octave, "b" leads on.

    "6" is the major sixth and "7" the minor seventh, as in boogie; "b" is the semitone below the root of the chord
    that follows. "-" lets the note go on, "." is silence.
    """
    notes = []
    for beat, duration, step in steps(rhythm, spans[0].start, spans[-1].end, beats_per_bar, alphabet=BASS_TONES):
        chord = chord_at(spans, beat)
        root = low + (chord.root - low) % 12
        if step == "b":
            coming = low + (chord_at(spans, beat + duration).root - low) % 12
            pitch = coming - 1
        else:
            pitch = root + {"R": 0, "3": chord.third, "5": 7, "6": 9, "7": 10, "8": 12}[step]
        accent = 8 if (beat - spans[0].start) % beats_per_bar == 0 else 0
        notes.append(Note(beat, duration * legato, pitch, min(velocity + accent, 127)))
    return notes


def walking_bass(
    spans: Sequence[ChordSpan], rng: np.random.Generator, *, low: int = 30, high: int = 52, velocity: int = 92
) -> list[Note]:
    """A note on every beat: the root where a chord begins, then chord and passing notes, then a step into the next."""
    notes = []
    pitch = pitch_near(spans[0].chord.root, (low + high) / 2)
    for index, span in enumerate(spans):
        following = spans[index + 1].chord if index + 1 < len(spans) else span.chord
        n_beats = round(span.duration)
        for beat in range(n_beats):
            if beat == 0:
                pitch = _within(pitch_near(span.chord.root, pitch), low, high)
            elif beat == n_beats - 1:
                goal = _within(pitch_near(following.root, pitch), low, high)
                pitch = goal + int(rng.choice([-1, 1, -2, 2]))
            else:
                pitch = _within(_passing(span.chord, pitch, rng), low, high)
            notes.append(Note(span.start + beat, 0.92, pitch, velocity + int(rng.integers(-6, 7))))
    return notes


def arpeggio(
    spans: Sequence[ChordSpan],
    order: Sequence[int],
    *,
    step: float = 0.5,
    centre: float = 60.0,
    n_voices: int = 4,
    velocity: int = 76,
    legato: float = 1.5,
) -> list[Note]:
    """Chords one note after the other.

    Parameters
    ----------
    order : sequence of int
        Which note of the chord, from below, comes on each step; beyond the chord's notes an octave higher.
    step : float
        Beats from one note to the next.
    """
    voicings = close_voicings(spans, centre=centre, n_voices=n_voices)
    notes = []
    for span, voicing in zip(spans, voicings, strict=True):
        for index in range(round(span.duration / step)):
            octave, place = divmod(order[index % len(order)], len(voicing))
            strength = velocity + (10 if index % len(order) == 0 else 0)
            notes.append(Note(span.start + index * step, step * legato, voicing[place] + 12 * octave, strength))
    return notes


def long_chords(
    spans: Sequence[ChordSpan], *, centre: float = 60.0, n_voices: int = 4, velocity: int = 64
) -> list[Note]:
    """Each chord held for all its time."""
    voicings = close_voicings(spans, centre=centre, n_voices=n_voices)
    return [
        Note(span.start, span.duration * 0.98, pitch, velocity)
        for span, voicing in zip(spans, voicings, strict=True)
        for pitch in voicing
    ]


def riff(
    spans: Sequence[ChordSpan],
    rhythm: str,
    *,
    low: int = 66,
    high: int = 78,
    n_voices: int = 3,
    beats_per_bar: int = 4,
    velocity: float = 1.0,
) -> list[list[Note]]:
    """A riff for a section of horns: a rhythm on one note of each chord, in close harmony below it.

    Parameters
    ----------
    low, high : int
        MIDI pitches between which the first voice moves, as little as it can.

    Returns
    -------
    list of list of Note
        One line a voice, the highest first.
    """
    top = guide_line(spans, low=low, high=high)
    lead = []
    for beat, duration, step in steps(rhythm, spans[0].start, spans[-1].end, beats_per_bar):
        index = next(i for i, span in enumerate(spans) if beat < span.end - 1e-9)
        strength = int(np.clip(VELOCITIES[step] * velocity, 1, 127))
        lead.append(Note(beat, duration * 0.85, top[index], strength))
    return block_chords(lead, spans, n_voices=n_voices)


def looped(notes: Sequence[Note], length: float, start: float, end: float) -> list[Note]:
    """Notes of the beats from 0 to `length` over and over from `start` to `end`, as a sampler plays them."""
    again = [
        Note(note.start + time, note.duration, note.pitch, note.velocity)
        for time in np.arange(start, end, length).tolist()
        for note in notes
    ]
    return [note for note in again if note.start < end - 1e-9]


def steps(
    rhythm: str, start: float, end: float, beats_per_bar: float, *, alphabet: str = "".join(VELOCITIES)
) -> Iterator[tuple[float, float, str]]:
    """Beat, duration and character of each stroke, bar after bar from `start` to `end`.

    Raises
    ------
    DatasetError
        If the rhythm has a character outside the alphabet, ".", "-" and spaces.
    """
    line = rhythm.replace(" ", "")
    if unknown := set(line) - set(alphabet) - {".", "-"}:
        raise DatasetError(f"rhythm {rhythm!r}: {', '.join(sorted(unknown))}, expected {alphabet}, a dot or a dash")
    length = beats_per_bar / len(line)
    strokes = []
    for index, step in enumerate(line):
        if step in ".-":
            continue
        held = 1
        while index + held < len(line) and line[index + held] == "-":
            held += 1
        strokes.append((index * length, held * length, step))
    bar = start
    while bar < end - 1e-9:
        for offset, duration, step in strokes:
            if bar + offset < end - 1e-9:
                yield bar + offset, min(duration, end - bar - offset), step
        bar += beats_per_bar


def _within(pitch: int, low: int, high: int) -> int:
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return pitch


def _passing(chord: Chord, pitch: int, rng: np.random.Generator) -> int:
    tones = [p for p in range(pitch - 7, pitch + 8) if p % 12 in chord.pitch_classes and p != pitch]
    weights = np.array([1 / (1 + abs(p - pitch)) for p in tones])
    chosen = int(rng.choice(tones, p=weights / weights.sum()))
    return chosen if rng.random() < 0.8 else chosen + int(rng.choice([-1, 1]))
