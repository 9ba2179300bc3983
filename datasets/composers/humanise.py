"""From notes on a grid to notes as people play them: swing, small shifts in time, uneven strength."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from datasets.composers.song import Note, Part


def swing(notes: Iterable[Note], ratio: float, *, grid: float = 0.5) -> list[Note]:
    """Play the second of each pair of grid steps late.

    Parameters
    ----------
    notes : iterable of Note
        On a straight grid.
    ratio : float
        Share of the pair that its first step takes: 0.5 straight, 0.667 triplets, 0.75 dotted.
    grid : float
        Length of a step in beats: 0.5 swings eighths, 0.25 sixteenths.

    Returns
    -------
    list of Note
        Times within each pair are stretched piecewise linearly, so that nothing changes its order.
    """

    def moved(beat: float) -> float:
        pair, inside = divmod(beat + 1e-9, 2 * grid)
        share = inside / (2 * grid)
        warped = share * 2 * ratio if share < 0.5 else ratio + (share - 0.5) * 2 * (1 - ratio)
        return max(0.0, (pair + warped) * 2 * grid)

    return [Note(moved(n.start), max(moved(n.end) - moved(n.start), 0.02), n.pitch, n.velocity) for n in notes]


def loosen(
    notes: Iterable[Note],
    rng: np.random.Generator,
    *,
    tempo_bpm: float,
    timing_ms: float = 8.0,
    velocity: float = 6.0,
    late_ms: float = 0.0,
) -> list[Note]:
    """Shift every note by a little and vary its strength.

    Parameters
    ----------
    timing_ms, velocity : float
        Standard deviation of the shift in time, and of the velocity.
    late_ms : float
        Mean shift: above 0 lies behind the beat.
    """
    beats_per_ms = tempo_bpm / 60000
    loosened = []
    for note in notes:
        shift = (late_ms + timing_ms * rng.standard_normal()) * beats_per_ms
        strength = int(np.clip(round(note.velocity + velocity * rng.standard_normal()), 1, 127))
        loosened.append(Note(max(0.0, note.start + shift), note.duration, note.pitch, strength))
    return loosened


def played_by_people(
    parts: Iterable[Part],
    rng: np.random.Generator,
    *,
    tempo_bpm: float,
    timing_ms: float = 8.0,
    velocity: float = 6.0,
) -> tuple[Part, ...]:
    """`loosen` for every part; parts without notes are left out."""
    return tuple(
        replace(part, notes=tuple(loosen(part.notes, rng, tempo_bpm=tempo_bpm, timing_ms=timing_ms, velocity=velocity)))
        for part in parts
        if part.notes
    )
