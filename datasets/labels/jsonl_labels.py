"""Labels as JSON lines, an object each, with the fields of `LabelRecord`, `schema_version` and `project`.

All of a `LabelRecord` is kept. Written in ASCII, so that no line of it breaks anywhere else. A line that is read needs
one of `filename`, `path`, `sha256` and `track`; its genres may also be called `genre`, `label` or `labels`, and be one
text.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from datasets.errors import DatasetError
from datasets.labels.files import check_count, json_of, text_of, told_where, writing
from datasets.labels.record import LabelRecord, fields_of, record_of, shown

SCHEMA_VERSION = 1


def write(
    records: Iterable[LabelRecord], file: Path | BinaryIO, *, project: str = "", genres: Sequence[str] = ()
) -> None:
    """Write labels as JSON lines.

    Parameters
    ----------
    records : iterable of LabelRecord
        A line each, in this order.
    file : Path or binary stream
        Where to; a path is written whole or not at all.
    project : str
        Name of the project, the same in every line.
    genres : sequence of str
        The project's genres, in the order of the probabilities.
    """
    with writing(file) as stream:
        for record in records:
            fields = {"schema_version": SCHEMA_VERSION, "project": project} | fields_of(record, genres)
            stream.write(json.dumps(fields).encode("ascii") + b"\n")


def read(path: Path) -> list[LabelRecord]:
    """Read labels of JSON lines, in their order; empty lines and fields that are not known are left aside.

    Raises
    ------
    DatasetError
        If it cannot be read, a line is no object, of a later schema, or a field is wrong; the message names the line.
    """
    records: list[LabelRecord] = []
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path.name}, line {number}"
        fields = json_of(line, where)
        with told_where(where):
            records.append(record_of(_checked(fields)))
        check_count(len(records), path.name)
    return records


def _checked(fields: Any) -> dict[str, Any]:
    if not isinstance(fields, dict):
        raise DatasetError(f"{shown(fields)}, expected an object with a recording and its genres")
    version = fields.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise DatasetError(f"schema_version {shown(version)}, expected {SCHEMA_VERSION}; export it with this version")
    return fields
