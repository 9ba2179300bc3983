"""Genres from the tags of audio files, as labels by the annotator "tags"."""

import os
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from mutagen import File, FileType, MutagenError
from mutagen.apev2 import APEBinaryValue, APEExtValue
from mutagen.asf import ASF
from mutagen.id3 import ID3, TCON
from mutagen.mp4 import MP4

from datasets.errors import DatasetError
from datasets.labels.record import MAX_NUMBER, LabelRecord, check_genre, unique
from datasets.readers.corpus_folder import audio_files
from features.cache import sha256_of
from features.errors import UnreadableFile

ANNOTATOR = "tags"
SEPARATORS = ";/,|\\"  # between genres that stand in one text
UNKNOWN = "unknown"  # what programs write where they know none

_NUMBERED = re.compile(r"\(?\d{1,3}\)?|(?:\((?:\d{1,3}|RX|CR)\))+.*")  # how ID3 refers to genres by number


def read(source: Path | Iterable[Path], *, genres: Sequence[str] = (), hashed: bool = False) -> list[LabelRecord]:
    """Read the genres of tagged files.

    Parameters
    ----------
    source : Path or iterable of Path
        A file, a folder with audio files at any depth, or files.
    genres : sequence of str
        Genres of a project: a tag that is one of them, whatever its case, is taken as that one and is not cut, such
        as "Hip-Hop/Rap".
    hashed : bool
        Whether to give the SHA-256 of each file, for which all of it is read.

    Returns
    -------
    list of LabelRecord
        One per file, by path, or in the order given. A file without genres has none; where its tags are damaged, or
        of a kind that is not known, the note says so. Characters of a path that are no text are replaced.

    Raises
    ------
    DatasetError
        If there is no such file or folder, or a file cannot be read.
    """
    named = {genre.casefold(): genre for genre in genres}
    return [_record(path, named, hashed) for path in _paths(source)]


def _paths(source: Path | Iterable[Path]) -> list[Path]:
    if not isinstance(source, Path):
        return list(source)
    return audio_files(source) if source.is_dir() else [source]


def _record(path: Path, named: dict[str, str], hashed: bool) -> LabelRecord:
    if not os.path.isfile(path):
        raise DatasetError(f"{path}: no such file, expected a recording with tags")
    try:
        with open(path, "rb") as stream:
            genres, duration_s, note = _tagged(stream, named)
        sha256 = sha256_of(path) if hashed else ""
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    except UnreadableFile as error:
        raise DatasetError(str(error)) from error
    return LabelRecord(
        path=os.fsencode(path).decode("utf-8", "replace"),
        sha256=sha256,
        duration_s=duration_s,
        annotator=ANNOTATOR if genres else "",
        genres=genres,
        note=note,
    )


def _tagged(stream: BinaryIO, named: dict[str, str]) -> tuple[tuple[str, ...], float | None, str]:
    """Genres, duration in seconds, and what is wrong with the tags."""
    try:
        file = File(stream)
        if file is None:
            return (), None, "no kind of file whose tags are known"
        genres = unique(_cut(_genres(file), named))
        duration_s = _duration_s(file)
    # Damaged tags send the reader to places that no file has, which is an OSError too.
    except (MutagenError, OSError, struct.error, ValueError, LookupError, ArithmeticError, EOFError) as error:
        return (), None, f"the tags are damaged ({type(error).__name__})"
    try:
        for genre in genres:
            check_genre(genre)
    except DatasetError:
        return (), duration_s, "the genre is no name"
    return genres, duration_s, ""


def _genres(file: FileType) -> list[str]:
    """Texts of the genre's field, whatever it is called in tags of this kind; numbers of ID3 as names."""
    if file.tags is None:
        return []
    if isinstance(file.tags, ID3):
        return [genre for frame in file.tags.getall("TCON") for genre in frame.genres]
    field = "\xa9gen" if isinstance(file, MP4) else "WM/Genre" if isinstance(file, ASF) else "genre"
    values = file.tags.get(field, ())
    texts = [] if isinstance(values, APEBinaryValue | APEExtValue) else [str(value) for value in values]
    return [genre for text in texts for genre in (_by_number(text) if _NUMBERED.fullmatch(text) else [text])]


def _by_number(text: str) -> list[str]:
    genres: list[str] = TCON(encoding=3, text=[text.strip("()") if text.strip("()").isdecimal() else text]).genres
    return genres


def _cut(texts: Iterable[str], named: dict[str, str]) -> Iterator[str]:
    for text in texts:
        words = " ".join(text.replace("\0", ";").split())
        if words.casefold() in named:
            yield named[words.casefold()]
            continue
        for part in re.split(f"[{re.escape(SEPARATORS)}]", words):
            name = part.strip()
            if name and name.casefold() != UNKNOWN:
                yield named.get(name.casefold(), name)


def _duration_s(file: FileType) -> float | None:
    """Duration as the header says, None where it says none or one that no recording has."""
    length = float(getattr(file.info, "length", 0.0) or 0.0)
    return length if 0 < length < MAX_NUMBER else None
