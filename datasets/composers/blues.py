"""Blues: twelve bars in three lines, the second sung like the first, each a call that an instrument answers.

Two manners: one guitar and a singer as on the Delta's old records, the thumb keeping the beat; and the electric bands
of Chicago with shuffle, boogie and an amplified lead. Slow ones go in triplets (12/8), the others swing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from datasets.composers.accompaniment import bass, comp
from datasets.composers.drums import fill, play
from datasets.composers.forms import SectionKind, sections
from datasets.composers.harmony import ChordSpan, expand, progression
from datasets.composers.humanise import played_by_people, swing
from datasets.composers.instruments import (
    ACOUSTIC_BASS,
    BLUES_HARP,
    ELECTRIC_BASS,
    JAZZ_GUITAR,
    ROOM_KIT,
    STANDARD_KIT,
    STEEL_GUITAR,
    UPRIGHT_PIANO,
    VOICE_LEAD,
    Palette,
    Voice,
)
from datasets.composers.melody import Line, melody
from datasets.composers.song import Mix, Note, Part, Section, Song
from datasets.composers.style import Brief, Style
from datasets.composers.theory import pitch_near

MAJOR_RULES = {
    "TWELVE": [(1, "FIRST SECOND THIRD TURN")],
    "FIRST": [(3, "I7 I7 I7 I7"), (2, "I7 IV7 I7 I7")],  # the second one is the quick change
    "SECOND": [(1, "IV7 IV7 I7 I7")],
    "THIRD": [(3, "V7 IV7"), (1, "V7 V7")],
    "TURN": [(2, "I7 V7"), (2, "I7:2 IV7:2 I7:2 V7:2")],
}
MINOR_RULES = {
    "TWELVE": [(1, "FIRST SECOND THIRD TURN")],
    "FIRST": [(3, "i7 i7 i7 i7"), (2, "i7 iv7 i7 i7")],
    "SECOND": [(1, "iv7 iv7 i7 i7")],
    "THIRD": [(2, "bVI7 V7"), (1, "v7 iv7")],
    "TURN": [(1, "i7 V7")],
}
FORM = {
    "verse": SectionKind(12, 0.5, {"verse": 2, "solo": 1, "stop time": 1}),
    "stop time": SectionKind(12, 0.7, {"verse": 1, "solo": 2}),
    "solo": SectionKind(12, 0.9, {"verse": 1}),
}
LINE_BEATS, CALL_BEATS = 16.0, 9.0  # of a line, the first beats are the call
TURN_BEAT = 40.0  # where the turnaround begins
SWING = 2 / 3
SHUFFLES = (
    {"kick": "X.....x.....", "snare": "...X.....X..", "ride": "x.xx.xx.xx.x"},
    {"kick": "X..x..X..x..", "snare": "..gX.g..gX.g", "closed_hat": "x.xx.xx.xx.x"},
    {"kick": "X....xx.....", "snare": "...X.....X..", "closed_hat": "x..x..x..x.."},
)
TRIPLETS = {"kick": "X.....x....g", "snare": "...X.....X..", "closed_hat": "xggxggxggxgg"}
STOP = {"kick": "X...........", "snare": "X..........."}
SLOW_BPM = 80.0
SUNG = 0.4  # share of songs; a harmonica has the tune of the others
HARP_CENTRE = 67
BASS_LINES = ("R-3-5-6-", "R-3-5-3-", "RR335566", "R-R-5-6-", "R3567653")
MINOR_BASS_LINES = ("R-5-8-5-", "R--R5--5")
SLOW_BASS_LINE = "R--R--5--5-b"
BOOGIES = ("55665566", "55667766", "5.6.5.6.")  # on each eighth, what sounds above the root
THUMBS = ("RRRR", "R5R5", "R8R8")
CALL = Line(
    scale="blues",
    low=0,  # both ends are the singer's or the harmonica's
    high=0,
    phrases=("4 4 4 2 1 0", "0 1 2 1 0", "5 4 2 1 0", "6 6 5 4 2 1 0"),
    cells=((3, (0.5, 0.5)), (2, (1.0,)), (1, (1.5, 0.5)), (1, ("r0.5", 0.5))),
    velocity=96,
)
ANSWER = Line(
    scale="blues",
    low=52,
    high=74,
    phrases=("0 1 2 3 2 1 0", "6 5 4 2 1 0", "2 3 4 4 5 6", "4 5 6 5 4 2 1 0", "1 2 1 0 0"),
    cells=((4, (0.5, 0.5)), (1, (0.25, 0.25, 0.5)), (2, (1.0,)), (1, ("r0.5", 0.5))),
    velocity=100,
)


@dataclass(frozen=True)
class Manner:
    """How a song is played all through: what it has of figures, and who sings: a harmonica where nobody does."""

    delta: bool
    slow: bool
    boogie: str
    bass_line: str
    thumb: str
    shuffle: int
    singer: Voice | None


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """Choruses of twelve bars."""
    form = sections(FORM, str(rng.choice(["verse", "solo"])), brief.n_bars(), brief.energy, rng)
    twelve = expand(MINOR_RULES if brief.mode == "minor" else MAJOR_RULES, "TWELVE", rng)
    manner = _manner(brief, rng, palette)
    names = ("voice", "answer", "guitar", "thumb", "bass", "piano", "drums")
    played: dict[str, list[Note]] = {name: [] for name in names}
    for section in form:
        start = 4.0 * section.start_bar
        chords = progression(twelve, brief.tonic, start_beat=start)
        written = _sung(chords, section, manner, brief, rng) | _accompanied(chords, section, manner, brief, rng)
        for name, notes in written.items():
            played[name] += [note for note in notes if note.start < start + 4 * section.n_bars]
    parts = _delta_parts(played, manner, palette) if manner.delta else _chicago_parts(played, manner, palette, rng)
    parts = played_by_people(parts, rng, tempo_bpm=brief.tempo_bpm, timing_ms=12.0)
    return Song("blues", brief.tempo_bpm, brief.tonic, brief.mode, 4, form, parts, _mix(manner, rng))


def call_and_answer(
    chords: Sequence[ChordSpan], line: Line, tonic: int, rng: np.random.Generator
) -> tuple[list[Note], list[Note]]:
    """What is sung in twelve bars, the second line like the first (A A B), and what answers the first two lines."""
    start = chords[0].start
    sung = [note for note in melody(line, chords, tonic, rng) if (note.start - start) % LINE_BEATS < CALL_BEATS]
    first = [note for note in sung if note.start < start + LINE_BEATS]
    again = [replace(note, start=note.start + LINE_BEATS) for note in first]
    third = [note for note in sung if note.start >= start + 2 * LINE_BEATS]
    answers = melody(ANSWER, chords, tonic, rng)
    answers = [n for n in answers if (n.start - start) % LINE_BEATS >= CALL_BEATS and n.start < start + 2 * LINE_BEATS]
    return first + again + third, answers


def turnaround(start: float, tonic: int) -> list[Note]:
    """Two bars: a chromatic descent from the seventh to the fifth below a tonic that stays, then the dominant."""
    low = pitch_near(tonic, 50)
    notes = []
    for beat, interval in enumerate((10, 9, 8, 7)):
        notes.append(Note(start + beat, 0.9, low + interval, 92))
        notes.append(Note(start + beat + 0.5, 0.45, low + 12, 80))
    notes.append(Note(start + 4, 1.2, low, 96))
    return notes + [Note(start + 5.5, 2.3, low + 7 + interval, 84) for interval in (0, 4, 10)]


def boogie(chords: Sequence[ChordSpan], figure: str) -> list[Note]:
    """On each eighth the root and, above it, what the figure names: fifth, sixth or seventh."""
    notes = []
    for span in chords:
        root = 40 + (span.chord.root - 40) % 12
        for index in range(round(2 * span.duration)):
            if (step := figure[index % len(figure)]) != ".":
                velocity = 92 if index % 2 == 0 else 78
                for pitch in (root, root + {"5": 7, "6": 9, "7": 10}[step]):
                    notes.append(Note(span.start + index / 2, 0.45, pitch, velocity))
    return notes


def _manner(brief: Brief, rng: np.random.Generator, palette: Palette) -> Manner:
    roughness = round(float(rng.uniform(0.3, 0.7)), 2)
    singer = palette.pick_voice("male", roughness=roughness) if rng.random() < SUNG else None
    return Manner(
        delta=brief.energy < 0.65 and bool(rng.random() < 0.65),
        slow=brief.tempo_bpm < SLOW_BPM,
        boogie=str(rng.choice(BOOGIES)),
        bass_line=str(rng.choice(MINOR_BASS_LINES if brief.mode == "minor" else BASS_LINES)),
        thumb=str(rng.choice(THUMBS)),
        shuffle=int(rng.integers(len(SHUFFLES))),
        singer=singer,
    )


def _sung(
    chords: Sequence[ChordSpan], section: Section, manner: Manner, brief: Brief, rng: np.random.Generator
) -> dict[str, list[Note]]:
    centre = manner.singer.centre if manner.singer else HARP_CENTRE
    line = replace(CALL, low=centre - 7, high=centre + 8)
    call, answer = call_and_answer(chords, line, brief.tonic, rng)
    if section.name == "solo":
        solo = melody(ANSWER, chords, brief.tonic, rng)
        call, answer = [], [note for note in solo if note.start < chords[0].start + TURN_BEAT]
    return {"voice": swing(call, SWING), "answer": swing(answer, SWING)}


def _accompanied(
    chords: Sequence[ChordSpan], section: Section, manner: Manner, brief: Brief, rng: np.random.Generator
) -> dict[str, list[Note]]:
    """Ten bars of accompaniment and a turnaround."""
    start, level = chords[0].start, 0.7 + 0.4 * section.energy
    before = [span for span in chords if span.start < start + TURN_BEAT]
    if manner.delta:
        treble = comp(before, "..x...xg", centre=58, n_voices=3, velocity=0.8 * level)
        thumb = bass(chords, manner.thumb, low=40, velocity=int(90 * level))
        written = {"thumb": thumb, "guitar": swing(treble, SWING)}
    else:
        written = _band(chords, before, section, manner, level, rng)
    written["guitar"] += swing(turnaround(start + TURN_BEAT, brief.tonic), SWING)
    return written


def _band(
    chords: Sequence[ChordSpan],
    before: Sequence[ChordSpan],
    section: Section,
    manner: Manner,
    level: float,
    rng: np.random.Generator,
) -> dict[str, list[Note]]:
    """Guitar, bass, piano and drums; in stop time they strike but once in each of the first four bars."""
    start = chords[0].start
    going_from = start + (LINE_BEATS if section.name == "stop time" else 0.0)
    stopped = [span for span in before if span.start < going_from]
    going = [span for span in before if span.start >= going_from]
    guitar = comp(stopped, "X-......") if stopped else []
    if manner.slow:
        guitar += comp(going, "...x.....x..", centre=58, velocity=level, legato=0.7)
        line = bass(chords, SLOW_BASS_LINE, velocity=int(96 * level))
    else:
        guitar += swing(boogie(going, manner.boogie), SWING)
        line = swing(bass(chords, manner.bass_line, velocity=int(96 * level)), SWING)
    line = [note for note in line if note.start >= going_from or (note.start - start) % 4 == 0]
    piano_rhythm = "x.xx.xx.xx.x" if manner.slow else "..x..x..x..x"
    piano = comp(going, piano_rhythm, centre=62, velocity=0.7 * level, legato=0.6)
    drums = swing(fill(rng, start + 46, level=level), SWING, grid=0.25)
    for bar in np.arange(start, start + 48, 4).tolist():
        pattern = STOP if bar < going_from else TRIPLETS if manner.slow else SHUFFLES[manner.shuffle]
        drums += play(pattern, bar, level=level)
    return {"guitar": guitar, "bass": line, "piano": piano, "drums": drums}


def _delta_parts(played: dict[str, list[Note]], manner: Manner, palette: Palette) -> tuple[Part, ...]:
    guitar = palette.pick(STEEL_GUITAR)
    return (
        _voice(played["voice"], manner, palette),
        Part("answer", guitar, tuple(played["answer"]), gain_db=-3, reverb=0.1),
        Part("guitar", guitar, tuple(played["guitar"]), gain_db=-3, reverb=0.1),
        Part("thumb", guitar, tuple(played["thumb"]), gain_db=2, reverb=0.1),
    )


def _chicago_parts(
    played: dict[str, list[Note]], manner: Manner, palette: Palette, rng: np.random.Generator
) -> tuple[Part, ...]:
    guitar = palette.pick(JAZZ_GUITAR)
    harp = rng.random() < 0.4
    lead = Part(
        "answer", palette.pick(BLUES_HARP if harp else JAZZ_GUITAR), tuple(played["answer"]), gain_db=0, pan=0.2
    )
    return (
        _voice(played["voice"], manner, palette),
        replace(lead, drive=0.3 if harp else 0.4),
        Part("guitar", guitar, tuple(played["guitar"]), gain_db=-9, pan=-0.4, drive=0.45),
        Part("bass", palette.pick((*ACOUSTIC_BASS, *ELECTRIC_BASS)), tuple(played["bass"]), reverb=0.1),
        Part("piano", palette.pick(UPRIGHT_PIANO), tuple(played["piano"]), gain_db=-1, pan=0.4),
        Part("drums", palette.pick((*STANDARD_KIT, *ROOM_KIT)), tuple(played["drums"]), gain_db=2),
    )


def _voice(notes: Sequence[Note], manner: Manner, palette: Palette) -> Part:
    instrument = palette.pick(VOICE_LEAD if manner.singer else BLUES_HARP)
    return Part("voice", instrument, tuple(notes), gain_db=-5, reverb=0.15, voice=manner.singer)


def _mix(manner: Manner, rng: np.random.Generator) -> Mix:
    """A shellac record, or a small studio's tape."""
    if manner.delta:
        bandwidth_hz, hiss_db = rng.uniform(3000, 5000), rng.uniform(-54, -46)
        return Mix(room=0.2, bandwidth_hz=float(bandwidth_hz), hiss_db=float(hiss_db), compression=0.3)
    return Mix(room=0.4, low_db=3.0, bandwidth_hz=float(rng.uniform(4500, 8000)), hiss_db=-66.0, compression=0.5)


STYLE = Style("blues", (58, 130), 0.2, (0.2, 0.9), compose)
