"""Bossa nova: the guitar that João Gilberto plays, a rim click, a shaker, rich chords and a melody that lies back."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from datasets.composers.accompaniment import bass, comp, long_chords
from datasets.composers.drums import play
from datasets.composers.forms import SectionKind, sections
from datasets.composers.harmony import ChordSpan, Rules, expand, progression, repeated
from datasets.composers.humanise import loosen, played_by_people
from datasets.composers.instruments import (
    BRUSH_KIT,
    FLUTE,
    NYLON_GUITAR,
    PIANO,
    SAXOPHONE,
    STRINGS,
    UPRIGHT_BASS,
    VOICE_LEAD,
    Palette,
)
from datasets.composers.melody import Line, melody
from datasets.composers.song import Mix, Note, Part, Song
from datasets.composers.style import Brief, Style
from datasets.composers.voicing import rootless_voicings

MAJOR_RULES: Rules = {
    "A": [
        (3, "I2 II2 ii7 V I2"),
        (2, "I2 ii7 V iii7 VI ii7 V"),
        (2, "Imaj9 bVII9 Imaj9 VI7b9 ii9 V I2"),
        (1, "I2 iv7 bVII9 iii7 bIIIdim7 ii7 V"),
    ],
    "B": [
        (2, "IVmaj7 IVmaj7 iv7 bVII9 iii7 VI7b9 ii7 V"),
        (1, "v7 I7b9 IVmaj9 IVmaj9 iv7 bVII9 ii7 V"),
        (1, "vi7 II9 ii7 V iii7 bIIIdim7 ii7 V"),
    ],
    "I2": [(2, "Imaj7 I6"), (2, "Imaj9 Imaj9"), (1, "Imaj7 #Idim7")],
    "II2": [(2, "II9 II9"), (1, "II7 II13")],
    "V": [(2, "V13"), (1, "V7b9"), (1.5, "bII9"), (1, "V9")],
    "VI": [(2, "VI7b9"), (1, "bIIIdim7")],
}
MINOR_RULES: Rules = {
    "A": [
        (2, "i2 ii7b5 V i2 iv9 V"),
        (2, "i2 iv9 bVII9 bIIImaj7 bVImaj7 ii7b5 V"),
        (1, "i9 i9 bVI9 V i9 i9 ii7b5 V"),
    ],
    "B": [(2, "iv9 bVII9 bIIImaj9 bIIImaj9 ii7b5 V i2"), (1, "iv9 iv9 i2 bVI9 bVI9 ii7b5 V")],
    "i2": [(2, "i9 i6"), (1, "i9 i9")],
    "V": [(2, "V7b9"), (1, "bII9")],
}
FORM = {
    "A": SectionKind(8, 0.45, {"A repeated": 1}),
    "A repeated": SectionKind(8, 0.5, {"B": 1}),
    "B": SectionKind(8, 0.65, {"last A": 1}),
    "last A": SectionKind(8, 0.55, {"A": 1}),
}
# Two bars of eighths: the fingers against the thumb.
FINGERS = ("x.x..x.x .x..x.x-", "x-.x..x- .x..x-..", "x.x..x-- .x-.x-.x", "x..x..x- .x..x.x-")
THUMB = "R---5---"
LOW_E, HIGHEST_OF_THUMB = 40, 52
CLICKS = ("x..x..x. ..x..x..", "..x..x.. x..x..x.")  # of the rim: the clave of bossa nova, from either bar
BASS_LINES = ("R--55--R", "R---5--5", "R--R5---")
SHAKER = "xgxgxgxg"
KICK = "x..gx..g"
TUNE = Line(
    scale="major",
    low=60,
    high=77,
    phrases=("4 4 3 4 3 1", "4 2 2 1 4 2 2 1", "0 1 2 4 3 3 2", "6 5 4 4 3", "2 2 2 1 0 0"),
    cells=(
        (3, ("r0.5", 0.5, 0.5, 0.5)),
        (2, (1.5, 0.5)),
        (2, (0.5, 1.0, 0.5)),
        (1.5, ("r0.5", 1.5)),
        (1, (3.0, "r1")),
        (1, (1.0,)),
    ),
    legato=0.95,
    velocity=78,
    rest=0.15,
    repeat=0.6,
)
BEHIND_MS = 35.0
ANTICIPATION = 0.5  # beats


def compose(brief: Brief, rng: np.random.Generator, palette: Palette) -> Song:
    """A song of 32 bars, AABA, sung or played over the guitar."""
    rules = MINOR_RULES if brief.mode == "minor" else MAJOR_RULES
    a, b = expand(rules, "A", rng), expand(rules, "B", rng)
    letters = {"A": a, "A repeated": a, "B": b, "last A": a}
    line = replace(TUNE, scale="dorian" if brief.mode == "minor" else "major", velocity=round(70 + 18 * brief.energy))
    tunes = {
        name: melody(line, progression(chords, brief.tonic), brief.tonic, rng) for name, chords in (("A", a), ("B", b))
    }
    form = sections(FORM, str(rng.choice(list(FORM))), brief.n_bars(), brief.energy, rng)
    fingers, click, bass_line = (str(rng.choice(lines)) for lines in (FINGERS, CLICKS, BASS_LINES))
    played: dict[str, list[Note]] = {name: [] for name in ("guitar", "bass", "drums", "lead", "strings")}
    for section in form:
        start = section.start_bar * 4.0
        chords = progression(repeated(letters[section.name], section.n_bars), brief.tonic, start_beat=start)
        played["guitar"] += guitar(chords, fingers, velocity=0.55 + 0.2 * section.energy)
        played["bass"] += bass(
            anticipated(chords), bass_line, low=29, velocity=round(72 + 16 * section.energy), legato=0.95
        )
        tune = tunes["B" if section.name == "B" else "A"]
        played["lead"] += [replace(n, start=n.start + start) for n in tune if n.start < section.n_bars * 4]
        if section.name in ("B", "last A") and brief.energy > 0.3:
            played["strings"] += long_chords(chords, centre=67, n_voices=3, velocity=round(36 + 24 * section.energy))
        for bar in range(section.start_bar, section.start_bar + section.n_bars):
            pattern = {"side_stick": click.split()[bar % 2], "shaker": SHAKER, "kick": KICK, "pedal_hat": "..x...x."}
            played["drums"] += play(pattern, bar * 4, level=0.45 + 0.3 * section.energy)
    families = (FLUTE, SAXOPHONE, VOICE_LEAD, PIANO, NYLON_GUITAR)
    lead = families[int(rng.choice(len(families), p=[0.3, 0.25, 0.25, 0.15, 0.05]))]
    late = loosen(played["lead"], rng, tempo_bpm=brief.tempo_bpm, timing_ms=12, late_ms=BEHIND_MS)
    parts = (
        Part("lead", palette.pick(lead), tuple(late), gain_db=0, reverb=0.4),
        Part("guitar", palette.pick(NYLON_GUITAR), tuple(played["guitar"]), gain_db=1, pan=-0.25, reverb=0.25),
        Part("bass", palette.pick(UPRIGHT_BASS), tuple(played["bass"]), gain_db=-3, reverb=0.1),
        Part("strings", palette.pick(STRINGS), tuple(played["strings"]), gain_db=-9, pan=0.3, reverb=0.6),
        Part("drums", palette.pick(BRUSH_KIT), tuple(played["drums"]), gain_db=-4, pan=0.1, reverb=0.2),
    )
    loosened = played_by_people(parts, rng, tempo_bpm=brief.tempo_bpm, timing_ms=6, velocity=5)
    mix = Mix(room=0.3, high_db=-1.0, compression=0.1, loudness_lufs=-20.0)
    return Song("bossa_nova", brief.tempo_bpm, brief.tonic, brief.mode, 4, form, loosened, mix)


def guitar(chords: Sequence[ChordSpan], fingers: str, *, velocity: float) -> list[Note]:
    """Thumb on the first and third beat, root and fifth; the fingers pluck the rest of the chord around it, early."""
    early = anticipated(chords)
    thumb = bass(chords, THUMB, low=LOW_E, velocity=round(100 * velocity), legato=0.95)
    thumb = [replace(note, pitch=note.pitch - 12 * (note.pitch > HIGHEST_OF_THUMB)) for note in thumb]
    voicings = rootless_voicings(early, centre=62, fifth=False)
    return thumb + comp(early, fingers, beats_per_bar=8, velocity=velocity, legato=0.95, voicings=voicings)


def anticipated(chords: Sequence[ChordSpan]) -> list[ChordSpan]:
    """Chords that come an eighth before their bar, as they do in bossa nova, but for the first one."""
    starts = [span.start - ANTICIPATION * (span is not chords[0]) for span in chords]
    ends = [*starts[1:], chords[-1].end]
    return [
        replace(span, start=start, duration=end - start) for span, start, end in zip(chords, starts, ends, strict=True)
    ]


STYLE = Style("bossa_nova", (112, 156), 0.3, (0.2, 0.7), compose)
