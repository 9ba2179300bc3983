"""Drum and bass: breakbeats at 165 to 178 bpm over a bass that moves half as fast, drops and breakdowns.

Two-step and chopped breaks are written here, not sampled: kick on 1 and the second half of 3, snare on 2 and 4, ghost
strokes between. A reese is two saw-like basses a little out of tune with each other; below it lies a sub.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from datasets.composers.accompaniment import arpeggio, bass, comp, long_chords
from datasets.composers.drums import Pattern, play
from datasets.composers.forms import SectionKind, sections
from datasets.composers.groove import groove
from datasets.composers.harmony import ChordSpan, Rules, expand, progression, repeated
from datasets.composers.humanise import echoed
from datasets.composers.instruments import (
    ELECTRIC_PIANO,
    ELECTRONIC_KIT,
    MALLETS,
    PAD,
    POWER_KIT,
    SYNTH_BASS,
    SYNTH_LEAD,
    SYNTH_STRINGS,
    VOICE_LEAD,
    Palette,
)
from datasets.composers.melody import Line, melody, tiled
from datasets.composers.song import Mix, Note, Part, Section, Song
from datasets.composers.style import Brief, Style

RULES: Mapping[str, Rules] = {  # chords of two bars
    "minor": {
        "LOOP": [
            (3, "i9:8 bVImaj7:8 iv9:8 v7:8"),
            (3, "i9:8 i9:8 bVImaj7:8 bVII:8"),
            (2, "i9:8 bIIImaj7:8 iv9:8 bVImaj7:8"),
            (2, "i9:16 iv9:8 v7:8"),
            (1, "i:8 bVI:8 bVII:8 i:8"),
        ]
    },
    "major": {
        "LOOP": [
            (3, "Imaj9:8 vi9:8 IVmaj9:8 V:8"),
            (2, "IVmaj9:8 iii7:8 vi9:8 Imaj7:8"),
            (2, "Imaj9:16 IVmaj9:16"),
            (1, "vi9:8 IVmaj9:8 Imaj7:8 V:8"),
        ]
    },
}
FORM = {
    "intro": SectionKind(8, 0.3, {"build": 1}),
    "build": SectionKind(4, 0.55, {"drop": 1}),
    "drop": SectionKind(16, 1.0, {"second drop": 2, "breakdown": 1}),
    "second drop": SectionKind(16, 0.95, {"breakdown": 1}),
    "breakdown": SectionKind(8, 0.3, {"build": 1}),
}
TWO_STEP = {"kick": "X.........X.....", "snare": "....X.......X...", "closed_hat": "x.x.x.x.x.x.x.x."}
BREAKS = {  # four bars each, cut into halves and put together again
    "two-step": (
        {"kick": "X.........X.....", "snare": "....X.......X..g", "closed_hat": "x.xgx.xgx.xgx.xg"},
        {"kick": "X.........X.....", "snare": "....X..g....X...", "closed_hat": "x.xgx.xgx.xgx.xg"},
        {
            "kick": "X..x......X.....",
            "snare": "....X..g.g..X...",
            "closed_hat": "x.xgx.xgx.x.x.xg",
            "open_hat": "..............x.",
        },
        {"kick": "X.........X..x..", "snare": "....X....g..X.g.", "closed_hat": "x.xgx.xgx.xgx.xg"},
    ),
    "rolling": (
        {
            "kick": "X.X.......X.....",
            "snare": "....X..g.g..X..g",
            "ride": "x.x.x.x.x.x.x.x.",
            "shaker": "gxgxgxgxgxgxgxgx",
        },
        {
            "kick": "X.X.......XX....",
            "snare": "....X..g.g..X..g",
            "ride": "x.x.x.x.x.x.x.x.",
            "shaker": "gxgxgxgxgxgxgxgx",
        },
        {
            "kick": "X.X.....x.X.....",
            "snare": ".g..X..g.g..X.gg",
            "ride": "x.x.x.x.x.x.x.x.",
            "shaker": "gxgxgxgxgxgxgxgx",
        },
        {
            "kick": "X.........X..X..",
            "snare": ".g..X..g....X..X",
            "ride": "x.x.x.x.x.x.x.x.",
            "shaker": "gxgxgxgxgxgxgxgx",
        },
    ),
    "chopped": (
        {"kick": "X.x.......xx....", "snare": "....X..g.g..X..x", "ride": "x.x.x.x.x.x.x.x."},
        {"kick": "X.x.......x.....", "snare": "....X..g.g....X.", "ride": "x.x.x.x.x.x.x.x."},
        {"kick": "..xx......x.....", "snare": ".g..X..g.x..X..g", "ride": "x.x.x.x.x.x.x.x."},
        {
            "kick": "X.x...x...x.....",
            "snare": "....X.gg.x..g.X.",
            "ride": "x.x.x.x.x...x.x.",
            "crash": "..........x.....",
        },
    ),
}
ROLL = ("g.g.g.g.gggggggg", "ggggggggggggggggxxxxxxxxxxxxxxxx")  # of the snare in the last two bars before a drop
STABS = {"snare": "x.......x.......", "kick": "X..............."}
REESE_LINES = (  # two bars: long notes that growl, then a move
    "R-----------------------5---8---",
    "R---------R-----R---------3---5-",
    "R-----R-----R---------------b---",
    "R-----------5---R-------8-5-3---",
)
HARD_LINES = (  # the same with more to say
    "R-..R.R-....R---R-..R.R-..b-3---",
    "R---..R.R---..8-R---..R.R-5-..b-",
    "R-R-..R-....R-..R-R-..R-..3-b---",
)
SUB_LINES = ("R---------R-----R-------R-----..", "R-------------..R---------R---..", "R-..R---..R-..--R-..R---..5---..")
STAB_RHYTHMS = (  # two bars
    "..x...x.........................",
    "x.....x.....x...................",
    "......x.......x...............x.",
)
ARPEGGIOS = ((0, 2, 1, 3), (0, 1, 2, 3, 4, 3, 2, 1), (0, 2, 4, 1, 3, 5), (4, 2, 0, 3))
VOICE = {
    mode: Line(
        scale=scale,
        low=64,
        high=81,
        phrases=("4 3 2 0", "0 2 3 4 3", "4 5 4 2", "2 1 0 2 4"),
        cells=((3, (2.0, 1.0, 1.0)), (2, (3.0, 1.0)), (2, ("r1", 1.0, 2.0)), (1, (0.5, 0.5, 1.0))),
        velocity=88,
        rest=0.35,
        repeat=0.5,
    )
    for mode, scale in (("minor", "minor_pentatonic"), ("major", "major_pentatonic"))
}
DELAY = {"delay": 0.75, "decay": 0.6}  # dotted eighths
TUNE_BARS = 8
FEEL = 0.35  # breaks are cut from played ones, but put on a grid
SUB_LOW, REESE_LOW = 25, 37  # an octave apart


@dataclass(frozen=True)
class Track:
    """What stays the same through a track; a hard one growls where a liquid one has stabs and voices."""

    hard: bool
    drums: tuple[Pattern, ...]
    reese: str
    sub: str
    stab: str
    arpeggio: tuple[int, ...]
    tune: tuple[Note, ...]


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """A track that builds up, drops and breaks down over one loop of chords."""
    loop = expand(RULES[brief.mode], "LOOP", rng)
    form = sections(FORM, str(rng.choice(["intro", "build", "drop", "breakdown"])), brief.n_bars(), brief.energy, rng)
    hard = rng.random() < brief.energy**2
    reese_line = str(rng.choice(HARD_LINES if hard else REESE_LINES))
    track = Track(
        hard=hard,
        drums=BREAKS[str(rng.choice(list(BREAKS)))],
        reese=reese_line,
        sub=reese_line if hard else str(rng.choice(SUB_LINES)),
        stab=str(rng.choice(STAB_RHYTHMS)),
        arpeggio=ARPEGGIOS[int(rng.integers(len(ARPEGGIOS)))],
        tune=tuple(melody(VOICE[brief.mode], progression(repeated(loop, TUNE_BARS), brief.tonic), brief.tonic, rng)),
    )
    played: dict[str, list[Note]] = defaultdict(list)
    for section in form:
        chords = progression(repeated(loop, section.n_bars), brief.tonic, start_beat=section.start_bar * 4)
        _play_section(section, chords, track, rng, played)
    played["growl"] = played["reese"] if hard else []
    reese = palette.pick(SYNTH_BASS)
    parts = [
        Part("sub", palette.pick(SYNTH_BASS), tuple(played["sub"]), 2.0, reverb=0.0),
        Part("reese", reese, tuple(played["reese"]), -3.0, reverb=0.0, chorus=1.0),
        Part("growl", reese, tuple(played["growl"]), -5.0, drive=0.35),
        Part("pad", palette.pick((*PAD, *SYNTH_STRINGS)), tuple(played["pad"]), -4.0, reverb=0.7, chorus=0.3),
        Part("stab", palette.pick(ELECTRIC_PIANO), tuple(played["stab"]), -1.0, -0.3, 0.5),
        Part("arpeggio", palette.pick((*SYNTH_LEAD, *MALLETS)), tuple(played["arpeggio"]), -8.0, 0.4, 0.5),
        Part("voice", palette.pick(VOICE_LEAD), tuple(played["voice"]), -4.0, reverb=0.7),
    ]
    drums = groove(played["drums"], "funk", rng, brief.tempo_bpm, amount=FEEL)
    kit = palette.pick(ELECTRONIC_KIT if rng.random() < 0.5 else POWER_KIT)
    parts.append(Part("drums", kit, tuple(drums), gain_db=3.0, reverb=0.15))
    sounding = tuple(part for part in parts if part.notes)
    mix = Mix(room=0.5, low_db=3.0, high_db=2.0, compression=0.5, loudness_lufs=-13 + 3 * brief.energy)
    return Song("drum_and_bass", brief.tempo_bpm, brief.tonic, brief.mode, 4, form, sounding, mix)


def _play_section(
    section: Section,
    chords: list[ChordSpan],
    track: Track,
    rng: np.random.Generator,
    played: dict[str, list[Note]],
) -> None:
    played["drums"] += _drums(section, track, rng)
    dropped, end = section.name in ("drop", "second drop"), chords[-1].end
    if dropped:
        played["sub"] += bass(chords, track.sub, beats_per_bar=8, low=SUB_LOW, velocity=108)
        played["reese"] += bass(chords, track.reese, beats_per_bar=8, low=REESE_LOW, velocity=100, legato=1.0)
        if not track.hard:
            stabs = comp(chords, track.stab, centre=66, beats_per_bar=8, velocity=0.8, legato=0.5)
            played["stab"] += echoed(stabs, **DELAY)
    if not (dropped and track.hard):
        played["pad"] += long_chords(chords, centre=62, velocity=52 if dropped else 72)
    if section.name != "drop":
        played["arpeggio"] += arpeggio(chords, track.arpeggio, step=0.5, centre=69, velocity=64, legato=0.9)
    if section.name == "build":  # twice as fast, an octave higher, to the drop
        played["arpeggio"] += arpeggio(chords, track.arpeggio, step=0.25, centre=81, velocity=58, legato=0.8)
    if section.name in ("breakdown", "intro") or (section.name == "second drop" and not track.hard):
        played["voice"] += echoed(tiled(track.tune, TUNE_BARS * 4, chords[0].start, end), **DELAY)


def _drums(section: Section, track: Track, rng: np.random.Generator) -> list[Note]:
    level, first = 0.75 + 0.3 * section.energy, section.start_bar
    notes: list[Note] = []
    for bar in range(first, first + section.n_bars):
        place, left = bar - first, first + section.n_bars - bar
        if section.name == "build" and left <= 2:
            pattern: Pattern = {"snare": ROLL[2 - left]}
        elif section.name == "build":
            pattern = STABS
        elif section.name in ("intro", "breakdown"):
            pattern = {"closed_hat": TWO_STEP["closed_hat"]} if place < 4 else TWO_STEP
        else:
            pattern = dict(_chopped(track.drums, place, rng))
            if place % 16 == 0:
                pattern = {**pattern, "crash": "x..............."}
        notes += play(pattern, bar * 4, level=level)
    return notes


def _chopped(bars: tuple[Pattern, ...], place: int, rng: np.random.Generator) -> Pattern:
    """A bar of the break; every fourth one is put together from halves of any two bars."""
    if place % 4 != 3:
        return bars[place % len(bars)]
    first, second = (bars[int(index)] for index in rng.integers(len(bars), size=2))
    drums = dict.fromkeys((*first, *second))
    return {drum: first.get(drum, "." * 16)[:8] + second.get(drum, "." * 16)[8:] for drum in drums}


STYLE = Style("drum_and_bass", (165, 178), 0.85, (0.5, 1.0), compose)
