"""Make clips: the wish of a caller, several takes of it, which of them fits best, and proof of how each was made.

How a clip sounds to the house classifier is asked of a `Hearing`, so that whoever has a warm classifier uses it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from datasets.composers import GENRES, TEMPO_BPM
from features.audio import open_audio
from features.cache import sha256_of
from features.clip_file import LOSSLESS, pcm16, read_provenance, write_clip
from features.errors import CorruptAudio
from models.clip import Clip
from models.clip_wish import ClipWish, derived_seed
from models.errors import BadWish
from models.take_order import doubts_of
from service.errors import Invalid

if TYPE_CHECKING:
    from models.classification import Classification
    from models.classifier import GenreClassifier
    from models.generator import Generator

Progress = Callable[[float], None]
Hearing = Callable[[Clip], Mapping[str, float]]  # calibrated probabilities of the genres that a classifier knows
MAX_TAKES = 16
NOT_REPEATED = ("cost",)  # parts of a report that are others each time: with them no file would come out the same again
ROUNDING = 1e-9
# What an account must have for the clip to be made again, and what `source_of` is told.
NEEDED = {"model": str, "generator": str, "wish": dict, "codes_sha256": str}
SOURCE_SETTINGS = ("use", "start_s", "end_s", "strength")
KNOWN_SHARE = 0.5  # of the wish, that the classifier must know for its agreement to mean something


@dataclass(frozen=True)
class RankedTake:
    """A take and its place among the others.

    Attributes
    ----------
    index : int
        Which take it is, in the order in which they were made, from 0.
    clip : Clip
        What was made.
    rank : int
        1 for the take that fits best.
    genre_agreement : float, optional
        How much of the house classifier's probability lies where the wish puts it, 0 to 1: for one genre, the
        calibrated probability of that genre. None where the classifier does not know what was wished for.
    """

    index: int
    clip: Clip
    rank: int
    genre_agreement: float | None


def wish_like(classification: Mapping[str, Any], *, given: Mapping[str, Any]) -> ClipWish:
    """A wish for something like a recording: what the caller did not say is as it was heard there.

    Parameters
    ----------
    classification : mapping
        Answer about the recording, in the form of the HTTP contract.
    given : mapping
        Parts of a `ClipWish` that the caller gave; None counts as not given. Shares of genres that sum to less than 1
        leave the rest to the recording: `{"jazz": 0.5}` is "like this, but half jazz".

    Returns
    -------
    ClipWish
        Genre mix, tempo and key of the recording where they were not given; what was not heard there stays open.

    Raises
    ------
    BadWish
        If a given value cannot be met.
    Invalid
        If the genre is not given, and the recording is no music or of genres that the generator does not know.
    """
    values = {name: value for name, value in given.items() if value is not None}
    attributes = classification.get("attributes", {})
    tempo_bpm, key = attributes.get("tempo_bpm"), attributes.get("key")
    if tempo_bpm is not None and TEMPO_BPM[0] <= tempo_bpm <= TEMPO_BPM[1]:
        values.setdefault("tempo_bpm", round(float(tempo_bpm), 1))
    if key is not None:
        values.setdefault("key", key)
    values["genre"] = _mix_like(classification, values.get("genre"))
    return ClipWish.from_dict(values)


def make_takes(
    generator: Generator,
    wish: ClipWish,
    n: int,
    *,
    source: Any = None,
    progress: Progress | None = None,
) -> Iterator[Clip]:
    """Make takes of a wish, one after the other.

    Parameters
    ----------
    generator : Generator
        What makes them.
    wish : ClipWish
        Of the first take; the others have seeds derived from its seed (`models.clip_wish.derived_seed`).
    n : int
        How many, 1 to `MAX_TAKES`.
    source : Source, optional
        Recording that each take starts from.
    progress : callable, optional
        Called with the share of all takes that is done, 0 to 1; what it raises ends the work.

    Yields
    ------
    Clip
        As soon as it is made.

    Raises
    ------
    BadWish
        If `n` is out of range; at once.
    """
    if type(n) is not int or not 1 <= n <= MAX_TAKES:
        raise BadWish(f"takes={n!r}: expected a whole number from 1 to {MAX_TAKES}")

    def tell(index: int, share: float) -> None:
        if progress is not None:
            progress((index + share) / n)

    def takes() -> Iterator[Clip]:
        for index in range(n):
            seed = derived_seed(wish.seed, index)
            yield generator.make(wish.with_seed(seed), source=source, progress=partial(tell, index))

    return takes()


def rank_takes(clips: Iterable[Clip], *, hear: Hearing | None) -> list[RankedTake]:
    """Rank takes of one wish, the one that fits best first.

    They are ranked as `models.take_order` says.

    Parameters
    ----------
    clips : iterable of Clip
        In the order in which they were made.
    hear : callable, optional
        Genre probabilities of a clip (`hearing`); without it nothing is heard.
    """
    heard = [
        (index, clip, None if hear is None else genre_agreement(clip.wish.genre, hear(clip)))
        for index, clip in enumerate(clips)
    ]
    heard.sort(key=lambda take: doubts_of(take[2], take[1].report))
    return [RankedTake(index, clip, rank, agreement) for rank, (index, clip, agreement) in enumerate(heard, start=1)]


def hearing(classifier: GenreClassifier) -> Hearing:
    """Let a classifier hear clips."""

    def hear(clip: Clip) -> Mapping[str, float]:
        return genres_heard(classifier.predict(clip.samples(), sr=clip.sr, attributes=False))

    return hear


def genres_heard(answer: Classification) -> Mapping[str, float]:
    """Probabilities of the genres of a clip. What is no music to the classifier has no genre: all are 0."""
    return answer.probabilities if answer.genre is not None else dict.fromkeys(answer.probabilities, 0.0)


def genre_agreement(genre: Mapping[str, float], probabilities: Mapping[str, float]) -> float | None:
    """How much of a classifier's probability lies where a wish puts it, 0 to 1.

    For one genre it is the probability of that genre; for a mix it is 1 where the probabilities are its shares.

    Parameters
    ----------
    genre : mapping of str to float
        Shares of a wish, which sum to 1.
    probabilities : mapping of str to float
        Of the genres that the classifier knows.

    Returns
    -------
    float or None
        None where the classifier does not know half of what was wished for, such as niche genres.
    """
    known = {name: share for name, share in genre.items() if name in probabilities}
    total = sum(known.values())
    if total < KNOWN_SHARE:
        return None
    return round(sum(min(share / total, probabilities[name]) for name, share in known.items()), 4)


def provenance_of(
    clip: Clip, *, genre_agreement: float | None = None, source: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What a file of a clip says about how it was made, JSON-ready; the same for the same clip.

    Parameters
    ----------
    clip : Clip
        What was made.
    genre_agreement : float, optional
        As it was ranked.
    source : mapping, optional
        The recording that it started from, as `source_account` gives it.
    """
    account = {"generated": True, "software": software()}
    account |= {name: value for name, value in clip.report.items() if name not in NOT_REPEATED}
    if genre_agreement is not None:
        account["genre_agreement"] = genre_agreement
    if source is not None:
        account["source"] = dict(source)
    return account


def write_take(
    target: Path | BinaryIO, take: RankedTake, *, source: Mapping[str, Any] | None = None, format: str | None = None
) -> None:
    """Write the file of a take, with its provenance; errors are those of `features.clip_file.write_clip`.

    Parameters
    ----------
    target : Path or BinaryIO
        A path whose suffix says the format, or a binary file.
    take : RankedTake
        What to write.
    source : mapping, optional
        The recording that it started from, as `source_account` gives it.
    format : str, optional
        Of a binary file: one of `features.clip_file.FORMATS`.
    """
    provenance = provenance_of(take.clip, genre_agreement=take.genre_agreement, source=source)
    write_clip(target, take.clip.blocks(), sr=take.clip.sr, provenance=provenance, format=format)


def source_account(path: Path, **settings: Any) -> dict[str, Any]:
    """What the provenance of a clip says of the recording that it started from.

    Parameters
    ----------
    path : Path
        The recording; it is named by the SHA-256 of its bytes.
    **settings
        With which `source_of` was called: `use`, and what of `start_s`, `end_s`, `strength` was given.
    """
    return {"sha256": sha256_of(path), **{name: value for name, value in settings.items() if value is not None}}


@dataclass(frozen=True)
class Reproduction:
    """A clip that was made again, and how it compares with its file.

    Attributes
    ----------
    provenance : dict
        What the file says.
    clip : Clip
        What was made.
    same_codes : bool
        Whether the music is the same.
    same_samples : bool, optional
        Whether the sound is, to the last bit; None for OGG and MP3, which change it.
    """

    provenance: dict[str, Any]
    clip: Clip
    same_codes: bool
    same_samples: bool | None

    @property
    def same(self) -> bool:
        """Whether nothing differs that can be compared."""
        return self.same_codes and self.same_samples is not False


def reproduce(
    path: Path,
    account: Mapping[str, Any],
    generator: Generator,
    *,
    source: Path | None = None,
    progress: Progress | None = None,
) -> Reproduction:
    """Make a clip again from its own account, and compare.

    Parameters
    ----------
    path : Path
        File of the clip.
    account : mapping
        As `account_of` reads it from the file.
    generator : Generator
        What makes it.
    source : Path, optional
        The recording that it started from, where it started from one.
    progress : callable, optional
        Called with the share that is done, 0 to 1.

    Raises
    ------
    Invalid
        If it was made by another generator, or from a recording that was not given, or is another one.
    AudioError
        If the sound of the file is damaged.
    """
    if account["model"] != generator.name:
        raise Invalid(
            f"{path}: made by {account['model']}, here is {generator.name}; only the generator that made a clip makes "
            "the same again"
        )
    settings = _source_settings(path, account.get("source"), source)
    started_from = None if source is None else generator.source_of(source, **settings)
    clip = generator.make(ClipWish.from_dict(account["wish"]), source=started_from, progress=progress)
    if clip.report["generator"] != account["generator"]:
        raise Invalid(
            f"{path}: made by {generator.name} with the weights {account['generator'][:12]}, those here are "
            f"{clip.report['generator'][:12]}; only the same weights make the same clip again"
        )
    return Reproduction(
        provenance=dict(account),
        clip=clip,
        same_codes=clip.report["codes_sha256"] == account["codes_sha256"],
        same_samples=_same_samples(path, clip),
    )


def software() -> str:
    """This program and its version: another one may make another clip of the same wish with the same weights."""
    return f"genrelab {version('genrelab')}"


def account_of(path: Path) -> dict[str, Any]:
    """What a file says of how it was made, with all that it takes to make it again.

    Raises
    ------
    AudioError
        If it is no clip that was made here, or its account is damaged.
    BadWish
        If it was made as can no longer be wished for.
    """
    account = read_provenance(path)
    # Only what somebody edited can lack these.
    missing = [name for name, kind in NEEDED.items() if not isinstance(account.get(name), kind)]
    source = account.get("source", {"sha256": ""})
    if not (isinstance(source, dict) and isinstance(source.get("sha256"), str)):
        missing.append("source")
    if missing:
        raise CorruptAudio(f"{path}: its account of how it was made lacks {', '.join(missing)}; copy the file again")
    ClipWish.from_dict(account["wish"])
    return account


def _mix_like(classification: Mapping[str, Any], given: Any) -> Any:
    """Shares of genres: the given ones, and for what they leave open those that were heard."""
    left = 1.0
    if isinstance(given, Mapping) and all(isinstance(share, int | float) for share in given.values()):
        left -= sum(given.values())
    elif given is not None:
        left = 0.0
    if left <= ROUNDING:
        return given
    heard = {name: p for name, p in classification["probabilities"].items() if name in GENRES and p > 0}
    if classification.get("genre") is None or not heard:
        why = classification.get("reason") or f"none of its genres is one of {', '.join(GENRES)}"
        raise Invalid(f"nothing to follow in the recording ({why}): give a genre")
    total = sum(heard.values())
    mix = dict(given or {})
    for name, p in heard.items():
        mix[name] = mix.get(name, 0.0) + left * p / total
    return mix


def _source_settings(path: Path, account: Mapping[str, Any] | None, source: Path | None) -> dict[str, Any]:
    """With what `source_of` is to be called, once it is sure that this is the recording that a clip started from."""
    if account is None and source is not None:
        raise Invalid(f"{path}: made from nothing but a wish; leave {source} out")
    if account is None:
        return {}
    if source is None:
        raise Invalid(f"{path}: made from a recording (SHA-256 {account['sha256'][:12]}…): give it as the source")
    if (found := sha256_of(source)) != account["sha256"]:
        raise Invalid(
            f"{source}: SHA-256 {found[:12]}…, the recording that {path} was made from has {account['sha256'][:12]}…"
        )
    return {name: value for name, value in account.items() if name in SOURCE_SETTINGS}


def _same_samples(path: Path, clip: Clip) -> bool | None:
    with open_audio(path) as recording:
        if recording.info.format not in LOSSLESS:
            return None
        found = _hash(np.rint(block * np.float32(2**15)).astype(np.int16) for block in recording)
    return found == _hash(pcm16(block) for block in clip.blocks())


def _hash(blocks: Iterable[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(np.ascontiguousarray(block, "<i2").tobytes())
    return digest.hexdigest()
