"""Jobs: long pieces of work that outlive the request, the connection and the process.

The jobs table is the truth; the queue only wakes workers. Every change of state is one statement that names the
state it starts from, so that of two who want to change a job, one does. Whoever runs a job says every few seconds
that it still does; a job whose runner has fallen silent is given to another one, and what the silent one does
afterwards changes nothing, for each start of a job has a number.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Update, delete, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.errors import NotFound
from service.job_queue import JobQueue
from service.storage.clip_tables import ClipRow
from service.storage.clips import NewClip, change_clip, insert_clip
from service.storage.database import Database, affected
from service.storage.ids import check_cursor, is_id, new_id
from service.storage.pages import Page, iso, utc_now
from service.storage.projects import hold_project
from service.storage.tables import ClassificationRow, JobRow, TrackRow
from service.storage.tracks import change, hold

UNFINISHED = ("queued", "running")
FINISHED = ("done", "failed", "cancelled")
MAX_LOSSES = 3
LOST_AFTER = timedelta(seconds=30)  # without a heartbeat
UNQUEUED_AFTER = timedelta(seconds=10)  # from the commit of a job until its id must be in the queue
KEPT_FOR = timedelta(days=30)
GAVE_UP = {
    "type": "about:blank",
    "title": "The work could not be finished",
    "status": 500,
    "detail": f"The process that did it ended in the middle, {MAX_LOSSES} times. The server's log says more.",
}

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Job:
    """A long piece of work.

    Attributes
    ----------
    state : str
        "queued", "running", "done", "failed" or "cancelled".
    progress : float
        Share that is done, 0 to 1.
    start : int
        Number of its latest start.
    losses : int
        How often its runner fell silent.
    result, problem : dict or None
        What came of it; the result is left out of lists.
    """

    id: str
    kind: str
    state: str
    progress: float
    start: int
    losses: int
    track_id: str | None
    project_id: str | None
    clip_id: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None
    problem: dict[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the HTTP contract."""
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "progress": self.progress,
            "created_at": iso(self.created_at),
            "started_at": iso(self.started_at),
            "finished_at": iso(self.finished_at),
            "track": self.track_id,
            "project": self.project_id,
            "clip": self.clip_id,
            "result": self.result,
            "problem": self.problem,
        }


class JobStore:
    """The jobs of a database, and the queue that wakes workers for them."""

    def __init__(self, database: Database, queue: JobQueue) -> None:
        self.queue = queue
        self._database = database

    def submit(self, kind: str, *, track_id: str) -> Job:
        """Have work done about a track; work of this kind that waits already is not doubled.

        Raises
        ------
        NotFound
            If there is no such track.
        """
        with self._database.writing() as session:
            hold(session, track_id)
            row, new = _waiting_or_new(session, kind, JobRow.track_id, track_id)
            if new:
                change(session, track_id, state="queued", job_id=row.id, problem=None)
        if new:
            self.queue.put(row.id)
        return _job(row)

    def submit_for_project(self, kind: str, *, project_id: str) -> Job:
        """Have work done for a labelling project; work of this kind that waits already is not doubled.

        Raises
        ------
        NotFound
            If there is no such project.
        """
        with self._database.writing() as session:
            hold_project(session, project_id)
            row, new = _waiting_or_new(session, kind, JobRow.project_id, project_id)
        if new:
            self.queue.put(row.id)
        return _job(row)

    def submit_clip(self, kind: str, clip: NewClip, *, most_waiting: int) -> Job:
        """Have a new clip made: the clip and the job about it come true together, or neither.

        Raises
        ------
        TooBusy
            If `most_waiting` clips wait already.
        """
        with self._database.writing() as session:
            row = _new(session, kind, JobRow.clip_id, clip.id)
            insert_clip(session, clip, job_id=row.id, most_waiting=most_waiting)
        self.queue.put(row.id)
        return _job(row)

    def kind_of(self, job_id: str) -> str | None:
        """Kind of a job; None where there is none of that id."""
        with self._database.reading() as session:
            return session.scalar(select(JobRow.kind).where(JobRow.id == job_id))

    def next_of_kind(self, kind: str) -> str | None:
        """Id of the job of this kind that waits longest, or None."""
        query = select(JobRow.id).where(JobRow.kind == kind, JobRow.state == "queued").order_by(JobRow.id).limit(1)
        with self._database.reading() as session:
            return session.scalar(query)

    def latest_of_project(self, project_id: str) -> Job | None:
        """The job of a labelling project that was made last, or None."""
        query = select(JobRow).where(JobRow.project_id == project_id).order_by(JobRow.id.desc()).limit(1)
        with self._database.reading() as session:
            row = session.scalars(query).one_or_none()
        return None if row is None else _job(row)

    def get(self, job_id: str) -> Job:
        """A job with its result.

        Raises
        ------
        NotFound
            If there is none of that id.
        """
        with self._database.reading() as session:
            return _job(_row(session, job_id), with_result=True)

    def list(self, *, cursor: str | None = None, limit: int = 50, state: str | None = None) -> Page[Job]:
        """Jobs, newest first, without their results.

        Parameters
        ----------
        cursor : str, optional
            `next_cursor` of the page before.
        limit : int
            Length of the page, at least 1.
        state : str, optional
            Only jobs in this state.

        Raises
        ------
        NotFound
            If no list gave that cursor.
        """
        query = select(JobRow).order_by(JobRow.id.desc()).limit(limit + 1)
        if check_cursor(cursor):
            query = query.where(JobRow.id < cursor)
        if state:
            query = query.where(JobRow.state == state)
        with self._database.reading() as session:
            items = [_job(row) for row in session.scalars(query)]
        return Page(items[:limit], items[limit - 1].id if len(items) > limit else None)

    def counts(self) -> Mapping[tuple[str, str], int]:
        """How many jobs there are of each kind and state."""
        query = select(JobRow.kind, JobRow.state, func.count()).group_by(JobRow.kind, JobRow.state)
        with self._database.reading() as session:
            return {(kind, state): count for kind, state, count in session.execute(query)}

    def cancel(self, job_id: str) -> Job:
        """Cancel a job; whoever runs it stops within a second or two. A job that has ended stays as it is.

        Raises
        ------
        NotFound
            If there is none of that id.
        """
        with self._database.writing() as session:
            change_subject = _hold_subject(session, _row(session, job_id).id)
            end = update(JobRow).where(JobRow.id == job_id, JobRow.state.in_(UNFINISHED))
            if affected(session, end.values(state="cancelled", finished_at=utc_now())):
                change_subject(state="done" if _is_answered(session, job_id) else "cancelled")
            return _job(_row(session, job_id), with_result=True)

    def claim(self, job_id: str) -> Job | None:
        """Take a waiting job to run it; None where it does not wait any more.

        What is returned is this start of the job: `beat`, `finish`, `fail` and `give_back` take it, and change
        nothing when the job has been cancelled or started again since.
        """
        now = utc_now()
        claim = update(JobRow).where(JobRow.id == job_id, JobRow.state == "queued")
        running = {"state": "running", "progress": 0.0, "starts": JobRow.starts + 1}
        with self._database.writing() as session:
            if not affected(session, claim.values(**running, started_at=now, heartbeat_at=now)):
                return None
            return _job(_row(session, job_id))

    def beat(self, job: Job, progress: float) -> bool:
        """Say that this is still being run, and how far it is; False where nobody wants it any more."""
        with self._database.writing() as session:
            return affected(session, _this_start(job).values(heartbeat_at=utc_now(), progress=progress)) > 0

    def finish(self, job: Job, result: dict[str, Any]) -> bool:
        """Keep the result; False where nobody wants it any more."""
        done = {"state": "done", "progress": 1.0, "finished_at": utc_now(), "result": result}
        with self._database.writing() as session:
            return affected(session, _this_start(job).values(done)) > 0

    def fail(self, job: Job, problem: dict[str, Any]) -> bool:
        """Keep why it failed, and show it at what it is about; False where nobody wants to know any more."""
        with self._database.writing() as session:
            return _fail(session, job, problem)

    def give_back(self, job: Job) -> bool:
        """Let another worker start it again; False where nobody wants it any more."""
        with self._database.writing() as session:
            given = _requeue(session, job)
        if given:
            self.queue.put(job.id)
        return given

    def recover(self) -> int:
        """Put in the queue again what was lost: by a runner that fell silent, or on the way into the queue.

        A job whose runners fell silent `MAX_LOSSES` times fails instead.

        Returns
        -------
        int
            How many jobs were put in the queue.

        Raises
        ------
        TooBusy
            If the queue or the database cannot be asked at the moment.
        """
        for job in self._silent():
            log.warning("the runner of a job fell silent", job=job.id, losses=job.losses + 1)
            with self._database.writing() as session:
                if job.losses + 1 >= MAX_LOSSES:
                    _fail(session, job, GAVE_UP, _is_silent())
                else:
                    _requeue(session, job, _is_silent(), losses=job.losses + 1)
        present = self.queue.waiting()
        missing = [job_id for job_id in self._queued() if job_id not in present]
        for job_id in missing:
            self.queue.put(job_id)
        return len(missing)

    def prune(self) -> int:
        """Forget jobs that ended a month ago; returns how many."""
        old = delete(JobRow).where(JobRow.state.in_(FINISHED), JobRow.finished_at < utc_now() - KEPT_FOR)
        with self._database.writing() as session:
            return affected(session, old)

    def _silent(self) -> Sequence[Job]:
        with self._database.reading() as session:
            rows = session.scalars(select(JobRow).where(JobRow.state == "running", _is_silent()).order_by(JobRow.id))
            return [_job(row) for row in rows]

    def _queued(self) -> Sequence[str]:
        """Ids that must be in the queue by now, oldest first."""
        due = utc_now() - UNQUEUED_AFTER
        query = select(JobRow.id).where(JobRow.state == "queued", JobRow.queued_at < due).order_by(JobRow.id)
        with self._database.reading() as session:
            return session.scalars(query).all()


def _waiting_or_new(
    session: Session, kind: str, subject: InstrumentedAttribute[str | None], subject_id: str
) -> tuple[JobRow, bool]:
    """The job of this kind about a subject that is not finished, or a new one; the subject is held by the caller."""
    same = select(JobRow).where(subject == subject_id, JobRow.kind == kind, JobRow.state.in_(UNFINISHED))
    present = session.scalars(same.order_by(JobRow.id)).first()
    return (_new(session, kind, subject, subject_id), True) if present is None else (present, False)


def _new(session: Session, kind: str, subject: InstrumentedAttribute[str | None], subject_id: str) -> JobRow:
    now = utc_now()
    row = JobRow(
        id=new_id(), kind=kind, state="queued", progress=0.0, starts=0, losses=0, created_at=now, queued_at=now
    )
    setattr(row, subject.key, subject_id)
    session.add(row)
    session.flush()
    return row


def _fail(session: Session, job: Job, problem: dict[str, Any], *conditions: ColumnElement[bool]) -> bool:
    change_subject = _hold_subject(session, job.id)
    failed = {"state": "failed", "finished_at": utc_now(), "problem": problem}
    if not affected(session, _this_start(job).where(*conditions).values(failed)):
        return False
    change_subject(state="failed", problem=problem)
    return True


def _requeue(session: Session, job: Job, *conditions: ColumnElement[bool], **changes: Any) -> bool:
    change_subject = _hold_subject(session, job.id)
    queued = {"state": "queued", "progress": 0.0, "queued_at": utc_now(), **changes}
    if not affected(session, _this_start(job).where(*conditions).values(queued)):
        return False
    change_subject(state="queued")
    return True


def _this_start(job: Job) -> Update:
    return update(JobRow).where(JobRow.id == job.id, JobRow.starts == job.start, JobRow.state == "running")


def _is_silent() -> ColumnElement[bool]:
    return JobRow.heartbeat_at < utc_now() - LOST_AFTER


def _hold_subject(session: Session, job_id: str) -> Callable[..., None]:
    """Hold the track or clip that a job is about, as `hold` and `hold_clip` do; returns what changes its columns.

    What is returned does nothing where there is neither: a project does not show the state of its jobs.
    """
    tracks = select(TrackRow.id).join(JobRow, JobRow.track_id == TrackRow.id).where(JobRow.id == job_id)
    if track_id := session.scalar(tracks.with_for_update(of=TrackRow)):
        return partial(change, session, track_id)
    clips = select(ClipRow.id).join(JobRow, JobRow.clip_id == ClipRow.id).where(JobRow.id == job_id)
    if clip_id := session.scalar(clips.with_for_update(of=ClipRow)):
        return partial(change_clip, session, clip_id)
    return lambda **_: None


def _is_answered(session: Session, job_id: str) -> bool:
    """Whether a job is about a track that has an answer already."""
    answers = select(ClassificationRow.id).join(JobRow, JobRow.track_id == ClassificationRow.track_id)
    return session.scalar(answers.where(JobRow.id == job_id).limit(1)) is not None


def _row(session: Session, job_id: str) -> JobRow:
    row = session.get(JobRow, job_id, populate_existing=True) if is_id(job_id) else None
    if row is None:
        raise NotFound(f"There is no job {job_id!r}. Jobs are kept for {KEPT_FOR.days} days.")
    return row


def _job(row: JobRow, *, with_result: bool = False) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        state=row.state,
        progress=row.progress,
        start=row.starts,
        losses=row.losses,
        track_id=row.track_id,
        project_id=row.project_id,
        clip_id=row.clip_id,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        result=row.result if with_result else None,
        problem=row.problem,
    )
