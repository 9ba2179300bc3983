"""The queue that wakes workers: it carries ids of jobs and nothing else.

What is true of a job stands in the jobs table, so that a message may get lost or come twice: a lost one is put in
again by the next look after the jobs, and a second one finds nothing to do.
"""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from huey import Huey, RedisHuey, SqliteHuey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer

from service.errors import ConfigurationError, TooBusy

NAME = "genrelab"
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")
RETRY_AFTER_S = 5.0
LONGEST_PAUSE_S = 0.5  # between two looks at an empty queue


class JsonSerializer(Serializer):
    """Messages as JSON: whoever can write to the queue cannot make a worker run code."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(data).encode()

    def _deserialize(self, data: bytes) -> Any:
        return Message(*json.loads(data))


class JobQueue:
    """Ids of jobs that wait.

    Parameters
    ----------
    url : str
        `redis://…`; a file in `folder` when empty.
    folder : Path
        Folder of that file.

    Raises
    ------
    ConfigurationError
        If the URL is no Redis URL, the package for it is missing, or the file cannot be opened.
    """

    def __init__(self, url: str, *, folder: Path) -> None:
        self._file = folder / "queue.db"
        self._run: Callable[[str], None] | None = None
        if url and not url.startswith(REDIS_SCHEMES):
            raise ConfigurationError(f"GENRELAB_QUEUE_URL: expected one of {', '.join(REDIS_SCHEMES)}")
        try:
            self._errors = _errors(url)
            self._huey = _huey(url, self._file)
            self._task = self._huey.task(name="run")(self._execute)
        except ImportError as error:
            raise ConfigurationError("GENRELAB_QUEUE_URL: jobs through Redis need `pip install redis`.") from error
        except sqlite3.Error as error:
            raise ConfigurationError(f"The queue {self._file} cannot be opened: {error}.") from error
        except ValueError as error:
            raise ConfigurationError(f"GENRELAB_QUEUE_URL: {error}") from error

    def put(self, job_id: str) -> None:
        """Wake a worker for this job. Where the queue cannot be written, the job waits for the next look."""
        task = self._task.s(job_id)
        task.id = job_id  # huey's own messages name it
        try:
            self._huey.enqueue(task)
        except self._errors as error:
            structlog.stdlib.get_logger(__name__).warning("not queued yet", job=job_id, reason=str(error))

    def waiting(self) -> set[str]:
        """The jobs that no worker has taken out yet.

        Raises
        ------
        TooBusy
            If the queue cannot be read at the moment.
        """
        try:
            return {task.args[0] for task in self._huey.pending()}
        except self._errors as error:
            raise TooBusy(f"The queue cannot be read: {error}", retry_after_s=RETRY_AFTER_S) from error

    def consumer(self, run: Callable[[str], None], *, workers: int, patience_s: float) -> Consumer:
        """Threads that take ids out and call `run` with them, once started.

        Parameters
        ----------
        run : callable
            Does the job of an id.
        workers : int
            How many jobs at a time.
        patience_s : float
            How long its `stop(graceful=True)` waits for them.
        """
        self._run = run
        return self._huey.create_consumer(
            workers=workers,
            periodic=False,
            initial_delay=LONGEST_PAUSE_S / 5,
            max_delay=LONGEST_PAUSE_S,
            shutdown_timeout=patience_s,
        )

    def close(self) -> None:
        """Close this thread's connection."""
        self._huey.storage.close()

    def _execute(self, job_id: str) -> None:
        if self._run is None:
            raise RuntimeError("this process takes nothing out of the queue")
        self._run(job_id)


def _huey(url: str, file: Path) -> Huey:
    options = {"results": False, "serializer": JsonSerializer()}
    return RedisHuey(NAME, url=url, **options) if url else SqliteHuey(NAME, filename=str(file), **options)


def _errors(url: str) -> tuple[type[Exception], ...]:
    """What reading and writing the queue may raise."""
    if not url:
        return (sqlite3.Error,)
    from redis.exceptions import RedisError

    return (RedisError,)
