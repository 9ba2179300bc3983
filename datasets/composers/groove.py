"""The feel of human drummers: how early or late and how hard they strike on each sixteenth of a bar.

`groove_feel.json` holds, for each family of styles, group of drums and step of a 4/4 bar, mean and standard deviation
of the shift in time (share of a step, above 0 is late) and of the velocity, counted on the Groove MIDI data set
(Gillick et al., "Learning to groove with inverse sequence transformations", ICML 2019; CC BY 4.0) by
`datasets.groove_midi`. Shifts are relative to the other strokes of the bar, deviations are those within a performance.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

import numpy as np

from datasets.composers.drums import DRUMS
from datasets.composers.song import Note
from datasets.errors import DatasetError

FEEL_FILE = "groove_feel.json"
STEPS = 16  # of a bar of four beats
STEP_BEATS = 0.25
ON_GRID = 0.06  # of a step: what lies further off is swung or a triplet by its composer's wish and only loosened
MAX_SHIFT_MS = 30.0  # beyond it a stroke sounds as a mistake
MAX_ACCENT = 12.0  # velocity: a composer's accents and ghost notes stay what they are
# General MIDI drums by the limb or hand that plays them; percussion follows the drums that it is played like.
GROUPS: Mapping[str, tuple[int, ...]] = {
    "kick": (35, 36),
    "snare": (37, 38, 39, 40),
    "cymbals": (22, 26, 42, 44, 46, 49, 51, 52, 53, 54, 55, 56, 57, 59, 69, 70, 73, 74, 80, 81, 82),
    "toms": (41, 43, 45, 47, 48, 50, 58),
}
GROUP_OF = {pitch: group for group, pitches in GROUPS.items() for pitch in pitches} | {
    DRUMS[name]: "toms" for name in DRUMS if DRUMS[name] in range(60, 69) or DRUMS[name] in range(75, 78)
}
Feel = Mapping[str, Mapping[str, list[float]]]  # group of drums: quantity: one value a step


def groove(
    notes: Iterable[Note], style: str, rng: np.random.Generator, tempo_bpm: float, amount: float = 1.0
) -> list[Note]:
    """Play drum notes with the feel of a family of styles.

    Parameters
    ----------
    notes : iterable of Note
        A drum part in 4/4 whose bars begin at multiples of four beats. Strokes on sixteenths are moved to where
        drummers play them; those between them, swung or triplets, are only loosened.
    style : str
        One of `styles()`.
    rng : np.random.Generator
        Decides how each stroke deviates.
    tempo_bpm : float
        Quarter notes per minute: no stroke moves by more than `MAX_SHIFT_MS`.
    amount : float
        0 (as written) to 1 (as drummers play).

    Returns
    -------
    list of Note
        In the order given; none starts before beat 0.

    Raises
    ------
    DatasetError
        If the style is unknown, or the amount outside its range.
    """
    feel = feel_of(style)
    if not 0 <= amount <= 1:
        raise DatasetError(f"amount={amount}: expected 0 (as written) to 1 (as drummers play)")
    most = MAX_SHIFT_MS * tempo_bpm / 60000
    played = []
    for note in notes:
        group = feel[GROUP_OF.get(note.pitch, "cymbals")]
        position = note.start / STEP_BEATS
        step = round(position) % STEPS
        mean = group["shift"][step] if abs(position - round(position)) < ON_GRID else 0.0
        shift = STEP_BEATS * (mean + group["shift_deviation"][step] * rng.standard_normal())
        accent = np.clip(group["velocity"][step] - _usual(group), -MAX_ACCENT, MAX_ACCENT)
        strength = accent + group["velocity_deviation"][step] * rng.standard_normal()
        start = max(0.0, note.start + amount * float(np.clip(shift, -most, most)))
        velocity = int(np.clip(round(note.velocity + amount * strength), 1, 127))
        played.append(Note(start, note.duration, note.pitch, velocity))
    return played


def styles() -> tuple[str, ...]:
    """Families of styles that have a feel."""
    return tuple(_card()["feel"])


def feel_of(style: str) -> Feel:
    """Statistics of a family, by group of drums. Raises DatasetError for an unknown one."""
    if style not in styles():
        raise DatasetError(f"no groove of style {style!r}; there are {', '.join(styles())}")
    feel: Feel = _card()["feel"][style]
    return feel


@cache
def _card() -> dict[str, dict[str, Feel]]:
    card: dict[str, dict[str, Feel]] = json.loads((files(__package__) / FEEL_FILE).read_text(encoding="utf-8"))
    return card


def _usual(group: Mapping[str, list[float]]) -> float:
    """Mean velocity of a group of drums over the steps, weighted by how often each is played."""
    return float(np.average(group["velocity"], weights=np.array(group["strokes"]) + 1.0))
