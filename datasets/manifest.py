"""What a corpus holds, recording by recording: one form for every source that there is to learn from.

On disk it is JSON lines, one recording a line, with paths relative to the file's own folder, so that corpus and
manifest move together. Readers of `datasets.readers` give manifests, `datasets.rendered_corpus` writes one.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from datasets.errors import DatasetError
from features.cache import sha256_of
from features.errors import UnreadableFile

MANIFEST_FILE = "manifest.jsonl"
SPLITS = ("", "train", "validation", "test")
FIELDS = ("path", "label", "artist", "licence", "split", "sha256", "details")


@dataclass(frozen=True)
class Recording:
    """One labelled recording.

    Attributes
    ----------
    path : Path
        Where it lies.
    label : str
        Its genre, as the corpus names it; "" where it is unlabelled.
    artist : str
        Who must not be on both sides of a split: an artist, an album, a composer's seed; "" where unknown.
    licence : str
        Licence of the recording, as its source states it; "" where unknown.
    split : str
        "train", "validation" or "test" where the corpus says so, else "".
    sha256 : str
        Of the file's bytes, in hexadecimal; "" where it has not been computed.
    details : mapping
        What else the source knows, ready for JSON: tempo, key, seed, faults.
    """

    path: Path
    label: str
    artist: str = ""
    licence: str = ""
    split: str = ""
    sha256: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise DatasetError(f"{self.path}: split {self.split!r}, expected one of {', '.join(SPLITS[1:])} or nothing")


@dataclass(frozen=True)
class Manifest:
    """The recordings of one corpus.

    Attributes
    ----------
    name : str
        Name of the corpus.
    recordings : tuple of Recording
        No path comes twice.
    """

    name: str
    recordings: tuple[Recording, ...]

    def __post_init__(self) -> None:
        seen: set[Path] = set()
        for recording in self.recordings:
            if recording.path in seen:
                raise DatasetError(f"{recording.path}: comes twice in {self.name}, expected one entry per recording")
            seen.add(recording.path)

    def __len__(self) -> int:
        return len(self.recordings)

    def __iter__(self) -> Iterator[Recording]:
        return iter(self.recordings)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels that occur, in alphabetical order."""
        return tuple(sorted({recording.label for recording in self.recordings if recording.label}))

    def select(self, recordings: Iterable[Recording]) -> "Manifest":
        """The same corpus with these recordings only."""
        return replace(self, recordings=tuple(recordings))

    def of_split(self, split: str) -> "Manifest":
        """The recordings of one split."""
        return self.select(recording for recording in self.recordings if recording.split == split)

    def with_hashes(self) -> "Manifest":
        """The same with the SHA-256 of every file that has none yet. Raises DatasetError where one cannot be read."""
        hashed = []
        for recording in self.recordings:
            try:
                hashed.append(recording if recording.sha256 else replace(recording, sha256=sha256_of(recording.path)))
            except UnreadableFile as error:
                raise DatasetError(str(error)) from error
        return self.select(hashed)


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write a manifest as JSON lines; all of it or nothing, the same bytes for the same manifest.

    Parameters
    ----------
    manifest : Manifest
        What to write.
    path : Path
        The file; paths of recordings are written relative to its folder where they lie in it.
    """
    folder = path.parent.resolve()
    lines = []
    for recording in manifest:
        fields = {name: getattr(recording, name) for name in FIELDS if getattr(recording, name)}
        fields["path"] = _written(recording.path, folder)
        lines.append(json.dumps(fields, default=dict) + "\n")  # in ASCII: a file's name need not be a text
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps({"corpus": manifest.name}) + "\n" + "".join(lines), encoding="utf-8")
    draft.replace(path)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest that `write_manifest` wrote.

    Raises
    ------
    DatasetError
        If it cannot be read; the message names the line and what was expected there.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: no manifest can be read there ({error})") from error
    name, recordings = path.parent.name, []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            if number == 1 and isinstance(fields, dict) and set(fields) == {"corpus"}:
                name = str(fields["corpus"])
                continue
            recordings.append(_recording(fields, path.parent))
        except (ValueError, RecursionError) as error:
            raise DatasetError(
                f"{path}, line {number}: {error}; expected an object with {', '.join(FIELDS)}"
            ) from error
    return Manifest(name, tuple(recordings))


def _recording(fields: Any, folder: Path) -> Recording:
    if not isinstance(fields, dict):
        raise DatasetError(f"expected an object, got {type(fields).__name__}")
    if unknown := set(fields) - set(FIELDS):
        raise DatasetError(f"unknown fields {', '.join(sorted(unknown))}")
    details = fields.pop("details", {})
    if not isinstance(details, dict) or not all(isinstance(value, str) for value in fields.values()):
        raise DatasetError("details must be an object, every other field a text")
    if not fields.get("path") or "\0" in fields["path"]:
        raise DatasetError("no path of a file")
    return Recording(**fields | {"path": folder / fields["path"], "label": fields.get("label", "")}, details=details)


def _written(path: Path, folder: Path) -> str:
    absolute = path.resolve()
    return absolute.relative_to(folder).as_posix() if absolute.is_relative_to(folder) else str(absolute)
