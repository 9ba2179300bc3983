"""Jazz: a head, improvised choruses, a walking bass, a swung ride cymbal; small groups, ballads and big bands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from datasets.composers.accompaniment import comp, walking_bass
from datasets.composers.drums import Pattern, fill, play
from datasets.composers.forms import SectionKind, sections
from datasets.composers.harmony import ChordSpan, Rules, expand, progression, repeated
from datasets.composers.humanise import played_by_people, swing
from datasets.composers.improvisation import Solo, improvise
from datasets.composers.instruments import (
    BRASS,
    BRUSH_KIT,
    JAZZ_GUITAR,
    JAZZ_KIT,
    MALLETS,
    PIANO,
    SAXOPHONE,
    TRUMPET,
    UPRIGHT_BASS,
    Instrument,
    Palette,
)
from datasets.composers.melody import Line, melody
from datasets.composers.song import Mix, Note, Part, Section, Song
from datasets.composers.style import Brief, Style
from datasets.composers.voicing import block_chords, rootless_voicings

# After Steedman: what leads to the tonic is prepared by its own dominant, and a dominant by its tritone substitute.
MAJOR_RULES: Rules = {
    "BLUES": [(1, "I7 BAR2 I7 I7 IV7 BAR6 I7 VI ii7 V TURN2")],
    "BAR2": [(2, "IV7"), (1, "I7")],
    "BAR6": [(2, "IV7"), (1, "#IVdim7")],
    "TURN2": [(2, "I7 ii7:2 V:2"), (1, "I7:2 VI:2 ii7:2 V:2"), (1, "I7 bII7")],
    "A": [
        (3, "TONIC2 TO_II2 II_V2 CLOSE2"),
        (2, "II_V2 TONIC2 TO_II2 CADENCE2"),
        (1, "RHYTHM2 RHYTHM2 II_V2 CLOSE2"),
    ],
    "TONIC2": [(3, "Imaj7 I6"), (2, "Imaj7 IVmaj7"), (1, "Imaj7:2 ii7:2 iii7:2 ii7:2")],
    "RHYTHM2": [(1, "I6:2 vi7:2 ii7:2 V:2"), (1, "iii7:2 vi7:2 ii7:2 V:2")],
    "TO_II2": [(2, "iii7 VI"), (1, "vi7 VI7"), (1, "Imaj7 VI"), (1, "iii7 bIIIdim7")],
    "II_V2": [(4, "ii7 V"), (1, "ii7:2 V:2 ii7:2 V:2")],
    "CADENCE2": [(1, "ii7:2 V:2 Imaj7")],
    "CLOSE2": [(2, "Imaj7 I6"), (2, "Imaj7:2 vi7:2 ii7:2 V:2"), (1, "Imaj7 V")],
    "V": [(4, "V7"), (1.5, "V13"), (1, "bII7")],
    "V:2": [(4, "V7:2"), (1, "V9:2"), (1, "bII7:2")],
    "VI": [(2, "VI7"), (1, "VI7b9")],
    "VI:2": [(1, "VI7:2")],
    "B": [
        (2, "v7 I7 IVmaj7 IV6 vi7 II7 ii7 V"),
        (1.5, "IVmaj7 iv7:2 bVII7:2 iii7 VI ii7 V Imaj7 V"),
        (1, "III7 III7 vi7 vi7 II7 II7 ii7 V"),
    ],
}
MINOR_RULES: Rules = {
    "BLUES": [(1, "i7 BAR2 i7 i7 iv7 iv7 i7 i7 TO_I2 TURN2")],
    "BAR2": [(2, "iv7"), (1, "i7")],
    "TURN2": [(2, "i7 V"), (1, "i7 ii7b5:2 V7b9:2")],
    "TO_I2": [(2, "bVI7 V"), (1, "ii7b5 V")],
    "A": [
        (2, "i7 i7 TO_I2 i7 iv7 TO_I2"),
        (2, "iv7 bVII7 bIIImaj7 bVImaj7 ii7b5 V i7 i7"),
        (1, "i7 iv7 i7 i7 TO_I2 i7 V"),
    ],
    "B": [(2, "iv7 bVII7 bIIImaj7 bIII6 ii7b5 V i7 V"), (1, "iv7 iv7 i7 i7 bVI7 bVI7 ii7b5 V")],
    "V": [(3, "V7b9"), (2, "V7"), (1, "bII7")],
}
CHORUSES = {"AABA": ("A", "A", "B", "A"), "blues": ("BLUES",)}
FORM = {
    "AABA": {"head": SectionKind(32, 0.5, {"solo": 1}), "solo": SectionKind(32, 0.7, {"solo": 1, "head": 1})},
    "blues": {
        "head": SectionKind(12, 0.5, {"head": 1, "solo": 2}),
        "solo": SectionKind(12, 0.7, {"solo": 3, "head": 1}),
    },
}
LICKS = ("0 1 2 3 4 5 6 7", "7 6 5 4 3 2 1 0", "4 3 2 1 0 2 4 6", "0 2 4 6 5 4 3 2", "2 3 1 2 0", "6 8 7 5 4 2 3 4")
HEAD = Line(
    scale="major",
    low=60,
    high=79,
    phrases=("0 2 4 5 4 2", "4 5 4 2 1 0", "6 5 4 2 4", "1 2 3 4 6 4", "4 4 3 2 0"),
    cells=(
        (3, (0.5, 0.5)),
        (2, ("r0.5", 0.5, 1.0)),
        (2, (1.5, 0.5)),
        (1.5, ("r0.5", 1.5)),
        (1, (0.5, 1.0, 0.5)),
        (1, (2.0,)),
    ),
    legato=0.85,
    rest=0.2,
    repeat=0.5,
)
# Eighths, swung when played. Two of them make the Charleston.
COMPING = ("X--x....", "...X-...", "..x-...x", "X-.x..x-", ".x-..X..", "x------.", "........", "...x...X")
LONG_COMPING = ("x-------", "x---x---", "x--x----")
RIFFS = ("..X.X-....X.....", "X--X......X.X...", "...X...XX-......", ".x.x.X-.........")  # of the brass: two bars
RIDE = {"ride": "x.Xxx.Xx", "pedal_hat": "..x...x.", "kick": "g.g.g.g."}
BRUSHES = {"snare_2": "x...x...", "snare": "..x..gx.", "pedal_hat": "..x...x.", "kick": "g...g..."}
DROPPED = ("........", "...g....", ".....g.g", "g..x....", ".g...g..", "...x..g.")  # snare against the ride
BALLAD_BPM = 90.0
BALLAD_LEADS = (SAXOPHONE, TRUMPET)  # what sings
LEAD_PANS = (0.0, 0.25, -0.25)
STRAIGHT_BPM = 300.0
SHARE_AT_100 = 0.71  # of a beat that the first eighth takes


@dataclass(frozen=True)
class LineUp:
    """A band.

    Attributes
    ----------
    leads : tuple of families
        Who plays the head, together, and the solos, one at a time.
    comping : tuple of Instrument
        Who plays the chords.
    locked_hands : int
        Voices in which a lead that is alone plays the head.
    big : bool
        Whether brass riffs behind the solos.
    """

    leads: tuple[tuple[Instrument, ...], ...]
    comping: tuple[Instrument, ...]
    locked_hands: int = 1
    big: bool = False


LINE_UPS = (
    (2.0, LineUp((PIANO,), PIANO, locked_hands=4)),
    (0.5, LineUp((JAZZ_GUITAR,), PIANO, locked_hands=3)),
    (3.0, LineUp((SAXOPHONE,), PIANO)),
    (1.0, LineUp((SAXOPHONE,), JAZZ_GUITAR)),
    (1.0, LineUp((SAXOPHONE, JAZZ_GUITAR), PIANO)),
    (1.5, LineUp((TRUMPET,), PIANO)),
    (1.0, LineUp((MALLETS,), PIANO, locked_hands=2)),
    (2.0, LineUp((TRUMPET, SAXOPHONE), PIANO)),
    (1.5, LineUp((SAXOPHONE, SAXOPHONE, SAXOPHONE), PIANO, big=True)),
)


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """A tune whose head comes back after the solos."""
    ballad = brief.tempo_bpm < BALLAD_BPM
    bands = [(w, band) for w, band in LINE_UPS if not ballad or (band.leads[0] in BALLAD_LEADS and not band.big)]
    weights = np.array([weight for weight, _ in bands])
    band = bands[int(rng.choice(len(bands), p=weights / weights.sum()))][1]
    kind = "AABA" if ballad else str(rng.choice(["AABA", "blues"], p=[0.65, 0.35]))
    chorus, theme = _tune(kind, brief, rng)
    form = sections(FORM[kind], str(rng.choice(["head", "solo"])), brief.n_bars(), brief.energy, rng)
    played: dict[str, list[Note]] = {}
    for section in form:
        symbols = repeated(chorus, section.n_bars)
        chords = progression(symbols, brief.tonic, start_beat=section.start_bar * 4)
        for name, notes in _section(section, chords, theme, band, ballad, rng).items():
            played.setdefault(name, []).extend(swing(notes, swing_share(brief.tempo_bpm)))
    parts = [
        Part(f"lead {index}", palette.pick(family), tuple(played.get(f"lead {index}", ())), gain_db=3, pan=pan)
        for index, (family, pan) in enumerate(zip(band.leads, LEAD_PANS, strict=False))
    ]
    parts += [
        Part("brass", palette.pick(BRASS), tuple(played.get("brass", ())), gain_db=-4, pan=0.3, reverb=0.4),
        Part("comping", palette.pick(band.comping), tuple(played["comping"]), gain_db=-6, pan=-0.35),
        Part("bass", palette.pick(UPRIGHT_BASS), tuple(played["bass"]), gain_db=-5.5, pan=0.1, reverb=0.15),
        Part("drums", palette.pick(BRUSH_KIT if ballad else JAZZ_KIT), tuple(played["drums"]), gain_db=-5, reverb=0.3),
    ]
    loosened = played_by_people(parts, rng, tempo_bpm=brief.tempo_bpm, timing_ms=10, velocity=8)
    mix = Mix(
        room=0.35,
        high_db=-1.0,
        bandwidth_hz=float(rng.choice([9000, 14000, 18000])),
        compression=0.0,
        loudness_lufs=-19.0,
    )
    return Song("jazz", brief.tempo_bpm, brief.tonic, brief.mode, 4, form, loosened, mix)


def swing_share(tempo_bpm: float) -> float:
    """Share of a beat that the first of two eighths takes: long at slow tempi, half of it at fast ones.

    References
    ----------
    Friberg and Sundström, "Swing ratios and ensemble timing in jazz performance", Music Perception 19(3), 2002: the
    ratio falls about linearly with the tempo, to straight eighths at about 300 beats per minute.
    """
    share = 0.5 + (SHARE_AT_100 - 0.5) * (STRAIGHT_BPM - tempo_bpm) / (STRAIGHT_BPM - 100.0)
    return float(np.clip(share, 0.5, SHARE_AT_100))


def _tune(kind: str, brief: Brief, rng: np.random.Generator) -> tuple[list[str], list[Note]]:
    """Chords and melody of one chorus; what has the same letter is the same."""
    rules = MINOR_RULES if brief.mode == "minor" else MAJOR_RULES
    letters = {letter: expand(rules, letter, rng) for letter in dict.fromkeys(CHORUSES[kind])}
    scale = "dorian" if brief.mode == "minor" else "mixolydian" if kind == "blues" else "major"
    line = replace(HEAD, scale=scale, velocity=round(76 + 16 * brief.energy))
    melodies = {
        letter: melody(line, progression(symbols, brief.tonic), brief.tonic, rng) for letter, symbols in letters.items()
    }
    theme, beat = [], 0.0
    for letter in CHORUSES[kind]:
        theme += _shifted(melodies[letter], beat)
        beat += progression(letters[letter], brief.tonic)[-1].end
    return [symbol for letter in CHORUSES[kind] for symbol in letters[letter]], theme


def _section(
    section: Section,
    chords: list[ChordSpan],
    theme: Sequence[Note],
    band: LineUp,
    ballad: bool,
    rng: np.random.Generator,
) -> dict[str, list[Note]]:
    start, n_bars, loud = section.start_bar * 4, section.n_bars, section.energy
    played: dict[str, list[Note]] = {"bass": walking_bass(chords, rng, velocity=round(80 + 16 * loud)), "drums": []}
    rhythm = "".join(str(rng.choice(LONG_COMPING if ballad else COMPING)) for _ in range(n_bars))
    voicings = rootless_voicings(chords)
    played["comping"] = comp(chords, rhythm, beats_per_bar=4 * n_bars, velocity=0.55 + 0.25 * loud, voicings=voicings)
    if section.name == "head":
        head = [note for note in _shifted(theme, start) if note.start < chords[-1].end]
        voices = block_chords(head, chords, n_voices=max(len(band.leads), band.locked_hands))
        for index, voice in enumerate(voices):
            played.setdefault(f"lead {index % len(band.leads)}", []).extend(voice)
    else:
        soloist = int(rng.integers(len(band.leads)))
        grid = 0.25 if ballad and rng.random() < 0.5 else 0.5
        solo = Solo(58, 82, LICKS, grid=grid, velocity=round(78 + 20 * loud))
        played[f"lead {soloist}"] = improvise(solo, chords, rng)
    if band.big and (section.name == "solo" or rng.random() < 0.5):
        riff = str(rng.choice(RIFFS))
        played["brass"] = comp(chords, riff, beats_per_bar=8, centre=67, velocity=0.65 + 0.35 * loud, legato=0.6)
    for bar in range(section.start_bar, section.start_bar + n_bars):
        played["drums"] += play(_drums(ballad, rng), bar * 4, level=0.65 + 0.35 * loud)
    if not ballad and rng.random() < loud:
        played["drums"] += fill(rng, (section.start_bar + n_bars) * 4 - 2, level=0.8)
    return played


def _drums(ballad: bool, rng: np.random.Generator) -> Pattern:
    if ballad:
        return BRUSHES
    return RIDE | {"snare": str(rng.choice(DROPPED)), "kick": str(rng.choice(["g.g.g.g.", "g.g.g.gx", "g..xg.g."]))}


def _shifted(notes: Sequence[Note], beats: float) -> list[Note]:
    return [replace(note, start=note.start + beats) for note in notes]


STYLE = Style("jazz", (66, 230), 0.3, (0.2, 0.9), compose)
