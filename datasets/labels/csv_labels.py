"""Labels as a table, a row each (RFC 4180, UTF-8), for spreadsheets and data frames.

Columns, in this order when written: `filename`, `path`, `sha256`, `track`, `duration_s` say which recording;
`annotator`, `genres`, `none` (true or false), `unsure`, `flag`, `note`, `at` (ISO 8601, UTC), `version` what was said;
`model` and a column `probability:<genre>` for each genre what a model says; `project`. All of a `LabelRecord` is kept.
A table that is read needs one of the first four (but `duration_s`) and one of `genres`, `genre`, `label`, `labels`.

Several genres stand in one cell with a semicolon between them; one that has a semicolon or begins with a quote is
quoted as a cell is. Spreadsheets take a cell that begins with = + - or @ for a formula and run it: where a text, or a
part of it after a semicolon, tab or line break (where a spreadsheet of another country may cut it), begins so, it is
written with one apostrophe more in front, and one is taken away when it is read.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from datasets.errors import DatasetError
from datasets.labels.files import check_count, text_of, told_where, writing
from datasets.labels.record import LabelRecord, fields_of, in_order, record_of, shown

DELIMITERS = (",", ";", "\t")
RECORDING_COLUMNS = ("filename", "path", "sha256", "track")
GENRE_COLUMNS = ("genres", "genre", "label", "labels")
LABEL_COLUMNS = ("annotator", "genres", "none", "unsure", "flag", "note", "at", "version")
COLUMNS = (*RECORDING_COLUMNS, "duration_s", *LABEL_COLUMNS, "model")
PROBABILITY = "probability:"  # in front of a genre's name
MAX_COLUMNS = 20_000
MAX_CELL = 131_072  # characters; the csv module's own bound

_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
# Full-width signs are formulas too where spreadsheets are set to Chinese or Japanese.
_FORMULA = re.compile(r"(^|[;\t\r\n])( *'*)(?=[=+\-@＝＋－＠])")
_MARKED_FORMULA = re.compile(r"(^|[;\t\r\n])( *'*)'(?=[=+\-@＝＋－＠])")


def write(
    records: Iterable[LabelRecord], file: Path | BinaryIO, *, project: str = "", genres: Sequence[str] = ()
) -> None:
    """Write labels as a table, every cell quoted.

    Parameters
    ----------
    records : iterable of LabelRecord
        A row each, in this order.
    file : Path or binary stream
        Where to; a path is written whole or not at all.
    project : str
        Name of the project, the same in every row.
    genres : sequence of str
        The project's genres, in the order of the columns of probabilities.
    """
    rows = list(records)
    predicted = list(in_order({genre: 0.0 for row in rows for genre in row.probabilities}, genres))
    with writing(file) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        writer = csv.writer(text, quoting=csv.QUOTE_ALL)
        writer.writerow([*COLUMNS, *(_cell(PROBABILITY + genre) for genre in predicted), "project"])
        for record in rows:
            fields = fields_of(record) | {"genres": _joined(record.genres)}
            cells = [_cell(fields[name]) for name in COLUMNS]
            cells += [_cell(record.probabilities.get(genre)) for genre in predicted]
            writer.writerow([*cells, _cell(project)])
        text.detach()  # flushes, and leaves the stream open


def read(path: Path) -> list[LabelRecord]:
    """Read a table of labels that was written here, by a spreadsheet, or by hand.

    Parameters
    ----------
    path : Path
        The table: UTF-8 with or without a byte order mark; cells parted by comma, semicolon or tab.

    Returns
    -------
    list of LabelRecord
        One per row that is not empty, in order. Columns that are not known are left aside.

    Raises
    ------
    DatasetError
        If it cannot be read, a column is missing or comes twice, or a cell is wrong; the message names the line.
    """
    lines = _rows(path)
    number, header = next(lines, (1, []))
    with told_where(f"{path.name}, line {number}"):
        columns = _columns(header)
    records: list[LabelRecord] = []
    for number, row in lines:
        with told_where(f"{path.name}, line {number}"):
            if len(row) != len(columns):
                raise DatasetError(f"{len(row)} cells, expected {len(columns)} as in the header")
            records.append(_record(dict(zip(columns, row, strict=True))))
        check_count(len(records), path.name)
    return records


def _joined(genres: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=";", lineterminator="").writerow(genres)
    return line.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)  # never negative
    return _FORMULA.sub(r"\1\2'", value)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, each with the line on which it ends."""
    text = text_of(path)
    stream = io.StringIO(text, newline="")
    reader = csv.reader(stream, delimiter=_delimiter(text), skipinitialspace=True, strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise DatasetError(
            f"{path.name}, line {reader.line_num}: {error}, expected cells with paired quotes"
        ) from error


def _delimiter(text: str) -> str:
    """The one that comes most often in the header, outside quotes."""
    header = re.sub(r'"[^"]*"', "", text.lstrip("\r\n")[:MAX_CELL]).splitlines()[:1]
    return max(DELIMITERS, key=lambda delimiter: header[0].count(delimiter) if header else 0)


def _columns(header: Sequence[str]) -> list[str]:
    columns = [_column(name) for name in header]
    if len(columns) > MAX_COLUMNS:
        raise DatasetError(f"{len(columns)} columns, expected at most {MAX_COLUMNS}")
    if twice := [name for name in dict.fromkeys(columns) if name and columns.count(name) > 1]:
        raise DatasetError(f"column {shown(twice[0])} comes twice")
    for wanted in (RECORDING_COLUMNS, GENRE_COLUMNS):
        if not set(wanted) & set(columns):
            raise DatasetError(f"no column {' or '.join(wanted)}; it has {shown(', '.join(columns))}")
    return columns


def _column(cell: str) -> str:
    name = _MARKED_FORMULA.sub(r"\1\2", cell).strip()
    if name.lower().startswith(PROBABILITY):
        return PROBABILITY + name[len(PROBABILITY) :].strip()
    return name.lower()


def _record(row: Mapping[str, str]) -> LabelRecord:
    fields: dict[str, Any] = {}
    for name in {*COLUMNS, *GENRE_COLUMNS} & set(row):
        cell = _MARKED_FORMULA.sub(r"\1\2", row[name])
        if name not in ("filename", "path", "note"):
            cell = cell.strip()
        if cell:
            fields[name] = _value(name, cell)
    probabilities = {
        name.removeprefix(PROBABILITY): _number(name, cell)
        for name, cell in row.items()
        if name.startswith(PROBABILITY) and cell.strip()
    }
    return record_of(fields | {"probabilities": probabilities})


def _value(name: str, cell: str) -> Any:
    if name in GENRE_COLUMNS:
        return _genres(cell)
    if name in ("none", "unsure"):
        if cell.lower() not in _TRUTHS:
            raise DatasetError(f"{name} {shown(cell)}, expected true or false")
        return _TRUTHS[cell.lower()]
    if name == "duration_s":
        return _number(name, cell)
    if name == "version":
        return _whole(name, cell)
    return cell.lower() if name == "sha256" else cell


def _genres(cell: str) -> list[str]:
    try:
        return next(csv.reader([cell], delimiter=";", skipinitialspace=True))
    except csv.Error as error:
        raise DatasetError(f"genres {shown(cell)}: {error}, expected names with a semicolon between them") from error


def _number(name: str, cell: str) -> float:
    try:
        return float(cell)
    except ValueError as error:
        raise DatasetError(f"{name} {shown(cell)}, expected a number with a decimal point") from error


def _whole(name: str, cell: str) -> int:
    number = _number(name, cell)  # data frames make "3.0" of a column with gaps
    if not number.is_integer():
        raise DatasetError(f"{name} {shown(cell)}, expected a whole number")
    return int(number)
