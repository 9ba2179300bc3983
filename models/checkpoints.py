"""Checkpoints of a training: every variable and what is known of the run, in one file without pickle."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from features.npz import DamagedArchive, read_npz
from models.errors import ModelError


def save_checkpoint(path: Path, state: Mapping[str, Any], arrays: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Write a checkpoint; the one before stays until this one is whole and on disk.

    Parameters
    ----------
    path : Path
        The file.
    state : mapping
        Ready for JSON; `fingerprint` says what training it is of.
    arrays : mapping of str to sequence of np.ndarray
        By name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    named: dict[str, Any] = {f"{name}/{i}": array for name, group in arrays.items() for i, array in enumerate(group)}
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        np.savez(file, state=np.array(json.dumps(state)), **named)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def load_checkpoint(
    path: Path, *, fingerprint: str, sizes: Mapping[str, int]
) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]] | None:
    """Read a checkpoint; None where there is none yet.

    Parameters
    ----------
    fingerprint : str
        What the checkpoint must be of.
    sizes : mapping of str to int
        Names of the groups of arrays, and how many each has.

    Raises
    ------
    ModelError
        If it is damaged or of another training; the message says what to do.
    """
    if not path.exists():
        return None
    try:
        arrays = read_npz(path)
        state = json.loads(str(arrays["state"]))
        found = state["fingerprint"]
        groups = {name: [arrays[f"{name}/{i}"] for i in range(size)] for name, size in sizes.items()}
    except (OSError, DamagedArchive, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: no checkpoint can be read there ({error}); remove it to begin anew") from error
    if found != fingerprint:
        raise ModelError(
            f"{path}: of another training ({found}, this one is {fingerprint}); give another folder, or remove it to "
            "begin anew"
        )
    return state, groups
