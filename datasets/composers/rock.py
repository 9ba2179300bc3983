"""Rock: riffs of power chords through an amplifier, a backbeat, a bass on the roots, verse and chorus.

A quiet verse is left to a clean guitar; the chorus opens up to ringing chords and a ride cymbal. Half of the songs are
sung, in the others a guitar has the tune. A fill leads into most sections.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from datasets.composers.accompaniment import bass, comp, power_chords
from datasets.composers.drums import Pattern, fill, play
from datasets.composers.forms import SectionKind, sections
from datasets.composers.harmony import ChordSpan, expand, progression, repeated
from datasets.composers.humanise import played_by_people
from datasets.composers.instruments import (
    CLEAN_GUITAR,
    DISTORTED_GUITAR,
    ELECTRIC_BASS,
    POWER_KIT,
    STEEL_GUITAR,
    VOICE_LEAD,
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
RIDE = {"ride": "x.x.x.x.x.x.x.x."}
CRASH = {"crash": "X..............."}
RINGING = "X---------------"
SUNG = 0.5  # share of songs with a singer
FILLED = 0.7  # share of sections that end with a fill
QUIET = 0.55  # energy up to which a verse is left to the clean guitar
BASS_LINES = ("RRRRRRRR", "R-RR-RRR", "R--RR-8R")
SOLO = Line(
    scale="blues",
    low=58,
    high=82,
    phrases=("0 1 2 1 0", "5 4 2 1 0", "3 4 5 4 5 7", "2 3 4 3 2 1 0", "0 2 4 5 4 2"),
    cells=((3, (0.5, 0.5)), (2, (0.25, 0.25, 0.5)), (1.5, (1.5, 0.5)), (1, (2.0,)), (1, ("r0.5", 0.5))),
    velocity=100,
)
TUNE = Line(
    scale="minor_pentatonic",
    low=57,
    high=74,
    phrases=("0 0 1 2 1 0", "2 2 1 0", "4 3 2 3 2 0", "0 1 0 1 2"),
    cells=((3, (0.5, 0.5)), (2, (1.0,)), (1, (1.5, 0.5)), (1.5, ("r1",))),
    rest=0.2,
)


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """A song whose riff comes back."""
    rules = MINOR_RULES if brief.mode == "minor" else MAJOR_RULES
    riffs = {name: expand(rules, "RIFF", rng) for name in ("riff", "verse", "chorus")}
    riffs["solo"] = riffs["verse"]
    form = sections(FORM, str(rng.choice(["riff", "verse", "chorus"])), brief.n_bars(), brief.energy, rng)
    rhythm, groove = str(rng.choice(GUITAR_RHYTHMS)), GROOVES[int(rng.integers(len(GROOVES)))]
    bass_line = str(rng.choice(BASS_LINES))
    singer = palette.pick_voice("male", roughness=0.3) if rng.random() < SUNG else None
    tune = replace(TUNE, low=singer.centre - 7, high=singer.centre + 9) if singer else TUNE
    names = ("guitar", "second guitar", "lead", "voice", "clean", "bass", "drums")
    played: dict[str, list[Note]] = {name: [] for name in names}
    for section in form:
        symbols = repeated(riffs[section.name], section.n_bars)
        chords = progression(symbols, brief.tonic, start_beat=4 * section.start_bar)
        written = _guitars(section, chords, rhythm)
        if section.name == "solo":
            written["lead"] = melody(SOLO, chords, brief.tonic, rng)
        elif section.name != "riff":
            written["voice" if singer else "lead"] = melody(tune, chords, brief.tonic, rng)
        written["bass"] = bass(chords, bass_line, velocity=int(88 + 16 * section.energy))
        written["drums"] = _drums(section, groove, rng)
        for name, notes in written.items():
            played[name] += notes
    guitar, drive = palette.pick(DISTORTED_GUITAR), 0.55 + 0.3 * brief.energy
    parts: tuple[Part, ...] = (
        Part("guitar", guitar, tuple(played["guitar"]), gain_db=-3, pan=-0.7, drive=drive),
        Part("second guitar", guitar, tuple(played["second guitar"]), gain_db=-3, pan=0.7, drive=drive - 0.05),
        Part("lead", palette.pick(DISTORTED_GUITAR), tuple(played["lead"]), gain_db=-1, drive=0.6),
        Part("voice", palette.pick(VOICE_LEAD), tuple(played["voice"]), gain_db=-2, reverb=0.2, voice=singer),
        Part("clean", palette.pick((*CLEAN_GUITAR, *STEEL_GUITAR)), tuple(played["clean"]), gain_db=-6, pan=0.3),
        Part("bass", palette.pick(ELECTRIC_BASS), tuple(played["bass"]), gain_db=-2, reverb=0.0),
        Part("drums", palette.pick(POWER_KIT), tuple(played["drums"]), gain_db=2, reverb=0.25),
    )
    parts = played_by_people(parts, rng, tempo_bpm=brief.tempo_bpm)
    mix = Mix(room=0.3, low_db=1.5, high_db=2.0, compression=0.5, loudness_lufs=-12.0)
    return Song("rock", brief.tempo_bpm, brief.tonic, brief.mode, 4, form, parts, mix)


def _guitars(section: Section, chords: Sequence[ChordSpan], rhythm: str) -> dict[str, list[Note]]:
    """Two overdriven guitars, the second one ringing in choruses; a clean one alone in quiet verses."""
    if section.name == "verse" and section.energy <= QUIET:
        return {"clean": comp(chords, "x.x.x.x.x.x.x.x.", strum_beats=0.03)}
    second = RINGING if section.name == "chorus" else rhythm
    return {"guitar": power_chords(chords, rhythm), "second guitar": power_chords(chords, second)}


def _drums(section: Section, groove: Pattern, rng: np.random.Generator) -> list[Note]:
    """The groove, on the ride in choruses and solos, with a crash at the start and often a fill at the end."""
    if section.name in ("chorus", "solo"):
        groove = {drum: line for drum, line in groove.items() if not drum.endswith("hat")} | RIDE
    start, end = 4.0 * section.start_bar, 4.0 * (section.start_bar + section.n_bars)
    notes = play(CRASH, start)
    for bar in range(section.n_bars):
        notes += play(groove, start + 4 * bar, level=0.85 + 0.2 * section.energy)
    if rng.random() < FILLED:
        notes += fill(rng, end - 2)
    return notes


STYLE = Style("rock", (90, 160), 0.4, (0.5, 1.0), compose)
