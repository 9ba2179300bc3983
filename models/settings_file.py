"""Settings of a training from a file: plain data to dataclasses, with an error that names what does not fit."""

import dataclasses
import json
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from models.errors import ModelError

Kind = TypeVar("Kind")


def read_fields(path: Path) -> Any:
    """Plain data from a settings file, TOML or JSON by its name. Raises ModelError if it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: no settings can be read there ({error})") from error


def settings_of(kind: type[Kind], fields: Any, *, where: str) -> Kind:
    """A settings dataclass from plain data; fields that are dataclasses themselves are objects there, tuples lists.

    Parameters
    ----------
    kind : type
        A dataclass whose fields have defaults.
    fields : object
        As JSON gives it.
    where : str
        What the data is, for the error.

    Raises
    ------
    ModelError
        If it is no object, or a field is unknown or out of range; the message names it.
    """
    types = {each.name: each.type for each in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if not isinstance(fields, dict):
        raise ModelError(f"{where}: expected an object with settings, got {type(fields).__name__}")
    if unknown := set(fields) - set(types):
        raise ModelError(
            f"{where}: unknown settings {', '.join(sorted(map(str, unknown)))}, expected {', '.join(types)}"
        )
    found: dict[str, Any] = {}
    for name, value in fields.items():
        own_type = types[name]
        if isinstance(own_type, type) and dataclasses.is_dataclass(own_type):
            found[name] = settings_of(own_type, value, where=f"{where}, {name}")
        else:
            found[name] = tuple(value) if isinstance(value, list) else value
    try:
        return kind(**found)
    except (TypeError, ModelError) as error:
        raise ModelError(f"{where}: {error}") from error
