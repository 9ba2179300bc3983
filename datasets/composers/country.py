"""Country: a pentatonic tune and the few chords that fit it, over a boom-chick of bass and guitar.

The bass plays root and fifth and walks up into the next chord; guitar and snare answer on the beats between. Steel
guitar, fiddle and banjo fill what the singer leaves. Two-step, train beat or waltz.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from datasets.composers.accompaniment import arpeggio, bass, comp, long_chords
from datasets.composers.drums import Pattern, fill, play
from datasets.composers.forms import SectionKind, sections
from datasets.composers.harmoniser import MINOR_CHANGES, Transitions, harmonise
from datasets.composers.harmony import ChordSpan, progression
from datasets.composers.humanise import played_by_people
from datasets.composers.instruments import (
    ACOUSTIC_BASS,
    BRUSH_KIT,
    ELECTRIC_BASS,
    FIDDLE,
    PLUCKED,
    SLIDE_GUITAR,
    STANDARD_KIT,
    STEEL_GUITAR,
    VOICE_LEAD,
    Palette,
)
from datasets.composers.melody import Line, melody
from datasets.composers.song import Mix, Note, Part, Section, Song
from datasets.composers.style import Brief, Style
from datasets.composers.theory import pitch_near, scale_pitches

MAJOR_CHANGES: Transitions = {
    "I": {"I": 4, "IV": 3, "V": 3, "vi": 0.7},
    "ii": {"V": 5},
    "IV": {"I": 4, "V": 2, "IV": 2},
    "V": {"I": 5, "V": 2, "IV": 1},
    "vi": {"IV": 3, "V": 2, "ii": 1},
}
FORM = {
    "verse": SectionKind(8, 0.5, {"chorus": 2, "break": 1}),
    "chorus": SectionKind(8, 0.8, {"break": 1, "verse": 1}),
    "break": SectionKind(8, 0.7, {"verse": 1, "chorus": 1}),
}


@dataclass(frozen=True)
class Feel:
    """A dance: what the rhythm section plays in each of its bars."""

    beats_per_bar: int
    bass_line: str
    strum: str
    drums: Pattern


TWO_STEP = Feel(
    4, "R-5-", ".x.x", {"kick": "X.......x.......", "snare": "....x..g....x...", "closed_hat": "x.x.x.x.x.x.x.x."}
)
TRAIN = Feel(4, "R-5-R-5-", ".x.x.x.x", {"kick": "X...x...X...x...", "snare": "ggXgggXgggXgggXg"})
WALTZ = Feel(3, "R--", ".xx", {"kick": "X.....", "side_stick": "..x.x.", "closed_hat": "x.x.x."})
WALTZES = 0.15  # share of songs
FAST_BPM = 112.0  # from here on the two-step counts in quarters what the train beat counts in eighths
BANJO_ROLLS = ((0, 1, 3, 0, 1, 3, 0, 3), (0, 2, 1, 3, 0, 2, 1, 3), (3, 1, 0, 3, 1, 0, 3, 0))
TUNE = Line(
    scale="major_pentatonic",
    low=0,  # both ends are the singer's
    high=0,
    phrases=("0 1 2 2 1 0", "2 3 4 3 2 1 0", "4 3 2 1 2 0", "0 0 1 2 4 3 2", "5 4 3 2 3 2 1 0"),
    cells=((3, (1.0,)), (3, (0.5, 0.5)), (1, (1.5, 0.5)), (1, (2.0,))),
    rest=0.08,
    velocity=92,
)
LICKS = Line(
    scale="major_pentatonic",
    low=62,
    high=84,
    phrases=("0 1 2 3 4 5", "5 4 3 2 1 0", "2 1 2 3 2 1 0", "4 5 4 3 2 3 2 1"),
    cells=((4, (0.5, 0.5)), (3, (0.25, 0.25, 0.25, 0.25)), (1, (1.0,))),
    rest=0.05,
    velocity=92,
)
WALKED = 0.6  # share of changes of chord
PHRASE_BARS, SUNG_BARS = 4, 3  # the singer leaves every fourth bar to a fill
BASS_LOW = 28


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """Verses, choruses and instrumental breaks; each tune comes back."""
    feel = WALTZ if rng.random() < WALTZES else TWO_STEP if brief.tempo_bpm > FAST_BPM else TRAIN
    form = sections(FORM, str(rng.choice(list(FORM))), brief.n_bars(feel.beats_per_bar), brief.energy, rng)
    singer = palette.pick_voice("male" if rng.random() < 0.6 else "female")
    scale = "minor_pentatonic" if brief.mode == "minor" else "major_pentatonic"
    sung, lick = replace(TUNE, scale=scale, low=singer.centre - 7, high=singer.centre + 8), replace(LICKS, scale=scale)
    tunes = {name: tune(sung, brief, feel, rng) for name in ("verse", "chorus")}
    tunes["break"] = tunes["verse"]
    roll = BANJO_ROLLS[int(rng.integers(len(BANJO_ROLLS)))]
    names = ("voice", "fiddle", "steel", "banjo", "guitar", "bass", "drums")
    played: dict[str, list[Note]] = {name: [] for name in names}
    for section in form:
        start, end = (bar * feel.beats_per_bar for bar in (section.start_bar, section.start_bar + section.n_bars))
        notes, chords = _moved(*tunes[section.name], float(start))
        written = _accompanied(chords, section, feel, roll, brief, rng)
        fills = melody(lick, chords, brief.tonic, rng, beats_per_bar=feel.beats_per_bar)
        if section.name == "break":
            written["fiddle"] = fills
        else:
            sung_beats = SUNG_BARS * feel.beats_per_bar
            written["voice"] = notes
            written["fiddle"] = [
                n for n in fills if (n.start - start) % (PHRASE_BARS * feel.beats_per_bar) >= sung_beats
            ]
        for name, part in written.items():
            played[name] += [note for note in part if note.start < end]
    parts: tuple[Part, ...] = (
        Part("voice", palette.pick(VOICE_LEAD), tuple(played["voice"]), gain_db=-2, reverb=0.2, voice=singer),
        Part("fiddle", palette.pick(FIDDLE), tuple(played["fiddle"]), gain_db=-4, pan=0.3),
        Part("steel", palette.pick(SLIDE_GUITAR), tuple(played["steel"]), gain_db=-3, pan=-0.4, chorus=0.2),
        Part("banjo", palette.pick(PLUCKED), tuple(played["banjo"]), gain_db=-4, pan=0.5),
        Part("guitar", palette.pick(STEEL_GUITAR), tuple(played["guitar"]), gain_db=0, pan=-0.2),
        Part("bass", palette.pick((*ACOUSTIC_BASS, *ELECTRIC_BASS)), tuple(played["bass"]), gain_db=1, reverb=0.05),
        Part("drums", palette.pick((*STANDARD_KIT, *BRUSH_KIT)), tuple(played["drums"]), gain_db=1),
    )
    parts = played_by_people(parts, rng, tempo_bpm=brief.tempo_bpm)
    mix = Mix(room=0.25, high_db=1.0, compression=0.4, loudness_lufs=-14.0)
    return Song("country", brief.tempo_bpm, brief.tonic, brief.mode, feel.beats_per_bar, form, parts, mix)


def tune(line: Line, brief: Brief, feel: Feel, rng: np.random.Generator) -> tuple[list[Note], list[ChordSpan]]:
    """Eight bars from beat 0, the second half like the first but for its end on the tonic, and their chords."""
    home = "i" if brief.mode == "minor" else "I"
    half = progression([home] * PHRASE_BARS, brief.tonic, beats_per_bar=feel.beats_per_bar)
    length = half[-1].end
    first = melody(line, half, brief.tonic, rng, beats_per_bar=feel.beats_per_bar)
    first = [note for note in first if note.start < SUNG_BARS * feel.beats_per_bar]
    again = [replace(note, start=note.start + length) for note in first]
    last = Note(
        length + SUNG_BARS * feel.beats_per_bar,
        0.6 * feel.beats_per_bar,
        pitch_near(brief.tonic, (line.low + line.high) / 2),
        line.velocity,
    )
    notes = [*first, *again, last]
    changes = MINOR_CHANGES if brief.mode == "minor" else MAJOR_CHANGES
    chords = harmonise(
        notes, changes, brief.tonic, n_spans=2 * PHRASE_BARS, span_beats=feel.beats_per_bar, first=home, last=home
    )
    return notes, chords


def walked(
    line: Sequence[Note], chords: Sequence[ChordSpan], tonic: int, scale: str, rng: np.random.Generator
) -> list[Note]:
    """The bass line with its last two beats before some changes of chord replaced by the two steps below the root."""
    notes = list(line)
    for span, following in pairwise(chords):
        if span.chord.root == following.chord.root or rng.random() > WALKED:
            continue
        goal = BASS_LOW + (following.chord.root - BASS_LOW) % 12
        below = scale_pitches(tonic, scale, goal - 5, goal - 1)[-2:]
        notes = [note for note in notes if not span.end - 2 <= note.start < span.end]
        notes += [Note(span.end - 2 + beat, 0.9, int(pitch), 96) for beat, pitch in enumerate(below)]
    return notes


def pedalled(chords: Sequence[ChordSpan]) -> list[Note]:
    """Two strings of a steel guitar; the upper one comes from a tone below, as its pedal pulls it up."""
    notes = []
    for span, low in zip(chords, long_chords(chords, centre=67, n_voices=2)[::2], strict=True):
        above = next(low.pitch + step for step in range(3, 12) if (low.pitch + step) % 12 in span.chord.pitch_classes)
        notes += [low, Note(span.start, 0.5, above - 2, 70), Note(span.start + 0.5, span.duration - 0.55, above, 72)]
    return notes


def _moved(notes: Sequence[Note], chords: Sequence[ChordSpan], start: float) -> tuple[list[Note], list[ChordSpan]]:
    moved_notes = [replace(note, start=note.start + start) for note in notes]
    return moved_notes, [replace(span, start=span.start + start) for span in chords]


def _accompanied(
    chords: Sequence[ChordSpan],
    section: Section,
    feel: Feel,
    roll: Sequence[int],
    brief: Brief,
    rng: np.random.Generator,
) -> dict[str, list[Note]]:
    beats, level = feel.beats_per_bar, 0.75 + 0.35 * section.energy
    line = bass(chords, feel.bass_line, low=BASS_LOW, beats_per_bar=beats, velocity=int(100 * level))
    written = {
        "bass": walked(line, chords, brief.tonic, brief.mode, rng),
        "guitar": comp(chords, feel.strum, centre=60, beats_per_bar=beats, strum_beats=0.02, velocity=0.9 * level),
        "steel": pedalled(chords) if section.name != "break" else [],
        "drums": [],
    }
    if section.name != "verse" or section.energy > 0.6:
        step = 0.5 if brief.tempo_bpm > FAST_BPM else 0.25
        written["banjo"] = arpeggio(chords, roll, step=step, centre=62, velocity=int(76 * level), legato=1.0)
    for bar in range(section.start_bar, section.start_bar + section.n_bars):
        written["drums"] += play(feel.drums, bar * beats, beats=beats, level=level)
    if section.energy > 0.5:
        written["drums"] += fill(rng, (section.start_bar + section.n_bars) * beats - 1, 1.0, level=level)
    return written


STYLE = Style("country", (84, 150), 0.05, (0.3, 0.9), compose)
