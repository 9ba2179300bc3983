"""Hip-hop: a sampled loop over a heavy beat and a sub bass, verses in spoken sixteenths, a hook that comes back.

The loop is a few bars that are repeated note for note, as a sampler does; the arrangement mutes and unmutes its
layers. Boom-bap beats swing their sixteenths, trap beats roll their hats and leave the kick room.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from datasets.composers.accompaniment import arpeggio, bass, comp, long_chords, looped, steps
from datasets.composers.drums import Pattern, play
from datasets.composers.forms import SectionKind, sections
from datasets.composers.harmony import ChordSpan, expand, progression, repeated
from datasets.composers.humanise import played_by_people, swing
from datasets.composers.instruments import (
    BRASS,
    ELECTRIC_PIANO,
    ELECTRONIC_KIT,
    JAZZ_GUITAR,
    JAZZ_KIT,
    LOW_STRINGS,
    MALLETS,
    PIANO,
    STRINGS,
    SYNTH_BASS,
    VOICE_LEAD,
    Palette,
)
from datasets.composers.song import Mix, Note, Part, Song
from datasets.composers.style import Brief, Style
from datasets.composers.theory import nearest, scale_pitches

MINOR_RULES = {
    "LOOP": [(3, "i i bVI bVI"), (2, "i9 iv9"), (2, "i i iv V7"), (2, "i i"), (1, "i bVII bVI bVII")],
}
MAJOR_RULES = {"LOOP": [(2, "ii9 V13"), (2, "IVmaj9 iii7"), (1, "Imaj9 vi9"), (1, "I bVII")]}
FORM = {
    "intro": SectionKind(4, 0.2, {"verse": 1}),
    "verse": SectionKind(8, 0.6, {"hook": 2, "break": 1}),
    "hook": SectionKind(4, 0.9, {"verse": 1}),
    "break": SectionKind(2, 0.3, {"verse": 1, "hook": 1}),
}
LOOP_BARS = 4
LAYERS = {  # of the loop; the others are muted
    "intro": ("keys", "colour"),
    "verse": ("keys", "bass"),
    "hook": ("keys", "colour", "bass"),
    "break": ("keys",),
}
BOOM_BAP = (
    {"kick": "X..x......X.....", "snare": "....X..g....X...", "closed_hat": "x.x.x.x.x.x.x.x."},
    {"kick": "X.....x...xx....", "snare": "....X..g.g..X...", "closed_hat": "x.x.x.xxx.x.x.x."},
    {"kick": "X.x....x..X.....", "snare": "....X.......X..g", "closed_hat": "x.xgx.xgx.xgx.xg"},
    {
        "kick": "X......x.xX..x..",
        "snare": "....X.......X...",
        "closed_hat": "x.x.x.x.x.x.x.x.",
        "open_hat": "......x.........",
    },
)
TRAP = (
    {"kick": "X.....x.....x...", "clap": "....X.......X...", "closed_hat": "xxxxxxxxxxxxxxxx xxxxxxxxxxxxgggg"},
    {"kick": "X..x......x..x..", "clap": "....X.......X...", "closed_hat": "x.x.x.x.xxx.x.x. x.x.x.x.xgxgx.x."},
)
BASS_LINES = ("R--R------R-....", "R-------..R-R-..", "R--R..8-..R-....", "R-----R-R--5-...")
LOOP_RHYTHMS = ("X--x..x-....x-..", "X-------..x-x---", "..x...x...x...x.", "X--.x--.x--.....")
STABS = ("X...............", "......X.........", "X..X............", "..........X.....")
FLOWS = (  # syllables of a bar; the accents rhyme
    "x.xxx.xxX.xxx.X.",
    "xxx.xxX.xxx.xxX.",
    "..xxx.xxx.xxX.X.",
    "x.xxxxx.x.xxX.x.",
    "xxX.xxX.xxX.X...",
    "x.xxx.X.x.xxx.X.",
    "..x.xxxxx.xxx.X.",
)
CHANTS = ("X.x.X...X.x.X...", "X..x..X.X...X...", "..xxX.x...xxX.x.")
BREAK_KITS = (*JAZZ_KIT, *ELECTRONIC_KIT)  # breaks are sampled from jazz and soul records, or a machine plays them
BOOM_BAP_SWING = (0.54, 0.62)
TRAP_SHARE = 0.3


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """A loop, a beat and somebody who speaks over them."""
    trap = rng.random() < TRAP_SHARE
    beat, ratio = _one_of(TRAP if trap else BOOM_BAP, rng), 0.5 if trap else rng.uniform(*BOOM_BAP_SWING)
    form = sections(FORM, str(rng.choice(["intro", "verse", "hook"])), brief.n_bars(), brief.energy, rng)
    loop = expand(MINOR_RULES if brief.mode == "minor" else MAJOR_RULES, "LOOP", rng)
    keys, colour = str(rng.choice(LOOP_RHYTHMS)), str(rng.choice(["stabs", "riff", "strings"]))
    bass_line, stabs, chant = (str(rng.choice(table)) for table in (BASS_LINES, STABS, CHANTS))
    order = [int(place) for place in rng.permutation(6)[:4]]
    rapper, friend = palette.pick_voice("male", "spoken", roughness=0.2), palette.pick_voice("male", "spoken")
    stand_in = palette.pick(VOICE_LEAD)
    played: dict[str, list[Note]] = {name: [] for name in ("rap", "double", "keys", "colour", "bass", "drums")}
    chords = progression(repeated(loop, LOOP_BARS), brief.tonic)
    samples = {
        "keys": comp(chords, keys, centre=60, velocity=0.75),
        "colour": _coloured(colour, chords, stabs, order),
        "bass": bass(chords, bass_line, low=28, velocity=108),
    }
    for section in form:
        start, end = section.start_bar, section.start_bar + section.n_bars
        sparse = section.name in ("intro", "break")
        for name in LAYERS[section.name]:
            played[name] += looped(samples[name], LOOP_BARS * 4, start * 4, end * 4)
        for bar in range(start, end):
            last = bar == end - 1
            played["drums"] += play(
                _arranged(beat, sparse=sparse, last=last), bar * 4, level=0.85 + 0.15 * brief.energy
            )
            if section.name == "verse":
                played["rap"] += _syllables(str(rng.choice(FLOWS)), bar, rapper.centre, brief, rng)
                if bar % 2:
                    played["double"] += _rhymes(played["rap"], bar)
            elif section.name == "hook":
                chanted = _syllables(chant, bar, rapper.centre + 3, brief, rng)
                played["rap"] += chanted
                played["double"] += chanted
    coloured = {"stabs": BRASS, "riff": (*MALLETS, *JAZZ_GUITAR), "strings": (*STRINGS, *LOW_STRINGS)}[colour]
    kit = palette.pick(ELECTRONIC_KIT if trap else BREAK_KITS)
    parts: Sequence[Part] = (
        Part("rap", stand_in, tuple(played["rap"]), gain_db=3, reverb=0.08, voice=rapper),
        Part("double", stand_in, tuple(played["double"]), gain_db=-1, pan=0.4, reverb=0.1, voice=friend),
        Part("keys", palette.pick((*ELECTRIC_PIANO, *PIANO)), tuple(played["keys"]), gain_db=-12, pan=-0.3, reverb=0.2),
        Part("colour", palette.pick(coloured), tuple(played["colour"]), gain_db=-9, pan=0.3),
        Part("bass", palette.pick(SYNTH_BASS), tuple(played["bass"]), gain_db=-3, reverb=0.0),
        Part("drums", kit, tuple(played["drums"]), gain_db=4, reverb=0.1),
    )
    parts = tuple(replace(part, notes=tuple(swing(part.notes, ratio, grid=0.25))) for part in parts)
    parts = played_by_people(parts, rng, tempo_bpm=brief.tempo_bpm, timing_ms=4.0)
    mix = Mix(
        room=0.2, low_db=4.0, high_db=2.0, compression=0.8, bandwidth_hz=15000, hiss_db=-58.0, loudness_lufs=-10.0
    )
    return Song("hiphop", brief.tempo_bpm, brief.tonic, brief.mode, 4, form, parts, mix)


def _one_of(patterns: Sequence[Pattern], rng: np.random.Generator) -> Pattern:
    return patterns[int(rng.integers(len(patterns)))]


def _arranged(beat: Pattern, *, sparse: bool, last: bool) -> Pattern:
    """Intros and breaks have no kick; the last bar of a section drops out on its last beat."""
    kept = {drum: line for drum, line in beat.items() if not (sparse and drum == "kick")}
    if not last:
        return kept
    lines = {drum: line.replace(" ", "") for drum, line in kept.items()}
    return {drum: line[: len(line) * 3 // 4] + "." * (len(line) - len(line) * 3 // 4) for drum, line in lines.items()}


def _coloured(colour: str, chords: Sequence[ChordSpan], stabs: str, order: Sequence[int]) -> list[Note]:
    """The second layer of the loop."""
    if colour == "stabs":
        return comp(chords, stabs, centre=64, velocity=0.9)
    if colour == "riff":
        return arpeggio(chords, order, centre=72)
    return long_chords(chords, centre=67, n_voices=3)


def _syllables(flow: str, bar: int, centre: int, brief: Brief, rng: np.random.Generator) -> list[Note]:
    """One bar of speech: every syllable near the speaker's pitch, the accents above it, the end of the line below."""
    pitches = scale_pitches(brief.tonic, "minor_pentatonic" if brief.mode == "minor" else "major_pentatonic", 36, 84)
    strokes = list(steps(flow, bar * 4, bar * 4 + 4, 4))
    notes = []
    for index, (beat, duration, step) in enumerate(strokes):
        rest = (strokes[index + 1][0] if index + 1 < len(strokes) else beat + 0.5) - beat
        contour = {"X": 4.0, "x": 0.0, "g": -2.0}[step] - 3.0 * (beat - bar * 4) / 4 + rng.normal(0, 1.0)
        velocity = int(np.clip((104 if step == "X" else 88) + 12 * (brief.energy - 0.5), 1, 127))
        notes.append(Note(beat, max(duration, min(rest, 0.5)) * 0.9, nearest(pitches, centre + contour), velocity))
    return notes


def _rhymes(rap: Sequence[Note], bar: int) -> list[Note]:
    """A second voice shouts the last words of the line."""
    return [note for note in rap if note.start >= bar * 4 + 3]


STYLE = Style("hiphop", (82, 100), 0.8, (0.4, 0.9), compose)
