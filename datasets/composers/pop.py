"""Pop: a singer in front, four chords that go round, verse, pre-chorus and chorus, a hook that is heard again."""

from dataclasses import replace

import numpy as np

from datasets.composers.accompaniment import arpeggio, bass, comp, long_chords, looped
from datasets.composers.drums import fill, play
from datasets.composers.forms import SectionKind, sections
from datasets.composers.harmony import expand, progression, repeated
from datasets.composers.humanise import played_by_people
from datasets.composers.instruments import (
    CLEAN_GUITAR,
    ELECTRIC_BASS,
    ELECTRIC_PIANO,
    ELECTRONIC_KIT,
    MUTED_GUITAR,
    PAD,
    PIANO,
    POWER_KIT,
    SYNTH_BASS,
    SYNTH_LEAD,
    SYNTH_STRINGS,
    VOICE_LEAD,
    Palette,
    Voice,
)
from datasets.composers.melody import Line, melody
from datasets.composers.song import Mix, Note, Part, Section, Song
from datasets.composers.style import Brief, Style
from datasets.composers.theory import nearest, scale_pitches

MAJOR_RULES = {
    "LOOP": [(3, "I V vi IV"), (2, "vi IV I V"), (2, "I vi IV V"), (1, "I iii IV V"), (1, "IVmaj7 V iii7 vi")],
    "PRE": [(2, "ii7 IV V V"), (2, "IV V vi V"), (1, "ii7 iii7 IV V")],
}
MINOR_RULES = {
    "LOOP": [(3, "i bVI bIII bVII"), (2, "bVI bVII i i"), (2, "i bVII bVI bVII"), (1, "i iv bVI V")],
    "PRE": [(2, "iv bVI bVII bVII"), (2, "bVI iv bVII bVII"), (1, "iv i bVI V")],
}
FORM = {
    "intro": SectionKind(2, 0.4, {"verse": 1}),
    "verse": SectionKind(8, 0.4, {"pre-chorus": 1}),
    "pre-chorus": SectionKind(4, 0.6, {"chorus": 1}),
    "chorus": SectionKind(8, 1.0, {"verse": 2, "bridge": 1}),
    "bridge": SectionKind(4, 0.3, {"chorus": 1}),
}
GROOVES = (
    {"kick": "X.....x.X.......", "snare": "....X.......X...", "closed_hat": "x.x.x.x.x.x.x.x."},
    {"kick": "X..x..x...x..x..", "snare": "....X.......X...", "closed_hat": "x.xxx.x.x.xxx.xx"},
    {"kick": "X...X...X...X...", "clap": "....X.......X...", "open_hat": "..x...x...x...x."},
    {"kick": "X.x...xx..x...x.", "snare": "....X..g....X..g", "closed_hat": "xgxgxgxgxgxgxgxg"},
)
VERSE_CYMBALS = {"shaker": "xgxgxgxgxgxgxgxg"}
BASS_LINES = ("R-----R-R-----R-", "R..R..R.R..R..R.", "R-R-R-R-R-R-R-R-", "R-----..R-..5-8-")
KITS = (*POWER_KIT, *ELECTRONIC_KIT[:1])  # the other electronic kit is an 808, which is hip-hop's
LICKS = ("..x..x....x..x..", "x..x..x.x..x..x.", "....x.xx....x.x.")
HOOKS = ((0, 2, 1, 2), (3, 2, 1, 0), (0, 1, 2, 4), (2, 4, 2, 1))
SINGER = Line(
    scale="major_pentatonic",
    low=60,
    high=76,
    phrases=("4 4 3 2 3", "0 2 3 4 3 2", "2 2 3 2 0", "5 4 3 4 2", "0 0 2 2 3 2"),
    cells=(
        (3, (0.5, 0.5)),
        (3, (0.25, 0.5, 0.25)),
        (2, (0.75, 0.75, 0.5)),
        (2, (0.25, 0.25, 0.5)),
        (1.5, (1.5, 0.5)),
        (1, ("r0.5", 0.5)),
    ),
    legato=0.97,
    velocity=94,
    rest=0.1,
    repeat=0.6,
)
LIFTS = {"verse": -3, "pre-chorus": 0, "chorus": 4, "bridge": 1}  # semitones of the tune's centre
TUNE_BARS = 4


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """A song whose chorus has the same tune every time."""
    rules = MINOR_RULES if brief.mode == "minor" else MAJOR_RULES
    loop = expand(rules, "LOOP", rng)
    loops = dict.fromkeys(("intro", "verse", "chorus"), loop) | {
        name: expand(rules, "PRE", rng) for name in ("pre-chorus", "bridge")
    }
    form = sections(
        FORM, str(rng.choice(["intro", "verse", "pre-chorus", "chorus"])), brief.n_bars(), brief.energy, rng
    )
    singer, friend = palette.pick_voice("female", roughness=0.15), palette.pick_voice("female")
    stand_in = palette.pick(VOICE_LEAD)
    tunes = {name: _tune(name, loops[name], singer, brief, rng) for name in LIFTS}
    groove = GROOVES[int(rng.integers(len(GROOVES)))]
    bass_line, lick = str(rng.choice(BASS_LINES)), str(rng.choice(LICKS))
    hook = HOOKS[int(rng.integers(len(HOOKS)))]
    names = ("singer", "double", "harmony", "keys", "guitar", "pad", "hook", "bass", "drums")
    played: dict[str, list[Note]] = {name: [] for name in names}
    for section in form:
        start, end = section.start_bar * 4, (section.start_bar + section.n_bars) * 4
        chords = progression(repeated(loops[section.name], section.n_bars), brief.tonic, start_beat=start)
        full = section.name in ("chorus", "pre-chorus")
        if section.name in LIFTS:
            sung = looped(tunes[section.name], TUNE_BARS * 4, start, end)
            played["singer"] += sung
            if full:
                played["double"] += sung
            if section.name == "chorus":
                played["harmony"] += _thirds_below(sung, brief)
        played["keys"] += comp(chords, "x---x---x---x---" if full else "x-------x-------", centre=62, velocity=0.7)
        played["pad"] += long_chords(chords, centre=66, n_voices=3, velocity=72 if full else 56)
        if section.name != "bridge":
            played["bass"] += bass(chords, bass_line if section.name != "intro" else "R---------------")
            played["guitar"] += comp(chords, lick, centre=64, n_voices=3, velocity=0.7, legato=0.5)
        if section.name in ("intro", "chorus"):
            played["hook"] += arpeggio(chords, hook, centre=74, velocity=84, legato=0.9)
        _beat(section, groove, rng, played["drums"])
    electronic = rng.random() < 0.75
    parts: tuple[Part, ...] = (
        Part("singer", stand_in, tuple(played["singer"]), gain_db=-3, reverb=0.15, voice=singer),
        Part("double", stand_in, tuple(played["double"]), gain_db=-10, pan=-0.5, reverb=0.2, voice=friend),
        Part("harmony", stand_in, tuple(played["harmony"]), gain_db=-14, pan=0.5, reverb=0.2, voice=friend),
        Part("keys", palette.pick((*PIANO, *ELECTRIC_PIANO)), tuple(played["keys"]), -9, -0.3, 0.3),
        Part("guitar", palette.pick((*CLEAN_GUITAR, *MUTED_GUITAR)), tuple(played["guitar"]), -12, 0.5, 0.2),
        Part("pad", palette.pick((*PAD, *SYNTH_STRINGS)), tuple(played["pad"]), -12, 0.0, 0.5, 0.3),
        Part("hook", palette.pick(SYNTH_LEAD), tuple(played["hook"]), -15, -0.4, 0.4, 0.2),
        Part("bass", palette.pick(SYNTH_BASS if electronic else ELECTRIC_BASS), tuple(played["bass"]), -3, reverb=0.0),
        Part("drums", palette.pick(KITS), tuple(played["drums"]), 4, reverb=0.2),
    )
    parts = played_by_people(parts, rng, tempo_bpm=brief.tempo_bpm, timing_ms=4.0)
    mix = Mix(room=0.4, low_db=2.0, high_db=2.0, compression=0.8, loudness_lufs=-10.0)
    return Song("pop", brief.tempo_bpm, brief.tonic, brief.mode, 4, form, parts, mix)


def _tune(name: str, loop: list[str], singer: Voice, brief: Brief, rng: np.random.Generator) -> list[Note]:
    """Four bars that a section sings again and again; the chorus lies highest."""
    centre = singer.centre + LIFTS[name]
    scale = "minor_pentatonic" if brief.mode == "minor" else "major_pentatonic"
    line = replace(SINGER, scale=scale, low=centre - 7, high=centre + 8)
    return melody(line, progression(repeated(loop, TUNE_BARS), brief.tonic), brief.tonic, rng)


def _thirds_below(sung: list[Note], brief: Brief) -> list[Note]:
    """The tune two steps of the scale lower."""
    pitches = scale_pitches(brief.tonic, brief.mode, 36, 96)
    places = [int(np.searchsorted(pitches, nearest(pitches, note.pitch))) for note in sung]
    return [
        Note(note.start, note.duration, int(pitches[place - 2]), note.velocity - 8)
        for note, place in zip(sung, places, strict=True)
    ]


def _beat(section: Section, groove: dict[str, str], rng: np.random.Generator, drums: list[Note]) -> None:
    pattern = dict(groove)
    if section.name == "bridge":
        pattern = VERSE_CYMBALS
    elif section.name in ("verse", "intro"):
        pattern = {drum: line for drum, line in groove.items() if drum != "open_hat"} | VERSE_CYMBALS
    level = 0.8 + 0.2 * section.energy
    for bar in range(section.start_bar, section.start_bar + section.n_bars):
        drums += play(pattern, bar * 4, level=level)
        if bar == section.start_bar and section.name == "chorus":
            drums += play({"crash": "X..............."}, bar * 4, level=level)
        if bar == section.start_bar + section.n_bars - 1 and section.name in ("pre-chorus", "bridge", "chorus"):
            drums += fill(rng, bar * 4 + 2, level=level)


STYLE = Style("pop", (84, 116), 0.5, (0.4, 0.9), compose)
