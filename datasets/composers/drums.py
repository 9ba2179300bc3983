"""Drum patterns, written as one line of steps for each drum.

A step is one character: "X" accent, "x" stroke, "g" ghost note, "." rest. A line divides its bar into as many equal
steps as it has characters; spaces are for the eye.
"""

from collections.abc import Mapping

import numpy as np

from datasets.composers.song import Note
from datasets.errors import DatasetError

# General MIDI percussion map.
DRUMS = {
    "kick": 36,
    "side_stick": 37,
    "snare": 38,
    "clap": 39,
    "snare_2": 40,
    "floor_tom": 41,
    "closed_hat": 42,
    "low_tom": 45,
    "pedal_hat": 44,
    "open_hat": 46,
    "mid_tom": 47,
    "high_tom": 50,
    "crash": 49,
    "ride": 51,
    "china": 52,
    "ride_bell": 53,
    "tambourine": 54,
    "splash": 55,
    "cowbell": 56,
    "crash_2": 57,
    "high_bongo": 60,
    "low_bongo": 61,
    "mute_conga": 62,
    "open_conga": 63,
    "low_conga": 64,
    "high_timbale": 65,
    "low_timbale": 66,
    "high_agogo": 67,
    "low_agogo": 68,
    "cabasa": 69,
    "maracas": 70,
    "short_guiro": 73,
    "long_guiro": 74,
    "claves": 75,
    "high_woodblock": 76,
    "low_woodblock": 77,
    "mute_triangle": 80,
    "open_triangle": 81,
    "shaker": 82,
}
VELOCITIES = {"X": 116, "x": 92, "g": 42}
STROKE = 0.2  # beats; the sound font lets a drum ring by itself
Pattern = Mapping[str, str]


def play(pattern: Pattern, start_beat: float, *, beats: float = 4.0, level: float = 1.0) -> list[Note]:
    """The notes of a pattern, once.

    Parameters
    ----------
    pattern : mapping of str to str
        Steps by name of drum (`DRUMS`).
    start_beat : float
        Where the bar starts.
    beats : float
        Length of the bar.
    level : float
        Factor on velocities.

    Raises
    ------
    DatasetError
        If a drum or a step is unknown.
    """
    notes = []
    for drum, line in pattern.items():
        if drum not in DRUMS:
            raise DatasetError(f"drum {drum!r}: expected one of {', '.join(DRUMS)}")
        steps = line.replace(" ", "")
        for index, step in enumerate(steps):
            if step == ".":
                continue
            if step not in VELOCITIES:
                raise DatasetError(f"{drum}: step {step!r} in {line!r}, expected X, x, g or a dot")
            velocity = int(np.clip(VELOCITIES[step] * level, 1, 127))
            notes.append(Note(start_beat + beats * index / len(steps), STROKE, DRUMS[drum], velocity))
    return notes


def fill(rng: np.random.Generator, start_beat: float, beats: float = 2.0, *, level: float = 1.0) -> list[Note]:
    """A run down the toms that ends where the next bar starts, with a few strokes left out."""
    toms = ("snare", "high_tom", "mid_tom", "low_tom", "floor_tom")
    n_strokes = int(beats * 4)
    kept = rng.random(n_strokes) < 0.85
    return [
        Note(
            start_beat + index / 4,
            STROKE,
            DRUMS[toms[min(index * len(toms) // n_strokes, len(toms) - 1)]],
            int(np.clip((80 + 30 * index / n_strokes) * level, 1, 127)),
        )
        for index in np.flatnonzero(kept).tolist()
    ]
