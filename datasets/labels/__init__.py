"""Labels in the formats of other tools, both ways, over one form of a label: `datasets.labels.record.LabelRecord`."""

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from datasets.errors import DatasetError
from datasets.labels.files import text_of
from datasets.labels.record import LabelRecord
from datasets.readers.corpus_folder import is_audio


@dataclass(frozen=True)
class Format:
    """A format: the module that reads and writes it, loaded when it is asked for; ending and kind of its files."""

    module: str
    suffix: str
    media_type: str


FORMATS = {
    "csv": Format("datasets.labels.csv_labels", ".csv", "text/csv"),
    "jsonl": Format("datasets.labels.jsonl_labels", ".jsonl", "application/jsonl"),
    "jams": Format("datasets.labels.jams_labels", ".zip", "application/zip"),  # of several files
    "label-studio": Format("datasets.labels.label_studio", ".json", "application/json"),
    "tags": Format("datasets.labels.tagged_files", "", ""),  # of audio files, read only
}
WRITABLE = tuple(name for name in FORMATS if name != "tags")

_OF_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jams": "jams",
    ".zip": "jams",
}


def read_labels(path: Path, format: str = "") -> list[LabelRecord]:
    """Read labels of a file or folder.

    Parameters
    ----------
    path : Path
        What to read.
    format : str
        One of `FORMATS`; "" tells it by the ending of the name, else by what the file begins with. A folder with
        JAMS files is read as such, any other as tagged audio files.

    Raises
    ------
    DatasetError
        If there is no such format or file, or the file does not keep to its format.
    """
    path = Path(path)
    reader = import_module(_format(format or _told(path), FORMATS).module)
    records: list[LabelRecord] = reader.read(path)
    return records


def write_labels(
    records: Iterable[LabelRecord],
    file: Path | BinaryIO,
    format: str,
    *,
    project: str = "",
    genres: Sequence[str] = (),
) -> None:
    """Write labels into a file, a stream, or for JAMS into a folder where the path does not end in ".zip".

    Parameters
    ----------
    records : iterable of LabelRecord
        What to write.
    file : Path or binary stream
        Where to.
    format : str
        One of `WRITABLE`.
    project, genres : str, sequence of str
        Name of the project, and its genres in their order.

    Raises
    ------
    DatasetError
        If there is no such format, or it cannot hold the labels.
    """
    writer: Any = import_module(_format(format, WRITABLE).module)
    as_zip = format == "jams" and not (isinstance(file, Path) and file.suffix.lower() != ".zip")
    write = writer.write_zip if as_zip else writer.write
    write(records, file, project=project, genres=genres)


def _format(name: str, names: Iterable[str]) -> Format:
    if name not in names:
        raise DatasetError(f"format {name!r}: expected one of {', '.join(names)}")
    return FORMATS[name]


def _told(path: Path) -> str:
    if path.is_dir():
        return "jams" if any(path.rglob("*.jams")) else "tags"
    if is_audio(path):
        return "tags"
    return _OF_SUFFIX.get(path.suffix.lower()) or _told_by_content(path)


def _told_by_content(path: Path) -> str:
    if zipfile.is_zipfile(path):
        return "jams"
    text = text_of(path).lstrip()
    if text.startswith("["):
        return "label-studio"
    if not text.startswith("{"):
        return "csv"
    if '"file_metadata"' in text:
        return "jams"
    first_line = text.partition("\n")[0].strip()
    return "jsonl" if first_line.endswith("}") and '"data"' not in first_line else "label-studio"
