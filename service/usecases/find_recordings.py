"""Find the recordings of a library: folders are searched, files are taken as they are."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from datasets.readers.corpus_folder import AUDIO_SUFFIXES
from features.errors import AudioError, UnreadableFile


class NothingFound(AudioError):
    """A folder in which no recording lies."""


@dataclass(frozen=True)
class Found:
    """A file to try, or a place that could not be searched."""

    path: Path
    error: AudioError | None = None


def find_recordings(paths: Iterable[Path]) -> Iterator[Found]:
    """Recordings in the order of `paths`, those of a folder sorted by name; each file once.

    Folders are searched to any depth, through symbolic links too (each real folder once, so that
    loops end). Hidden files and folders are left out. A file that is named itself is always tried,
    whatever it is called.

    Yields
    ------
    Found
        With an `error` where a folder may not be read or holds no recording.
    """
    seen: set[str] = set()
    for path in paths:
        for found in _search(path) if os.path.isdir(path) else (Found(path),):
            place = os.path.abspath(found.path)
            if place not in seen:
                seen.add(place)
                yield found


def _search(folder: Path) -> Iterator[Found]:
    empty = True
    for found in _walk(folder, visited=set()):
        empty = False
        yield found
    if empty:
        nothing = NothingFound("no recording in this folder; a file with an unusual ending must be named itself")
        yield Found(folder, nothing)


def _walk(folder: Path, *, visited: set[tuple[int, int]]) -> Iterator[Found]:
    try:
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in visited:
            return
        visited.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as listing:
            entries = sorted(
                (entry for entry in listing if not entry.name.startswith(".")), key=lambda entry: entry.name
            )
    except OSError as error:
        yield Found(folder, UnreadableFile(f"the folder cannot be searched: {error.strerror}"))
        return
    for entry in entries:
        path = folder / entry.name
        if os.path.isdir(path):
            yield from _walk(path, visited=visited)
        elif path.suffix.lower() in AUDIO_SUFFIXES:
            yield Found(path)
