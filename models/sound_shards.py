"""The sound of a corpus on disk, for trainings that look at it many times: 160 MB for an hour, as 16-bit integers.

A shard holds the samples of some recordings one after the other, and is written whole or not at all, so that reading a
large corpus can be stopped and gone on with. Trainings map the shards into memory and read only what they hear.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from datasets.manifest import Manifest, Recording
from features.audio import load
from features.errors import FeatureError
from features.log_mel import SR
from models.errors import ModelError

SHARD_RECORDINGS = 32
FULL_SCALE = 32767
VERSION = "sound-1"  # part of every shard's name: raise it when the same recording would give other numbers


def cached_sounds(
    manifest: Manifest, folder: Path, *, progress: Callable[[int, int], None] | None = None
) -> list[np.ndarray]:
    """Sound of every recording at `features.log_mel.SR`, decoded where it is not in the folder yet.

    Parameters
    ----------
    manifest : Manifest
        Recordings to read.
    folder : Path
        Of the shards.
    progress : callable, optional
        Called with the number of recordings that are done and that there are. What it raises ends the work.

    Returns
    -------
    list of np.ndarray, shape (n_samples,), int16
        One for each recording in the manifest's order, read-only and mapped from the disk; `FULL_SCALE` is 1.0.

    Raises
    ------
    ModelError
        If a recording cannot be read; the message names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    recordings = manifest.with_hashes().recordings
    found: list[np.ndarray] = []
    for start in range(0, len(recordings), SHARD_RECORDINGS):
        found += _shard(recordings[start : start + SHARD_RECORDINGS], folder)
        if progress is not None:
            progress(len(found), len(recordings))
    return found


def _shard(recordings: Sequence[Recording], folder: Path) -> list[np.ndarray]:
    key = hashlib.sha256(json.dumps([VERSION, SR, [each.sha256 for each in recordings]]).encode()).hexdigest()[:16]
    samples_file, lengths_file = folder / f"{key}.npy", folder / f"{key}.lengths.npy"
    if not (samples_file.is_file() and lengths_file.is_file()):
        sounds = [_read(recording) for recording in recordings]
        _write_whole(lengths_file, np.array([len(y) for y in sounds]))
        _write_whole(samples_file, np.concatenate(sounds))
    try:
        lengths = np.load(lengths_file, allow_pickle=False)
        samples = np.load(samples_file, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise ModelError(f"{samples_file}: a damaged shard ({error}); remove it and its lengths") from error
    if len(lengths) != len(recordings) or samples.shape != (lengths.sum(),):
        raise ModelError(f"{samples_file}: {samples.shape} does not fit its lengths; remove both files")
    return np.split(samples, np.cumsum(lengths)[:-1])


def _read(recording: Recording) -> np.ndarray:
    try:
        y = load(recording.path, sr=SR)
    except FeatureError as error:
        raise ModelError(f"{recording.path}: {error}; mend it, or take it out of the corpus") from error
    return np.round(np.clip(y, -1, 1) * FULL_SCALE).astype(np.int16)


def _write_whole(path: Path, array: np.ndarray) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            np.save(file, array)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
