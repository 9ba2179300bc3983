"""What every reader asks of a folder: that it is there, which recordings lie in it, and that none is missing."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from datasets.errors import DatasetError

# Endings of what `features.audio` decodes. They decide what is looked at; what a file is, only its content decides.
# fmt: off
AUDIO_SUFFIXES = frozenset({
    ".3gp", ".aac", ".aif", ".aifc", ".aiff", ".alac", ".ape", ".au", ".caf", ".flac", ".m4a", ".m4b", ".mka", ".mp2",
    ".mp3", ".mp4", ".mpc", ".oga", ".ogg", ".opus", ".rf64", ".snd", ".spx", ".tta", ".w64", ".wav", ".wave", ".weba",
    ".webm", ".wma", ".wv",
})
# fmt: on
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
}
N_NAMED = 3  # how many of many faults an error names


def check_folder(folder: Path) -> None:
    """Raise DatasetError where there is no such folder."""
    if not os.path.isdir(folder):
        raise DatasetError(f"{folder}: no such folder")


def folders_in(folder: Path) -> list[Path]:
    """Folders directly in a folder, by name, without hidden ones."""
    return [path for path in _listing(folder) if not path.name.startswith(".") and path.is_dir()]


def audio_files_in(folder: Path) -> list[Path]:
    """Recordings directly in a folder, by name."""
    return [path for path in _listing(folder) if is_audio(path) and path.is_file()]


def is_audio(path: Path) -> bool:
    """Whether a file's name is that of a recording: an ending of `AUDIO_SUFFIXES` in any case, and not hidden."""
    return path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".")


def audio_files(folder: Path) -> list[Path]:
    """Recordings at any depth, by path, without hidden files and folders.

    Links are followed, each real folder once, so that loops end.
    """
    return sorted(path for path in _files(folder) if is_audio(path))


def lines_of(path: Path) -> list[tuple[int, str]]:
    """Lines of a text file that are not empty, each with its number. Wrong UTF-8 becomes replacement characters.

    Raises
    ------
    DatasetError
        If the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise _unreadable(error) from error
    return [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]


def check_present(paths: Iterable[Path], *, way_out: str) -> None:
    """Raise DatasetError where recordings are no files; it gives their number, names the first, and the way out."""
    if missing := [path for path in paths if not os.path.isfile(path)]:
        raise DatasetError(f"{several(missing)} listed but not there; {way_out}")


def several(things: Sequence[object]) -> str:
    """The first few of many, and how many they are: "3 recordings (a, b, c) are"."""
    named = ", ".join(map(str, things[:N_NAMED])) + (", …" if len(things) > N_NAMED else "")
    return f"{len(things)} recording{'s' * (len(things) > 1)} ({named}) {'are' if len(things) > 1 else 'is'}"


def _listing(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise _unreadable(error) from error


def _files(folder: Path) -> Iterator[Path]:
    seen = {os.path.realpath(folder)}
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_raise_unreadable):
        kept = []
        for name in sorted(folders):
            real = os.path.realpath(os.path.join(place, name))
            if not name.startswith(".") and real not in seen:
                seen.add(real)
                kept.append(name)
        folders[:] = kept
        yield from (Path(place, name) for name in names if os.path.isfile(os.path.join(place, name)))


def _raise_unreadable(error: OSError) -> None:
    raise _unreadable(error) from error


def _unreadable(error: OSError) -> DatasetError:
    return DatasetError(f"{error.filename}: cannot be read ({error.strerror})")
