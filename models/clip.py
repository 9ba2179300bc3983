"""A clip that was made: its codes, how it came about, and its sound, which is decoded whenever it is asked for.

Codes are a few kilobytes a minute; the sound is made from them block by block, so that five minutes take no more
memory than ten seconds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.clip_wish import ClipWish


@dataclass(frozen=True)
class Clip:
    """Music that was made.

    Attributes
    ----------
    wish : ClipWish
        What was asked for, with the seed that it was made with.
    codes : np.ndarray of int, shape (n_codebooks, n_frames)
        The music.
    sr : int
        Sampling rate in Hz.
    n_samples : int
        Length.
    report : dict
        How it was made and what was measured, JSON-ready.
    sound : callable
        Gives the finished samples from the start, mono float32 within -1 and 1, in blocks of some seconds; the same
        numbers each time.
    """

    wish: ClipWish
    codes: np.ndarray
    sr: int
    n_samples: int
    report: dict[str, Any]
    sound: Callable[[], Iterator[np.ndarray]]

    def blocks(self) -> Iterator[np.ndarray]:
        """The samples, block by block."""
        return self.sound()

    def samples(self) -> np.ndarray:
        """All samples at once: (n_samples,) float32."""
        return np.concatenate(list(self.blocks()))
