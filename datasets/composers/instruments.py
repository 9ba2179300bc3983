"""Presets of the FluidR3 General MIDI sound font, and which of them are kept for test recordings.

A corpus that is split into training and test by instrument has no preset on both sides: a network that only learns
the sound of one sampled guitar is found out. Every family therefore has members on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from datasets.errors import DatasetError

DRUM_BANK = 128
Side = Literal["training", "held_out", "all"]


@dataclass(frozen=True, order=True)
class Instrument:
    """A preset: bank and program number, both from 0."""

    bank: int
    program: int

    @property
    def is_drums(self) -> bool:
        """Whether its pitches are drums."""
        return self.bank == DRUM_BANK


def _bank(bank: int, *programs: int) -> tuple[Instrument, ...]:
    return tuple(Instrument(bank, program) for program in programs)


# Families, each with members on both sides.
PIANO = _bank(0, 0, 1)
UPRIGHT_PIANO = _bank(0, 3, 1)
ELECTRIC_PIANO = _bank(0, 4, 5) + _bank(8, 4, 5)
CLAVINET = _bank(0, 7) + _bank(8, 6)
HARPSICHORD = _bank(0, 6) + _bank(8, 6)
MALLETS = _bank(0, 11, 12)
GLOCKENSPIEL = _bank(0, 9, 10)
ORGAN = _bank(0, 16, 17, 18) + _bank(8, 16, 17)
CHURCH_ORGAN = _bank(0, 19) + _bank(8, 19)
ACCORDION = _bank(0, 21, 23) + _bank(8, 21)
HARMONICA = _bank(0, 22, 17)
BLUES_HARP = _bank(0, 22, 23)  # harmonica and bandoneon: free reeds
NYLON_GUITAR = _bank(0, 24) + _bank(8, 24)
STEEL_GUITAR = _bank(0, 25) + _bank(8, 25)
SLIDE_GUITAR = _bank(0, 26) + _bank(8, 26)
PLUCKED = _bank(0, 105, 15) + _bank(16, 25)  # banjo, dulcimer, mandolin
JAZZ_GUITAR = _bank(0, 26, 27)
CLEAN_GUITAR = _bank(0, 26, 27) + _bank(8, 28)
CHOP_GUITAR = _bank(0, 26) + _bank(8, 28)  # round when cut short
MUTED_GUITAR = _bank(0, 28) + _bank(8, 28)
DISTORTED_GUITAR = _bank(0, 29, 30) + _bank(8, 30)
ACOUSTIC_BASS = _bank(0, 32, 35)
UPRIGHT_BASS = _bank(0, 32, 46)  # plucked: where a double bass plays, a harp has strings as long
ELECTRIC_BASS = _bank(0, 33, 34)
DEEP_BASS = _bank(0, 32, 33, 35, 39)  # round and dark
SLAP_BASS = _bank(0, 36, 37)
SYNTH_BASS = _bank(0, 38, 39) + _bank(8, 38, 39)
FIDDLE = _bank(0, 110) + _bank(8, 40)
VIOLIN = _bank(0, 40) + _bank(8, 40)
LOW_STRINGS = _bank(0, 42, 41)
STRINGS = _bank(0, 48, 49) + _bank(8, 48)
SYNTH_STRINGS = _bank(0, 50, 51) + _bank(8, 50)
PIZZICATO = _bank(0, 45, 46)
TIMPANI = _bank(0, 47) + _bank(8, 117)
CHOIR = _bank(0, 52, 53)
VOICE_LEAD = _bank(0, 85, 54, 53)
TRUMPET = _bank(0, 56, 59)
TROMBONE = _bank(0, 57, 58)
BRASS = _bank(0, 61) + _bank(8, 61)
HORNS = _bank(0, 60, 58)
SYNTH_BRASS = _bank(0, 62, 63) + _bank(8, 62, 63)
SAXOPHONE = _bank(0, 65, 66, 64, 67)
OBOE = _bank(0, 68, 69)
CLARINET = _bank(0, 70, 71)
FLUTE = _bank(0, 73, 74, 72, 75)
SYNTH_LEAD = _bank(0, 80, 81, 84, 87) + _bank(8, 80)
PAD = _bank(0, 88, 89, 90, 91, 94, 95)
STANDARD_KIT = _bank(DRUM_BANK, 0, 1, 2, 3, 4, 5, 6, 7)
ROOM_KIT = _bank(DRUM_BANK, 8, 9, 10, 11, 12, 13, 14, 15)
POWER_KIT = _bank(DRUM_BANK, 16, 17, 18, 19)
ELECTRONIC_KIT = _bank(DRUM_BANK, 24, 25)
JAZZ_KIT = _bank(DRUM_BANK, 32, 33, 34, 35, 36)
BRUSH_KIT = _bank(DRUM_BANK, 40, 41, 42)

HELD_OUT = frozenset(
    _bank(
        0, 1, 5, 12, 17, 23, 15, 27, 29, 34, 35, 37, 39, 41, 46, 49, 51, 53, 58, 59, 63, 64, 67, 69, 71, 74, 72, 84, 87
    )
    + _bank(0, 10, 90, 91, 95)
    + _bank(8, 4, 6, 17, 19, 21, 24, 25, 26, 28, 38, 40, 48, 61, 63, 80, 117)
    + _bank(16, 25)
    + _bank(DRUM_BANK, 4, 5, 6, 7, 11, 12, 13, 14, 15, 18, 19, 25, 35, 36, 42)
)


# Vocal tracts in cm from the glottis to the lips (Fant, Acoustic Theory of Speech Production, 1960: about 17 for men, a
# sixth less for women, less again where a smile spreads the lips), and the MIDI pitch around which a voice is at ease.
Register = Literal["female", "male"]
TRACTS_CM: dict[Register, dict[str, tuple[float, float]]] = {
    "female": {"training": (13.3, 14.2), "held_out": (12.6, 13.3)},
    "male": {"training": (16.6, 17.6), "held_out": (15.9, 16.6)},
}
CENTRES: dict[Register, dict[str, tuple[int, int]]] = {
    "female": {"training": (62, 66), "held_out": (67, 69)},
    "male": {"training": (46, 51), "held_out": (52, 55)},
}


@dataclass(frozen=True)
class Voice:
    """A human voice, which the sound font has not: `datasets.voice` makes its sound.

    Attributes
    ----------
    delivery : "sung" or "spoken"
        Sung notes hold their pitch, spoken ones fall from it as syllables do.
    tract_cm : float
        Length of the vocal tract: a short one has high formants.
    centre : int
        MIDI pitch around which it is at ease; its composer writes about an octave around it.
    breath : float
        Share of breath in its sound, 0 to 1.
    roughness : float
        Of its vocal folds, 0 (clear) to 1 (a growl).
    """

    delivery: Literal["sung", "spoken"]
    tract_cm: float
    centre: int
    breath: float = 0.2
    roughness: float = 0.0


class Palette:
    """Draws instruments from one side of the split.

    Parameters
    ----------
    side : "training", "held_out" or "all"
        Which presets may be drawn.
    rng : np.random.Generator
        What decides.
    """

    def __init__(self, side: Side, rng: np.random.Generator) -> None:
        self._side = side
        self._rng = rng

    def pick(self, family: Sequence[Instrument]) -> Instrument:
        """One of a family's members on this side, all equally likely. Raises DatasetError if there is none."""
        allowed = [instrument for instrument in family if self._allows(instrument)]
        if not allowed:
            raise DatasetError(f"no {self._side} instrument among {list(family)}")
        return allowed[int(self._rng.integers(len(allowed)))]

    def pick_voice(
        self, register: Register, delivery: Literal["sung", "spoken"] = "sung", *, roughness: float = 0.0
    ) -> Voice:
        """A singer or speaker of this side, whose tract and pitch no voice of the other side has."""
        sides = ("training", "held_out") if self._side == "all" else (self._side,)
        side = sides[int(self._rng.integers(len(sides)))]
        low, high = CENTRES[register][side]
        return Voice(
            delivery,
            tract_cm=round(float(self._rng.uniform(*TRACTS_CM[register][side])), 2),
            centre=int(self._rng.integers(low, high + 1)),
            breath=round(float(self._rng.uniform(0.1, 0.4)), 2),
            roughness=roughness,
        )

    def _allows(self, instrument: Instrument) -> bool:
        return self._side == "all" or (instrument in HELD_OUT) == (self._side == "held_out")
