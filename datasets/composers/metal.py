"""Metal: palm-muted riffs on the lowest string, two guitars left and right, a kick drum that follows the riff.

A bar of a riff comes three times and a fourth one leads back. Bars are strings of beats from a grammar: muted figures
on the tonic ("gallop", "chug", "tremolo") and power chords on other degrees of the scale. Verses are growled; solos
are runs in harmonic minor by two guitars in thirds; breakdowns go in half time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from datasets.composers.accompaniment import steps
from datasets.composers.drums import DRUMS, Pattern, fill, play
from datasets.composers.forms import SectionKind, sections
from datasets.composers.harmony import ChordSpan, Rules, expand
from datasets.composers.humanise import played_by_people
from datasets.composers.instruments import DISTORTED_GUITAR, ELECTRIC_BASS, POWER_KIT, VOICE_LEAD, Palette
from datasets.composers.melody import Line, melody
from datasets.composers.song import Mix, Note, Part, Section, Song
from datasets.composers.style import Brief, Style
from datasets.composers.theory import QUALITIES, SCALES, Chord, scale_pitches

FIGURES = {  # a beat in sixteenths: "g" palm-muted on the tonic, "X" and "x" an open power chord
    "gallop": "g.gg",
    "reverse": "ggg.",
    "chug": "g.g.",
    "tremolo": "gggg",
    "stab": "X---",
    "push": "g.X-",
    "double": "X-x-",
}
RULES: Rules = {  # "stab@5" is on the sixth degree of the scale
    "CALL": [
        (3, "gallop gallop gallop CHORD"),
        (2, "chug chug CHORD CHORD"),
        (2, "tremolo tremolo gallop CHORD"),
        (1.5, "chug PUSH chug PUSH"),
        (1.5, "stab@0 gallop reverse CHORD"),
        (1, "double@0 chug CHORD chug"),
    ],
    "TURN": [(2, "CHORD CHORD CHORD CHORD"), (2, "gallop CHORD gallop CHORD"), (1, "DOUBLE DOUBLE CHORD CHORD")],
    "CHORD": [(4, "stab@1"), (3, "stab@5"), (3, "stab@6"), (2, "stab@2"), (1, "stab@3"), (1, "stab@4")],
    "PUSH": [(2, "push@1"), (2, "push@2"), (1, "push@5"), (1, "push@6")],
    "DOUBLE": [(2, "double@5"), (2, "double@6"), (1, "double@1"), (1, "double@2")],
}
CHORUSES = ((0, 5, 2, 6), (0, 6, 5, 6), (0, 0, 5, 6), (5, 6, 0, 0), (0, 3, 5, 6))  # degrees, a bar each
CHORUS_RHYTHMS = ("X-------x-------", "X-----x-----x---", "x-x-x-x-x-x-x-x-")
BREAKDOWNS = ("X-..g.g...g.gg..", "X---....g.ggg.g.", "g.g.X-..g.g.X-..")
FORM = {
    "riff": SectionKind(4, 0.7, {"verse": 3, "solo": 1}),
    "verse": SectionKind(8, 0.6, {"chorus": 2, "breakdown": 1}),
    "chorus": SectionKind(8, 0.9, {"verse": 1, "solo": 1, "breakdown": 1, "riff": 1}),
    "breakdown": SectionKind(4, 0.8, {"solo": 1, "riff": 1}),
    "solo": SectionKind(8, 1.0, {"chorus": 1, "riff": 1}),
}
# The kick drum follows the riff where a groove has none.
BACKBEAT = {"snare": "....X.......X...", "open_hat": "x...x...x...x..."}
THRASH = {"snare": "..X...X...X...X.", "ride": "x.x.x.x.x.x.x.x."}
DOUBLE_KICK = {"kick": "xxxxxxxxxxxxxxxx", "snare": "....X.......X...", "ride_bell": "x...x...x...x..."}
BLAST = {"kick": "x.x.x.x.x.x.x.x.", "snare": ".x.x.x.x.x.x.x.x", "ride": "x.x.x.x.x.x.x.x."}
HALF_TIME = {"snare": "........X.......", "china": "X...x...x...x..."}
SOLO = Line(
    scale="harmonic_minor",
    low=62,
    high=86,
    phrases=("0 1 2 3 4 5 6 7", "7 6 5 4 3 2 1 0", "0 2 1 3 2 4 3 5", "4 3 2 4 3 2 4 3 2", "7 5 6 4 5 3 4 2"),
    cells=((4, (0.25, 0.25, 0.25, 0.25)), (1, (0.5, 0.5)), (1, (2.0,)), (1, (1.5, 0.5))),
    rest=0.0,
    velocity=100,
)
GROWL = Line(
    scale="minor_pentatonic",
    low=0,  # both ends are the singer's
    high=0,
    phrases=("0 0 0 1 0", "1 0 0 0", "0 0 1 2 1 0"),
    cells=((3, (0.5, 0.5)), (2, (1.0,)), (1, ("r1",)), (1, (0.25, 0.25, 0.5))),
    rest=0.1,
    repeat=0.6,
    velocity=100,
)
LOW_STRING = 35  # B1: guitars are tuned down until the tonic is an open string
FAST_BPM = 140.0
MUTED = "g"


@dataclass(frozen=True)
class Stroke:
    """What the guitars do together: `degree` of the scale, in beats from the start of the riff."""

    start: float
    duration: float
    degree: int
    muted: bool


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """A song of riffs."""
    form = sections(FORM, str(rng.choice(["riff", "verse", "chorus", "solo"])), brief.n_bars(), brief.energy, rng)
    scale = str(rng.choice(["phrygian", "minor"])) if brief.mode == "minor" else "mixolydian"
    riffs = {
        "riff": riff(rng),
        "verse": riff(rng),
        "chorus": open_chords(CHORUSES[int(rng.integers(len(CHORUSES)))], str(rng.choice(CHORUS_RHYTHMS))),
        "solo": open_chords(CHORUSES[int(rng.integers(len(CHORUSES)))], CHORUS_RHYTHMS[0]),
        "breakdown": _strokes(str(rng.choice(BREAKDOWNS)), 0),
    }
    root = LOW_STRING + (brief.tonic - LOW_STRING) % 12
    singer = palette.pick_voice("male", roughness=round(float(rng.uniform(0.5, 0.9)), 2))
    growl = replace(GROWL, low=singer.centre - 7, high=singer.centre + 7)
    guitars, low_notes, drums, lead, vocals = [], [], [], [], []
    for section in form:
        strokes = _repeated(riffs[section.name], section)
        guitars += guitar_notes(strokes, root, scale)
        low_notes += bass_notes(strokes, root - 12 if root > LOW_STRING else root, scale)
        drums += _drums(section, strokes, brief, rng)
        chords = _chords(strokes, section, scale, brief.tonic)
        if section.name == "solo":
            lead += melody(SOLO if brief.mode == "minor" else replace(SOLO, scale=scale), chords, brief.tonic, rng)
        elif section.name in ("verse", "chorus"):
            vocals += melody(growl, chords, brief.tonic, rng)
    ladder = scale_pitches(brief.tonic, SOLO.scale if brief.mode == "minor" else scale, SOLO.low, SOLO.high + 12)
    guitar, soloist, drive = palette.pick(DISTORTED_GUITAR), palette.pick(DISTORTED_GUITAR), 0.75 + 0.2 * brief.energy
    parts: tuple[Part, ...] = (
        Part("left guitar", guitar, tuple(guitars), gain_db=-6, pan=-0.9, drive=drive),
        Part("right guitar", guitar, tuple(guitars), gain_db=-6, pan=0.9, drive=drive),
        Part("lead", soloist, tuple(lead), gain_db=-4, pan=-0.2, reverb=0.4),
        Part("second lead", soloist, tuple(thirds_above(lead, ladder)), gain_db=-6, pan=0.2, reverb=0.4),
        Part("voice", palette.pick(VOICE_LEAD), tuple(vocals), gain_db=-2, reverb=0.2, voice=singer),
        Part("bass", palette.pick(ELECTRIC_BASS), tuple(low_notes), gain_db=-4, reverb=0.0),
        Part("drums", palette.pick(POWER_KIT), tuple(drums), gain_db=4, reverb=0.2),
    )
    parts = played_by_people(parts, rng, tempo_bpm=brief.tempo_bpm, timing_ms=5.0)
    mix = Mix(room=0.25, low_db=2.0, high_db=3.0, compression=0.7, loudness_lufs=-10.0)
    return Song("metal", brief.tempo_bpm, brief.tonic, brief.mode, 4, form, parts, mix)


def riff(rng: np.random.Generator) -> list[Stroke]:
    """Four bars: one bar three times, then one that leads back."""
    beats = 3 * expand(RULES, "CALL", rng) + expand(RULES, "TURN", rng)
    found = []
    for beat, terminal in enumerate(beats):
        figure, _, degree = terminal.partition("@")
        found += _strokes(FIGURES[figure], int(degree or 0), start=beat, beats=1)
    return found


def open_chords(degrees: Sequence[int], rhythm: str) -> list[Stroke]:
    """Power chords that ring, one degree a bar."""
    return [stroke for bar, degree in enumerate(degrees) for stroke in _strokes(rhythm, degree, start=4 * bar)]


def guitar_notes(strokes: Sequence[Stroke], root: int, scale: str) -> list[Note]:
    """Root and fifth, and the octave where the strings ring."""
    notes = []
    for stroke in strokes:
        pitch = root + SCALES[scale][stroke.degree]
        for interval in (0, 7) if stroke.muted else (0, 7, 12):
            notes.append(Note(stroke.start, 0.95 * stroke.duration, pitch + interval, 96 if stroke.muted else 116))
    return notes


def bass_notes(strokes: Sequence[Stroke], root: int, scale: str) -> list[Note]:
    """The roots of the riff."""
    return [Note(s.start, 0.95 * s.duration, root + SCALES[scale][s.degree], 104) for s in strokes]


def thirds_above(lead: Sequence[Note], ladder: np.ndarray) -> list[Note]:
    """A second voice two steps of the scale higher."""
    places = np.searchsorted(ladder, [note.pitch for note in lead])
    return [replace(note, pitch=int(ladder[place + 2])) for note, place in zip(lead, places, strict=True)]


def _strokes(line: str, degree: int, *, start: float = 0.0, beats: float = 4.0) -> list[Stroke]:
    return [
        Stroke(beat, duration, 0 if step == MUTED else degree, step == MUTED)
        for beat, duration, step in steps(line, start, start + beats, beats)
    ]


def _repeated(strokes: Sequence[Stroke], section: Section) -> list[Stroke]:
    """The riff from the section's first beat on, over and over until it ends."""
    length = 4 * (1 + strokes[-1].start // 4)
    first, end = 4.0 * section.start_bar, 4.0 * (section.start_bar + section.n_bars)
    turns = np.arange(first, end, length)
    return [replace(s, start=turn + s.start) for turn in turns.tolist() for s in strokes if turn + s.start < end]


def _chords(strokes: Sequence[Stroke], section: Section, scale: str, tonic: int) -> list[ChordSpan]:
    """A power chord for each bar, on what the riff begins with."""
    bars = range(section.start_bar, section.start_bar + section.n_bars)
    degrees = [next(s.degree for s in strokes if s.start >= 4 * bar) for bar in bars]
    roots = [(tonic + SCALES[scale][degree]) % 12 for degree in degrees]
    return [ChordSpan(Chord(root, QUALITIES["5"]), 4.0 * bar, 4.0) for bar, root in zip(bars, roots, strict=True)]


def _drums(section: Section, strokes: Sequence[Stroke], brief: Brief, rng: np.random.Generator) -> list[Note]:
    groove = _groove(section, brief)
    notes = []
    for bar in range(section.n_bars):
        start = 4.0 * (section.start_bar + bar)
        notes += play({"crash": "X..............."} if bar % 4 == 0 else {}, start)
        notes += play(groove, start, level=0.9 + 0.2 * section.energy)
    if "kick" not in groove:
        notes += [Note(s.start, 0.2, DRUMS["kick"], 116) for s in strokes]
    if rng.random() < 0.7:
        notes += fill(rng, 4.0 * (section.start_bar + section.n_bars) - 2)
    return notes


def _groove(section: Section, brief: Brief) -> Pattern:
    fast = brief.tempo_bpm > FAST_BPM
    if section.name == "breakdown":
        return HALF_TIME
    if section.name == "riff" and fast and brief.energy > 0.8:
        return BLAST
    if section.name in ("chorus", "solo"):
        return DOUBLE_KICK
    return THRASH if fast else BACKBEAT


STYLE = Style("metal", (100, 200), 0.95, (0.6, 1.0), compose)
