"""Recordings of two genres that the stand-in engine tells apart: fado is low, morna is high."""

from pathlib import Path

import numpy as np
import soundfile

SR = 8000
SECONDS = 1.0
LOWEST_HZ = {"fado": 200.0, "morna": 1600.0}
GENRES = tuple(LOWEST_HZ)


def write_dances(folder: Path, n: int) -> list[Path]:
    """Write `n` tones of each genre, `folder/<genre>/<genre>-<number>.wav`, no two alike."""
    written = []
    for genre, lowest in LOWEST_HZ.items():
        (folder / genre).mkdir(parents=True, exist_ok=True)
        for number in range(n):
            t = np.arange(round(SECONDS * SR)) / SR
            written.append(folder / genre / f"{genre}-{number}.wav")
            soundfile.write(written[-1], 0.5 * np.sin(2 * np.pi * lowest * (1 + number / 100) * t), SR)
    return written


def genre_of(filename: str) -> str:
    """The genre that stands in the name."""
    return filename.partition("-")[0]
