"""Folders of recordings, each from one source under one licence: `<family>/<source>/…`, with a one-line `LICENCE`.

A family is what all its sources are, such as music or speech; a source is what must not be on both sides of a split.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.errors import DatasetError

SUFFIXES = (".flac", ".mp3", ".ogg", ".opus", ".wav")
LICENCE_FILE = "LICENCE"


@dataclass(frozen=True)
class Source:
    """Recordings of one family that come from one place.

    Attributes
    ----------
    name : str
        Name of the folder.
    recordings : tuple of Path
        In order of their names; at least one.
    licence : str
        What its licence file says.
    """

    name: str
    family: str
    recordings: tuple[Path, ...]
    licence: str


def load_sources(folder: Path, *, families: Sequence[str]) -> list[Source]:
    """Find the sources in a folder.

    Parameters
    ----------
    folder : Path
        Holds a folder for at least one family.
    families : sequence of str
        Folders to look at, in this order.

    Returns
    -------
    list of Source
        By family, then by name.

    Raises
    ------
    DatasetError
        If there is no source, or one has no recordings or no licence.
    """
    found = []
    for family in families:
        for path in sorted(path for path in (folder / family).glob("*") if path.is_dir()):
            recordings = tuple(sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES))
            if not recordings:
                raise DatasetError(f"{path}: no recordings ({', '.join(SUFFIXES)})")
            try:
                licence = (path / LICENCE_FILE).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise DatasetError(f"{path / LICENCE_FILE}: expected one line, the licence ({error})") from error
            found.append(Source(path.name, family, recordings, licence))
    if not found:
        raise DatasetError(f"{folder}: expected folders <family>/<source>/ with a family of {', '.join(families)}")
    return found
