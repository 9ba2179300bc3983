"""The log-mels of a corpus on disk, for trainings that look at them many times: 30 MB for an hour, as float16.

A shard holds the frames of some recordings one after the other, and is written whole or not at all, so that reading a
large corpus can be stopped and gone on with. Trainings map the shards into memory and read only what they show.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from datasets.manifest import Manifest, Recording
from features import log_mel as feature
from features.audio import load
from features.errors import FeatureError
from features.log_mel import N_MELS, log_mel
from models.errors import ModelError

SHARD_RECORDINGS = 64
VERSION = "log-mel-1"  # part of every shard's name: raise it when the same recording would give other numbers


def cached_log_mels(
    manifest: Manifest, folder: Path, *, progress: Callable[[int, int], None] | None = None
) -> list[np.ndarray]:
    """Log-mel of every recording, computed where it is not in the folder yet.

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
    list of np.ndarray, shape (frames, N_MELS), float16
        One for each recording in the manifest's order, read-only and mapped from the disk; not scaled.

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
    settings = [VERSION, feature.SR, feature.N_FFT, feature.HOP_LENGTH, N_MELS]
    key = hashlib.sha256(json.dumps([settings, [each.sha256 for each in recordings]]).encode()).hexdigest()[:16]
    frames_file, lengths_file = folder / f"{key}.npy", folder / f"{key}.lengths.npy"
    if not (frames_file.is_file() and lengths_file.is_file()):
        log_mels = [_read(recording) for recording in recordings]
        _write_whole(lengths_file, np.array([len(S) for S in log_mels]))
        _write_whole(frames_file, np.concatenate(log_mels))
    try:
        lengths = np.load(lengths_file, allow_pickle=False)
        frames = np.load(frames_file, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise ModelError(f"{frames_file}: a damaged shard ({error}); remove it and its lengths") from error
    if len(lengths) != len(recordings) or frames.shape != (lengths.sum(), N_MELS):
        raise ModelError(f"{frames_file}: {frames.shape} does not fit its lengths; remove both files")
    return np.split(frames, np.cumsum(lengths)[:-1])


def _read(recording: Recording) -> np.ndarray:
    try:
        return log_mel(load(recording.path, sr=feature.SR)).astype(np.float16)
    except FeatureError as error:
        raise ModelError(f"{recording.path}: {error}; mend it, or take it out of the corpus") from error


def _write_whole(path: Path, array: np.ndarray) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            np.save(file, array)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
