"""Classical: periods with half and authentic cadences, set as chorale, quartet, orchestra, sonatina or invention."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from datasets.composers.forms import SectionKind, sections
from datasets.composers.harmony import ChordSpan, Rules, chord_at, expand, progression, repeated
from datasets.composers.humanise import phrased, played_by_people
from datasets.composers.instruments import (
    CHOIR,
    CHURCH_ORGAN,
    CLARINET,
    FLUTE,
    HARPSICHORD,
    HORNS,
    LOW_STRINGS,
    OBOE,
    PIANO,
    PIZZICATO,
    STRINGS,
    TIMPANI,
    TRUMPET,
    VIOLIN,
    Instrument,
    Palette,
)
from datasets.composers.melody import Line, melody
from datasets.composers.song import Mix, Mode, Note, Part, Song
from datasets.composers.style import Brief, Style
from datasets.composers.textures import (
    MELODY_VELOCITY,
    PHRASE_BEATS,
    VOICES,
    Parts,
    Period,
    adagio_texture,
    chorale_texture,
    invention_texture,
    nocturne_texture,
    orchestra_texture,
    quartet_texture,
    sonatina_texture,
)
from datasets.composers.theory import nearest

PERIOD_BARS = 8
MAJOR_RULES: Rules = {
    "PERIOD": [(1, "OPENING HALF OPENING FULL"), (0.6, "OPENING FULL SEQUENCE FULL")],
    "OPENING": [(3, "I I"), (2, "I V7:2 I:2"), (2, "I IV:2 I:2"), (2, "I vi"), (1, "I:2 V:2 vi:2 iii:2")],
    "HALF": [(3, "ii V"), (2, "IV V"), (2, "I:2 II7:2 V"), (1, "vi:2 ii:2 V")],
    "FULL": [(3, "ii:2 V7:2 I"), (2, "IV:2 V7:2 I"), (1, "vi:2 ii:2 V7:2 I:2"), (1, "I:2 V7:2 I")],
    "SEQUENCE": [(2, "vi:2 ii:2 V:2 I:2"), (1, "IV:2 V:2 iii:2 vi:2"), (1, "ii VI7:2 ii:2")],
}
MINOR_RULES: Rules = {
    "PERIOD": [(1, "OPENING HALF OPENING FULL"), (0.6, "OPENING FULL SEQUENCE FULL")],
    "OPENING": [(3, "i i"), (2, "i V7:2 i:2"), (2, "i iv:2 i:2"), (1, "i bVI")],
    "HALF": [(3, "iv V"), (2, "i V"), (1, "bVI:2 iv:2 V")],
    "FULL": [(3, "iv:2 V7:2 i"), (2, "bVI:2 iv:2 V7:2 i:2"), (1, "i:2 V7:2 i")],
    "SEQUENCE": [(2, "iv:2 bVII:2 bIII:2 bVI:2"), (1, "bIII bVI:2 iv:2")],
}
FORM = {
    "theme": SectionKind(8, 0.4, {"theme": 1, "contrast": 2}),
    "contrast": SectionKind(8, 0.7, {"theme": 1}),
}
CANTABILE = Line(
    scale="major",
    low=65,
    high=84,
    phrases=("0 1 2 4 3 2 1 0", "4 5 4 3 2 1", "7 6 5 4 3 2 1 0", "2 3 4 5 4 3 2", "0 2 4 7 6 5 4", "4 2 3 1 2 0"),
    cells=((3, (1.0, 1.0)), (2, (1.5, 0.5)), (2, (0.5, 0.5, 1.0)), (1.5, (2.0,)), (1, (0.5, 0.5, 0.5, 0.5))),
    legato=0.98,
    velocity=MELODY_VELOCITY,
    rest=0.02,
    repeat=0.5,
)


@dataclass(frozen=True)
class Player:
    """Families of which one is drawn, and where it sits."""

    families: tuple[tuple[Instrument, ...], ...]
    gain_db: float = 0.0
    pan: float = 0.0


@dataclass(frozen=True)
class Setting:
    """How a piece is set.

    Attributes
    ----------
    texture : callable
        One of `datasets.composers.textures`.
    players : mapping of str to Player
        Who plays what it returns.
    swell, rubato : float
        How far phrases grow and slow down, as for `humanise.phrased`.
    """

    texture: Callable[[Period, np.random.Generator], Parts]
    players: Mapping[str, Player]
    swell: float = 0.25
    rubato: float = 0.08


def _choir(*families: tuple[Instrument, ...]) -> dict[str, Player]:
    """One family for each voice, from the bass up, from right to left."""
    pans = (0.45, 0.15, -0.15, -0.45)
    return {name: Player((family,), pan=pan) for name, family, pan in zip(VOICES, families, pans, strict=True)}


KEYBOARD = {"right hand": Player((PIANO,), 0.0, 0.15), "left hand": Player((PIANO,), -3.0, -0.15)}
SETTINGS = (
    (1.0, Setting(chorale_texture, _choir(STRINGS, STRINGS, STRINGS, STRINGS))),
    (1.0, Setting(chorale_texture, _choir(CHOIR, CHOIR, CHOIR, CHOIR))),
    (0.7, Setting(chorale_texture, _choir(CHURCH_ORGAN, CHURCH_ORGAN, CHURCH_ORGAN, CHURCH_ORGAN), swell=0.0)),
    (0.7, Setting(chorale_texture, _choir(HORNS, HORNS, HORNS, TRUMPET))),
    (
        1.5,
        Setting(
            quartet_texture,
            {
                "melody": Player((VIOLIN,), 0.0, -0.4),
                "middle": Player((VIOLIN, STRINGS), -5.0),
                "bass": Player((LOW_STRINGS,), -2.0, 0.4),
            },
        ),
    ),
    (
        2.0,
        Setting(
            orchestra_texture,
            {
                "violins": Player((STRINGS,), 1.0, -0.5),
                "wood": Player((FLUTE, OBOE, CLARINET), -3.0, 0.1),
                "strings": Player((STRINGS,), -4.0, 0.2),
                "pulse": Player((PIZZICATO, STRINGS), -8.0),
                "basses": Player((LOW_STRINGS,), 0.0, 0.5),
                "horns": Player((HORNS,), -4.0, -0.3),
                "trumpets": Player((TRUMPET,), -7.0, 0.3),
                "timpani": Player((TIMPANI,), -4.0, 0.1),
            },
            swell=0.35,
        ),
    ),
    (
        1.5,
        Setting(
            adagio_texture,
            {
                "solo": Player((VIOLIN, OBOE, FLUTE, CLARINET)),
                "strings": Player((STRINGS,), -3.0, -0.3),
                "basses": Player((LOW_STRINGS,), -3.0, 0.4),
            },
            swell=0.3,
            rubato=0.1,
        ),
    ),
    (1.2, Setting(sonatina_texture, KEYBOARD)),
    (1.2, Setting(nocturne_texture, KEYBOARD, rubato=0.2)),
    (
        1.2,
        Setting(
            invention_texture,
            {"upper": Player((HARPSICHORD,), 0.0, 0.2), "lower": Player((HARPSICHORD,), 0.0, -0.2)},
            swell=0.05,
            rubato=0.03,
        ),
    ),
)


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """Two periods in turn, in one setting; the second may stand in the dominant or the relative major."""
    weights = np.array([weight for weight, _ in SETTINGS])
    setting = SETTINGS[int(rng.choice(len(weights), p=weights / weights.sum()))][1]
    form = sections(FORM, "theme", brief.n_bars(), brief.energy, rng)
    away = rng.random() < 0.5
    periods = {name: _period(brief, rng, away=away and name == "contrast") for name in FORM}
    energies = {section.name: section.energy for section in form}
    scores = {name: setting.texture(replace(periods[name], energy=energies[name]), rng) for name in energies}
    played: Parts = {name: [] for name in setting.players}
    for section in form:
        start, length = section.start_bar * 4.0, section.n_bars * 4.0
        for name, notes in scores[section.name].items():
            played[name] += [replace(note, start=note.start + start) for note in notes if note.start < length]
    parts = []
    drawn: dict[tuple[tuple[Instrument, ...], ...], Instrument] = {}  # both hands play one piano
    for name, player in setting.players.items():
        if player.families not in drawn:
            drawn[player.families] = palette.pick(player.families[int(rng.integers(len(player.families)))])
        notes = phrased(played[name], PHRASE_BEATS, rubato=setting.rubato, swell=setting.swell)
        parts.append(Part(name, drawn[player.families], tuple(notes), player.gain_db, player.pan, reverb=0.6))
    loosened = played_by_people(parts, rng, tempo_bpm=brief.tempo_bpm, timing_ms=9, velocity=4)
    mix = Mix(room=0.75, high_db=-1.5, compression=0.0, loudness_lufs=-22.0)
    return Song("classical", brief.tempo_bpm, brief.tonic, brief.mode, 4, form, loosened, mix)


def _period(brief: Brief, rng: np.random.Generator, *, away: bool) -> Period:
    """Chords and melody of eight bars, from beat 0."""
    tonic, mode = brief.tonic, brief.mode
    if away:
        tonic, mode = _nearest_key(tonic, mode)
    symbols = expand(MINOR_RULES if mode == "minor" else MAJOR_RULES, "PERIOD", rng)
    chords = progression(repeated(symbols, PERIOD_BARS), tonic)
    line = replace(CANTABILE, scale="harmonic_minor" if mode == "minor" else "major")
    return Period(chords, _cadenced(melody(line, chords, tonic, rng), chords), brief.energy)


def _nearest_key(tonic: int, mode: Mode) -> tuple[int, Mode]:
    """The dominant of a major key, the relative major of a minor one."""
    return (tonic + (7 if mode == "major" else 3)) % 12, "major"


def _cadenced(tune: Sequence[Note], chords: Sequence[ChordSpan]) -> list[Note]:
    """Every phrase comes to rest on a long note of the last bar's chord."""
    last_bar = PHRASE_BEATS - 4
    closed = [note for note in tune if note.start % PHRASE_BEATS <= last_bar]
    for index, note in enumerate(closed):
        if note.start % PHRASE_BEATS == last_bar:
            triad = chord_at(chords, note.start).pitch_classes[:3]
            pitches = np.array([p for p in range(CANTABILE.low, CANTABILE.high + 1) if p % 12 in triad])
            closed[index] = replace(note, duration=3.0, pitch=nearest(pitches, note.pitch))
    return closed


STYLE = Style("classical", (60, 126), 0.4, (0.1, 0.9), compose)
