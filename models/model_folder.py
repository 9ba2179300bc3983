"""A model on disk: a folder with `card.json` and the arrays `weights.npz` that the card names by SHA-256.

A card is a JSON object with at least `name`, `version`, `kind`, `created` and `weights` (`file`, `sha256`). Weights
are arrays only: nothing in a model folder is code, and nothing is unpickled.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from features.cache import sha256_of
from features.npz import DamagedArchive, read_npz
from models.errors import IntegrityError, ModelError

CARD_FILE = "card.json"
WEIGHTS_FILE = "weights.npz"
MAX_CARD_BYTES = 4_000_000
NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]|\.(?!\.)){0,63}")
REQUIRED = {"name": str, "version": str, "kind": str, "created": str, "weights": dict}


def load_weights(folder: Path, *, kind: str | None = None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Card and arrays of a model, after its hash has been checked.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    kind : str, optional
        What the model must be, such as "genre".

    Raises
    ------
    IntegrityError
        If the weights are missing, or not those that the card names.
    ModelError
        If the card cannot be read, or is of another kind.
    """
    card = read_card(folder)
    if kind is not None and card["kind"] != kind:
        raise ModelError(f"{folder}: a model of kind {card['kind']!r}, expected {kind!r}")
    check_weights(folder, card)
    try:
        return card, read_npz(folder / WEIGHTS_FILE)
    except (OSError, DamagedArchive) as error:
        raise ModelError(f"{folder / WEIGHTS_FILE}: holds no arrays that can be read ({error})") from error


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a model, checked for the fields that every card has.

    Raises
    ------
    ModelError
        If it is missing, too large, not JSON, or lacks a field.
    """
    path = folder / CARD_FILE
    card = read_fields_of_card(path, REQUIRED)
    if card["weights"].get("file") != WEIGHTS_FILE or not isinstance(card["weights"].get("sha256"), str):
        raise ModelError(f"{path}: 'weights' must name the file {WEIGHTS_FILE!r} and its sha256")
    return card


def read_fields_of_card(path: Path, required: Mapping[str, type]) -> dict[str, Any]:
    """A JSON object with `required` fields of their types, among them a proper `name`. Raises what `read_card` does."""
    try:
        if path.stat().st_size > MAX_CARD_BYTES:
            raise ModelError(f"{path}: larger than {MAX_CARD_BYTES} bytes, no model card")
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: no model card can be read there ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not a JSON document ({error})") from error
    if not isinstance(card, dict):
        raise ModelError(f"{path}: expected a JSON object, got {type(card).__name__}")
    for field, wanted in required.items():
        if not isinstance(card.get(field), wanted):
            raise ModelError(f"{path}: field {field!r} is missing or no {wanted.__name__}")
    if not NAME.fullmatch(card["name"]):
        raise ModelError(f"{path}: {card['name']!r} is no name of a model (a-z, 0-9, '-', '_', '.', at most 64)")
    return card


def check_weights(folder: Path, card: dict[str, Any]) -> None:
    """Compare the weights with the hash on the card.

    Raises
    ------
    IntegrityError
        If they differ or are missing; the message names the file and both hashes.
    """
    path = folder / WEIGHTS_FILE
    expected = card["weights"]["sha256"]
    try:
        found = sha256_of(path)
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{path}: cannot be read ({error}), expected sha256 {expected}") from error
    if found != expected:
        raise IntegrityError(f"{path}: sha256 {found}, the card says {expected}; fetch or train the model again")


def save_model(folder: Path, card: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Write arrays and card; the same arrays give the same bytes.

    Returns
    -------
    dict
        The card as written, with the file and SHA-256 of the weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / WEIGHTS_FILE
    contents: dict[str, Any] = dict(sorted(arrays.items()))
    np.savez_compressed(weights, **contents)
    card = card | {"weights": {"file": WEIGHTS_FILE, "sha256": sha256_of(weights)}}
    write_card(folder, card)
    return card


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write a card, whole or not at all."""
    draft = folder / f"{CARD_FILE}.{os.getpid()}"
    draft.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(folder / CARD_FILE)
