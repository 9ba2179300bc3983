"""Clips that are made in order to be measured: what is wished for, who makes them, and what was heard.

A clip's sound is dropped once it was heard: a thousand clips take a few megabytes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from datasets.composers import make_brief
from models.clip_wish import ClipWish, derived_seed
from models.errors import CopiesTraining, ModelError
from models.evaluation.clip_hearing import LEAST_S, Ears, hear_clip
from models.evaluation.clip_statistics import ClipStatistics
from models.judge import Judge

LONGEST_S = 60.0


class MadeClip(Protocol):
    """A clip, as `models.clip.Clip` is one."""

    @property
    def sr(self) -> int:
        """Sampling rate in Hz."""

    @property
    def report(self) -> dict[str, Any]:
        """How it was made; empty where nothing is known."""

    def samples(self) -> np.ndarray:
        """Mono float32, (n_samples,)."""


class ClipMaker(Protocol):
    """Whoever makes clips: the generator, a baseline over codes, the composers, or the autoencoder on recordings."""

    @property
    def name(self) -> str:
        """As reports call it."""

    def make(self, wish: ClipWish, /) -> MadeClip:
        """A clip; the same for the same wish."""


@dataclass(frozen=True)
class HeardTake:
    """A clip that was made and heard.

    Attributes
    ----------
    wish : ClipWish
        What was asked for.
    embedding : np.ndarray, shape (n_patches, 200)
        That distances are measured in.
    judged : np.ndarray, shape (n_genres,)
        Probabilities, by the judge.
    statistics : ClipStatistics
        Of its sound.
    report : mapping
        How it was made.
    """

    wish: ClipWish
    embedding: np.ndarray
    judged: np.ndarray
    statistics: ClipStatistics
    report: Mapping[str, Any]

    @property
    def genre(self) -> str:
        """The genre with the largest share of the wish."""
        return max(self.wish.genre, key=lambda name: self.wish.genre[name])


def plain_wishes(genres: Sequence[str], per_genre: int, *, seconds: float, seed: int) -> list[ClipWish]:
    """Clips of one genre each, of which nothing else is asked: `per_genre` of each, genre by genre.

    Raises
    ------
    ModelError
        If there are none, or they are too short or long to be heard.
    """
    check_amount(per_genre, seconds)
    return [
        ClipWish(genre={genre: 1.0}, seconds=seconds, seed=seed_of(seed, genre, index, "plain"))
        for genre in genres
        for index in range(per_genre)
    ]


def control_wishes(genres: Sequence[str], per_genre: int, *, seconds: float, seed: int) -> list[ClipWish]:
    """Clips that ask for a tempo and a key, drawn as is usual for the genre; errors as `plain_wishes`."""
    check_amount(per_genre, seconds)
    wishes = []
    for genre in genres:
        for index in range(per_genre):
            own = seed_of(seed, genre, index, "control")
            brief = make_brief(genre, own)
            wishes.append(
                ClipWish(genre={genre: 1.0}, seconds=seconds, seed=own, tempo_bpm=brief.tempo_bpm, key=brief.key)
            )
    return wishes


def heard_takes(
    maker: ClipMaker,
    wishes: Sequence[ClipWish],
    *,
    ears: Ears,
    judge: Judge,
    progress: Callable[[int], None] | None = None,
) -> Iterator[HeardTake | None]:
    """Make and hear clips one by one.

    Parameters
    ----------
    maker : ClipMaker
        Makes them.
    wishes : sequence of ClipWish
        What is asked for.
    ears, judge
        Who listens.
    progress : callable, optional
        Called with the number of clips that are done. What it raises ends the work.

    Yields
    ------
    HeardTake or None
        One for each wish; None where the maker refused to give away a copy of its training material.

    Raises
    ------
    ModelError
        If the judge listens with another backbone, or a clip is too short to be heard.
    """
    if judge.backbone != ears.judge.name:
        raise ModelError(f"{judge.name} listens with {judge.backbone}, not with {ears.judge.name}")
    for done, wish in enumerate(wishes, start=1):
        yield _heard(maker, wish, ears, judge)
        if progress is not None:
            progress(done)


def _heard(maker: ClipMaker, wish: ClipWish, ears: Ears, judge: Judge) -> HeardTake | None:
    try:
        clip = maker.make(wish)
    except CopiesTraining:
        return None
    heard = hear_clip(clip.samples(), sr=clip.sr, ears=ears)
    return HeardTake(
        wish=wish,
        embedding=heard.embedding,
        judged=judge.probabilities(heard.judge_embedding),
        statistics=heard.statistics,
        report=clip.report,
    )


def seed_of(seed: int, name: str, index: int, purpose: str) -> int:
    """The same for a clip however many others are made."""
    number = int.from_bytes(f"{purpose}/{name}/{index}".encode(), "big")
    return derived_seed(seed, number + 1)


def check_amount(n: int, seconds: float) -> None:
    """Refuse to make no clips, or clips that cannot be heard. Raises ModelError."""
    if n < 1:
        raise ModelError(f"{n} clips of each: expected 1 or more")
    if not LEAST_S <= seconds <= LONGEST_S:
        raise ModelError(f"seconds={seconds}: clips of {LEAST_S:g} to {LONGEST_S:g} s can be measured")
