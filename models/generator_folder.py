"""A generator on disk: a folder with a card and one model folder for each part that it is made of.

`card.json` names every part by the SHA-256 of its weights, so that what makes music is what was trained and measured
together; `sha256` is one hash over all of them, by which a clip says what made it.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.code_source import name_of_codes
from models.errors import IntegrityError, ModelError
from models.model_folder import CARD_FILE, WEIGHTS_FILE, check_weights, read_card, read_fields_of_card, write_card

KIND = "generator"
PARTS = ("autoencoder", "prior", "vocoder", "originality")
REQUIRED = {
    "name": str,
    "version": str,
    "kind": str,
    "created": str,
    "licence": str,
    "genres": list,
    "parts": dict,
    "sha256": str,
}


def save_generator(folder: Path, parts: Mapping[str, Path], card: Mapping[str, Any]) -> dict[str, Any]:
    """Gather the parts of a generator in one folder, which takes the place of what lay there.

    Parameters
    ----------
    folder : Path
        Of the generator: empty, missing, or a generator's.
    parts : mapping of str to Path
        Model folders by the names of `PARTS`, all of which are needed.
    card : mapping
        `name`, `version`, `created`, `licence`, `genres` and whatever else is known, ready for JSON.

    Returns
    -------
    dict
        The card as written: with `kind`, `parts` (`name`, `version`, `kind`, `sha256` of the weights) and `sha256`.

    Raises
    ------
    IntegrityError
        If the weights of a part are not those that its card names.
    ModelError
        If a part is missing, unknown or no model, the prior speaks the codes of another autoencoder, or the folder
        holds something else.
    """
    if set(parts) != set(PARTS):
        raise ModelError(f"parts {', '.join(parts) or 'none'}: a generator has {', '.join(PARTS)}")
    if folder.exists() and any(folder.iterdir()) and not _is_generator(folder):
        raise ModelError(f"{folder}: holds something else than a generator; give another folder")
    cards = {name: read_card(parts[name]) for name in PARTS}
    _check_codes(cards)
    for name in cards:
        check_weights(parts[name], cards[name])
    of_parts = {
        name: {field: each[field] for field in ("name", "version", "kind")} | {"sha256": each["weights"]["sha256"]}
        for name, each in cards.items()
    }
    whole = {**card, "kind": KIND, "parts": of_parts, "sha256": _hash_of(of_parts)}
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        for name in cards:
            (draft / name).mkdir(parents=True)
            for file in (CARD_FILE, WEIGHTS_FILE):
                shutil.copyfile(parts[name] / file, draft / name / file)
        write_card(draft, whole)
        load_generator_card(draft)  # what is put in place can be read
        if folder.exists():
            shutil.rmtree(folder)
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return whole


def load_generator_card(folder: Path) -> dict[str, Any]:
    """The card of a generator, after the weights of all its parts have been checked.

    Raises
    ------
    IntegrityError
        If the weights of a part are missing, or not those that both cards name; the message names the file.
    ModelError
        If there is no generator in the folder, or one that lacks a part.
    """
    path = folder / CARD_FILE
    card = read_fields_of_card(path, REQUIRED)
    if card["kind"] != KIND:
        raise ModelError(f"{path}: of kind {card['kind']!r}, expected {KIND!r}")
    if not card["genres"] or not all(isinstance(genre, str) for genre in card["genres"]):
        raise ModelError(f"{path}: 'genres' must be names of genres, one or more")
    parts = card["parts"]
    if set(parts) != set(PARTS) or not all(isinstance(part, dict) for part in parts.values()):
        raise ModelError(f"{path}: parts {', '.join(parts) or 'none'}, expected objects for {', '.join(PARTS)}")
    for name, part in parts.items():
        own = read_card(folder / name)
        check_weights(folder / name, own)
        if (found := own["weights"]["sha256"]) != part.get("sha256"):
            raise IntegrityError(
                f"{folder / name / WEIGHTS_FILE}: sha256 {found}, the generator's card says {part.get('sha256')}; "
                "fetch or train the generator again"
            )
    if card["sha256"] != (expected := _hash_of(parts)):
        raise IntegrityError(f"{path}: sha256 {card['sha256']}, its parts make {expected}")
    return card


def _hash_of(parts: Mapping[str, Mapping[str, str]]) -> str:
    """One hash over the weights of all parts."""
    return hashlib.sha256(
        json.dumps(sorted((name, part["sha256"]) for name, part in parts.items())).encode()
    ).hexdigest()


def _is_generator(folder: Path) -> bool:
    try:
        return bool(read_fields_of_card(folder / CARD_FILE, REQUIRED)["kind"] == KIND)
    except ModelError:
        return False


def _check_codes(cards: Mapping[str, Mapping[str, Any]]) -> None:
    """Codes mean nothing to another autoencoder than the one that gave them."""
    expected, codes = name_of_codes(cards["autoencoder"]), cards["prior"].get("codes")
    found = codes.get("source") if isinstance(codes, dict) else None
    if found != expected:
        raise ModelError(f"a prior of the codes of {found!r}, expected those of {expected!r}: train it on them")
