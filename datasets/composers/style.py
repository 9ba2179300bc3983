"""What a composer of one genre declares, and what it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from datasets.composers.instruments import Palette, Side
from datasets.composers.song import TONICS, Mode, Song


@dataclass(frozen=True)
class Brief:
    """What a song shall be; everything that is not in it is drawn from the seed.

    Attributes
    ----------
    genre : str
        Whose composer writes it.
    seed : int
        The same brief gives the same song.
    seconds : float
        The song is at least this long.
    tempo_bpm : float
        Quarter notes per minute.
    tonic : int
        Pitch class of the key, 0 for C.
    mode : "major" or "minor"
        Of the key.
    energy : float
        0 quiet and sparse to 1 loud and dense.
    instruments : "training", "held_out" or "all"
        Which presets of the sound font may play.
    """

    genre: str
    seed: int
    seconds: float
    tempo_bpm: float
    tonic: int
    mode: Mode
    energy: float
    instruments: Side

    @property
    def key(self) -> str:
        """Name of the key, such as "A minor"."""
        return f"{TONICS[self.tonic]} {self.mode}"

    def n_bars(self, beats_per_bar: int = 4) -> int:
        """Whole bars that fill `seconds`."""
        return int(np.ceil(self.seconds * self.tempo_bpm / 60 / beats_per_bar))


@dataclass(frozen=True)
class Style:
    """One genre: what it usually is, and how it is composed.

    Attributes
    ----------
    genre : str
        Its name.
    tempo_bpm : (float, float)
        Usual range.
    minor : float
        Share of songs in a minor key.
    energy : (float, float)
        Usual range, 0 to 1.
    compose : callable
        Writes the song of a brief, drawing from the generator and the palette only.
    """

    genre: str
    tempo_bpm: tuple[float, float]
    minor: float
    energy: tuple[float, float]
    compose: Callable[[Brief, np.random.Generator, Palette], Song]
