"""Classify a library of recordings: skip what is done, keep every core busy, answer in the order asked.

One recording that cannot be used never stops the rest. Each answer is in the journal before it is given
on, so that a run that was stopped, or killed, goes on where it was.
"""

import logging
import os
import stat
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from features.cache import sha256_of
from features.errors import AudioError, UnreadableFile
from models.errors import ModelError
from service.errors import ConfigurationError, ServiceError
from service.usecases.find_recordings import Found
from service.usecases.journal import FileState, Journal

logger = logging.getLogger(__name__)

Progress = Callable[[int, float], None]  # number of the recording, share of it that is done (0 to 1)


class ClassifyingEngine(Protocol):
    """What is needed of `service.engine.Engine`."""

    def classify(
        self,
        path: Path,
        *,
        sha256: str | None = None,
        progress: Callable[[float], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Any:
        """Name the genre of a file: something with a `classification`."""
        ...

    def close(self) -> None:
        """Give up what is under way. Safe to call twice."""
        ...


@dataclass(frozen=True)
class FileAnswer:
    """What was heard in a file, and which state of the file that was."""

    state: FileState
    sha256: str
    answer: dict[str, Any]
    computed: bool = True


@dataclass(frozen=True)
class Outcome:
    """How recording number `index` ended: with an answer or with an error."""

    index: int
    result: FileAnswer | BaseException


@dataclass(frozen=True)
class LibraryResult:
    """One recording: its answer (keys of the HTTP contract), or why there is none.

    `computed` is False where the answer comes from an earlier run.
    """

    path: Path
    answer: dict[str, Any] | None = None
    error: BaseException | None = None
    computed: bool = False


_CALLERS_KEYS = ("track", "path", "sha256")  # of an answer: they tell where it is from, not what was heard

Runner = Callable[[Iterable[tuple[int, Path]], Progress], Generator[Outcome, None, None]]


def classify_library(
    found: Sequence[Found],
    *,
    known: dict[int, str],
    model: str,
    run: Runner,
    journal: Journal | None,
    progress: Progress,
) -> Generator[LibraryResult, None, None]:
    """Classify recordings, in order.

    Parameters
    ----------
    found : sequence of Found
        The recordings (`find_recordings`).
    known : dict
        Hash of those that the journal answers, by number (`known_answers`); {} to compute all of them.
    model : str
        Name of the model, which belongs to every answer in the journal.
    run : Runner
        Where the work is done: `local_runner`, or `service.usecases.ray_engine.ray_runner`.
    journal : Journal, optional
        Answers of earlier runs.
    progress : callable
        Called from several threads with the number of a recording and the share of it that is done.

    Yields
    ------
    LibraryResult
        One for each of `found`.

    Raises
    ------
    ModelError, ServiceError
        If nothing can be classified at all, such as without the backbone weights or decoding processes.
    """
    todo = ((index, item.path) for index, item in enumerate(found) if item.error is None and index not in known)
    early: dict[int, Outcome] = {}  # finished before their turn: at most what is done while one recording is decoded
    with closing(run(todo, progress)) as outcomes:
        for index, item in enumerate(found):
            if item.error is not None:
                yield LibraryResult(item.path, error=item.error)
                continue
            if index in known and journal is not None:
                if (earlier := journal.get(known[index], model)) is not None:
                    yield LibraryResult(item.path, answer=_answer(item.path, known[index], earlier))
                    continue
                with closing(run([(index, item.path)], progress)) as again:  # it went since it was looked up
                    early[index] = next(again)
            while index not in early:
                outcome = next(outcomes)
                early[outcome.index] = outcome
            yield _result(item.path, early.pop(index).result)


def known_answers(found: Sequence[Found], *, journal: Journal, model: str) -> dict[int, str]:
    """Hash of each recording that was classified before and has not changed since, by its number."""
    known = {}
    for index, item in enumerate(found):
        if item.error is not None:
            continue
        try:
            sha256 = journal.sha256_of(FileState.of(item.path))
        except OSError:
            continue  # whoever reads it says what is wrong
        if sha256 is not None and journal.has(sha256, model):
            known[index] = sha256
    return known


def local_runner(
    engine: ClassifyingEngine, *, model: str, journal: Journal | None, threads: int, fresh: bool = False
) -> Runner:
    """Classify on this machine: `threads` recordings at a time go through one engine.

    The engine decodes in processes of its own, so these threads mostly wait, and its network takes
    the cores that decoding leaves. A run that is stopped half-way closes the engine.
    """

    def run(todo: Iterable[tuple[int, Path]], progress: Progress) -> Generator[Outcome, None, None]:
        stop = threading.Event()
        todo = iter(todo)
        pending: dict[Future[FileAnswer], int] = {}

        def submit_next() -> None:
            for index, path in todo:
                future = pool.submit(
                    classify_file,
                    path,
                    engine=engine,
                    model=model,
                    journal=journal,
                    fresh=fresh,
                    progress=partial(progress, index),
                    cancelled=stop.is_set,
                )
                pending[future] = index
                return

        with ThreadPoolExecutor(threads, thread_name_prefix="classify") as pool:
            try:
                for _ in range(threads):
                    submit_next()
                while pending:
                    finished, _ = wait(pending, return_when=FIRST_COMPLETED)
                    for future in finished:
                        index = pending.pop(future)
                        submit_next()
                        yield Outcome(index, future.exception() or future.result())
            finally:
                stop.set()
                for future in pending:
                    future.cancel()
                if pending:
                    engine.close()  # else a thread might wait for a decoding process to start

    return run


def classify_file(
    path: Path,
    *,
    engine: ClassifyingEngine,
    model: str,
    journal: Journal | None = None,
    fresh: bool = False,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> FileAnswer:
    """Classify one file, unless the journal knows its content; the journal has the answer afterwards.

    Raises
    ------
    AudioError
        If the recording cannot be used.
    Cancelled
        If `cancelled` said so.
    """
    state, sha256 = _read(path)
    if journal is not None and not fresh and (earlier := journal.get(sha256, model)) is not None:
        journal.put(state, sha256, model)
        return FileAnswer(state, sha256, earlier, computed=False)
    heard = engine.classify(path, sha256=sha256, progress=progress, cancelled=cancelled)
    answer = FileAnswer(state, sha256, heard.classification.to_dict())
    if journal is not None and FileState.of(path) == state:  # else it changed while it was read
        journal.put(state, sha256, model, answer.answer)
    return answer


def remember_changed_tags(result: LibraryResult, *, model: str, journal: Journal) -> None:
    """Keep an answer for a file whose tags were written: its content is another now, its sound is not."""
    assert result.answer is not None
    answer = {name: value for name, value in result.answer.items() if name not in _CALLERS_KEYS}
    state, sha256 = _read(result.path)
    journal.put(state, sha256, model, answer)


def _read(path: Path) -> tuple[FileState, str]:
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise UnreadableFile("this is a folder; its recordings are found when it can be searched")
        if not stat.S_ISREG(mode):
            raise UnreadableFile("this is no regular file")
        return FileState.of(path), sha256_of(path)
    except OSError as error:
        raise UnreadableFile(f"the file cannot be read: {error.strerror}") from None


def _result(path: Path, result: FileAnswer | BaseException) -> LibraryResult:
    if isinstance(result, FileAnswer):
        return LibraryResult(path, answer=_answer(path, result.sha256, result.answer), computed=result.computed)
    if isinstance(result, ModelError | ServiceError):
        raise result
    if not isinstance(result, AudioError | OSError):
        from features.isolation import WorkerStartError  # with all that decodes: not wanted where all is known

        if isinstance(result, WorkerStartError):
            raise ConfigurationError(str(result))
        logger.error("%s: this is a fault of Genrelab, not of the file", path, exc_info=result)
    return LibraryResult(path, error=result)


def _answer(path: Path, sha256: str, answer: dict[str, Any]) -> dict[str, Any]:
    return dict(zip(_CALLERS_KEYS, (None, os.fspath(path), sha256), strict=True)) | answer
