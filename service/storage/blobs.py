"""Uploaded content, in a local folder or wherever fsspec reaches (`s3://bucket/prefix`, `gs://…`).

A key is made from an id and names one content for ever. Content comes in through a file in a folder of its own,
which is hashed and counted while it is written, and takes its place by one rename when its last byte is on the disk:
a key that exists has its whole content. The process that writes such a file holds a lock on it, so that others can
tell what a killed process left behind.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

import fsspec
from fsspec.implementations.local import LocalFileSystem
from ulid import ULID

from service.errors import ConfigurationError, NotFound, PayloadTooLarge, StorageFull
from service.storage.ids import is_id, new_id

BLOCK_BYTES = 1 << 20
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
UNLOCKED_S = 10.0  # longest that a process needs to lock a file that it made
INCOMING = ".incoming"


class Readable(Protocol):
    """What an upload comes from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


@dataclass(frozen=True)
class Staged:
    """Content that has arrived and has no key yet.

    Attributes
    ----------
    path : Path
        Where it lies meanwhile.
    sha256 : str
        Of its bytes.
    size_bytes : int
        How many there are.
    """

    path: Path
    sha256: str
    size_bytes: int


class BlobStore:
    """Content by key.

    Parameters
    ----------
    url : str
        fsspec URL of the store's root.
    scratch : Path
        Local folder for what is on its way, where the store itself is not local.

    Raises
    ------
    ConfigurationError
        If no package for this kind of store is installed, or its folder cannot be made.
    """

    def __init__(self, url: str, *, scratch: Path) -> None:
        try:
            self._fs, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise ConfigurationError(f"GENRELAB_BLOB_URL: {error}") from error
        self._root = root.rstrip("/")
        self._local = Path(root) if isinstance(self._fs, LocalFileSystem) else None
        self._incoming = (self._local or scratch) / INCOMING
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"The folder {self._incoming} cannot be made: {error.strerror}.") from error

    @contextmanager
    def stage(self, stream: Readable, *, max_bytes: int) -> Iterator[Staged]:
        """Read a stream to its end into a local file, which is gone afterwards unless it was kept.

        Parameters
        ----------
        stream : Readable
            Read once, in blocks.
        max_bytes : int
            What is longer is refused while it arrives.

        Raises
        ------
        PayloadTooLarge
            If there are more than `max_bytes`.
        StorageFull
            If there is no room for it.
        """
        with self._scratch_file() as (path, file):
            yield _receive(stream, file, path, max_bytes)

    def keep(self, staged: Staged, key: str) -> None:
        """Give staged content its key; it survives the end of the process and of the power from here on.

        Raises
        ------
        StorageFull
            If there is no room for it.
        """
        with _room():
            if self._local is None:
                self._fs.put_file(str(staged.path), self._address(key))
                return
            target = self._local / key
            target.parent.mkdir(exist_ok=True)
            os.replace(staged.path, target)
            for folder in (target.parent, self._local):
                _sync_folder(folder)

    def open(self, key: str) -> BinaryIO:
        """The content, to read and to seek in.

        Raises
        ------
        NotFound
            If there is none of that key.
        """
        with _found(key):
            if self._local is not None:
                return open(self._local / key, "rb")
            return self._fs.open(self._address(key), "rb")

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """A local file with the content, for as long as the body runs; it must not be changed.

        Raises
        ------
        NotFound
            If there is none of that key.
        StorageFull
            If there is no room to fetch it.
        """
        if self._local is not None:
            path = self._local / key
            if not path.is_file():
                raise _missing(key)
            yield path
            return
        with self._scratch_file() as (path, file):
            with self.open(key) as content:
                shutil.copyfileobj(content, file, BLOCK_BYTES)
                file.flush()
            yield path

    def delete(self, key: str) -> None:
        """Take content away; what is not there is gone already."""
        with suppress(FileNotFoundError):
            self._fs.rm_file(self._address(key))

    def sweep(self) -> int:
        """Remove what killed processes left on its way; returns how many files."""
        removed = 0
        for path in self._incoming.iterdir():
            with suppress(FileNotFoundError):  # its process just finished
                removed += _remove_abandoned(path)
        return removed

    def keys(self, *, older_than: timedelta) -> Iterator[str]:
        """Keys that end in an id made longer ago than `older_than`."""
        latest = datetime.now(UTC) - older_than
        for address in self._fs.find(self._root):
            key = address.removeprefix(f"{self._root}/")
            name = key.rpartition("/")[2]
            if is_id(name) and not key.startswith(INCOMING) and ULID.from_str(name).datetime < latest:
                yield key

    @contextmanager
    def _scratch_file(self) -> Iterator[tuple[Path, BinaryIO]]:
        """A new file that is locked while it is in use, and gone afterwards."""
        path = self._incoming / new_id()
        with _room(), open(path, "xb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield path, file
            finally:
                path.unlink(missing_ok=True)

    def _address(self, key: str) -> str:
        return f"{self._root}/{key}"


def _receive(stream: Readable, file: BinaryIO, path: Path, max_bytes: int) -> Staged:
    digest, size = hashlib.sha256(), 0
    while block := stream.read(BLOCK_BYTES):
        size += len(block)
        if size > max_bytes:
            raise PayloadTooLarge(f"This upload is over the limit of {max_bytes / 2**20:g} MB.")
        digest.update(block)
        file.write(block)
    file.flush()
    os.fsync(file.fileno())
    return Staged(path=path, sha256=digest.hexdigest(), size_bytes=size)


def _remove_abandoned(path: Path) -> bool:
    if time.time() - path.stat().st_mtime < UNLOCKED_S:
        return False
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        path.unlink()
    return True


def _sync_folder(folder: Path) -> None:
    """A rename is on the disk when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise StorageFull("The server's disk is full. Please tell whoever runs it; nothing was kept.") from error


@contextmanager
def _found(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise _missing(key) from error


def _missing(key: str) -> NotFound:
    return NotFound(f"The content of {key.rpartition('/')[2]} is not in the store any more.")
