"""From notes on a grid to notes as people play them: swing, small shifts in time, uneven strength."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from datasets.composers.song import Note, Part

FAINT = 12  # velocity below which an echo is no longer heard


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


def phrased(notes: Iterable[Note], phrase_beats: float, *, rubato: float = 0.1, swell: float = 0.2) -> list[Note]:
    """Shape phrases as arcs: each begins and ends slowly and softly, and is faster and louder in its middle.

    Parameters
    ----------
    notes : iterable of Note
        Of one part; all parts of a piece take the same arcs.
    phrase_beats : float
        Length of a phrase; where it begins the beat is where the grid has it.
    rubato : float
        Change of tempo at the ends and in the middle as a share of the tempo, 0 (none) to below 1.
    swell : float
        Change of velocity likewise.

    References
    ----------
    Todd, "The dynamics of dynamics: A model of musical expression", JASA 91(6), 1992.
    """

    def moved(beat: float) -> float:
        turn = 2 * np.pi / phrase_beats
        return float(beat + rubato * np.sin(turn * beat) / turn)

    shaped = []
    for note in notes:
        arc = -np.cos(2 * np.pi * note.start / phrase_beats)
        strength = int(np.clip(round(note.velocity * (1 + swell * arc)), 1, 127))
        shaped.append(Note(moved(note.start), moved(note.end) - moved(note.start), note.pitch, strength))
    return shaped


def echoed(notes: Iterable[Note], *, delay: float, decay: float) -> list[Note]:
    """Notes and what a tape echo makes of them.

    Parameters
    ----------
    delay : float
        Beats from one repeat to the next.
    decay : float
        Velocity of a repeat as a share of the one before, 0 to below 1; repeats softer than `FAINT` are left out.
    """
    heard = []
    for note in notes:
        velocity, start = float(note.velocity), note.start
        while velocity >= FAINT or start == note.start:
            heard.append(replace(note, start=start, velocity=round(velocity)))
            velocity, start = velocity * decay, start + delay
    return heard


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
