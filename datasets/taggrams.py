"""Tag activations of a corpus on disk: one `.npz` with arrays `X`, `Y` and `IDS`, one row per patch.

`X` float (n_patches, 50): activations of the backbone's tags, 0 to 1. `Y` int (n_patches,): index of the genre in
the label order of the corpus. `IDS` str (n_patches,): the track that a patch belongs to, any text; rows of one track
are its patches in time order, and need not be neighbours.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.errors import DatasetError
from features.npz import DamagedArchive, read_npz

GTZAN_GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
N_TAGS = 50


@dataclass(frozen=True)
class TaggramSet:
    """Labelled tracks, each known by the tag activations of its patches.

    Attributes
    ----------
    tracks : tuple of np.ndarray, each (n_patches, 50) float32
        Activations per track, in the order in which the tracks first appear in the file.
    labels : np.ndarray, shape (n_tracks,)
        Index of each track's genre in `genres`.
    ids : tuple of str
        Name of each track.
    genres : tuple of str
        Label order.
    """

    tracks: tuple[np.ndarray, ...]
    labels: np.ndarray
    ids: tuple[str, ...]
    genres: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.tracks)

    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]:
        return zip(self.tracks, self.labels.tolist(), strict=True)


def load_taggrams(path: str | os.PathLike, *, genres: tuple[str, ...] = GTZAN_GENRES) -> TaggramSet:
    """Read and check a file of tag activations.

    Parameters
    ----------
    path : path
        An `.npz` laid out as this module describes. Never unpickled.
    genres : tuple of str
        What the numbers in `Y` mean.

    Returns
    -------
    TaggramSet
        One entry per track.

    Raises
    ------
    DatasetError
        If the file is missing or no `.npz`, lacks an array, has another shape or type, holds values that are no
        activations (NaN, or outside 0 to 1), a label outside `genres`, or one track with two labels.
    """
    X, Y, ids = _read_arrays(Path(path))
    if X.ndim != 2 or X.shape[1] != N_TAGS or not np.issubdtype(X.dtype, np.floating):
        raise DatasetError(f"{path}: X is {X.dtype} {X.shape}, expected float activations (n_patches, {N_TAGS})")
    if len(X) == 0:
        raise DatasetError(f"{path}: no patches, expected at least one row")
    if Y.shape != (len(X),) or not np.issubdtype(Y.dtype, np.integer):
        raise DatasetError(f"{path}: Y is {Y.dtype} {Y.shape}, expected one integer label per row of X ({len(X)},)")
    if ids.shape != (len(X),) or ids.dtype.kind != "U":
        raise DatasetError(f"{path}: IDS is {ids.dtype} {ids.shape}, expected one text per row of X ({len(X)},)")
    if not np.isfinite(X).all() or X.min() < 0 or X.max() > 1:
        raise DatasetError(f"{path}: X holds NaN or values outside 0 to 1, expected tag activations")
    if Y.min() < 0 or Y.max() >= len(genres):
        raise DatasetError(
            f"{path}: labels {Y.min()} to {Y.max()}, expected 0 to {len(genres) - 1} ({', '.join(genres)})"
        )

    names, first, track_of_row = np.unique(ids, return_index=True, return_inverse=True)
    mixed = names[np.bincount(track_of_row, Y[first][track_of_row] != Y) > 0]
    if mixed.size:
        raise DatasetError(f"{path}: track {str(mixed[0])!r} has rows of more than one label")
    rows_by_track = np.split(np.argsort(track_of_row, kind="stable"), np.cumsum(np.bincount(track_of_row))[:-1])
    order = np.argsort(first)
    return TaggramSet(
        tracks=tuple(X[rows_by_track[track]].astype(np.float32) for track in order),
        labels=Y[first[order]].astype(np.int64),
        ids=tuple(str(names[track]) for track in order),
        genres=genres,
    )


def _read_arrays(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    try:
        arrays = read_npz(path)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    except DamagedArchive as error:
        raise DatasetError(f"{error}; expected X, Y and IDS") from error
    if missing := [name for name in ("X", "Y", "IDS") if name not in arrays]:
        raise DatasetError(f"{path}: lacks {', '.join(missing)}; it has {', '.join(arrays) or 'nothing'}")
    return arrays["X"], arrays["Y"], arrays["IDS"]
