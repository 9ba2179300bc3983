"""Files of labels: read whole within a bound, written whole or not at all; errors say where in them something is."""

import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from datasets.errors import DatasetError

MAX_FILE_BYTES = 128 * 1024**2  # several hundred thousand labels
MAX_RECORDS = 1_000_000


def text_of(path: Path) -> str:
    """Text of a file in UTF-8, with or without a byte order mark.

    Raises
    ------
    DatasetError
        If it is no file, cannot be read, is larger than `MAX_FILE_BYTES` or not UTF-8.
    """
    if not os.path.isfile(path):
        raise DatasetError(f"{path.name}: no such file, expected labels")
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DatasetError(f"{path.name}: cannot be read ({error.strerror})") from error
    if len(content) > MAX_FILE_BYTES:
        raise DatasetError(f"{path.name}: larger than {MAX_FILE_BYTES} bytes, expected less; split it")
    return decoded(content, path.name)


def decoded(content: bytes, name: str) -> str:
    """Bytes as UTF-8, with or without a byte order mark; DatasetError names the file where they are not."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{name}: not UTF-8 ({error.reason} at byte {error.start}), export it as UTF-8") from error


def json_of(text: str, where: str) -> Any:
    """A text as JSON; DatasetError says where and what is wrong."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{where}: no JSON ({error})") from error


@contextmanager
def told_where(where: str) -> Iterator[None]:
    """Puts the place in front of what is wrong there."""
    try:
        yield
    except DatasetError as error:
        raise DatasetError(f"{where}: {error}") from error


def check_count(count: int, where: str) -> None:
    """Raise DatasetError where a file has more records than any of ours."""
    if count > MAX_RECORDS:
        raise DatasetError(f"{where}: more than {MAX_RECORDS} entries, expected fewer; split it")


@contextmanager
def writing(file: Path | BinaryIO) -> Iterator[BinaryIO]:
    """A binary stream into a file, all of it or nothing; a stream is passed through."""
    if not isinstance(file, Path):
        yield file
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(draft, "wb") as stream:
            yield stream
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def zipped_texts(path: Path, suffix: str) -> Iterator[tuple[str, str]]:
    """Names and texts of the files with this ending in a ZIP archive, by name; nothing is unpacked onto the disk.

    Raises
    ------
    DatasetError
        If it is no archive, is encrypted, or unpacks to more than `MAX_FILE_BYTES`.
    """
    left = MAX_FILE_BYTES
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
                if entry.is_dir() or not entry.filename.lower().endswith(suffix):
                    continue
                where = f"{path.name}, {entry.filename}"
                if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise DatasetError(f"{where}: encrypted or packed in a rare way, expected a plain ZIP archive")
                with archive.open(entry) as file:
                    content = file.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise DatasetError(f"{where}: the archive unpacks to more than {MAX_FILE_BYTES} bytes, split it")
                yield entry.filename, decoded(content, where)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise DatasetError(f"{path.name}: no ZIP archive that can be read ({error})") from error
