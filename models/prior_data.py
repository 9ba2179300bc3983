"""What a prior learns from: the codes of recordings and the plans that they follow, encoded once and kept as shards.

A recording of the rendered corpus is composed again from its seed, so that its plan is known to the frame; of any
other only what its manifest says is known. A shard is an archive of plain arrays named by everything that it depends
on, so that a changed recording, encoder or corpus is encoded anew and nothing stale is read.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from datasets.composers import GENRES, compose, make_brief, parse_key
from datasets.composers.instruments import Side
from datasets.manifest import Manifest, Recording
from datasets.plan_of_song import FRAME_BLOCKS
from features.npz import DamagedArchive, read_npz
from models.code_source import CodeSource
from models.delay_pattern import delayed
from models.errors import ModelError
from models.plan import FRAME_WIDTH, Plan, make_plan, overall_blocks, plan_of_brief
from models.prior_settings import CodeSettings

SHARD_CLIPS = 64
SHARD_FORMAT = 1  # another number when plans or shards change


@dataclass(frozen=True)
class CodedClip:
    """A recording as the prior sees it.

    Attributes
    ----------
    codes : np.ndarray of uint16, shape (n_codebooks, n_frames)
        As encoded.
    plan : Plan
        Of as many frames; frame values in float16.
    genre : int
        The largest share of its mix.
    split : str
        Of the recording.
    """

    codes: np.ndarray
    plan: Plan
    genre: int
    split: str


def coded_clips(
    manifest: Manifest,
    source: CodeSource,
    *,
    folder: Path,
    genres: Sequence[str],
    progress: Callable[[int, int], None] | None = None,
) -> list[CodedClip]:
    """Encode the recordings of a corpus, or read what was encoded before.

    Parameters
    ----------
    manifest : Manifest
        The corpus.
    source : CodeSource
        The encoder.
    folder : Path
        Where shards are kept; made if missing.
    genres : sequence of str
        In the order of the mix; every recording must be of one.
    progress : callable, optional
        Called with the number of recordings that are there and that there are. What it raises ends the work.

    Raises
    ------
    ModelError
        If a recording is of no known genre, was rendered by other composers, or is encoded to what are no codes.
    DatasetError, AudioError
        If a recording cannot be read.
    """
    recordings = manifest.with_hashes().recordings
    folder.mkdir(parents=True, exist_ok=True)
    clips: list[CodedClip] = []
    for start in range(0, len(recordings), SHARD_CLIPS):
        group = recordings[start : start + SHARD_CLIPS]
        path = folder / f"codes-{_fingerprint(group, source, genres)}.npz"
        if not path.exists():
            _write_shard(path, [_coded(recording, source, genres) for recording in group])
        clips += _read_shard(path, group)
        if progress is not None:
            progress(len(clips), len(recordings))
    return clips


def by_split(clips: Sequence[CodedClip]) -> tuple[list[CodedClip], list[CodedClip], list[CodedClip]]:
    """Clips to learn from (of the train split, or of none), of the validation split, and of the test split."""
    groups = ("", "train"), ("validation",), ("test",)
    training, validation, test = ([clip for clip in clips if clip.split in splits] for splits in groups)
    return training, validation, test


def plan_of_recording(
    recording: Recording, *, n_frames: int, frames_per_s: float, genres: Sequence[str] = GENRES
) -> Plan:
    """The plan that a recording follows: all of it for a rendered one, else what the manifest says.

    Parameters
    ----------
    recording : Recording
        Its details may hold what the rendered corpus writes there, or `tempo_bpm`, `key`, `energy`, and `genres`, an
        object with shares, for a mix.
    n_frames, frames_per_s : int, float
        Length, and rate of the frames.
    genres : sequence of str
        In the order of the mix.

    Raises
    ------
    ModelError
        If the recording is of no known genre, or the composers of today do not write what it was rendered from.
    """
    details = recording.details
    mix = _genre_mix(recording, genres)
    if "seed" not in details or "instruments_side" not in details:
        return make_plan(
            n_frames,
            tempo_bpm=_number(recording, "tempo_bpm"),
            key=parse_key(str(details["key"])) if details.get("key") else None,
            energy=_number(recording, "energy"),
            genre_mix=mix,
        )
    side = cast(Side, details["instruments_side"])
    brief = make_brief(recording.label, details["seed"], seconds=_seconds(recording.path), instruments=side)
    song = compose(brief)
    facts: dict[str, Any] = json.loads(json.dumps(song.facts()))
    if changed := [name for name, value in facts.items() if details.get(name) != value]:
        raise ModelError(
            f"{recording.path}: rendered by other composers (its {', '.join(changed)} would be another today); render "
            "the corpus anew"
        )
    return plan_of_brief(song, brief, n_frames=n_frames, frames_per_s=frames_per_s, genre_mix=mix)


@dataclass(frozen=True)
class Dropping:
    """How often a prior is not told what it could be: everything at once, or each block by itself."""

    everything: float = 0.1
    block: float = 0.1


def crops(
    clips: Sequence[CodedClip],
    starts: Sequence[int],
    settings: CodeSettings,
    *,
    n_frames: int,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Inputs and targets of a batch.

    Parameters
    ----------
    clips : sequence of CodedClip
        One for each row.
    starts : sequence of int
        First frame of each row's crop.
    settings : CodeSettings
        Of the prior.
    n_frames : int
        Of a crop; where a clip has ended nothing is planned and nothing is to be said.

    Returns
    -------
    inputs : dict of str to np.ndarray
        As `models.prior` takes them, with n_frames + n_codebooks - 1 steps.
    targets : np.ndarray of int32, shape (n_rows, step, codebook)
        `n_codes` where there is nothing to be said.
    """
    n_rows, filler = len(clips), settings.n_codes
    codes = np.full((n_rows, settings.n_codebooks, n_frames), filler, np.int32)
    plan = np.zeros((n_rows, n_frames + settings.n_codebooks - 1, FRAME_WIDTH), np.float32)
    for row, (clip, start) in enumerate(zip(clips, starts, strict=True)):
        there = clip.codes[:, start : start + n_frames]
        codes[row, :, : there.shape[1]] = there
        plan[row, : there.shape[1]] = clip.plan.frames[start : start + n_frames]
    targets = delayed(codes, filler=filler).swapaxes(1, 2)
    before = np.concatenate([np.full_like(targets[:, :1], filler), targets[:, :-1]], axis=1)
    overall = np.stack([clip.plan.overall for clip in clips])
    return {"codes": before, "plan": plan, "overall": overall}, targets


def drop(inputs: dict[str, np.ndarray], dropping: Dropping, settings: CodeSettings, rng: np.random.Generator) -> None:
    """Take away, in place, what rows are told, at random."""
    n_rows = len(inputs["codes"])
    told = rng.random((n_rows, 1)) >= dropping.everything
    for name, sizes in (("plan", FRAME_BLOCKS), ("overall", overall_blocks(settings.n_genres))):
        kept = (rng.random((n_rows, len(sizes))) >= dropping.block) & told
        kept = np.concatenate([np.repeat(kept, list(sizes.values()), axis=1), kept], axis=1)
        inputs[name] *= kept.reshape(n_rows, *[1] * (inputs[name].ndim - 2), -1)


def _fingerprint(group: Sequence[Recording], source: CodeSource, genres: Sequence[str]) -> str:
    said = [[recording.sha256, recording.label, recording.split, dict(recording.details)] for recording in group]
    parts = [SHARD_FORMAT, source.name, source.n_codebooks, source.n_codes, source.frames_per_s, list(genres), said]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


def _coded(recording: Recording, source: CodeSource, genres: Sequence[str]) -> CodedClip:
    codes = np.asarray(source.encode(recording.path))
    if codes.ndim != 2 or len(codes) != source.n_codebooks or not codes.shape[1] or codes.dtype.kind not in "iu":
        raise ModelError(
            f"{recording.path}: encoded to {codes.dtype} of shape {codes.shape}, expected whole numbers of shape "
            f"({source.n_codebooks}, n_frames)"
        )
    if not 0 <= codes.min() <= codes.max() < source.n_codes:
        raise ModelError(f"{recording.path}: codes from {codes.min()} to {codes.max()}, there are {source.n_codes}")
    plan = plan_of_recording(recording, n_frames=codes.shape[1], frames_per_s=source.frames_per_s, genres=genres)
    genre = int(np.argmax(_genre_mix(recording, genres)))
    return CodedClip(
        codes.astype(np.uint16), Plan(plan.frames.astype(np.float16), plan.overall), genre, recording.split
    )


def _number(recording: Recording, name: str) -> float | None:
    value = recording.details.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ModelError(f"{recording.path}: {name}={value!r}, expected a number or nothing")
    return value


def _genre_mix(recording: Recording, genres: Sequence[str]) -> np.ndarray:
    shares = recording.details.get("genres", {recording.label: 1.0})
    if unknown := set(shares) - set(genres):
        raise ModelError(f"{recording.path}: genre {', '.join(sorted(unknown))}, expected some of {', '.join(genres)}")
    mix = np.array([shares.get(genre, 0.0) for genre in genres], np.float64)
    if not mix.sum() > 0:
        raise ModelError(f"{recording.path}: shares of its genres must sum to more than 0")
    return mix / mix.sum()


def _seconds(path: Path) -> float:
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            return len(file) / file.samplerate
    except (OSError, soundfile.LibsndfileError) as error:
        raise ModelError(f"{path}: cannot be read ({error})") from error


def _write_shard(path: Path, clips: Sequence[CodedClip]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            np.savez(
                file,
                codes=np.concatenate([clip.codes for clip in clips], axis=1),
                frames=np.concatenate([clip.plan.frames for clip in clips]),
                overall=np.stack([clip.plan.overall for clip in clips]),
                lengths=np.array([clip.plan.n_frames for clip in clips]),
                genres=np.array([clip.genre for clip in clips]),
            )
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _read_shard(path: Path, group: Sequence[Recording]) -> list[CodedClip]:
    try:
        arrays = read_npz(path)
        ends = np.cumsum(arrays["lengths"])[:-1]
        codes, frames = np.split(arrays["codes"], ends, axis=1), np.split(arrays["frames"], ends)
        plans = map(Plan, frames, arrays["overall"])
        of_group = zip(codes, plans, arrays["genres"].tolist(), group, strict=True)
        return [CodedClip(each, plan, genre, recording.split) for each, plan, genre, recording in of_group]
    except (OSError, DamagedArchive, KeyError, ValueError) as error:
        raise ModelError(f"{path}: no shard can be read there ({error}); remove it") from error
