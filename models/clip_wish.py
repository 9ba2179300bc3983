"""What somebody wishes a clip to be: every value is checked here, for whichever door it came through."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from datasets.composers import GENRES, TEMPO_BPM, parse_key
from datasets.errors import DatasetError
from models.errors import BadWish

SECONDS = (1.0, 300.0)
MAX_SEED = 2**31 - 1
RANGES: dict[str, tuple[float, float]] = {
    "seconds": SECONDS,
    "tempo_bpm": TEMPO_BPM,
    "energy": (0.0, 1.0),
    "temperature": (0.0, 2.0),
    "top_p": (0.05, 1.0),
    "guidance": (0.0, 10.0),
}
WHOLE_RANGES = {"seed": (0, MAX_SEED), "top_k": (0, 1024)}
OPTIONAL = ("tempo_bpm", "energy")


@dataclass(frozen=True)
class ClipWish:
    """A clip to be made.

    Attributes
    ----------
    genre : mapping of str to float
        Shares of genres of `datasets.composers.GENRES`, above 0; they are scaled to sum to 1. A name alone is all of
        that genre. Of more than three the three largest shares are mixed.
    seconds : float
        Length, within `SECONDS`.
    seed : int
        The same wish with the same seed gives the same clip; 0 to `MAX_SEED`.
    tempo_bpm : float, optional
        Quarter notes per minute; as is usual for the genre where not given.
    key : str, optional
        Such as "A minor" or "Eb major".
    energy : float, optional
        0 (calm) to 1.
    temperature : float
        How freely codes are drawn: 0 takes the likeliest, 1 as was learned, up to 2. A little under 1 the genre is
        clearest.
    top_k : int
        Only the k likeliest codes may be drawn; 0 allows all.
    top_p : float
        Only the likeliest codes that together reach this probability may be drawn.
    guidance : float
        How strongly the wish is followed: 1 as was learned, 0 not at all.
    loop : bool
        Whether the clip's end goes over into its beginning.

    Raises
    ------
    BadWish
        If a value cannot be met; the message names it and what can.
    """

    genre: Mapping[str, float]
    seconds: float = 10.0
    seed: int = 0
    tempo_bpm: float | None = None
    key: str | None = None
    energy: float | None = None
    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 0.95
    guidance: float = 2.0
    loop: bool = field(default=False)

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not (value is None and name in OPTIONAL) and not (_is_number(value) and low <= value <= high):
                raise BadWish(f"{name}={value!r}: expected {low:g} to {high:g}")
        for name, (least, most) in WHOLE_RANGES.items():
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise BadWish(f"{name}={value!r}: expected a whole number from {least} to {most}")
        if type(self.loop) is not bool:
            raise BadWish(f"loop={self.loop!r}: expected true or false")
        if self.key is not None:
            try:
                parse_key(self.key)
            except (DatasetError, AttributeError) as error:
                raise BadWish(f"key={self.key!r}: expected a tonic and a mode, such as 'A minor'") from error
        object.__setattr__(self, "genre", _shares(self.genre))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` gives the same wish."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ClipWish":
        """Inverse of `to_dict`. Raises BadWish for a name that no wish has."""
        if unknown := set(values) - set(cls.__dataclass_fields__):
            raise BadWish(f"{', '.join(sorted(unknown))}: no part of a wish")
        if "genre" not in values:
            raise BadWish(f"genre is missing: expected some of {', '.join(GENRES)}")
        return cls(**values)

    def with_seed(self, seed: int) -> "ClipWish":
        """The same wish with another seed."""
        return replace(self, seed=seed)


def derived_seed(seed: int, index: int) -> int:
    """Seed of another take: the first, 0, is the seed itself; all others lie anywhere in the range."""
    if index == 0:
        return seed
    digest = hashlib.sha256(f"{seed}/{index}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & MAX_SEED


def _shares(genre: Any) -> dict[str, float]:
    """Shares that sum to 1, in the order of `GENRES`, rounded so that scaling them again changes nothing."""
    given = {genre: 1.0} if isinstance(genre, str) else genre
    if not isinstance(given, Mapping) or not given:
        raise BadWish(f"genre={genre!r}: expected a genre, or shares of some")
    if unknown := [str(name) for name in given if name not in GENRES]:
        raise BadWish(f"no genre {', '.join(unknown)}: expected some of {', '.join(GENRES)}")
    for name, share in given.items():
        if not _is_number(share) or not 0 <= share <= 1e6:
            raise BadWish(f"share of {name}={share!r}: expected a number above 0")
    total = sum(given.values())
    if total <= 0:
        raise BadWish("the shares of the genres are all 0: expected one above 0")
    if abs(total - 1) < 1e-5:  # scaled before: rounding may have moved it
        total = 1.0
    shares = {name: round(given.get(name, 0) / total, 6) for name in GENRES}
    return {name: share for name, share in shares.items() if share}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
