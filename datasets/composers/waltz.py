"""Waltz as in Vienna: oom-pah-pah with an early second beat, tunes in thirds, sixteen bars to a section."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from datasets.composers.accompaniment import bass, comp
from datasets.composers.drums import play
from datasets.composers.forms import SectionKind, sections
from datasets.composers.harmony import ChordSpan, Rules, expand, progression, repeated
from datasets.composers.humanise import played_by_people
from datasets.composers.instruments import (
    CLARINET,
    FLUTE,
    GLOCKENSPIEL,
    HORNS,
    LOW_STRINGS,
    ROOM_KIT,
    STRINGS,
    TRUMPET,
    Palette,
)
from datasets.composers.melody import Line, guide_line, melody
from datasets.composers.song import Mix, Note, Part, Song
from datasets.composers.style import Brief, Style
from datasets.composers.voicing import in_thirds

BEATS = 3
MAJOR_RULES: Rules = {
    "PERIOD": [(3, "I4 V4 V4 I4"), (2, "I4 V4 V4 CLOSE4"), (2, "I4 IV_I4 V4 CLOSE4"), (1, "I4 ii4 V4 CLOSE4")],
    "I4": [(1, "I I I I"), (1, "I I I V7"), (1, "I I vi vi")],
    "V4": [(3, "V7 V7 V7 V7"), (1, "V7 V7 I I"), (1, "ii V7 ii V7")],
    "IV_I4": [(1, "IV IV I I"), (1, "IV #IVdim7 I I")],
    "ii4": [(1, "ii ii ii ii"), (1, "VI7 VI7 ii ii")],
    "CLOSE4": [(2, "IV I V7 I"), (2, "II7 V7 I I"), (1, "ii V7 I I")],
}
MINOR_RULES: Rules = {
    "PERIOD": [(2, "I4 V4 V4 I4"), (2, "I4 iv4 V4 CLOSE4")],
    "I4": [(1, "i i i i"), (1, "i i i V7")],
    "V4": [(2, "V7 V7 V7 V7"), (1, "V7 V7 i i")],
    "iv4": [(1, "iv iv i i"), (1, "iv iv bVI bVI")],
    "CLOSE4": [(2, "iv i V7 i"), (1, "bVI V7 i i")],
}
FORM = {
    "first waltz": SectionKind(16, 0.45, {"second waltz": 1}),
    "second waltz": SectionKind(16, 0.75, {"first waltz": 1, "trio": 1}),
    "trio": SectionKind(16, 0.4, {"first waltz": 1}),
}
TUNE = Line(
    scale="major",
    low=67,
    high=86,
    phrases=("0 2 4 4 4", "4 5 6 7 9 7 6 5", "7 6 5 4 3 2 1 0", "2 1 2 3 4 2 0", "4 4 5 4 3 1", "0 1 2 3 4 5 6 7"),
    cells=((3, (1.0, 1.0, 1.0)), (2.5, (2.0, 1.0)), (2, (3.0,)), (2, (1.0, 0.5, 0.5, 0.5, 0.5)), (1, ("r1", 1.0, 1.0))),
    legato=0.92,
    velocity=86,
    rest=0.0,
    repeat=0.6,
)
EARLY_MS = 45.0  # of the second beat
ORCHESTRA = {"kick": "x..", "snare": ".gg", "open_triangle": "..."}
TUTTI = {"kick": "X..", "snare": ".xx", "open_triangle": "x.."}


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """A chain of waltzes, of which the first comes back."""
    rules, scale = (MINOR_RULES, "harmonic_minor") if brief.mode == "minor" else (MAJOR_RULES, "major")
    periods = {name: expand(rules, "PERIOD", rng) for name in FORM}
    line = replace(TUNE, scale=scale)
    tunes = {
        name: melody(line, progression(chords, brief.tonic, beats_per_bar=BEATS), brief.tonic, rng, beats_per_bar=BEATS)
        for name, chords in periods.items()
    }
    start = str(rng.choice(["first waltz", "second waltz"]))
    form = sections(FORM, start, brief.n_bars(BEATS), brief.energy, rng)
    names = ("violins", "second violins", "wood", "glockenspiel", "after-beats", "basses", "horns", "trumpets", "drums")
    played: dict[str, list[Note]] = {name: [] for name in names}
    for section in form:
        first_beat = section.start_bar * BEATS
        symbols = repeated(periods[section.name], section.n_bars, beats_per_bar=BEATS)
        chords = progression(symbols, brief.tonic, beats_per_bar=BEATS, start_beat=first_beat)
        end, loud = chords[-1].end, section.energy > 0.55
        tune = [replace(n, start=n.start + first_beat) for n in tunes[section.name]]
        tune = _at_velocity([note for note in tune if note.start < end], round(64 + 40 * section.energy))
        below = in_thirds(tune, brief.tonic, scale)
        level = 0.5 + 0.4 * section.energy
        played["after-beats"] += early(
            comp(chords, ".xx", beats_per_bar=BEATS, centre=60, n_voices=3, velocity=level, legato=0.5), brief.tempo_bpm
        )
        played["basses"] += bass(
            chords, "R..", beats_per_bar=BEATS, low=33, velocity=round(70 + 36 * section.energy), legato=2.0
        )
        if section.name == "trio":
            played["wood"] += tune + below
        else:
            played["violins"] += tune
            played["second violins"] += below
        if loud:
            played["wood"] += [replace(note, pitch=note.pitch + 12) for note in tune if note.pitch <= 84]
            played["glockenspiel"] += [
                replace(n, pitch=n.pitch + 12, velocity=70) for n in tune if n.start % BEATS == 0 and n.pitch <= 84
            ]
            played["trumpets"] += comp(chords, "X..", beats_per_bar=BEATS, centre=67, n_voices=3, velocity=level)
        played["horns"] += _counter_melody(chords, round(46 + 36 * section.energy))
        for bar in range(section.start_bar, section.start_bar + section.n_bars):
            drums = play(TUTTI if loud else ORCHESTRA, bar * BEATS, beats=BEATS, level=0.4 + 0.4 * section.energy)
            played["drums"] += early(drums, brief.tempo_bpm)
    parts = (
        Part("violins", palette.pick(STRINGS), tuple(played["violins"]), gain_db=1, pan=-0.5, reverb=0.5),
        Part(
            "second violins", palette.pick(STRINGS), tuple(played["second violins"]), gain_db=-3, pan=-0.2, reverb=0.5
        ),
        Part("wood", palette.pick((*CLARINET, *FLUTE)), tuple(played["wood"]), gain_db=-2, pan=0.15, reverb=0.5),
        Part(
            "glockenspiel", palette.pick(GLOCKENSPIEL), tuple(played["glockenspiel"]), gain_db=-8, pan=0.4, reverb=0.5
        ),
        Part("after-beats", palette.pick(STRINGS), tuple(played["after-beats"]), gain_db=-4, pan=0.1, reverb=0.4),
        Part("basses", palette.pick(LOW_STRINGS), tuple(played["basses"]), gain_db=0, pan=0.5, reverb=0.4),
        Part("horns", palette.pick(HORNS), tuple(played["horns"]), gain_db=-7, pan=0.3, reverb=0.5),
        Part("trumpets", palette.pick(TRUMPET), tuple(played["trumpets"]), gain_db=-8, pan=0.3, reverb=0.5),
        Part("drums", palette.pick(ROOM_KIT), tuple(played["drums"]), gain_db=-8, pan=0.2, reverb=0.5),
    )
    loosened = played_by_people(parts, rng, tempo_bpm=brief.tempo_bpm, timing_ms=7, velocity=5)
    mix = Mix(room=0.6, compression=0.05, loudness_lufs=-19.0)
    return Song("waltz", brief.tempo_bpm, brief.tonic, brief.mode, BEATS, form, loosened, mix)


def early(notes: Sequence[Note], tempo_bpm: float) -> list[Note]:
    """Play second beats before their time, as orchestras in Vienna do."""
    shift = EARLY_MS * tempo_bpm / 60000
    return [replace(note, start=note.start - shift * (note.start % BEATS == 1)) for note in notes]


def _counter_melody(chords: Sequence[ChordSpan], velocity: int) -> list[Note]:
    pitches = guide_line(chords, low=52, high=67)
    return [Note(s.start, s.duration * 0.95, pitch, velocity) for s, pitch in zip(chords, pitches, strict=True)]


def _at_velocity(notes: Sequence[Note], velocity: int) -> list[Note]:
    return [replace(note, velocity=min(velocity + note.velocity - TUNE.velocity, 127)) for note in notes]


STYLE = Style("waltz", (150, 192), 0.15, (0.3, 0.9), compose)
