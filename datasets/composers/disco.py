"""Disco: four on the floor, open hats off the beat, octave bass, sixteenth guitars, strings, brass, a singer."""

from dataclasses import replace

import numpy as np

from datasets.composers.accompaniment import bass, comp, long_chords
from datasets.composers.drums import fill, play
from datasets.composers.forms import SectionKind, sections
from datasets.composers.harmony import ChordSpan, expand, progression, repeated
from datasets.composers.humanise import played_by_people
from datasets.composers.instruments import (
    BRASS,
    CLEAN_GUITAR,
    ELECTRIC_BASS,
    ELECTRIC_PIANO,
    MUTED_GUITAR,
    PIANO,
    SLAP_BASS,
    STANDARD_KIT,
    STRINGS,
    SYNTH_STRINGS,
    VOICE_LEAD,
    Palette,
    Voice,
)
from datasets.composers.melody import Line, guide_line, melody
from datasets.composers.song import Mix, Note, Part, Section, Song
from datasets.composers.style import Brief, Style
from datasets.composers.theory import nearest, scale_pitches

MINOR_RULES = {
    "VERSE": [(3, "i7 i7 iv7 iv7"), (2, "i7 IV7"), (2, "i bVII bVI V7"), (1, "i7 bVII i7 bVII")],
    "CHORUS": [(3, "i7 iv7 bVII bIIImaj7 bVImaj7 ii7b5 V7 i7"), (2, "bVImaj7 bVII i7 i7"), (2, "i7 bIII bVII iv7")],
}
MAJOR_RULES = {
    "VERSE": [(3, "Imaj7 vi7 ii7 V7"), (2, "I7 IV7"), (2, "ii7 V7 Imaj7 Imaj7"), (1, "Imaj7 iii7 IVmaj7 V7")],
    "CHORUS": [(3, "IVmaj7 V7 iii7 vi7 ii7 V7 Imaj7 Imaj7"), (2, "vi7 ii7 V7 Imaj7"), (2, "Imaj7 IVmaj7 ii7 V7")],
}
FORM = {
    "intro": SectionKind(4, 0.6, {"verse": 1}),
    "verse": SectionKind(8, 0.6, {"chorus": 1}),
    "chorus": SectionKind(8, 1.0, {"verse": 1, "break": 1}),
    "break": SectionKind(4, 0.4, {"verse": 1, "chorus": 1}),
}
FLOOR = {"kick": "X...X...X...X...", "snare": "....X.......X...", "open_hat": "..x...x...x...x."}
HATS = ("x.g.x.g.x.g.x.g.", "xx.xxx.xxx.xxx.x", "xg.gxg.gxg.gxg.g")
COLOURS = (
    {"clap": "....X.......X..."},
    {"tambourine": "g.xgg.xgg.xgg.xg"},
    {"mute_conga": "x..xx..xx..xx...", "open_conga": "..x...x...x...xx"},
    {"cowbell": "x...x...x...x..."},
)
BASS_LINES = ("R.8.R.8.R.8.R.8.", "R.8RR.8.R.8RR.8.", "R.8.R.85R.8.5.8.", "R..8..R8R.8.R.8b", "R-..R.8.R-.8R.8.")
GUITARS = ("x.gxg.x.x.gxg.xg", "..x...xg..x...xx", "xgxxgxgxxgxxgxgx", "X..x..x.X..x..x.")
STABS = ("X..x............", "......X...X.....", "..X..X..X.......", "............X.X.")
KEYS = ("x-..x-..x-..x-..", "..x-..x-..x-..x-", "x--x--x-x--x--x-")
SINGER = Line(
    scale="minor_pentatonic",
    low=60,
    high=76,
    phrases=("4 4 3 2 3", "0 2 3 4 3 2 0", "5 4 3 4", "2 3 2 0 0", "4 5 4 3 2"),
    cells=((3, (0.5, 0.5)), (2, (1.0,)), (2, (0.75, 0.25)), (1.5, (0.5, 1.5)), (1, ("r0.5", 0.5))),
    legato=0.97,
    velocity=94,
    rest=0.12,
    repeat=0.55,
)


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """Verses and choruses on one beat that never stops."""
    rules = MINOR_RULES if brief.mode == "minor" else MAJOR_RULES
    chorus = expand(rules, "CHORUS", rng)
    loops = {name: expand(rules, "VERSE", rng) for name in ("verse", "intro")} | {"chorus": chorus, "break": chorus}
    form = sections(FORM, str(rng.choice(["intro", "verse", "chorus"])), brief.n_bars(), brief.energy, rng)
    bass_line, guitar, stabs, keys, hats = (str(rng.choice(t)) for t in (BASS_LINES, GUITARS, STABS, KEYS, HATS))
    groove = FLOOR | {"closed_hat": hats} | COLOURS[int(rng.integers(len(COLOURS)))]
    singer, friend = palette.pick_voice("female"), palette.pick_voice("female")
    stand_in = palette.pick(VOICE_LEAD)
    names = ("singer", "double", "guitar", "bass", "strings", "brass", "keys", "drums")
    played: dict[str, list[Note]] = {name: [] for name in names}
    for section in form:
        chords = progression(
            repeated(loops[section.name], section.n_bars), brief.tonic, start_beat=section.start_bar * 4
        )
        if section.name != "break":
            played["bass"] += bass(chords, bass_line, velocity=104)
            played["keys"] += comp(chords, keys, centre=62, velocity=0.75)
        played["guitar"] += comp(chords, guitar, centre=65, n_voices=3, velocity=0.8, legato=0.5)
        if section.name in ("verse", "chorus"):
            sung = _sung(section, chords, singer, brief, rng)
            played["singer"] += sung
            if section.name == "chorus":
                played["double"] += sung
        if section.name != "verse":
            played["brass"] += comp(chords, stabs, centre=66, velocity=0.95, legato=0.7)
        if section.name == "verse":
            played["strings"] += long_chords(chords[len(chords) // 2 :], centre=72, n_voices=2, velocity=70)
        else:
            played["strings"] += _string_runs(chords, brief)
        _beat(section, groove, brief, rng, played["drums"])
    parts: tuple[Part, ...] = (
        Part("singer", stand_in, tuple(played["singer"]), gain_db=-5, reverb=0.25, voice=singer),
        Part("double", stand_in, tuple(played["double"]), gain_db=-10, pan=0.4, reverb=0.3, voice=friend),
        Part("guitar", palette.pick((*CLEAN_GUITAR, *MUTED_GUITAR)), tuple(played["guitar"]), -4, -0.6, 0.1),
        Part("bass", palette.pick((*ELECTRIC_BASS, *SLAP_BASS)), tuple(played["bass"]), -2, reverb=0.0),
        Part("strings", palette.pick((*STRINGS, *SYNTH_STRINGS)), tuple(played["strings"]), -8, 0.3, 0.3),
        Part("brass", palette.pick(BRASS), tuple(played["brass"]), -7, -0.3, 0.25),
        Part("keys", palette.pick((*PIANO, *ELECTRIC_PIANO)), tuple(played["keys"]), -8, 0.6, 0.15),
        Part("drums", palette.pick(STANDARD_KIT), tuple(played["drums"]), 4, reverb=0.15),
    )
    parts = played_by_people(parts, rng, tempo_bpm=brief.tempo_bpm, timing_ms=5.0)
    mix = Mix(room=0.35, low_db=1.5, high_db=4.0, bandwidth_hz=18000, compression=0.8, loudness_lufs=-10.0)
    return Song("disco", brief.tempo_bpm, brief.tonic, brief.mode, 4, form, parts, mix)


def _beat(section: Section, groove: dict[str, str], brief: Brief, rng: np.random.Generator, drums: list[Note]) -> None:
    """The kick never stops; breaks are percussion over it, a fill leads into what follows."""
    pattern = dict(groove)
    if section.name == "break":
        pattern = FLOOR | COLOURS[2] | {"clap": "....X.......X..."}
    level = 0.8 + 0.2 * section.energy
    for bar in range(section.start_bar, section.start_bar + section.n_bars):
        drums += play(pattern, bar * 4, level=level)
        if bar == section.start_bar and section.name == "chorus":
            drums += play({"crash": "X..............."}, bar * 4, level=level)
        if bar == section.start_bar + section.n_bars - 1 and rng.random() < 0.3 + 0.5 * brief.energy:
            drums += fill(rng, bar * 4 + 3, 1.0, level=level)


def _sung(
    section: Section, chords: list[ChordSpan], singer: Voice, brief: Brief, rng: np.random.Generator
) -> list[Note]:
    """The chorus lies higher than the verse."""
    centre = singer.centre + (3 if section.name == "chorus" else -1)
    scale = "minor_pentatonic" if brief.mode == "minor" else "major_pentatonic"
    line = replace(SINGER, scale=scale, low=centre - 8, high=centre + 8)
    return melody(line, chords, brief.tonic, rng)


def _string_runs(chords: list[ChordSpan], brief: Brief) -> list[Note]:
    """High unison lines: a long note of each chord, and a run of sixteenths up the scale to the next one."""
    pitches = scale_pitches(brief.tonic, brief.mode, 55, 100)
    goals = guide_line(chords, low=70, high=86)
    notes = []
    for index, (span, pitch) in enumerate(zip(chords, goals, strict=True)):
        runs = index % 2 == 1 and span.duration >= 2
        held = span.duration - (1.0 if runs else 0.0)
        notes += [Note(span.start, held * 0.97, pitch + octave, 92) for octave in (0, -12)]
        if runs:
            goal = goals[(index + 1) % len(goals)]
            place = int(np.searchsorted(pitches, nearest(pitches, goal)))
            for step in range(4):
                start = span.end - 1.0 + step / 4
                notes += [Note(start, 0.24, int(pitches[place - 4 + step]) + octave, 84) for octave in (0, -12)]
    return notes


STYLE = Style("disco", (114, 130), 0.55, (0.5, 1.0), compose)
