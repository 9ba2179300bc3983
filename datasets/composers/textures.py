"""Textures of classical music: what each player gets of a period, given its chords and its melody.

Every texture takes a period and the generator that decides, and returns the notes of each player by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from datasets.composers.accompaniment import arpeggio, bass, comp, long_chords
from datasets.composers.harmony import ChordSpan, chord_at
from datasets.composers.song import Note
from datasets.composers.theory import SCALES, Chord
from datasets.composers.voicing import chorale, has_parallels
from datasets.errors import DatasetError

VOICES = ("bass", "tenor", "alto", "soprano")
PHRASE_BEATS = 16.0
MELODY_VELOCITY = 78  # for which a melody is written; a texture moves it as a whole
SOPRANO = (62, 79)
MAX_LEAP = 5  # semitones, of a soprano
MAX_SOPRANOS = 50  # that are tried
BREATH = 0.85  # share of its time that the last chord of a phrase sounds
PASSING = 0.5  # chance that a leap of a third is filled
# Orders in which a left hand, or the middle of a quartet, breaks a chord: notes from below.
ALBERTI = ((0, 2, 1, 2), (0, 1, 2, 1), (0, 2, 1, 2, 0, 1, 2, 1))
NOCTURNE = ((0, 2, 4, 3, 5, 4, 3, 2), (0, 1, 2, 3, 4, 3, 2, 1), (0, 2, 3, 4, 5, 4, 3, 2))
TIMPANI_RHYTHMS = ("R---R-RR", "R-------", "R-RRR---")
PULSES = (".x.x.x.x", "x.x.x.x.", "..x...x.")
ADAGIO_BASSES = ("R-------", "R---R---", "R-----5-")
# Eight sixteenths of a subject, and four eighths against it: steps above the root of the chord that sounds.
SUBJECTS = ("0 1 2 3 1 2 0 4", "4 3 2 1 2 0 1 2", "0 4 2 4 1 2 3 1", "7 6 5 4 5 3 4 2", "0 2 1 3 2 4 3 1")
COUNTERSUBJECTS = ("0 2 4 2", "4 2 0 2", "2 4 7 4", "7 4 2 4")
INVENTION_LOW = {"upper": 67, "lower": 46}
Parts = dict[str, list[Note]]
Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Period:
    """Eight bars of 4/4, from beat 0: gapless chords, the last of which is the tonic, a melody, an energy of 0 to 1."""

    chords: Sequence[ChordSpan]
    melody: Sequence[Note]
    energy: float


def chorale_texture(period: Period, rng: np.random.Generator) -> Parts:
    """Four voices note against note, with passing notes and a rest on the last chord of each phrase.

    The soprano is new: one under which the rules of `voicing.chorale` can be kept.
    """
    spans = [
        replace(span, start=span.start + offset, duration=min(step, span.duration - offset))
        for span in period.chords
        for step in [4.0 if _closes_phrase(span.start) else 2.0]
        for offset in np.arange(0.0, span.duration, step).tolist()
    ]
    voicings = _four_voices(spans, rng)
    velocity = round(58 + 40 * period.energy)
    played: Parts = {name: [] for name in VOICES}
    for index, (span, voicing) in enumerate(zip(spans, voicings, strict=True)):
        following = voicings[min(index + 1, len(spans) - 1)]
        passing = _passing_notes(period.chords, span, voicing, following, rng)
        held = span.duration * (BREATH if _closes_phrase(span.start) else 1.0)
        for name, pitch, between in zip(VOICES, voicing, passing, strict=True):
            if between:
                half = span.duration / 2
                played[name] += [Note(span.start, half, pitch, velocity)]
                played[name] += [Note(span.start + half, half, between, velocity)]
            else:
                played[name].append(Note(span.start, held, pitch, velocity))
    return played


def quartet_texture(period: Period, rng: np.random.Generator) -> Parts:
    """Melody, broken chords or repeated notes in the middle, a bass below."""
    velocity = round(56 + 34 * period.energy)
    middle = (
        arpeggio(
            period.chords, _drawn(ALBERTI, rng), step=0.5, centre=62, n_voices=3, velocity=velocity - 8, legato=0.95
        )
        if rng.random() < 0.5
        else comp(period.chords, ".x.x.x.x", centre=62, n_voices=3, velocity=velocity / 110)
    )
    return {
        "melody": at_velocity(period.melody, velocity + 22),
        "middle": middle,
        "bass": bass(period.chords, "R---8---", low=36, velocity=velocity, legato=0.95),
    }


def orchestra_texture(period: Period, rng: np.random.Generator) -> Parts:
    """Strings carry the harmony, wood doubles the melody, brass and timpani join where it is loud."""
    velocity = round(52 + 46 * period.energy)
    loud = period.energy > 0.55
    wood = [replace(note, pitch=note.pitch + (12 if note.pitch < 74 else 0)) for note in period.melody]
    return {
        "violins": at_velocity(period.melody, velocity + 18),
        "wood": at_velocity(wood, velocity + 12),
        "strings": long_chords(period.chords, centre=60, velocity=velocity),
        "pulse": comp(period.chords, _drawn(PULSES, rng), centre=62, n_voices=3, velocity=velocity / 120, legato=0.6),
        "basses": bass(period.chords, "R---R---", low=31, velocity=velocity, legato=0.95),
        "horns": long_chords(period.chords, centre=57, n_voices=3, velocity=velocity) if loud else [],
        "trumpets": comp(period.chords, "X-------", centre=68, n_voices=3, velocity=velocity / 130) if loud else [],
        "timpani": bass(_tonic_and_dominant(period.chords), _drawn(TIMPANI_RHYTHMS, rng), low=38, velocity=velocity)
        if loud
        else [],
    }


def adagio_texture(period: Period, rng: np.random.Generator) -> Parts:
    """Held strings below one singing instrument."""
    velocity = round(50 + 30 * period.energy)
    return {
        "solo": at_velocity(period.melody, velocity + 24),
        "strings": long_chords(period.chords, centre=58, velocity=velocity),
        "basses": bass(period.chords, _drawn(ADAGIO_BASSES, rng), low=33, velocity=velocity, legato=1.0),
    }


def sonatina_texture(period: Period, rng: np.random.Generator) -> Parts:
    """A right hand that sings over the left hand's broken chords."""
    velocity = round(50 + 34 * period.energy)
    return {
        "right hand": at_velocity(period.melody, velocity + 20),
        "left hand": arpeggio(
            period.chords, _drawn(ALBERTI, rng), step=0.5, centre=55, n_voices=3, velocity=velocity, legato=1.0
        ),
    }


def nocturne_texture(period: Period, rng: np.random.Generator) -> Parts:
    """A long melody over wide broken chords, with the pedal down."""
    velocity = round(44 + 34 * period.energy)
    wide = arpeggio(
        period.chords, _drawn(NOCTURNE, rng), step=0.5, centre=50, n_voices=3, velocity=velocity, legato=4.0
    )
    return {
        "right hand": at_velocity(period.melody, velocity + 26),
        "left hand": [*bass(period.chords, "R-------", low=33, velocity=velocity + 6, legato=1.0), *wide],
    }


def invention_texture(period: Period, rng: np.random.Generator) -> Parts:
    """Two voices in imitation: the subject begins alone, then it changes voices every half bar, on each new chord.

    The other voice has the countersubject; both come to rest at the end.
    """
    subject, against = (_steps(_drawn(lines, rng)) for lines in (SUBJECTS, COUNTERSUBJECTS))
    velocity = round(66 + 24 * period.energy)
    voices: Parts = {"upper": [], "lower": []}
    end = period.chords[-1].end
    for index, beat in enumerate(np.arange(0.0, end - 2.0, 2.0).tolist()):
        leader, follower = ("upper", "lower") if index % 2 == 0 else ("lower", "upper")
        chord = chord_at(period.chords, beat)
        voices[leader] += _figure(period.chords, chord, subject, INVENTION_LOW[leader], beat, 0.25, velocity)
        if index > 0:
            voices[follower] += _figure(period.chords, chord, against, INVENTION_LOW[follower], beat, 0.5, velocity - 8)
    for name, low in INVENTION_LOW.items():
        voices[name] += _figure(period.chords, period.chords[-1].chord, [0], low, end - 2.0, 1.8, velocity)
    return voices


def at_velocity(notes: Sequence[Note], velocity: int) -> list[Note]:
    """A melody with its accents, moved to another strength."""
    return [replace(note, velocity=int(np.clip(velocity + note.velocity - MELODY_VELOCITY, 1, 127))) for note in notes]


def key_scale(chords: Sequence[ChordSpan], chord: Chord) -> tuple[int, ...]:
    """Pitch classes of the key, which the last chord closes, with what a chord alters in it."""
    home = chords[-1].chord
    pitch_classes = {(home.root + step) % 12 for step in SCALES["major" if home.third == 4 else "minor"]}
    for altered in set(chord.pitch_classes) - pitch_classes:
        natural = next(p % 12 for p in (altered - 1, altered + 1) if p % 12 in pitch_classes - set(chord.pitch_classes))
        pitch_classes = pitch_classes - {natural} | {altered}
    return tuple(sorted(pitch_classes))


def _drawn(choices: Sequence[Choice], rng: np.random.Generator) -> Choice:
    return choices[int(rng.integers(len(choices)))]


def _closes_phrase(beat: float) -> bool:
    return beat % PHRASE_BEATS >= PHRASE_BEATS - 4


def _four_voices(spans: Sequence[ChordSpan], rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
    for _ in range(MAX_SOPRANOS):
        wanted, sopranos = sum(SOPRANO) / 2, []
        for span in spans:
            near = [p for p in range(*SOPRANO) if p % 12 in span.chord.pitch_classes and abs(p - wanted) <= MAX_LEAP]
            weights = np.array([1 / (0.6 + abs(pitch - wanted)) for pitch in near])
            wanted = int(rng.choice(near, p=weights / weights.sum()))
            sopranos.append(wanted)
        try:
            return chorale([span.chord for span in spans], sopranos)
        except DatasetError:
            continue
    raise DatasetError(f"none of {MAX_SOPRANOS} sopranos has a setting without parallels; allow other chords")


def _passing_notes(
    chords: Sequence[ChordSpan],
    span: ChordSpan,
    voicing: Sequence[int],
    following: Sequence[int],
    rng: np.random.Generator,
) -> list[int]:
    """For each voice the note that fills a leap of a third, or 0: in one voice at most, where it makes no parallels."""
    passing = [0] * len(voicing)
    scale = key_scale(chords, span.chord)
    for voice in (3, 0, 1, 2):  # the outer voices are heard best
        low, high = sorted((voicing[voice], following[voice]))
        between = [pitch for pitch in range(low + 1, high) if pitch % 12 in scale]
        if high - low in (3, 4) and len(between) == 1 and rng.random() < PASSING and not _closes_phrase(span.start):
            moved = [*voicing[:voice], between[0], *voicing[voice + 1 :]]
            if not has_parallels(moved, following):
                passing[voice] = between[0]
                return passing
    return passing


def _tonic_and_dominant(chords: Sequence[ChordSpan]) -> list[ChordSpan]:
    """Timpani are tuned to two notes: the dominant sounds with its own chord, the tonic with all others."""
    home = chords[-1].chord
    dominant = (home.root + 7) % 12
    return [replace(span, chord=span.chord if span.chord.root == dominant else home) for span in chords]


def _figure(
    chords: Sequence[ChordSpan], chord: Chord, steps: Sequence[int], low: int, beat: float, length: float, velocity: int
) -> list[Note]:
    """Steps of the scale above the chord's root, one after the other."""
    root = low + (chord.root - low) % 12
    ladder = [pitch for pitch in range(root, root + 25) if pitch % 12 in key_scale(chords, chord)]
    return [Note(beat + place * length, length * 0.92, ladder[step], velocity) for place, step in enumerate(steps)]


def _steps(line: str) -> list[int]:
    return [int(step) for step in line.split()]
