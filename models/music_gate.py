"""Is there music at all? Silence, noise and speech must not get a confident genre.

Rules come first (silence needs no model).
"""

from pathlib import Path
from typing import Self

import numpy as np

from features.analysis import Analysis

SILENCE_PEAK = 10 ** (-80 / 20)  # full scale at 1.0


class MusicGate:
    """Says why a recording is no music, or that it is."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the gate that belongs to a model."""
        return cls()

    def decide(self, taggram: np.ndarray, analysis: Analysis) -> str | None:
        """None for music, else a reason for people."""
        if analysis.peak == 0.0:
            return "digital silence"
        if analysis.peak < SILENCE_PEAK or len(taggram) == 0:
            return "silence: nothing is louder than -80 dB"
        return None
