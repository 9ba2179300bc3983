"""What has been classified already, kept as it comes, so that a stopped run goes on where it was.

An answer belongs to the content of a file (SHA-256) and to a model; where a file lies, its size and
its time of change say which content it had when it was last read. A library that is moved or renamed is
read again but not computed again. Everything is in one SQLite file in write-ahead mode: what `put` has
returned from survives a kill of the process.
"""

import json
import logging
import os
import sqlite3
import threading
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

ANSWER_VERSION = 1  # raise it when the same model would answer otherwise
KEPT_DAYS = 365  # an older answer is forgotten

logger = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, changed_ns INTEGER NOT NULL, sha256 TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    sha256 TEXT NOT NULL, model TEXT NOT NULL, answer BLOB NOT NULL, made_at REAL NOT NULL,
    PRIMARY KEY (sha256, model)
);
"""


class JournalUnusable(OSError):
    """The journal's file cannot be opened."""


@dataclass(frozen=True)
class FileState:
    """Which content a path had: it is the same as long as size and time of change are."""

    path: Path
    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """State of a file now.

        Raises
        ------
        OSError
            If it is not there.
        """
        status = os.stat(path)
        return cls(Path(os.path.abspath(path)), status.st_size, status.st_mtime_ns)


class Journal:
    """Answers of earlier runs; safe for several threads and for several processes.

    Parameters
    ----------
    path : Path
        The SQLite file, made with its folder where it is missing. One that is damaged is put aside
        as `<name>.damaged` and started anew.

    Raises
    ------
    JournalUnusable
        If the file cannot be made or opened: a folder without permission, a full disk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._failed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Neither a switch to write-ahead mode nor putting a file aside waits for others by itself.
            with FileLock(path.with_name(f"{path.name}.lock")):
                self._database = self._open_or_replace()
        except (OSError, sqlite3.OperationalError) as error:
            raise JournalUnusable(f"{path}: {getattr(error, 'strerror', None) or error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._database.close()

    def sha256_of(self, state: FileState) -> str | None:
        """Hash of the content of a file that has not changed since it was last read; None for any other."""
        row = self._row(
            "SELECT sha256 FROM files WHERE path = ? AND size = ? AND changed_ns = ?",
            os.fsencode(state.path),
            state.size,
            state.changed_ns,
        )
        return None if row is None else str(row[0])

    def has(self, sha256: str, model: str) -> bool:
        """Whether this content was classified by this model."""
        return self._row("SELECT 1 FROM answers WHERE sha256 = ? AND model = ?", sha256, _version(model)) is not None

    def get(self, sha256: str, model: str) -> dict[str, Any] | None:
        """The answer about a content, as it was put; None where there is none."""
        row = self._row("SELECT answer FROM answers WHERE sha256 = ? AND model = ?", sha256, _version(model))
        return None if row is None else json.loads(zlib.decompress(row[0]))

    def put(self, state: FileState, sha256: str, model: str, answer: dict[str, Any] | None = None) -> bool:
        """Keep which content a file has, and the answer about it.

        Returns
        -------
        bool
            False where it could not be written (a full disk): the work goes on, the first time is logged.
        """
        try:
            with self._lock, self._database:
                self._database.execute(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)",
                    (os.fsencode(state.path), state.size, state.changed_ns, sha256),
                )
                if answer is not None:
                    packed = zlib.compress(json.dumps(answer, allow_nan=False).encode(), level=6)
                    self._database.execute(
                        "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)",
                        (sha256, _version(model), packed, time.time()),
                    )
        except sqlite3.Error as error:
            if not self._failed:
                logger.warning("answers are not kept, a stopped run would start again: %s: %s", self.path, error)
            self._failed = True
            return False
        return True

    def _row(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        try:
            with self._lock:
                return self._database.execute(query, values).fetchone()
        except sqlite3.Error as error:  # an answer that cannot be read is computed again
            logger.warning("an earlier answer cannot be read: %s: %s", self.path, error)
            return None

    def _open_or_replace(self) -> sqlite3.Connection:
        try:
            return self._open()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            os.replace(self.path, self.path.with_name(f"{self.path.name}.damaged"))
            for ending in ("-wal", "-shm"):  # they would be applied to the new file
                self.path.with_name(f"{self.path.name}{ending}").unlink(missing_ok=True)
            return self._open()

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=30.0, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.executescript(_SCHEMA)
            with database:
                database.execute("DELETE FROM answers WHERE made_at < ?", (time.time() - KEPT_DAYS * 86400,))
        except sqlite3.Error:
            database.close()
            raise
        return database


def _version(model: str) -> str:
    return f"{model}/{ANSWER_VERSION}"
