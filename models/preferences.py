"""What to make next, from the stars that people gave to what was made.

Each wish is a point: shares of genres, tempo, energy, temperature, guidance. As in relevance feedback, the point from
which one came moves towards the mean of what was liked and away from the mean of what was disliked. The first proposal
is that point; each further one lies around it, the further the fewer stars the best take has, so that what is not yet
liked is looked for more widely than what is.

References
----------
Rocchio, "Relevance feedback in information retrieval", in Salton (ed.), The SMART Retrieval System, 1971.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from datasets.composers import GENRES
from models.clip_wish import RANGES, ClipWish, derived_seed
from models.errors import BadWish

STARS = (1, 5)
PULL, PUSH = 0.75, 0.25  # shares of the way towards the liked mean, and away from the disliked one
LIKING = {1: -2.0, 2: -1.0, 3: 0.0, 4: 1.0, 5: 2.0}  # weight of a take in its mean; 3 stars say nothing
FADING = 0.5  # weight of what was rated one clip earlier
WIDTH_OF_STARS = {1: 1.0, 2: 1.0, 3: 0.75, 4: 0.5, 5: 0.25}  # how widely to look around, by the best rating
MIX_STEP = 0.3  # share of a genre that was not there, at width 1
OCTAVE_STEP = 0.25  # of tempo
STEPS = {"energy": 0.2, "temperature": 0.15, "guidance": 0.5}
DECIMALS = 3


@dataclass(frozen=True)
class RatedTake:
    """A take that somebody rated.

    Attributes
    ----------
    wish : ClipWish
        What it was to be.
    stars : int
        1 to 5.
    age : int
        How many clips ago: 0 for the latest.
    """

    wish: ClipWish
    stars: int
    age: int = 0

    def __post_init__(self) -> None:
        if self.stars not in LIKING:
            raise BadWish(f"stars={self.stars!r}: expected {STARS[0]} to {STARS[1]}")

    @property
    def weight(self) -> float:
        """Above 0 where it is liked, below 0 where it is disliked."""
        return LIKING[self.stars] * FADING**self.age


def propose(rated: Sequence[RatedTake], *, base: ClipWish, n: int, seed: int) -> list[ClipWish]:
    """Wishes for the next takes.

    Parameters
    ----------
    rated : sequence of RatedTake
        What was said so far, in any order; at least one.
    base : ClipWish
        The wish from which one came; what is not proposed (key, length, loop) is as it is there.
    n : int
        How many.
    seed : int
        The same seed gives the same proposals; take k has `derived_seed(seed, k)`.

    Returns
    -------
    list of ClipWish
        The first is where the ratings point, the others lie around it.

    Raises
    ------
    BadWish
        If nothing was rated.
    """
    if not rated:
        raise BadWish("no take was rated: give some of them 1 to 5 stars first")
    mix = _moved(_shares(base), rated, _shares)
    mix = np.maximum(mix, 0.0)  # the shares of what is moved sum to 1, so that something is left
    mix /= mix.sum()
    values = {"tempo_bpm": _tempo(base, rated)} | {name: _value(name, base, rated) for name in STEPS}
    width = WIDTH_OF_STARS[max(take.stars for take in rated)]
    wishes = [_wish(base, mix, values, seed)]
    for index in range(1, n):
        nearby = _around(mix, values, width, np.random.default_rng((seed, index)))
        wishes.append(_wish(base, *nearby, derived_seed(seed, index)))
    return wishes[:n]


def _moved(start: np.ndarray, rated: Sequence[RatedTake], point_of: Callable[[ClipWish], np.ndarray]) -> np.ndarray:
    """`start` towards the mean of what is liked, and away from that of what is disliked."""
    moved = start.astype(float)
    for sign, share in ((1.0, PULL), (-1.0, -PUSH)):
        side = [(sign * take.weight, point_of(take.wish)) for take in rated if sign * take.weight > 0]
        if side:
            weights, points = zip(*side, strict=True)
            moved = moved + share * (np.average(points, axis=0, weights=weights) - start)
    return moved


def _shares(wish: ClipWish) -> np.ndarray:
    return np.array([wish.genre.get(genre, 0.0) for genre in GENRES])


def _tempo(base: ClipWish, rated: Sequence[RatedTake]) -> float | None:
    """In octaves, for half as fast is as far as twice as fast."""
    octaves = _scalar(
        None if base.tempo_bpm is None else math.log2(base.tempo_bpm),
        rated,
        lambda wish: None if wish.tempo_bpm is None else math.log2(wish.tempo_bpm),
    )
    return None if octaves is None else _within("tempo_bpm", 2.0**octaves)


def _value(name: str, base: ClipWish, rated: Sequence[RatedTake]) -> float | None:
    value = _scalar(getattr(base, name), rated, lambda wish: getattr(wish, name))
    return None if value is None else _within(name, value)


def _scalar(
    start: float | None, rated: Sequence[RatedTake], value_of: Callable[[ClipWish], float | None]
) -> float | None:
    """As `_moved`; what was left open everywhere stays open."""
    known = [take for take in rated if value_of(take.wish) is not None]
    if start is None:
        liked = [take for take in known if take.weight > 0]
        if not liked:
            return None
        start = float(value_of(max(liked, key=lambda take: take.weight).wish) or 0.0)
    return float(_moved(np.array([start]), known, lambda wish: np.array([value_of(wish) or 0.0]))[0])


def _around(
    mix: np.ndarray, values: Mapping[str, float | None], width: float, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, float | None]]:
    """A point near another one."""
    elsewhere = np.zeros(len(GENRES))
    elsewhere[rng.integers(len(GENRES))] = 1.0
    share = MIX_STEP * width * rng.random()
    nearby: dict[str, float | None] = {}
    for name, value in values.items():
        drawn = float(rng.standard_normal())  # also where it is not used, so that each value has its own draw
        if value is None:
            nearby[name] = None
        elif name == "tempo_bpm":
            nearby[name] = _within(name, value * 2.0 ** (OCTAVE_STEP * width * drawn))
        else:
            nearby[name] = _within(name, value + STEPS[name] * width * drawn)
    return (1 - share) * mix + share * elsewhere, nearby


def _within(name: str, value: float) -> float:
    low, high = RANGES[name]
    return round(min(max(value, low), high), DECIMALS)


def _wish(base: ClipWish, mix: np.ndarray, values: Mapping[str, Any], seed: int) -> ClipWish:
    genre = {name: round(float(share), DECIMALS) for name, share in zip(GENRES, mix, strict=True)}
    return replace(base, genre=genre, seed=seed, **values)
