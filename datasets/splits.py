"""Splits that keep an artist on one side.

In a corpus whose neighbouring file numbers are often one artist, a random split puts an artist on both sides and
flatters models that know the artist. Here every genre's tracks are put in natural order of their names and cut into
contiguous blocks; a fold is one block of each genre. A `rotation` moves the cuts, so that a figure can be given for
several layouts of the same blocks. Where a corpus names its artists, `stratified_group_folds` goes by the names.
"""

import hashlib
import itertools
import re
from collections.abc import Sequence

import numpy as np

from datasets.errors import DatasetError


def block_folds(ids: Sequence[str], labels: np.ndarray, *, n_folds: int = 5, rotation: float = 0.0) -> np.ndarray:
    """Fold of each track: within a genre, contiguous blocks of neighbouring names.

    Parameters
    ----------
    ids : sequence of str
        Name of each track; `x.2` comes before `x.10`.
    labels : np.ndarray, shape (n_tracks,)
        Genre of each track.
    n_folds : int
        Number of blocks per genre, at least 2. Their sizes differ by at most one track.
    rotation : float
        By how much of a block the cuts move, 0 <= rotation < 1. With a rotation the last block of a genre goes on
        at its start: that fold is two runs, one at either end.

    Returns
    -------
    np.ndarray, shape (n_tracks,)
        Fold 0 to n_folds - 1 of each track.

    Raises
    ------
    DatasetError
        If a name comes twice, or a genre has fewer tracks than there are folds.
    """
    labels = np.asarray(labels)
    if labels.shape != (len(ids),):
        raise DatasetError(f"{len(ids)} names for labels of shape {labels.shape}, expected one label per name")
    if len(set(ids)) != len(ids):
        raise DatasetError("a track's name comes twice, expected one entry per track")
    if n_folds < 2 or not 0 <= rotation < 1:
        raise DatasetError(f"n_folds={n_folds}, rotation={rotation}: expected 2 or more folds, 0 <= rotation < 1")
    order = np.array(sorted(range(len(ids)), key=lambda track: natural_key(ids[track])), dtype=np.int64)
    folds = np.empty(len(ids), dtype=np.int64)
    for genre in np.unique(labels):
        members = order[labels[order] == genre]
        if len(members) < n_folds:
            raise DatasetError(f"label {genre}: {len(members)} tracks cannot fill {n_folds} folds")
        shifted = np.roll(members, -round(rotation * len(members) / n_folds))
        for fold, block in enumerate(np.array_split(shifted, n_folds)):
            folds[block] = fold
    return folds


def training_side(
    ids: Sequence[str], labels: np.ndarray, folds: np.ndarray, fold: int, *, guard: int = 0
) -> np.ndarray:
    """Which tracks may be trained on while a fold is held out.

    Parameters
    ----------
    ids, labels
        As for `block_folds`.
    folds : np.ndarray, shape (n_tracks,)
        Fold of each track.
    fold : int
        The one that is held out.
    guard : int
        Tracks of the same genre at most this many places from a held-out one are left out too: an artist may go on
        across the cut.

    Returns
    -------
    np.ndarray of bool, shape (n_tracks,)
    """
    labels = np.asarray(labels)
    allowed = folds != fold
    order = np.array(sorted(range(len(ids)), key=lambda track: natural_key(ids[track])), dtype=np.int64)
    for genre in np.unique(labels):
        members = order[labels[order] == genre]
        held_out = np.flatnonzero(folds[members] == fold)
        places = np.abs(np.arange(len(members))[:, np.newaxis] - held_out)
        if held_out.size:
            allowed[members[places.min(axis=1) <= guard]] = False
    return allowed


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sorting key that reads runs of digits as numbers; no two names share one."""
    parts = [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name) if part]
    return parts, name


def split_checksum(ids: Sequence[str], folds: np.ndarray) -> str:
    """SHA-256 over the names and their folds in order of names: the same for the same split of the same tracks."""
    lines = sorted(f"{name}\t{fold}" for name, fold in zip(ids, folds.tolist(), strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def stratified_group_folds(
    groups: Sequence[str], labels: Sequence[str] | np.ndarray, *, n_folds: int = 5, seed: int = 0
) -> np.ndarray:
    """Fold of each recording: all of a group in one fold, the labels shared out as evenly as that allows.

    Parameters
    ----------
    groups : sequence of str
        Artist of each recording, or whatever must not be on both sides of a split. "" is unknown: each such recording
        is a group of its own.
    labels : sequence, shape (n_recordings,)
        Label of each recording.
    n_folds : int
        At least 2.
    seed : int
        Of the order in which groups are dealt out.

    Returns
    -------
    np.ndarray, shape (n_recordings,)
        Fold 0 to n_folds - 1 of each recording; every fold has recordings of every label.

    Raises
    ------
    DatasetError
        If a label has fewer groups than there are folds, or its groups fall so that a fold is left without it.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    labels = np.asarray(labels)
    if labels.shape != (len(groups),):
        raise DatasetError(f"{len(groups)} groups for labels of shape {labels.shape}, expected one label per recording")
    if n_folds < 2 or not len(groups):
        raise DatasetError(f"n_folds={n_folds}, {len(groups)} recordings: expected 2 or more folds, and recordings")
    group_ids = _group_ids(groups)
    for label in np.unique(labels):
        n_groups = len(np.unique(group_ids[labels == label]))
        if n_groups < n_folds:
            raise DatasetError(
                f"label {label}: {n_groups} groups (artists) cannot fill {n_folds} folds; ask for fewer folds, or "
                "leave the label out"
            )
    folds = np.empty(len(groups), dtype=np.int64)
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    for fold, (_, held_out) in enumerate(splitter.split(group_ids, labels, group_ids)):
        folds[held_out] = fold
    for label in np.unique(labels):
        if lacking := sorted(set(range(n_folds)) - set(folds[labels == label].tolist())):
            raise DatasetError(
                f"label {label}: fold {lacking[0]} is left without it, its groups do not go into {n_folds} folds; "
                "ask for fewer folds or another seed"
            )
    return folds


def _group_ids(groups: Sequence[str]) -> np.ndarray:
    """A number for each group; unnamed recordings get one each, after those of the names."""
    names = {name: number for number, name in enumerate(sorted(set(groups) - {""}))}
    unnamed = itertools.count(len(names))
    return np.array([names[group] if group else next(unnamed) for group in groups], dtype=np.int64)
