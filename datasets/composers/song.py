"""A piece of music as its composer writes it: parts of notes, in beats, with the sound that each part shall have.

A beat is a quarter note; pitches are MIDI numbers (60 is middle C, A4 = 69 = 440 Hz), velocities 1 to 127. In drum
parts a pitch is a drum of the General MIDI percussion map.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from datasets.composers.instruments import Instrument, Voice
from features.tonality import PITCH_NAMES

TONICS = PITCH_NAMES
Mode = Literal["major", "minor"]


@dataclass(frozen=True)
class Note:
    """One note: `start` and `duration` in beats from the start of the piece."""

    start: float
    duration: float
    pitch: int
    velocity: int

    @property
    def end(self) -> float:
        """Beat at which it ends."""
        return self.start + self.duration


@dataclass(frozen=True)
class Part:
    """What one instrument plays.

    Attributes
    ----------
    name : str
        Its role, such as "bass".
    instrument : Instrument
        Preset of the sound font.
    notes : tuple of Note
        In any order; notes of one pitch do not overlap in a drum part.
    gain_db : float
        Relative to the other parts, -40 to 6.
    pan : float
        -1 left, 0 centre, 1 right.
    reverb, chorus : float
        Share of the sound that goes to the effect, 0 to 1.
    drive : float
        Of an overdriven amplifier, 0 (none) to 1 (all that it gives).
    voice : Voice, optional
        Who sings or speaks the notes, one at a time; the instrument stands in for it where only MIDI is wanted.
    """

    name: str
    instrument: Instrument
    notes: tuple[Note, ...]
    gain_db: float = 0.0
    pan: float = 0.0
    reverb: float = 0.3
    chorus: float = 0.0
    drive: float = 0.0
    voice: Voice | None = None


@dataclass(frozen=True)
class Mix:
    """What is done to all parts together.

    Attributes
    ----------
    room : float
        Size of the reverb's room, 0 to 1.
    low_db, high_db : float
        Shelves below 150 Hz and above 4 kHz.
    bandwidth_hz : float
        Upper end of the recording: old ones end early.
    compression : float
        How far the master is driven into its limiter, 0 to 1.
    hiss_db : float
        Level of noise below full scale, as of tape or shellac; -120 is none to be heard.
    loudness_lufs : float
        Of the finished clip (ITU-R BS.1770).
    """

    room: float = 0.4
    low_db: float = 0.0
    high_db: float = 0.0
    bandwidth_hz: float = 20000.0
    compression: float = 0.2
    hiss_db: float = -120.0
    loudness_lufs: float = -16.0


@dataclass(frozen=True)
class Section:
    """A stretch of the form: `n_bars` bars from bar `start_bar`, with an energy of 0 to 1."""

    name: str
    start_bar: int
    n_bars: int
    energy: float


@dataclass(frozen=True)
class Song:
    """A finished piece.

    Attributes
    ----------
    genre : str
        What it was composed as.
    tempo_bpm : float
        Quarter notes per minute, constant.
    tonic : int
        Pitch class of the key, 0 for C.
    mode : "major" or "minor"
        Of the key.
    beats_per_bar : int
        Quarter notes in a bar.
    sections : tuple of Section
        The form, gapless from bar 0.
    parts : tuple of Part
        At most 15 pitched ones and one of drums.
    mix : Mix
        Sound of the whole.
    """

    genre: str
    tempo_bpm: float
    tonic: int
    mode: Mode
    beats_per_bar: int
    sections: tuple[Section, ...]
    parts: tuple[Part, ...]
    mix: Mix = field(default_factory=Mix)

    @property
    def key(self) -> str:
        """Name of the key, such as "A minor"."""
        return f"{TONICS[self.tonic]} {self.mode}"

    @property
    def duration_s(self) -> float:
        """Seconds until the last note ends."""
        ends = [note.end for part in self.parts for note in part.notes]
        return max(ends, default=0.0) * 60 / self.tempo_bpm

    def transposed(self, semitones: int) -> "Song":
        """The same piece in another key; drums stay."""
        parts = tuple(part if part.instrument.is_drums else _transposed(part, semitones) for part in self.parts)
        return replace(self, tonic=(self.tonic + semitones) % 12, parts=parts)

    def facts(self) -> dict[str, Any]:
        """What is known of the piece because it was composed, ready for JSON."""
        return {
            "tempo_bpm": self.tempo_bpm,
            "key": self.key,
            "beats_per_bar": self.beats_per_bar,
            "form": [[section.name, section.n_bars] for section in self.sections],
            "instruments": [[part.name, part.instrument.bank, part.instrument.program] for part in self.parts],
        }


def _transposed(part: Part, semitones: int) -> Part:
    return replace(part, notes=tuple(replace(note, pitch=note.pitch + semitones) for note in part.notes))
