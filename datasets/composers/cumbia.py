"""Cumbia: the scraper's long-short-short on every beat, a drum on every off-beat, a bass of root, third and fifth.

Two kinds. The Colombian one has hand drums, a low tambora, and flutes, clarinets or brass that call and answer; the
sonidero one is slower, with accordion and electric organ, timbales and cowbell. Both keep to minor keys that go from
i to V7 and back. Drums have the feel of Latin grooves as drummers of the Groove MIDI data set play them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from datasets.composers.accompaniment import bass, comp, riff
from datasets.composers.drums import Pattern, play
from datasets.composers.forms import SectionKind, sections
from datasets.composers.groove import groove
from datasets.composers.harmony import ChordSpan, Rules, expand, progression, repeated
from datasets.composers.humanise import echoed, played_by_people
from datasets.composers.instruments import (
    ACCORDION,
    ACOUSTIC_BASS,
    CLARINET,
    CLEAN_GUITAR,
    ELECTRIC_BASS,
    FLUTE,
    NYLON_GUITAR,
    OBOE,
    ORGAN,
    PIANO,
    SAXOPHONE,
    STANDARD_KIT,
    SYNTH_LEAD,
    TROMBONE,
    TRUMPET,
    VOICE_LEAD,
    Instrument,
    Palette,
)
from datasets.composers.melody import Cell, Line, melody, tiled
from datasets.composers.song import Mix, Note, Part, Section, Song
from datasets.composers.style import Brief, Style
from datasets.composers.voicing import in_thirds

RULES: Mapping[str, Rules] = {
    "minor": {
        "SONG": [(1, "TURN TURN")],
        "TURN": [(4, "i V7 V7 i"), (3, "i i V7 V7"), (2, "i iv V7 i"), (1.5, "bVI bIII V7 i"), (1.5, "bVII bIII V7 i")],
        "MONTUNO": [(3, "i:2 V7:2 V7:2 i:2"), (2, "i V7"), (1, "i:2 iv:2 V7")],
    },
    "major": {
        "SONG": [(1, "TURN TURN")],
        "TURN": [(4, "I V7 V7 I"), (3, "I I V7 V7"), (2, "I IV V7 I"), (1, "vi ii V7 I")],
        "MONTUNO": [(3, "I:2 V7:2 V7:2 I:2"), (2, "I V7"), (1, "I:2 IV:2 V7")],
    },
}
FORM = {
    "intro": SectionKind(4, 0.5, {"verse": 2, "theme": 1}),
    "theme": SectionKind(8, 0.8, {"verse": 2, "montuno": 1}),
    "verse": SectionKind(8, 0.5, {"theme": 2, "montuno": 1}),
    "montuno": SectionKind(8, 0.9, {"theme": 1, "verse": 1, "drums": 0.7}),
    "drums": SectionKind(2, 0.6, {"theme": 2, "verse": 1}),
}
SCRAPERS = (  # long, short, short on every beat; players accent the long stroke or the second short one
    {"long_guiro": "X...X...X...X...", "short_guiro": "..xx..xx..xx..xx"},
    {"cabasa": "X.xgX.xgX.xgX.xg", "maracas": "..xx..xx..xx..xx"},
    {"shaker": "X.gxX.gxX.gxX.gx", "short_guiro": "X.xxX.xxX.xxX.xx"},
)
SCRAPED = 0.75  # level of the scraper: heard all the time, in front of nothing
BASS_LOW = 31


@dataclass(frozen=True)
class Tune:
    """What stays the same through a song."""

    scraper: Pattern
    bass_line: str
    off_beats: str
    answer: str
    theme: tuple[Note, ...]
    verse: tuple[Note, ...]


@dataclass(frozen=True)
class Kind:
    """What sets the two kinds apart.

    Attributes
    ----------
    always : Pattern
        What sounds in every bar.
    bars : tuple of Pattern
        Hand drums and timbales, drawn anew for each bar; the first is the usual one.
    fills : tuple of Pattern
        In the last bar of a section.
    leads : tuple of families
        One of them has the theme.
    chords : tuple of Instrument
        What plays chords on the off-beats.
    bass : tuple of Instrument
        What has the bass.
    horns : tuple of families
        The section that answers.
    """

    always: Pattern
    bars: tuple[Pattern, ...]
    fills: tuple[Pattern, ...]
    leads: tuple[tuple[Instrument, ...], ...]
    chords: tuple[Instrument, ...]
    bass: tuple[Instrument, ...]
    horns: tuple[tuple[Instrument, ...], ...]


# The llamador (high bongo) calls on every off-beat, the alegre (congas) plays around it, the tambora (floor tom, and
# woodblock for its rim) has the deep strokes.
COLOMBIAN = Kind(
    always={"high_bongo": "..x...x...x...x."},
    bars=(
        {"open_conga": "......xx......xx", "floor_tom": "........x...X...", "low_woodblock": "x..x..x.x..x..x."},
        {"open_conga": "......xx.x....xx", "floor_tom": "......x.....X...", "mute_conga": "x..x....x..x...."},
        {"open_conga": "..xx..x...xx..x.", "floor_tom": "........x...X.x.", "low_conga": "x...x..x..x.x..."},
    ),
    fills=(
        {"open_conga": "x.xxx.x.xxxxx.x.", "low_conga": "..........x..x.x"},
        {"open_conga": "..xx..xx..xx..xx", "floor_tom": "x..x..x...x.x.X."},
    ),
    leads=(CLARINET, FLUTE, OBOE, ACCORDION),
    chords=NYLON_GUITAR,
    bass=ACOUSTIC_BASS,
    horns=(CLARINET, SAXOPHONE, TRUMPET),
)
SONIDERO = Kind(
    always={"kick": "x...x...x...x...", "open_conga": "......xx......xx"},
    bars=(
        {"cowbell": "X...x...X...x...", "mute_conga": "x.....x.x.....x."},
        {"cowbell": "X...x.x.X...x.x.", "side_stick": "..x...x...x...x."},
        {"cowbell": "X...x...X...x...", "high_timbale": "..x...x...x..xx."},
    ),
    fills=(
        {"high_timbale": "x.xxX...x.xxX...", "low_timbale": ".........x..x.xX"},
        {"high_timbale": "........xxxxX.x.", "low_timbale": "............x..X", "cowbell": "X...X..........."},
    ),
    leads=(ACCORDION, ACCORDION, SYNTH_LEAD, ORGAN),
    chords=(*ORGAN, *CLEAN_GUITAR, *PIANO),
    bass=ELECTRIC_BASS,
    horns=(TRUMPET, TRUMPET, TROMBONE),
)
SONIDERO_BPM = 94.0  # slower songs are sonidero more often
BASS_LINES = ("R-------3---5---", "R-------5---8---", "R-------5---5---", "R-----R-3---5---")  # 1, 3 and 4
OFF_BEATS = ("..x...x...x...x.", "..X...x...X..xx.")
PHRASES = (
    "4 4 4 3 2 1 0",
    "0 2 4 2 4 5 4",
    "4 5 4 3 4 3 2 1",
    "2 1 0 1 2 3 2 1 0",
    "4 2 0 2 4 4 3 2",
    "7 6 5 4 5 4 3 2",
)
THEME_CELLS = (  # accordion runs, pushed into the next beat
    (3, (0.5, 0.25, 0.25)),
    (3, (0.5, 0.5)),
    (2, ("r0.5", 0.5, 0.5, 0.5)),
    (2, (0.75, 0.75, 0.5)),
    (1.5, (0.25, 0.25, 0.25, 0.25)),
    (1, (1.5, "r0.5")),
)
VERSE_CELLS = ((3, (0.5, 0.5)), (2, (1.0,)), (2, ("r0.5", 0.5)), (1, (1.5, "r0.5")))
SCALES = {"minor": "harmonic_minor", "major": "major"}
TUNE_BARS = 8
ANSWERS = (  # of the horns, four bars, the first two of which are the call's
    "................................ ............x-x-X---............",
    "................................ x-x-..x-X---....x-x-..x-........",
    "................................ ..x-x-x-X-......................",
    "................................ x---x-x-x-x-X-..................",
)
ECHO = {"delay": 0.75, "decay": 0.5}  # of a sonidero's machine
SUNG = 0.6  # share of songs whose verses have words


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """A song whose theme comes back between verses and a montuno of call and answer."""
    kind = SONIDERO if rng.random() < (0.7 if brief.tempo_bpm < SONIDERO_BPM else 0.35) else COLOMBIAN
    rules = RULES[brief.mode]
    harmony = {name: expand(rules, "SONG", rng) for name in ("theme", "verse")}
    harmony["montuno"] = expand(rules, "MONTUNO", rng)
    form = sections(FORM, str(rng.choice(["intro", "theme", "verse", "montuno"])), brief.n_bars(), brief.energy, rng)
    singers = [palette.pick_voice(register) for register in ("male", "female")] if rng.random() < SUNG else None
    family = kind.leads[int(rng.integers(len(kind.leads)))]
    tune = Tune(
        scraper=SCRAPERS[int(rng.integers(len(SCRAPERS)))],
        bass_line=str(rng.choice(BASS_LINES)),
        off_beats=str(rng.choice(OFF_BEATS)),
        answer=str(rng.choice(ANSWERS)),
        theme=tuple(_melody(THEME_CELLS, harmony["theme"], 74, brief, rng)),
        verse=tuple(_melody(VERSE_CELLS, harmony["verse"], singers[0].centre if singers else 67, brief, rng)),
    )
    played: dict[str, list[Note]] = defaultdict(list)
    for section in form:
        played["drums"] += _drums(section, kind, tune, rng)
        if section.name != "drums":
            symbols = harmony.get(section.name, harmony["theme"])
            chords = progression(repeated(symbols, section.n_bars), brief.tonic, start_beat=section.start_bar * 4)
            _play_section(section, chords, tune, brief, played)
    if kind is SONIDERO and not singers:
        played["voice"] = echoed(played["voice"], **ECHO)
    sound, second = palette.pick(family), palette.pick(VOICE_LEAD if singers else family)
    voice, choir = singers or (None, None)
    parts = [
        Part("bass", palette.pick(kind.bass), tuple(played["bass"]), gain_db=1.0, reverb=0.0),
        Part("chords", palette.pick(kind.chords), tuple(played["chords"]), gain_db=-6.0, pan=-0.4),
        Part("lead", sound, tuple(played["lead"]), gain_db=-1.0, pan=0.15),
        Part("second lead", sound, tuple(played["second lead"]), gain_db=-4.0, pan=0.35),
        Part("voice", second, tuple(played["voice"]), gain_db=1.0 if singers else -2.0, voice=voice),
        Part("choir", second, tuple(played["choir"]), gain_db=-5.0, pan=-0.3, reverb=0.5, voice=choir),
    ]
    parts += [
        Part(f"horn {index + 1}", palette.pick(family), tuple(played[f"horn {index + 1}"]), gain_db=-5.0, pan=pan)
        for index, (family, pan) in enumerate(zip(kind.horns, (0.5, 0.25, -0.5), strict=True))
    ]
    drums = groove(played["drums"], "latin", rng, brief.tempo_bpm, amount=0.6)
    kit = Part("drums", palette.pick(STANDARD_KIT), tuple(drums), gain_db=2.0, reverb=0.2)
    band = (*played_by_people(parts, rng, tempo_bpm=brief.tempo_bpm), kit)
    mix = Mix(room=0.35, low_db=2.0, high_db=1.0, compression=0.3, loudness_lufs=-16 + 3 * brief.energy)
    return Song("cumbia", brief.tempo_bpm, brief.tonic, brief.mode, 4, form, band, mix)


def _melody(
    cells: Sequence[tuple[float, Cell]], symbols: list[str], centre: int, brief: Brief, rng: np.random.Generator
) -> list[Note]:
    """Eight bars that come back whenever their section does."""
    line = Line(SCALES[brief.mode], centre - 8, centre + 8, PHRASES, cells, velocity=92, rest=0.08, repeat=0.6)
    return melody(line, progression(repeated(symbols, TUNE_BARS), brief.tonic), brief.tonic, rng)


def _play_section(
    section: Section, chords: list[ChordSpan], tune: Tune, brief: Brief, played: dict[str, list[Note]]
) -> None:
    played["bass"] += bass(chords, tune.bass_line, low=BASS_LOW, velocity=98, legato=0.8)
    played["chords"] += comp(chords, tune.off_beats, centre=64, n_voices=3, legato=0.5, velocity=0.75)
    start, end = chords[0].start, chords[-1].end
    if section.name == "verse":
        played["voice"] += tiled(tune.verse, TUNE_BARS * 4, start, end)
    elif section.name == "montuno":
        call = tiled([note for note in tune.verse if note.start < 8], 16, start, end)
        played["voice"] += call
        played["choir"] += in_thirds(call, brief.tonic, SCALES[brief.mode])
    else:
        theme = tiled(tune.theme, TUNE_BARS * 4, start, end)
        played["lead"] += theme
        if section.energy > 0.6:
            played["second lead"] += in_thirds(theme, brief.tonic, SCALES[brief.mode])
    if section.name == "montuno" or (section.name == "theme" and brief.energy > 0.5):
        for index, line in enumerate(riff(chords, tune.answer, beats_per_bar=16)):
            played[f"horn {index + 1}"] += line


def _drums(section: Section, kind: Kind, tune: Tune, rng: np.random.Generator) -> list[Note]:
    level, notes = 0.65 + 0.4 * section.energy, []
    usual = 0.5 if section.name != "verse" else 0.75
    for bar in range(section.start_bar, section.start_bar + section.n_bars):
        last = bar == section.start_bar + section.n_bars - 1
        others = kind.fills if last else kind.bars[1:]
        pattern = kind.bars[0] if not last and rng.random() < usual else others[int(rng.integers(len(others)))]
        notes += play({**kind.always, **pattern}, bar * 4, level=level) + play(
            tune.scraper, bar * 4, level=SCRAPED * level
        )
    return notes


STYLE = Style("cumbia", (85, 105), 0.8, (0.4, 0.95), compose)
