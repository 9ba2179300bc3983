"""Rock: riffs of power chords through an amplifier, a backbeat, a bass on the roots, verse and chorus."""

import numpy as np

from datasets.composers.accompaniment import bass, comp, power_chords
from datasets.composers.drums import fill, play
from datasets.composers.forms import SectionKind, sections
from datasets.composers.harmony import ChordSpan, expand, progression, repeated
from datasets.composers.humanise import played_by_people
from datasets.composers.instruments import (
    CLEAN_GUITAR,
    DISTORTED_GUITAR,
    ELECTRIC_BASS,
    POWER_KIT,
    STEEL_GUITAR,
    Palette,
)
from datasets.composers.melody import Line, melody
from datasets.composers.song import Mix, Note, Part, Section, Song
from datasets.composers.style import Brief, Style

MAJOR_RULES = {
    "RIFF": [
        (3, "I I IV IV"),
        (2, "I bVII IV I"),
        (2, "I IV V IV"),
        (1.5, "I bIII IV bVII"),
        (1, "vi IV I V"),
        (1, "I V bVII IV"),
    ]
}
MINOR_RULES = {
    "RIFF": [
        (3, "i i bVI bVII"),
        (2, "i bVII bVI bVII"),
        (2, "i bIII bVII iv"),
        (1.5, "i iv i bVII"),
        (1, "i bVI bIII bVII"),
    ]
}
FORM = {
    "riff": SectionKind(4, 0.7, {"verse": 3, "solo": 1}),
    "verse": SectionKind(8, 0.5, {"chorus": 1}),
    "chorus": SectionKind(8, 0.9, {"verse": 1, "solo": 1, "riff": 0.5}),
    "solo": SectionKind(8, 0.8, {"chorus": 1}),
}
GUITAR_RHYTHMS = ("X-x.x-x.x-x.x-x.", "X---..x-x-..x---", "X.x.X---..x-x-x-", "xxxxxxxxxxxxxxxx", "X-----x-..x-x---")
GROOVES = (
    {"kick": "X.....x.X.......", "snare": "....X.......X...", "closed_hat": "x.x.x.x.x.x.x.x."},
    {"kick": "X..x....x.x.....", "snare": "....X.......X..g", "closed_hat": "x.x.x.x.x.x.x.x."},
    {"kick": "X.x...x.X.x...x.", "snare": "....X.......X...", "open_hat": "x...x...x...x..."},
)
CHORUS_CYMBAL = {"ride": "x.x.x.x.x.x.x.x.", "crash": "X..............."}
BASS_LINES = ("RRRRRRRR", "R-RR-RRR", "R--RR-8R")
SOLO = Line(
    scale="blues",
    low=58,
    high=82,
    phrases=("0 1 2 1 0", "5 4 2 1 0", "3 4 5 4 5 7", "2 3 4 3 2 1 0", "0 2 4 5 4 2"),
    cells=((3, (0.5, 0.5)), (2, (0.25, 0.25, 0.5)), (1.5, (1.5, 0.5)), (1, (2.0,)), (1, ("r0.5", 0.5))),
    velocity=100,
)
SONG = Line(
    scale="minor_pentatonic",
    low=57,
    high=74,
    phrases=("0 0 1 2 1 0", "2 2 1 0", "4 3 2 3 2 0", "0 1 0 1 2"),
    cells=((3, (0.5, 0.5)), (2, (1.0,)), (1, (1.5, 0.5)), (1.5, ("r1",))),
    rest=0.2,
)


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """A song whose riff comes back."""
    n_bars = brief.n_bars()
    rules = MINOR_RULES if brief.mode == "minor" else MAJOR_RULES
    riffs = {name: expand(rules, "RIFF", rng) for name in ("riff", "verse", "chorus")}
    riffs["solo"] = riffs["verse"]
    form = sections(FORM, str(rng.choice(["riff", "verse", "chorus"])), n_bars, brief.energy, rng)
    rhythm, groove = str(rng.choice(GUITAR_RHYTHMS)), GROOVES[int(rng.integers(len(GROOVES)))]
    bass_line = str(rng.choice(BASS_LINES))
    played: dict[str, list[Note]] = {name: [] for name in ("guitar", "second guitar", "bass", "drums", "lead", "clean")}
    for section in form:
        chords = progression(
            repeated(riffs[section.name], section.n_bars), brief.tonic, start_beat=section.start_bar * 4
        )
        _play_section(section, chords, rhythm, bass_line, groove, brief, rng, played)
    guitar = palette.pick(DISTORTED_GUITAR)
    parts: tuple[Part, ...] = (
        Part("guitar", guitar, tuple(played["guitar"]), gain_db=-3, pan=-0.7, drive=0.55 + 0.3 * brief.energy),
        Part(
            "second guitar", guitar, tuple(played["second guitar"]), gain_db=-3, pan=0.7, drive=0.5 + 0.3 * brief.energy
        ),
        Part("lead", palette.pick(DISTORTED_GUITAR), tuple(played["lead"]), gain_db=-1, drive=0.6),
        Part("clean", palette.pick((*CLEAN_GUITAR, *STEEL_GUITAR)), tuple(played["clean"]), gain_db=-6, pan=0.3),
        Part("bass", palette.pick(ELECTRIC_BASS), tuple(played["bass"]), gain_db=-2, reverb=0.0),
        Part("drums", palette.pick(POWER_KIT), tuple(played["drums"]), gain_db=2, reverb=0.25),
    )
    parts = played_by_people(parts, rng, tempo_bpm=brief.tempo_bpm)
    mix = Mix(room=0.3, low_db=1.5, high_db=2.0, compression=0.5, loudness_lufs=-12.0)
    return Song("rock", brief.tempo_bpm, brief.tonic, brief.mode, 4, form, parts, mix)


def _play_section(
    section: Section,
    chords: list[ChordSpan],
    rhythm: str,
    bass_line: str,
    groove: dict[str, str],
    brief: Brief,
    rng: np.random.Generator,
    played: dict[str, list[Note]],
) -> None:
    loud = section.energy > 0.5 or section.name != "verse"
    if loud:
        played["guitar"] += power_chords(chords, rhythm)
        played["second guitar"] += power_chords(chords, "X---------------" if section.name == "chorus" else rhythm)
    else:
        played["clean"] += comp(chords, "x.x.x.x.x.x.x.x.", strum_beats=0.03)
    played["bass"] += bass(chords, bass_line)
    if section.name in ("solo", "chorus", "verse"):
        line = SOLO if section.name == "solo" else SONG
        played["lead"] += melody(line, chords, brief.tonic, rng)
    for bar in range(section.start_bar, section.start_bar + section.n_bars):
        last = bar == section.start_bar + section.n_bars - 1
        pattern = dict(groove)
        if section.name in ("chorus", "solo"):
            pattern.pop("closed_hat", None)
            pattern |= CHORUS_CYMBAL if bar % 4 == 0 else {"ride": CHORUS_CYMBAL["ride"]}
        played["drums"] += play(pattern, bar * 4, beats=4)
        if last and rng.random() < 0.7:
            played["drums"] += fill(rng, bar * 4 + 2)


STYLE = Style("rock", (90, 160), 0.4, (0.5, 1.0), compose)
