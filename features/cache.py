"""Cache of computed arrays on disk, shared by processes and bounded in size.

An entry is one .npz file without pickle, named by its key. It is written under another name and then renamed, so
that a reader finds all of it or nothing; reading it sets its modification time, and the entries that were not
read for longest are removed first. The cache is never needed: what is damaged is a miss, and what cannot be
written is not.
"""

import contextlib
import hashlib
import os
import re
import tempfile
import time
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from features.errors import FeatureError, UnreadableFile
from features.npz import DamagedArchive, read_npz

SUFFIX = ".npz"
UNFINISHED = ".part"
UNFINISHED_S = 3600.0  # an unfinished file that is older belongs to a process that died
KEEP_SHARE = 0.9  # of the limit is kept when entries are removed, so that not every write removes one
LOCK_S = 10.0
RESERVED = ("file", "allow_pickle")  # parameters of numpy.savez


class FeatureCache:
    """Arrays by key, in a folder that several processes may use at once.

    Parameters
    ----------
    folder : Path
        Where the entries lie; made when the first is written.
    max_bytes : int
        Limit of the sum of the entries, above 0. What is written passes it until the writer has made room.

    Raises
    ------
    FeatureError
        If `max_bytes` is not positive.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        if max_bytes < 1:
            raise FeatureError(f"max_bytes={max_bytes}: expected 1 or more")
        self._folder = Path(folder)
        self._max_bytes = max_bytes

    def get(self, key: str) -> dict[str, np.ndarray] | None:
        """The arrays of an entry; None where there is none. A damaged entry is removed."""
        path = self._path(key)
        try:
            arrays = read_npz(path)
        except FileNotFoundError:
            return None
        except (DamagedArchive, OSError):
            _remove(path)
            return None
        with contextlib.suppress(OSError):  # removed meanwhile, or a folder that may only be read
            os.utime(path)
        return arrays

    def put(self, key: str, arrays: dict[str, np.ndarray]) -> bool:
        """Store arrays under a key, over what was there; False where that did not work or they do not fit.

        Raises
        ------
        FeatureError
            If an array holds Python objects or has an unusable name, or the key is not of `content_key`'s kind.
        """
        path = self._path(key)
        for name, array in arrays.items():
            if not name.isidentifier() or name in RESERVED:
                raise FeatureError(f"{name!r} cannot name an array: expected a word like 'taggram'")
            if array.dtype.hasobject:
                raise FeatureError(f"{name!r} holds Python objects: only plain arrays are cached")
        if sum(array.nbytes for array in arrays.values()) > self._max_bytes:
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(path, arrays)
            self._make_room()
        except OSError:  # a full disk, a folder that may not be written
            return False
        return True

    def size_bytes(self) -> int:
        """Sum of the entries' sizes."""
        return sum(size for _, size, _ in self._entries())

    def clear(self) -> None:
        """Remove every entry."""
        for _, _, path in self._entries():
            _remove(path)

    def _path(self, key: str) -> Path:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", key):
            raise FeatureError(f"{key!r} is no cache key: expected letters, digits, - and _ (see content_key)")
        return self._folder / f"{key}{SUFFIX}"

    def _write(self, path: Path, arrays: dict[str, np.ndarray]) -> None:
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
            os.replace(name, path)
        finally:
            _remove(Path(name))

    def _make_room(self) -> None:
        """Remove what was not read for longest while there is too much; one process at a time."""
        if self.size_bytes() <= self._max_bytes:
            return
        with contextlib.suppress(Timeout), FileLock(self._folder / ".lock", timeout=LOCK_S):
            entries = sorted(self._entries())
            size = sum(size for _, size, _ in entries)
            for _, entry_size, path in entries:
                if size <= KEEP_SHARE * self._max_bytes:
                    return
                _remove(path)
                size -= entry_size

    def _entries(self) -> list[tuple[float, int, Path]]:
        """Time of the last use, size and path of each entry, with what dead processes left unfinished."""
        entries = []
        with contextlib.suppress(OSError):  # no such folder: no entries
            for path in self._folder.iterdir():
                try:
                    stat = path.stat()
                except OSError:  # removed meanwhile
                    continue
                if path.suffix == SUFFIX:
                    entries.append((stat.st_mtime, stat.st_size, path))
                elif path.suffix == UNFINISHED and time.time() - stat.st_mtime > UNFINISHED_S:
                    _remove(path)
        return entries


def content_key(source: str | os.PathLike[str] | bytes, *settings: str) -> str:
    """Key of what is computed from a recording's content with some settings.

    Parameters
    ----------
    source : path or bytes
        The recording: its bytes count, not its name.
    *settings : str
        Whatever else the result depends on: names of models, versions, numbers.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    UnreadableFile
        If the path cannot be read.
    """
    content = hashlib.sha256(source).hexdigest() if isinstance(source, bytes) else sha256_of(source)
    # lengths keep ("ab", "c") apart from ("a", "bc")
    parts = "".join(f"{len(part)}:{part}" for part in (content, *settings))
    return hashlib.sha256(parts.encode()).hexdigest()


def sha256_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes in hexadecimal. Raises UnreadableFile where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFile(
            f"{os.fspath(path)} cannot be read ({error.strerror}): check the path and its rights"
        ) from error
    except ValueError as error:  # a zero byte, or half a character
        raise UnreadableFile(f"{os.fspath(path)!r} cannot be read: no file has such a name") from error


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
