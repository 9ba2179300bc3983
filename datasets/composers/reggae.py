"""Reggae: bass and drums in front, chords cut short on the off-beats, much left out, echoes in the dub.

Counted in the slow way, 65 to 90 quarter notes a minute: the skank is on the second eighth of every beat, the drop of
the one drop on beats 2 and 4. (Counted twice as fast, the skank is on 2 and 4 and the drop on 3.) Drums have the feel
of Jamaican grooves as drummers of the Groove MIDI data set play them.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from datasets.composers.accompaniment import bass, comp, riff
from datasets.composers.drums import Pattern, play
from datasets.composers.forms import SectionKind, sections
from datasets.composers.groove import groove
from datasets.composers.harmony import ChordSpan, Rules, expand, progression, repeated
from datasets.composers.humanise import echoed, played_by_people, swing
from datasets.composers.instruments import (
    ACCORDION,
    CHOP_GUITAR,
    DEEP_BASS,
    FLUTE,
    ORGAN,
    PIANO,
    ROOM_KIT,
    SAXOPHONE,
    STANDARD_KIT,
    TROMBONE,
    TRUMPET,
    VOICE_LEAD,
    Palette,
)
from datasets.composers.melody import Line, melody, tiled
from datasets.composers.song import Mix, Note, Part, Section, Song
from datasets.composers.style import Brief, Style
from datasets.composers.voicing import in_thirds

RULES: Mapping[str, Rules] = {
    "minor": {
        "VAMP": [(3, "i:2 iv:2"), (3, "i:2 bVII:2"), (2, "i i iv iv"), (1.5, "i:2 v7:2"), (1, "i i bVII bVII")],
        "CHORUS": [(2, "i:2 bVII:2 bVI:2 v:2"), (2, "iv i iv v7"), (1, "bVI bVII i i"), (1, "iv:2 v7:2 i")],
    },
    "major": {
        "VAMP": [(3, "I:2 IV:2"), (2, "I:2 bVII:2"), (2, "I:2 ii:2"), (1.5, "I I IV IV"), (1, "I:2 IV:2 I:2 V:2")],
        "CHORUS": [(2, "I:2 V:2 vi:2 IV:2"), (2, "IV I IV V"), (1, "ii V I I"), (1, "I:2 iii:2 IV:2 V:2")],
    },
}
FORM = {
    "intro": SectionKind(2, 0.4, {"verse": 2, "horns": 1}),
    "verse": SectionKind(4, 0.5, {"chorus": 3, "dub": 1}),
    "chorus": SectionKind(4, 0.8, {"verse": 2, "horns": 2, "dub": 1}),
    "horns": SectionKind(4, 0.7, {"verse": 2, "chorus": 1}),
    "dub": SectionKind(4, 0.3, {"verse": 2, "horns": 1}),
}
GROOVES = {  # the usual bar, and what varies it
    "one drop": (
        {"kick": "....x.......x...", "side_stick": "....X.......X...", "closed_hat": "x.X.x.X.x.X.x.X."},
        {"kick": "....x.......x...", "side_stick": "....X..g.x..X.x.", "closed_hat": "x.X.x.X.x.X.x.Xx"},
    ),
    "rockers": (
        {"kick": "x...x...x...x.x.", "snare": "....X.......X...", "closed_hat": "xgXgxgXgxgXgxgXg"},
        {
            "kick": "x..xx...x..xx...",
            "snare": "....X..x..g.X.xx",
            "closed_hat": "x.X.x.X.x.X.x...",
            "open_hat": "..............x.",
        },
    ),
    "steppers": (
        {"kick": "x.x.x.x.x.x.x.x.", "side_stick": "....X.......X...", "closed_hat": "x.X.x.X.x.X.x.X."},
        {
            "kick": "x.x.x.x.x.x.x.x.",
            "side_stick": "....X..x..x.X...",
            "closed_hat": "x.X.x.X.x.X.x.X.",
            "high_timbale": "..............x.",
        },
    ),
}
PICK_UPS = (  # of the drums into a section: rim shots and timbales, never rolls down the toms of a rock kit
    {"snare": "..........x.xx.X", "high_timbale": "............x..."},
    {"high_timbale": "........x..x..x.", "low_timbale": "..........x....x"},
    {"snare": "........X..X..X."},
)
# Two bars each. Many leave out the first beat, all of them leave air.
BASS_LINES = (
    "..R-R-3-5---......5-3-R---......",
    "R---..R-3-5-....R---..7-8-5-....",
    "......R-R-R-..5-....R-R-3-5-8---",
    "R-R-..5-..R-....R-R-..3-..5-....",
    "....5-R---3-R-......5-R---8-7-5-",
    "R--R--3-5-......R--R--8-7-5-....",
    "..5-8-5-R---....R-R-3-5-R-......",
)
SKANKS = ("..X...X...X...X.", "..X...X...X...Xx", "..X..xX...X..xX.")  # single chop, with an upstroke after it
BUBBLE_LEFT, BUBBLE_RIGHT = ".x.x.x.x.x.x.x.x", "..X...X...X...X."
SCALES = {"minor": "minor_pentatonic", "major": "major_pentatonic"}
PHRASES = ("0 0 1 2 1 0", "4 3 2 1 0", "2 2 3 2 1 0", "0 2 3 4 3 2", "4 4 5 4 3 2")
SUNG_CELLS = ((3, (0.5, 0.5)), (2, ("r0.5", 0.5)), (2, (0.75, 0.25)), (1.5, (1.0,)), (1, (1.5, "r0.5")), (1, ("r1",)))
BLOWN_CELLS = ((2, ("r1",)), (2, (0.5, 0.5)), (1, (0.25, 0.25, 0.5)), (1, (2.0,)), (1, ("r0.5", 1.5)))
TUNE_BARS = 4
RIFFS = (  # of the horns, two bars: calls that end on an off-beat
    "..x-x-X---......................",
    "x-x---X-..x-X---................",
    "......x-x-X-..X---..............",
    "X---x-x-X-........x-X-..........",
)
DUB_CHOPS = ("..X.............................", "......X..................X......", "..X...X.........................")
TAPE = {"delay": 0.75, "decay": 0.65}  # an echo every three sixteenths
BASS_LOW = 28  # E1, the lowest string
LEADS = (  # weight, who has the tune, gain in dB, MIDI pitch around which it lies
    (3.0, ACCORDION, -6.0, 72),  # the melodica has its reeds
    (2.0, TROMBONE, -6.0, 58),
    (2.0, ORGAN, -8.0, 70),
    (2.0, VOICE_LEAD, -3.0, 69),
    (1.5, FLUTE, -6.0, 78),
)
SUNG = 0.25  # share of songs with words; the others are versions
BAND = (  # part, instruments, gain in dB, pan, reverb
    ("bass", DEEP_BASS, 3.0, 0.0, 0.0),
    ("skank guitar", CHOP_GUITAR, -3.0, -0.5, 0.3),
    ("piano", PIANO, -7.0, 0.4, 0.4),
    ("organ", ORGAN, -9.0, 0.2, 0.3),
    ("melodica", ACCORDION, -6.0, -0.1, 0.6),
    ("horn 1", TRUMPET, -4.0, 0.4, 0.5),
    ("horn 2", SAXOPHONE, -4.0, 0.1, 0.5),
    ("horn 3", TROMBONE, -4.0, -0.2, 0.5),
)
KITS = (STANDARD_KIT, ROOM_KIT)


@dataclass(frozen=True)
class Riddim:
    """What stays the same through a song: groove of the drums, bass line, chop of the skank, riff of the horns."""

    drums: tuple[Pattern, Pattern]
    bass_line: str
    skank: str
    riff: str
    swing: float


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """A song over one riddim, with a dub where all but bass and drums comes and goes."""
    rules = RULES[brief.mode]
    harmony = {"verse": expand(rules, "VAMP", rng), "chorus": expand(rules, "CHORUS", rng)}
    form = sections(FORM, str(rng.choice(["intro", "verse", "chorus", "horns"])), brief.n_bars(), brief.energy, rng)
    riddim = Riddim(
        drums=GROOVES[str(rng.choice(list(GROOVES), p=(0.5, 0.25, 0.25)))],
        bass_line=str(rng.choice(BASS_LINES)),
        skank=str(rng.choice(SKANKS)),
        riff=str(rng.choice(RIFFS)),
        swing=float(rng.choice([0.5, 0.55, 0.6])),
    )
    weights = np.array([weight for weight, *_ in LEADS])
    _, family, gain_db, centre = LEADS[int(rng.choice(len(LEADS), p=weights / weights.sum()))]
    singers = [palette.pick_voice(register) for register in ("male", "female")] if rng.random() < SUNG else None
    if singers:
        family, gain_db, centre = VOICE_LEAD, -3.5, singers[0].centre
    tunes = {name: _tune(harmony[name], centre + lift, brief, rng) for name, lift in (("verse", -1), ("chorus", 2))}
    played: dict[str, list[Note]] = defaultdict(list)
    for section in form:
        symbols = harmony["chorus" if section.name == "chorus" else "verse"]
        chords = progression(repeated(symbols, section.n_bars), brief.tonic, start_beat=section.start_bar * 4)
        _play_section(section, chords, riddim, brief, rng, played)
        if section.name in tunes:
            _lead(section, tunes[section.name], brief, played)
    swung = {name: swing(notes, riddim.swing, grid=0.25) for name, notes in played.items() if notes}
    lead, second = singers or (None, None)
    sound = palette.pick(family)
    parts = [
        Part(name, palette.pick(family), tuple(swung[name]), gain_db, pan, reverb)
        for name, family, gain_db, pan, reverb in BAND
        if name in swung
    ]
    parts += [
        Part(name, sound, tuple(swung[name]), gain, pan, 0.5, voice=voice)
        for name, gain, pan, voice in (("lead", gain_db, 0.0, lead), ("harmony", gain_db - 4, 0.3, second))
        if name in swung
    ]
    drums = groove(swung["drums"], "reggae", rng, brief.tempo_bpm, amount=0.7)
    kit = Part("drums", palette.pick(KITS[int(rng.integers(len(KITS)))]), tuple(drums), gain_db=1.0, reverb=0.1)
    band = (*played_by_people(parts, rng, tempo_bpm=brief.tempo_bpm, timing_ms=7.0), kit)
    mix = Mix(room=0.5, low_db=0.5, high_db=1.0, compression=0.25, loudness_lufs=-17 + 4 * brief.energy)
    return Song("reggae", brief.tempo_bpm, brief.tonic, brief.mode, 4, form, band, mix)


def _play_section(
    section: Section,
    chords: list[ChordSpan],
    riddim: Riddim,
    brief: Brief,
    rng: np.random.Generator,
    played: dict[str, list[Note]],
) -> None:
    played["drums"] += _drums(section, riddim, rng)
    played["bass"] += bass(chords, riddim.bass_line, beats_per_bar=8, low=BASS_LOW, velocity=100, legato=0.85)
    if section.name == "dub":
        chop = comp(chords, DUB_CHOPS[int(rng.integers(len(DUB_CHOPS)))], beats_per_bar=8, centre=64, legato=0.5)
        played["skank guitar"] += echoed(chop, **TAPE)
        blown = Line(SCALES[brief.mode], 64, 81, PHRASES, BLOWN_CELLS, rest=0.3)
        played["melodica"] += echoed(melody(blown, chords, brief.tonic, rng), **TAPE)
        return
    played["skank guitar"] += comp(chords, riddim.skank, centre=64, n_voices=3, legato=0.35, strum_beats=0.012)
    played["piano"] += comp(chords, SKANKS[0], centre=60, n_voices=3, legato=0.4, velocity=0.7)
    if section.energy > 0.4:
        played["organ"] += comp(chords, BUBBLE_LEFT, centre=52, n_voices=2, legato=0.6, velocity=0.55)
        played["organ"] += comp(chords, BUBBLE_RIGHT, centre=66, n_voices=3, legato=0.6, velocity=0.65)
    if section.name in ("horns", "intro") or (section.name == "chorus" and brief.energy > 0.5):
        for index, line in enumerate(riff(chords, riddim.riff, beats_per_bar=8)):
            played[f"horn {index + 1}"] += line


def _tune(symbols: list[str], centre: int, brief: Brief, rng: np.random.Generator) -> list[Note]:
    """Four bars that come back whenever their section does."""
    line = Line(SCALES[brief.mode], centre - 6, centre + 7, PHRASES, SUNG_CELLS, velocity=92, rest=0.2, repeat=0.6)
    return melody(line, progression(repeated(symbols, TUNE_BARS), brief.tonic), brief.tonic, rng)


def _lead(section: Section, tune: list[Note], brief: Brief, played: dict[str, list[Note]]) -> None:
    notes = tiled(tune, TUNE_BARS * 4, section.start_bar * 4, (section.start_bar + section.n_bars) * 4)
    played["lead"] += notes
    if section.name == "chorus":
        played["harmony"] += in_thirds(notes, brief.tonic, brief.mode)


def _drums(section: Section, riddim: Riddim, rng: np.random.Generator) -> list[Note]:
    usual, varied = riddim.drums
    level, notes = 0.7 + 0.4 * section.energy, []
    for bar in range(section.start_bar, section.start_bar + section.n_bars):
        last = bar == section.start_bar + section.n_bars - 1
        pattern = dict(varied if bar % 2 and rng.random() < 0.6 else usual)
        if last and rng.random() < 0.7:
            pattern |= PICK_UPS[int(rng.integers(len(PICK_UPS)))]
        if bar == section.start_bar and section.name in ("chorus", "horns"):
            pattern["crash"] = "X..............."
        notes += play(pattern, bar * 4, level=level)
    return notes


STYLE = Style("reggae", (65, 90), 0.55, (0.25, 0.85), compose)
