"""A table of recordings as a spreadsheet exports it: columns `path` and `label`, separated by comma, semicolon or tab.

Optional columns are `artist`, `licence` (or `license`), `split` and `sha256`; every other goes to the details as text.
UTF-8, with or without a byte order mark.
"""

import csv
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

from datasets.errors import DatasetError
from datasets.manifest import Manifest, Recording
from datasets.readers.corpus_folder import SPLIT_NAMES

DELIMITERS = (",", ";", "\t")
REQUIRED = ("path", "label")
OPTIONAL = ("artist", "licence", "split", "sha256")


def read_csv_table(path: Path) -> Manifest:
    """Read a table of recordings.

    Parameters
    ----------
    path : Path
        The table, or a folder that holds one table. Relative paths in it are relative to its folder and must stay
        there, links included: a table that came with a corpus names the recordings of that corpus. An absolute path
        is taken as it is, for tables of recordings that lie elsewhere.

    Returns
    -------
    Manifest
        Named as the table, in its order. An empty label means unlabelled.

    Raises
    ------
    DatasetError
        If the table cannot be read, a column is missing, or a cell is wrong; the message names the line and column.
    """
    path = _table(path)
    lines = _rows(path)
    columns = _columns(path, *next(lines, (1, [])))
    recordings = []
    line_of: dict[Path, int] = {}
    for number, row in lines:
        if len(row) != len(columns):
            raise DatasetError(f"{path}, line {number}: {len(row)} cells, expected {len(columns)} as in the header")
        recording = _recording(path, number, dict(zip(columns, row, strict=True)))
        if recording.path in line_of:
            words = f"{recording.path.name} comes on line {line_of[recording.path]} too, expected one row per recording"
            raise _wrong(path, number, "path", words)
        line_of[recording.path] = number
        recordings.append(recording)
    if not recordings:
        raise DatasetError(f"{path}: no rows below the header, expected one per recording")
    return Manifest(path.stem, tuple(recordings))


def _table(path: Path) -> Path:
    if not path.is_dir():
        return path
    tables = sorted(each for each in path.iterdir() if each.suffix.lower() == ".csv" and not each.name.startswith("."))
    if len(tables) != 1:
        raise DatasetError(f"{path}: {len(tables)} tables (.csv), expected one; name the table itself")
    return tables[0]


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, each with the line on which it ends."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DatasetError(f"{path}: no table can be read there ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}), export it as UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, [cell.strip() for cell in row]
    except csv.Error as error:
        raise DatasetError(f"{path}, line {reader.line_num}: {error}, expected cells with paired quotes") from error


def _delimiter(text: str) -> str:
    """The one that cuts the first line into most cells; names of columns hold none of them."""
    header = text.lstrip("\r\n").splitlines()[:1]
    return max(DELIMITERS, key=lambda delimiter: header[0].count(delimiter) if header else 0)


def _columns(path: Path, number: int, header: list[str]) -> list[str]:
    columns = [{"license": "licence"}.get(name.lower(), name.lower()) for name in header]
    if missing := [name for name in REQUIRED if name not in columns]:
        raise DatasetError(
            f"{path}, line {number}: no column {' or '.join(missing)}, expected a header with {' and '.join(REQUIRED)} "
            f"and perhaps {', '.join(OPTIONAL)}; it has {', '.join(header) or 'nothing'}"
        )
    if twice := [name for name in columns if name and columns.count(name) > 1]:
        raise DatasetError(f"{path}, line {number}: column {twice[0]} comes twice")
    return columns


def _recording(table: Path, number: int, cells: dict[str, str]) -> Recording:
    split, sha256 = cells.get("split", ""), cells.get("sha256", "").lower()
    if split and split.lower() not in SPLIT_NAMES:
        raise _wrong(table, number, "split", f"{split!r}, expected one of {', '.join(SPLIT_NAMES)} or nothing")
    if sha256 and not re.fullmatch("[0-9a-f]{64}", sha256):
        raise _wrong(table, number, "sha256", f"{sha256!r}, expected 64 hexadecimal digits or nothing")
    return Recording(
        _path(table, number, cells["path"]),
        cells["label"],
        artist=cells.get("artist", ""),
        licence=cells.get("licence", ""),
        split=SPLIT_NAMES.get(split.lower(), ""),
        sha256=sha256,
        details={name: cell for name, cell in cells.items() if name and cell and name not in (*REQUIRED, *OPTIONAL)},
    )


def _path(table: Path, number: int, cell: str) -> Path:
    if not cell or "\0" in cell:
        raise _wrong(table, number, "path", f"{cell!r}, expected the path of a recording")
    path = Path(os.path.normpath(table.parent / cell))
    folder = os.path.realpath(table.parent)
    if not Path(cell).is_absolute() and not Path(os.path.realpath(path)).is_relative_to(folder):
        raise _wrong(
            table, number, "path", f"{cell} leaves the table's folder, expected a path within it or an absolute one"
        )
    if not os.path.isfile(path):
        raise _wrong(table, number, "path", f"{cell} is no file, expected a recording relative to the table's folder")
    return path


def _wrong(table: Path, number: int, column: str, words: str) -> DatasetError:
    return DatasetError(f"{table}, line {number}, column {column}: {words}")
