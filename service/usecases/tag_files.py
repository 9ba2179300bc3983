"""Write the genre into the files themselves, where players look for it; the sound is never touched.

A copy beside the file gets the tag and takes its place in one step: a full disk or a kill leaves the
file as it was. Permissions, owner and extended attributes stay; the time of change is now, so that players
and backups notice. A symbolic link is followed; a hard link ends, its other names keep the old tags.
"""

import hashlib
import os
import shutil
import stat
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mutagen import File, FileType, MutagenError
from mutagen.asf import ASF
from mutagen.id3 import ID3, TCON
from mutagen.mp4 import MP4

from service.errors import ServiceError

ABANDONED_S = 3600.0  # the copy of a run that was killed is removed after this time

# Tags with free field names, where the genre is called so (Xiph and APEv2).
_NAMED_FIELDS = ("VComment", "VCFLACDict", "APEv2")


class TagError(ServiceError):
    """The genre could not be written into a file, which is as it was."""


@dataclass(frozen=True)
class TagSettings:
    """When a genre is written.

    Attributes
    ----------
    min_probability : float
        Least probability of the genre, 0 to 1.
    only_empty : bool
        Leave a file that has a genre as it is.
    dry_run : bool
        Say what would be done, and do nothing.
    """

    min_probability: float = 0.7
    only_empty: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class TagOutcome:
    """What was done with a file, and why not where nothing was.

    `state` is 'written', 'planned' (a dry run would write it), 'unchanged' (the file says so already), 'kept'
    (the file has another genre, which stays) or 'unsure' (there is no genre to write).
    """

    state: Literal["written", "planned", "unchanged", "kept", "unsure"]
    genre: str | None
    previous: tuple[str, ...] = ()
    reason: str | None = None


def tag_file(path: Path, answer: dict[str, Any], settings: TagSettings = TagSettings()) -> TagOutcome:
    """Write the genre of an answer into its file, where the answer is sure enough.

    Parameters
    ----------
    path : Path
        MP3, WAV or AIFF (ID3), FLAC, OGG Vorbis or Opus (Vorbis comment), M4A or MP4 (©gen),
        WMA, WavPack or Monkey's Audio (APEv2).
    answer : dict
        A classification in the form of the HTTP contract.
    settings : TagSettings
        When to write.

    Raises
    ------
    TagError
        If the file is of another kind or may not be written, or the disk is full.
    """
    genre = answer["genre"]
    if genre is None or answer["abstained"]:
        return TagOutcome("unsure", None, reason=answer["reason"])
    probability = answer["probabilities"][genre]
    if probability < settings.min_probability:
        reason = f"{genre} has {probability:.2f}, less than {settings.min_probability:.2f}"
        return TagOutcome("unsure", None, reason=reason)
    with _told_plainly(path):
        path = path.resolve(strict=True)
        previous = read_genres(path)
        if previous == (genre,):
            return TagOutcome("unchanged", genre, previous)
        if previous and settings.only_empty:
            return TagOutcome("kept", genre, previous, reason="it has a genre")
        _refuse_read_only(path)
        _refuse_wrong_size(path)
        if settings.dry_run:
            return TagOutcome("planned", genre, previous)
        _write(path, genre)
    return TagOutcome("written", genre, previous)


def read_genres(path: Path) -> tuple[str, ...]:
    """Genres that a file names; () where it names none.

    Raises
    ------
    TagError
        If tags of this kind of file are not known here.
    """
    return _genres(_open(path))


def _write(path: Path, genre: str) -> None:
    with _copy_beside(path) as copy:
        file = _open(copy)
        length_s = _length_s(file)
        _set_genre(file, copy, genre)
        tagged = _open(copy)
        if _genres(tagged) != (genre,) or _length_s(tagged) != length_s:
            raise TagError("the tag does not read back as written; the file is left as it was")
        with open(copy, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(copy, path)


def _set_genre(file: FileType, path: Path, genre: str) -> None:
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, ID3):
        file.tags.setall("TCON", [TCON(encoding=3, text=[genre])])
        file.save(path, v2_version=3 if file.tags.version[:2] == (2, 3) else 4)
        return
    file[_field(file)] = [genre]
    file.save(path)


def _genres(file: FileType) -> tuple[str, ...]:
    if file.tags is None:
        return ()
    if isinstance(file.tags, ID3):
        found = [genre for frame in file.tags.getall("TCON") for genre in frame.genres]
    else:
        found = [str(value) for value in file.tags.get(_field(file), [])]
    return tuple(genre for genre in found if genre.strip())


def _length_s(file: FileType) -> float:
    return float(getattr(file.info, "length", 0.0))


def _field(file: FileType) -> str:
    """Name of the genre's field in tags of this kind."""
    if isinstance(file, MP4):
        return "\xa9gen"
    if isinstance(file, ASF):
        return "WM/Genre"
    if any(kind.__name__ in _NAMED_FIELDS for kind in type(file.tags).__mro__):
        return "genre"
    raise TagError(f"{type(file).__name__} files hold no genre that is written here")


def _open(path: Path) -> FileType:
    file = File(path)
    if file is None:
        raise TagError("tags are written into MP3, FLAC, OGG, Opus, M4A, WMA, WAV and AIFF files only")
    if isinstance(file.tags, ID3) and file.tags.version[:2] in ((2, 3), (2, 4)):
        # Read again as it stands: mutagen would rewrite the older frames of an ID3v2.3 tag (year, people).
        file = type(file)(path, translate=False)
    return file


@contextmanager
def _copy_beside(path: Path) -> Iterator[Path]:
    """A copy in the same folder, gone at the end unless it was moved away."""
    mark = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}.genrelab-"
    for abandoned in path.parent.glob(f"{mark}*"):
        with suppress(FileNotFoundError):
            if time.time() - abandoned.stat().st_ctime > ABANDONED_S:
                abandoned.unlink()
    descriptor, name = tempfile.mkstemp(prefix=mark, suffix=path.suffix, dir=path.parent)
    os.close(descriptor)
    try:
        shutil.copyfile(path, name)
        shutil.copystat(path, name)
        with suppress(PermissionError):  # only root may give files away
            status = os.stat(path)
            os.chown(name, status.st_uid, status.st_gid)
        yield Path(name)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def _refuse_read_only(path: Path) -> None:
    # The copy could take its place all the same: whoever made it read-only did not want that.
    if not stat.S_IMODE(path.stat().st_mode) & 0o222 or not os.access(path, os.W_OK):
        raise TagError("the file is read-only; make it writable (chmod u+w) to tag it")


def _refuse_wrong_size(path: Path) -> None:
    """Where a WAV or AIFF header lies about the size, a tag would land in the middle of the sound."""
    with open(path, "rb") as file:
        kind, stated = file.read(4), file.read(4)
    order: dict[bytes, Literal["little", "big"]] = {b"RIFF": "little", b"FORM": "big"}
    if kind not in order:
        return
    said, size = int.from_bytes(stated, order[kind]) + 8, path.stat().st_size
    if said not in (size, size - 1):  # an odd last chunk may be padded
        raise TagError(
            f"the header says {said} bytes, the file has {size}: save it anew with an audio editor to tag it"
        )


@contextmanager
def _told_plainly(path: Path) -> Iterator[None]:
    try:
        yield
    except (MutagenError, struct.error, ValueError, LookupError) as error:  # the latter from tags that are damaged
        raise TagError(f"the tags of {path.name} cannot be handled: {error}; the file is left as it was") from None
    except OSError as error:
        raise TagError(f"the tag cannot be written: {error.strerror}; the file is left as it was") from None
