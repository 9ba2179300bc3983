"""The sound of a corpus on disk (`models.recording_shards`): 160 MB for an hour, as 16-bit integers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from datasets.manifest import Manifest
from features.audio import load
from features.log_mel import SR
from models.recording_shards import cached_rows

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
    return cached_rows(
        manifest,
        folder,
        read=_read,
        settings=[VERSION, SR],
        row_shape=(),
        shard_recordings=SHARD_RECORDINGS,
        progress=progress,
    )


def _read(path: Path) -> np.ndarray:
    return np.round(np.clip(load(path, sr=SR), -1, 1) * FULL_SCALE).astype(np.int16)
