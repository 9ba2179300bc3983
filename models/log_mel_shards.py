"""The log-mels of a corpus on disk (`models.recording_shards`): 30 MB for an hour, as float16."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from datasets.manifest import Manifest
from features import log_mel as feature
from features.audio import load
from features.log_mel import N_MELS, log_mel
from models.recording_shards import cached_rows

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
    return cached_rows(
        manifest,
        folder,
        read=_read,
        settings=[[VERSION, feature.SR, feature.N_FFT, feature.HOP_LENGTH, N_MELS]],
        row_shape=(N_MELS,),
        shard_recordings=SHARD_RECORDINGS,
        progress=progress,
    )


def _read(path: Path) -> np.ndarray:
    return log_mel(load(path, sr=feature.SR)).astype(np.float16)
