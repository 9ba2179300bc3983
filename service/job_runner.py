"""Runs jobs in this process, and looks after those that other processes have lost."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from datasets.errors import DatasetError
from features.errors import FeatureError
from models.errors import ModelError
from service.api.problems import INTERNAL, describe, kind_of
from service.errors import Cancelled, NotFound, ServiceError
from service.jobs import Job
from service.services import Services
from service.usecases import clips
from service.usecases import tracks as usecases
from service.usecases.labelling import due, training

BEAT_S = 1.0  # also: how soon a cancelled job hears of it
LEARN_S = 2.0  # how soon enough new labels are noticed
EXPIRE_S = 5.0
RECOVER_S = 10.0
TIDY_S = 600.0
JOIN_S = 5.0
STRANDED_AFTER = timedelta(minutes=30)  # longer than any request takes that answers at once
ORPHANED_AFTER = timedelta(hours=1)  # longer than any upload takes between its two last steps

log = structlog.stdlib.get_logger(__name__)


@dataclass(eq=False)
class Run:
    """A job that this process runs: the work writes `progress` and reads `ended`."""

    job: Job
    progress: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)  # cancelled, deleted, or taken by another process


def classify(run: Run, services: Services) -> dict[str, Any]:
    """Hear the recording that the job is about."""

    def progress(share: float) -> None:
        run.progress = share

    if run.job.track_id is None:
        raise NotFound("The recording was deleted.")
    return usecases.classify_track(run.job.track_id, services=services, progress=progress, cancelled=run.ended.is_set)


def learn(run: Run, services: Services) -> dict[str, Any]:
    """Train the model of the labelling project that the job is about."""

    def progress(share: float) -> None:
        run.progress = share

    if run.job.project_id is None:
        raise NotFound("This job names no labelling project.")
    return training.learn(run.job.project_id, services=services, progress=progress, cancelled=run.ended.is_set)


def generate(run: Run, services: Services) -> dict[str, Any]:
    """Make the clip that the job is about."""

    def progress(share: float) -> None:
        run.progress = share

    if run.job.clip_id is None:
        raise NotFound("The clip was deleted.")
    return clips.make_clip(run.job.clip_id, services=services, progress=progress, cancelled=run.ended.is_set)


KINDS: dict[str, Callable[[Run, Services], dict[str, Any]]] = {
    "classify": classify,
    due.LEARN: learn,
    clips.GENERATE: generate,
}


class JobRunner:
    """Runs jobs by their ids, from several threads, and tells the table that it does.

    A context manager: on leaving it, jobs that still run are given to another process.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._runs: set[Run] = set()
        self._changing = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=every, args=(seconds, act, self._stopping), name=act.__name__, daemon=True)
            for seconds, act in (
                (BEAT_S, self._beat),
                (LEARN_S, self._learn_where_due),
                (EXPIRE_S, services.label_queue.expire),
                (RECOVER_S, services.jobs.recover),
                (TIDY_S, self._tidy),
            )
        ]

    def __enter__(self) -> "JobRunner":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        for thread in self._threads:
            thread.join(JOIN_S)
        for run in self._running():  # its thread hangs, and ends with the process
            self._services.jobs.give_back(run.job)

    def check(self) -> None:
        """Raise RuntimeError where a thread has died without which jobs would be lost."""
        for thread in self._threads:
            if not thread.is_alive():
                raise RuntimeError(f"{thread.name} has died: its error stands above")

    def run(self, job_id: str) -> None:
        """Do a job, if it still waits to be done.

        Errors that were foreseen end the job; any other ends it as an internal one, and is raised. Of clips one is
        made at a time: while one is, others keep waiting and no thread waits for them.
        """
        if self._services.jobs.kind_of(job_id) != clips.GENERATE:
            self._run(job_id)
            return
        turn = self._services.generation.turn
        if not turn.acquire(blocking=False):
            return
        try:
            self._run(job_id)
        finally:
            turn.release()
            if (waiting := self._services.jobs.next_of_kind(clips.GENERATE)) is not None:
                self._services.jobs.queue.put(waiting)

    def _run(self, job_id: str) -> None:
        job = None if self._stopping.is_set() else self._services.jobs.claim(job_id)
        if job is None:
            return
        jobs = self._services.jobs
        with structlog.contextvars.bound_contextvars(job=job.id), self._kept_alive(job) as run:
            log.info("job started", kind=job.kind, start=job.start)
            started = time.monotonic()
            try:
                result = KINDS[job.kind](run, self._services)
            except Cancelled:
                outcome = "given back" if self._stopping.is_set() and jobs.give_back(job) else "cancelled"
            except (FeatureError, DatasetError, ModelError, ServiceError) as error:
                outcome = "failed" if jobs.fail(job, describe(error)) else "not wanted any more"
                log.info("job refused", error=type(error).__name__, detail=str(error))
            except BaseException as error:
                jobs.fail(job, _problem(error, job))
                raise
            else:
                outcome = "done" if jobs.finish(job, result) else "not wanted any more"
            log.info("job ended", outcome=outcome, duration_s=round(time.monotonic() - started, 2))

    def stop(self) -> None:
        """Start no more jobs, and end those that run at their next step; another process will do them."""
        self._stopping.set()
        for run in self._running():
            run.ended.set()

    @contextmanager
    def _kept_alive(self, job: Job) -> Iterator[Run]:
        run = Run(job)
        with self._changing:
            self._runs.add(run)
        if self._stopping.is_set():  # it came in between
            run.ended.set()
        try:
            yield run
        finally:
            with self._changing:
                self._runs.discard(run)

    def _running(self) -> list[Run]:
        with self._changing:
            return list(self._runs)

    def _beat(self) -> None:
        """Say that the jobs are alive that run here, and end those that nobody wants any more."""
        for run in self._running():
            if not self._services.jobs.beat(run.job, run.progress):
                run.ended.set()

    def _learn_where_due(self) -> None:
        due.submit_due(self._services)

    def _tidy(self) -> None:
        tidy(self._services)


def every(seconds: float, act: Callable[[], object], stopping: threading.Event) -> None:
    """Call `act` now and then again and again; where a disk is full or a server away, the next time may succeed."""
    while True:
        try:
            act()
        except (ServiceError, OSError) as error:
            log.warning("to be tried again", what=act.__name__, error=type(error).__name__, reason=str(error))
        if stopping.wait(seconds):
            return


def tidy(services: Services) -> None:
    """Remove what killed processes left behind, and what is too old; have answered what nobody is answering."""
    files = services.blobs.sweep()
    orphans = usecases.remove_orphans(services=services, older_than=ORPHANED_AFTER)
    stranded = services.tracks.stranded(since=STRANDED_AFTER)
    for track_id in stranded:
        services.jobs.submit("classify", track_id=track_id)
    forgotten = services.jobs.prune() + services.idempotency.prune() + clips.prune_clips(services=services)
    if files or orphans or stranded or forgotten:
        log.info("tidied", files=files, orphans=orphans, stranded=len(stranded), forgotten=forgotten)


def _problem(error: BaseException, job: Job) -> dict[str, Any]:
    problem = describe(error) | {"instance": f"urn:job:{job.id}"}
    if kind_of(error) is INTERNAL:
        problem["detail"] = "The details are in the server's log, under the id of this job. Please try again."
    return problem
