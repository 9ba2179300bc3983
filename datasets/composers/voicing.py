"""From chord names to notes: voice leading for accompaniments, and four-part chorales under the old rules."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, product

import numpy as np

from datasets.composers.harmony import ChordSpan, chord_at
from datasets.composers.song import Note
from datasets.composers.theory import Chord, pitch_near, scale_pitches
from datasets.errors import DatasetError

RANGES = ((40, 60), (48, 67), (55, 74), (60, 81))  # bass, tenor, alto, soprano
FORBIDDEN = (0, 7)  # semitones modulo an octave: parallel primes, octaves and fifths


def close_voicings(spans: Sequence[ChordSpan], *, centre: float = 60.0, n_voices: int = 4) -> list[tuple[int, ...]]:
    """Each chord near the one before: inversions that move the hand least.

    Parameters
    ----------
    spans : sequence of ChordSpan
        The chords.
    centre : float
        MIDI pitch around which the hand stays.
    n_voices : int
        Notes at most; a chord with fewer gives what it has. The fifth is left out first.

    Returns
    -------
    list of tuple of int
        Ascending MIDI pitches of each chord.
    """
    voicings: list[tuple[int, ...]] = []
    previous: tuple[int, ...] = ()
    for span in spans:
        wanted = _reduced(span.chord, n_voices)
        candidates = [_closed_from(pitch_near(first, centre) + shift, wanted) for first in wanted for shift in (-12, 0)]
        best = min(candidates, key=lambda voicing: _movement(previous, voicing) + abs(np.mean(voicing) - centre) / 4)
        voicings.append(best)
        previous = best
    return voicings


def rootless_voicings(spans: Sequence[ChordSpan], *, centre: float = 61.0, fifth: bool = True) -> list[tuple[int, ...]]:
    """Left-hand voicings of jazz piano: third, fifth or thirteenth, seventh and ninth, with no root.

    Third or seventh is the lowest note, whichever moves the hand less. A dominant takes the thirteenth
    for its fifth, a triad its sixth for the seventh.

    Parameters
    ----------
    spans : sequence of ChordSpan
        The chords.
    centre : float
        MIDI pitch around which the hand stays.
    fifth : bool
        Whether fifth or thirteenth is played: a guitarist has three fingers for the chord.

    Returns
    -------
    list of tuple of int
        Three or four ascending MIDI pitches of each chord.
    """
    voicings: list[tuple[int, ...]] = []
    previous: tuple[int, ...] = ()
    for span in spans:
        third, fifth_tone, seventh, ninth = ((span.chord.root + step) % 12 for step in _rootless(span.chord))
        tones = (third, fifth_tone, seventh, ninth) if fifth else (third, seventh, ninth)
        candidates = [
            _closed_from(pitch_near(lowest, centre) + shift, tones) for lowest in (third, seventh) for shift in (-12, 0)
        ]
        best = min(candidates, key=lambda voicing: _movement(previous, voicing) + abs(np.mean(voicing) - centre))
        voicings.append(best)
        previous = best
    return voicings


def block_chords(notes: Sequence[Note], spans: Sequence[ChordSpan], *, n_voices: int = 4) -> list[list[Note]]:
    """A melody for a section of horns: below each of its notes the nearest notes of the chord, in close position.

    Returns
    -------
    list of list of Note
        One line a voice, the melody first.
    """
    voices: list[list[Note]] = [[] for _ in range(n_voices)]
    for note in notes:
        pitch_classes = chord_at(spans, note.start).pitch_classes
        below = (p for p in range(note.pitch - 2, 0, -1) if p % 12 in pitch_classes)  # seconds would rub
        for voice, pitch in zip(voices, [note.pitch, *islice(below, n_voices - 1)], strict=True):
            voice.append(replace(note, pitch=pitch))
    return voices


def in_thirds(notes: Sequence[Note], tonic: int, scale: str) -> list[Note]:
    """A second voice two steps of the scale below a melody; chromatic notes are taken as the step below them."""
    ladder = scale_pitches(tonic, scale, 0, 127)
    return [replace(note, pitch=int(ladder[np.searchsorted(ladder, note.pitch, "right") - 3])) for note in notes]


def chorale(chords: Sequence[Chord], sopranos: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """Bass, tenor and alto below a soprano, without parallel fifths, octaves or primes and without crossing voices.

    Dynamic programming over all settings of each chord: the least movement of the inner voices that keeps the rules.

    Parameters
    ----------
    chords : sequence of Chord
        Triads or seventh chords, one for each soprano note.
    sopranos : sequence of int
        MIDI pitches that belong to their chords.

    Returns
    -------
    list of tuple of int
        Bass, tenor, alto, soprano of each chord; the bass has the root.

    Raises
    ------
    DatasetError
        If no setting keeps the rules; the message names the chord.
    """
    layers = [_settings(chord, soprano) for chord, soprano in zip(chords, sopranos, strict=True)]
    for index, layer in enumerate(layers):
        if not layer:
            raise DatasetError(f"chord {index}: soprano {sopranos[index]} fits no setting of it")
    costs = [np.zeros(len(layers[0]))]
    sources: list[np.ndarray] = []
    for index in range(1, len(layers)):
        steps = np.array([[_step_cost(before, after) for before in layers[index - 1]] for after in layers[index]])
        totals = steps + costs[-1]
        sources.append(totals.argmin(axis=1))
        costs.append(totals.min(axis=1))
        if np.isinf(costs[-1]).all():
            raise DatasetError(f"chord {index}: every way to it has parallels; give the soprano another note")
    chosen = int(costs[-1].argmin())
    path = [layers[-1][chosen]]
    for index in range(len(sources) - 1, -1, -1):
        chosen = int(sources[index][chosen])
        path.append(layers[index][chosen])
    return path[::-1]


def has_parallels(before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether two voices move in parallel fifths, octaves or primes."""
    for low in range(len(before)):
        for high in range(low + 1, len(before)):
            moved = before[low] != after[low] and before[high] != after[high]
            interval = (before[high] - before[low]) % 12
            if moved and interval in FORBIDDEN and (after[high] - after[low]) % 12 == interval:
                return True
    return False


def _rootless(chord: Chord) -> tuple[int, int, int, int]:
    seventh = next((i for i in chord.intervals if i in (9, 10, 11)), 9)
    dominant = chord.third == 4 and seventh == 10
    fifth = 9 if dominant else next((i for i in chord.intervals if i in (6, 7, 8)), 7)
    ninth = next((i for i in chord.intervals if i in (13, 14, 15)), 12 if fifth == 6 else 14)
    return chord.third, fifth, seventh, ninth


def _reduced(chord: Chord, n_voices: int) -> tuple[int, ...]:
    pitch_classes = list(chord.pitch_classes)
    fifth = (chord.root + 7) % 12
    if len(pitch_classes) > n_voices and fifth in pitch_classes:
        pitch_classes.remove(fifth)
    while len(pitch_classes) > n_voices:
        pitch_classes.pop(0)  # the bass has the root
    return tuple(pitch_classes)


def _closed_from(lowest: int, pitch_classes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(lowest + (pitch_class - lowest) % 12 for pitch_class in pitch_classes))


def _movement(before: tuple[int, ...], after: tuple[int, ...]) -> float:
    return float(sum(min(abs(pitch - other) for other in before) for pitch in after)) if before else 0.0


def _settings(chord: Chord, soprano: int) -> list[tuple[int, int, int, int]]:
    pitch_classes = chord.pitch_classes
    third = (chord.root + chord.third) % 12
    basses = [p for p in range(RANGES[0][0], RANGES[0][1] + 1) if p % 12 == chord.root]
    inner = [[p for p in range(low, high + 1) if p % 12 in pitch_classes] for low, high in RANGES[1:3]]
    found = []
    for bass, tenor, alto in product(basses, *inner):
        if not (bass < tenor < alto < soprano) or soprano - alto > 12 or alto - tenor > 12:
            continue
        sounding = {bass % 12, tenor % 12, alto % 12, soprano % 12}
        if third in sounding and (len(pitch_classes) < 4 or pitch_classes[3] in sounding):
            found.append((bass, tenor, alto, soprano))
    return found


def _step_cost(before: tuple[int, ...], after: tuple[int, ...]) -> float:
    if has_parallels(before, after):
        return float("inf")
    leaps = [abs(b - a) for b, a in zip(before, after, strict=True)]
    return float(sum(leaps[1:3]) + 0.5 * leaps[0] + sum(4 for leap in leaps[:3] if leap > 7))
