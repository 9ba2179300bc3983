"""Scales, chords and Roman numerals. Pitch classes count semitones from C, degrees count scale steps from 0."""

import re
from dataclasses import dataclass

import numpy as np

from datasets.errors import DatasetError

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic_minor": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "major_pentatonic": (0, 2, 4, 7, 9),
    "minor_pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "bebop": (0, 2, 4, 5, 7, 9, 10, 11),
}
QUALITIES = {  # semitones above the root
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "5": (0, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "sus4": (0, 5, 7),
    "sus2": (0, 2, 7),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "m7b5": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
    "9": (0, 4, 7, 10, 14),
    "maj9": (0, 4, 7, 11, 14),
    "m9": (0, 3, 7, 10, 14),
    "13": (0, 4, 10, 14, 21),
    "7b9": (0, 4, 7, 10, 13),
    "7#9": (0, 4, 7, 10, 15),
}
NUMERALS = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
ROMAN = re.compile(r"(?P<accidental>[b#]?)(?P<numeral>VII|III|VI|IV|II|V|I|vii|iii|vi|iv|ii|v|i)(?P<quality>.*)")


@dataclass(frozen=True)
class Chord:
    """A chord: pitch class of its root, and semitones of its notes above it, root first."""

    root: int
    intervals: tuple[int, ...]

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Its notes, root first."""
        return tuple((self.root + interval) % 12 for interval in self.intervals)

    @property
    def third(self) -> int:
        """Semitones from the root to the third, or to what stands for it."""
        return next((i for i in self.intervals if i in (3, 4)), self.intervals[1])


def roman(symbol: str, tonic: int) -> Chord:
    """The chord of a Roman numeral.

    Parameters
    ----------
    symbol : str
        Degree of the major scale on the tonic, whatever the mode: "I", "vi", "bVII"; lower case is minor. A quality
        may follow: "V7", "ii7" (minor seventh), "IVmaj7", "I5". A quality of "°" is diminished.
    tonic : int
        Pitch class.

    Raises
    ------
    DatasetError
        If the symbol is not of this form.
    """
    found = ROMAN.fullmatch(symbol)
    if not found:
        raise DatasetError(f"chord {symbol!r}: expected a Roman numeral such as ii7 or bVII")
    accidental = {"b": -1, "#": 1, "": 0}[found["accidental"]]
    quality = found["quality"].replace("°", "dim")
    if found["numeral"].islower() and quality in ("", "6", "7", "9", "7b5"):
        quality = f"m{quality}"
    if quality not in QUALITIES:
        raise DatasetError(f"chord {symbol!r}: unknown quality {quality!r}, expected one of {', '.join(QUALITIES)}")
    root = (tonic + NUMERALS[found["numeral"].upper()] + accidental) % 12
    return Chord(root, QUALITIES[quality])


def scale_pitches(tonic: int, scale: str, low: int, high: int) -> np.ndarray:
    """MIDI pitches of a scale from `low` to `high`, both included where they belong to it, ascending."""
    pitches = np.arange(low, high + 1)
    return pitches[np.isin((pitches - tonic) % 12, SCALES[scale])]


def nearest(pitches: np.ndarray, wanted: float) -> int:
    """The pitch nearest to `wanted`; the lower of two that are equally near."""
    return int(pitches[np.abs(pitches - wanted).argmin()])


def pitch_near(pitch_class: int, wanted: float) -> int:
    """The MIDI pitch of a pitch class that is nearest to `wanted`."""
    return int(pitch_class + 12 * round((wanted - pitch_class) / 12))
