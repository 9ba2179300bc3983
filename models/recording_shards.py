"""What a training reads of each recording, on disk, for trainings that look at it many times.

A shard holds the rows of some recordings one after the other, and is written whole or not at all, so that reading a
large corpus can be stopped and gone on with. Trainings map the shards into memory and read only what they look at.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets.manifest import Manifest, Recording
from features.errors import FeatureError
from models.errors import ModelError

Read = Callable[[Path], np.ndarray]


def cached_rows(
    manifest: Manifest,
    folder: Path,
    *,
    read: Read,
    settings: Sequence[Any],
    row_shape: tuple[int, ...],
    shard_recordings: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[np.ndarray]:
    """Rows of every recording, read where they are not in the folder yet.

    Parameters
    ----------
    manifest : Manifest
        Recordings to read.
    folder : Path
        Of the shards.
    read : callable
        From the path of a recording to its rows, (n, *row_shape).
    settings : sequence
        Ready for JSON; part of every shard's name: another one where the same recording would give other rows.
    row_shape : tuple of int
        Of a row.
    shard_recordings : int
        Recordings in a shard.
    progress : callable, optional
        Called with the number of recordings that are done and that there are. What it raises ends the work.

    Returns
    -------
    list of np.ndarray, shape (n, *row_shape)
        One for each recording in the manifest's order, read-only and mapped from the disk.

    Raises
    ------
    ModelError
        If a recording or a shard cannot be read; the message names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    recordings = manifest.with_hashes().recordings
    found: list[np.ndarray] = []
    for start in range(0, len(recordings), shard_recordings):
        shard = recordings[start : start + shard_recordings]
        name = json.dumps([*settings, [each.sha256 for each in shard]])
        path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.npy"
        found += _shard(shard, path, read=read, row_shape=row_shape)
        if progress is not None:
            progress(len(found), len(recordings))
    return found


def _shard(
    recordings: Sequence[Recording], rows_file: Path, *, read: Read, row_shape: tuple[int, ...]
) -> list[np.ndarray]:
    lengths_file = rows_file.with_suffix(".lengths.npy")
    if not (rows_file.is_file() and lengths_file.is_file()):
        all_rows = [_read(recording, read) for recording in recordings]
        _write_whole(lengths_file, np.array([len(rows) for rows in all_rows]))
        _write_whole(rows_file, np.concatenate(all_rows))
    try:
        lengths = np.load(lengths_file, allow_pickle=False)
        rows = np.load(rows_file, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise ModelError(f"{rows_file}: a damaged shard ({error}); remove it and its lengths") from error
    if len(lengths) != len(recordings) or rows.shape != (lengths.sum(), *row_shape):
        raise ModelError(f"{rows_file}: {rows.shape} does not fit its lengths; remove both files")
    return np.split(rows, np.cumsum(lengths)[:-1])


def _read(recording: Recording, read: Read) -> np.ndarray:
    try:
        return read(recording.path)
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
