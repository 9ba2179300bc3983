"""Generated clips: what was asked for, the takes that were made of it, their files, and what people think of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from models.take_order import doubts_of
from service.errors import NotFound, TooBusy
from service.storage.blobs import Staged
from service.storage.clip_tables import ClipRow, TakeFileRow, TakeRow
from service.storage.database import Database
from service.storage.ids import check_cursor, is_id
from service.storage.pages import Page, utc_now
from service.storage.tables import JobRow
from service.storage.tracks import PEAK_DECIMALS, blob_key

UNFINISHED = ("queued", "running")
SOUND_FORMAT = "flac"  # of the file from which all others are made
RETRY_AFTER_S = 30.0
MAX_CHAIN = 20  # clips that follow each other and are looked at together


@dataclass(frozen=True)
class TakePlan:
    """What a take is to be.

    Attributes
    ----------
    wish : dict
        Of `ClipWish.to_dict`.
    source : dict or None
        From what it starts: "track", or "clip" and "take"; "use", "start_s", "end_s", "strength".
    """

    wish: dict[str, Any]
    source: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"wish": self.wish, "source": self.source}


@dataclass(frozen=True)
class NewClip:
    """A clip to be made: whose it is, what was asked for, and what that means for each take."""

    id: str
    owner: str
    request: dict[str, Any]
    takes: Sequence[TakePlan]


@dataclass(frozen=True)
class Take:
    """One of the takes of a clip.

    Attributes
    ----------
    number : int
        From 0, in the order of the plan.
    genre_agreement : float or None
        Calibrated probability that the house classifier gives to what was wished for; None where it cannot tell.
    rank : int
        1 for the take of this clip that agrees best.
    rating : int or None
        1 to 5 stars.
    report : dict
        How it was made and what was measured.
    sha256 : str
        Of its FLAC file.
    """

    clip_id: str
    number: int
    created_at: datetime
    seconds: float
    genre_agreement: float | None
    rank: int
    rating: int | None
    report: dict[str, Any]
    sha256: str


@dataclass(frozen=True)
class Clip:
    """A clip that was asked for, with the takes that are there by now.

    Attributes
    ----------
    state : str
        "queued", "running", "done", "failed" or "cancelled".
    plan : tuple of TakePlan
        One for each take that was asked for.
    takes : tuple of Take
        Those that were made, by number.
    """

    id: str
    owner: str
    created_at: datetime
    state: str
    job_id: str
    request: dict[str, Any]
    plan: tuple[TakePlan, ...]
    takes: tuple[Take, ...]
    problem: dict[str, Any] | None

    def take(self, number: int) -> Take:
        """A take by its number. Raises NotFound."""
        for take in self.takes:
            if take.number == number:
                return take
        raise _no_take(self.id, number)

    @property
    def best(self) -> Take:
        """The take that agrees best with the wish. Raises NotFound where there is none yet."""
        if not self.takes:
            raise NotFound(f"Clip {self.id} has no take yet: its job is {self.job_id}.")
        return min(self.takes, key=lambda take: take.rank)


@dataclass(frozen=True)
class TakeFile:
    """The sound of a take in one format."""

    id: str
    format: str
    sha256: str
    size_bytes: int

    @property
    def blob(self) -> str:
        """Key of its content in the blob store."""
        return blob_key(self.id)


@dataclass(frozen=True)
class NewTake:
    """A take that was made: codes (n_codebooks, n_frames), its sound, and largest |y| per slice of time."""

    number: int
    seconds: float
    genre_agreement: float | None
    report: dict[str, Any]
    codes: np.ndarray
    waveform: np.ndarray


class ClipStore:
    """The clips of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, clip_id: str) -> Clip:
        """A clip with its takes.

        Raises
        ------
        NotFound
            If there is none of that id.
        """
        with self._database.reading() as session:
            row = session.get(ClipRow, clip_id) if is_id(clip_id) else None
            if row is None:
                raise _missing(clip_id)
            return _clip(row, _takes(session, [clip_id]).get(clip_id, ()))

    def list(self, *, cursor: str | None = None, limit: int = 50) -> Page[Clip]:
        """Clips, newest first.

        Parameters
        ----------
        cursor : str, optional
            `next_cursor` of the page before.
        limit : int
            Length of the page, at least 1.

        Raises
        ------
        NotFound
            If no list gave that cursor.
        """
        query = select(ClipRow).order_by(ClipRow.id.desc()).limit(limit + 1)
        if check_cursor(cursor):
            query = query.where(ClipRow.id < cursor)
        with self._database.reading() as session:
            rows = session.scalars(query).all()
            page = rows[:limit]
            takes = _takes(session, [row.id for row in page])
            items = [_clip(row, takes.get(row.id, ())) for row in page]
        return Page(items, items[-1].id if len(rows) > limit else None)

    def chain(self, clip_id: str) -> Sequence[Clip]:
        """A clip and those that it followed, the latest first; those that were deleted end the chain.

        Raises
        ------
        NotFound
            If there is no clip of that id.
        """
        chain = [self.get(clip_id)]
        while (before := chain[-1].request.get("follow")) and len(chain) < MAX_CHAIN:
            try:
                chain.append(self.get(before))
            except NotFound:
                break
        return chain

    def begin(self, clip_id: str) -> Clip:
        """Say that a clip that waits is being made; one that was cancelled stays so.

        Raises
        ------
        NotFound
            If it was deleted.
        """
        waiting = update(ClipRow).where(ClipRow.id == clip_id, ClipRow.state == "queued")
        with self._database.writing() as session:
            session.execute(waiting.values(state="running", updated_at=utc_now()))
        return self.get(clip_id)

    def finish(self, clip_id: str) -> Clip:
        """Say that every take of a clip was made; one that was cancelled stays so.

        Raises
        ------
        NotFound
            If it was deleted.
        """
        running = update(ClipRow).where(ClipRow.id == clip_id, ClipRow.state == "running")
        with self._database.writing() as session:
            session.execute(running.values(state="done", problem=None, updated_at=utc_now()))
        return self.get(clip_id)

    def add_take(self, clip_id: str, take: NewTake, *, file_id: str, staged: Staged) -> bool:
        """Keep a take with its FLAC file; False where another worker has kept it already.

        Parameters
        ----------
        clip_id : str
            Of which clip.
        take : NewTake
            What was made.
        file_id : str
            Where in the blob store its content lies.
        staged : Staged
            Hash and size of that content.

        Raises
        ------
        NotFound
            If the clip was deleted meanwhile.
        """
        with self._database.writing() as session:
            hold_clip(session, clip_id)
            if session.get(TakeRow, (clip_id, take.number)) is not None:
                return False
            session.add(
                TakeRow(
                    clip_id=clip_id,
                    number=take.number,
                    created_at=utc_now(),
                    seconds=take.seconds,
                    genre_agreement=take.genre_agreement,
                    report=take.report,
                    codes=take.codes.astype("<u2").tobytes(),
                    n_codebooks=len(take.codes),
                    peaks=take.waveform.astype("<f4").tobytes(),
                )
            )
            session.flush()
            session.add(_file_row(clip_id, take.number, SOUND_FORMAT, file_id, staged))
            session.execute(update(ClipRow).where(ClipRow.id == clip_id).values(updated_at=utc_now()))
        return True

    def add_file(self, clip_id: str, number: int, format: str, *, file_id: str, staged: Staged) -> TakeFile:
        """Keep a take's sound in another format; where somebody was faster, theirs counts and is returned.

        Raises
        ------
        NotFound
            If the clip was deleted meanwhile.
        """
        with self._database.writing() as session:
            hold_clip(session, clip_id)
            present = _file(session, clip_id, number, format)
            if present is not None:
                return present
            row = _file_row(clip_id, number, format, file_id, staged)
            session.add(row)
        return _take_file(row)

    def file(self, clip_id: str, number: int, format: str = SOUND_FORMAT) -> TakeFile | None:
        """The file of a take in a format; None where it was not made yet.

        Raises
        ------
        NotFound
            If there is no such take.
        """
        with self._database.reading() as session:
            _check_take(session, clip_id, number)
            return _file(session, clip_id, number, format)

    def codes(self, clip_id: str, number: int) -> np.ndarray:
        """Codes of a take, (n_codebooks, n_frames) int32.

        Raises
        ------
        NotFound
            If there is no such take.
        """
        with self._database.reading() as session:
            query = select(TakeRow.codes, TakeRow.n_codebooks).where(*_named(clip_id, number))
            row = session.execute(query).one_or_none() if is_id(clip_id) else None
        if row is None:
            raise _no_take(clip_id, number)
        return np.frombuffer(row.codes, "<u2").astype(np.int32).reshape(row.n_codebooks, -1)

    def waveform(self, clip_id: str, number: int) -> dict[str, Any]:
        """`duration_s` and `peaks` of a take, for drawing.

        Raises
        ------
        NotFound
            If there is no such take.
        """
        with self._database.reading() as session:
            query = select(TakeRow.seconds, TakeRow.peaks).where(*_named(clip_id, number))
            row = session.execute(query).one_or_none() if is_id(clip_id) else None
        if row is None:
            raise _no_take(clip_id, number)
        peaks = np.frombuffer(row.peaks, "<f4").astype(float).round(PEAK_DECIMALS)
        return {"duration_s": row.seconds, "peaks": peaks.tolist()}

    def rate(self, clip_id: str, number: int, stars: int) -> Clip:
        """Say how good a take is, 1 to 5 stars; the last word counts.

        Raises
        ------
        NotFound
            If there is no such take.
        """
        with self._database.writing() as session:
            _check_take(session, clip_id, number)
            session.execute(update(TakeRow).where(*_named(clip_id, number)).values(rating=stars))
        return self.get(clip_id)

    def delete(self, clip_id: str) -> Sequence[str]:
        """Take a clip away with its takes; a job about it is cancelled.

        Returns
        -------
        list of str
            Keys of their content, which the caller takes out of the blob store.

        Raises
        ------
        NotFound
            If there is no such clip.
        """
        with self._database.writing() as session:
            hold_clip(session, clip_id)
            jobs = update(JobRow).where(JobRow.clip_id == clip_id)
            session.execute(jobs.where(JobRow.state.in_(UNFINISHED)).values(state="cancelled", finished_at=utc_now()))
            session.execute(jobs.values(result=None, clip_id=None))
            files = session.scalars(select(TakeFileRow.id).where(TakeFileRow.clip_id == clip_id)).all()
            session.execute(delete(ClipRow).where(ClipRow.id == clip_id))
        return [blob_key(file_id) for file_id in files]

    def older_than(self, age: timedelta) -> Sequence[str]:
        """Clips that nobody makes any more and that were asked for longer ago than `age`."""
        old = select(ClipRow.id).where(ClipRow.state.not_in(UNFINISHED), ClipRow.created_at < utc_now() - age)
        with self._database.reading() as session:
            return session.scalars(old).all()

    def counts(self) -> Mapping[str, int]:
        """How many clips there are in each state."""
        query = select(ClipRow.state, func.count()).group_by(ClipRow.state)
        with self._database.reading() as session:
            return dict(session.execute(query).tuples().all())

    def made_s(self) -> float:
        """Length of all takes in seconds."""
        with self._database.reading() as session:
            return session.scalar(select(func.sum(TakeRow.seconds))) or 0.0

    def known_files(self, file_ids: Collection[str]) -> set[str]:
        """Which of these ids are files of takes."""
        with self._database.reading() as session:
            return set(session.scalars(select(TakeFileRow.id).where(TakeFileRow.id.in_(file_ids))))


def insert_clip(session: Session, clip: NewClip, *, job_id: str, most_waiting: int) -> None:
    """Add a clip whose job is added in the same transaction.

    Raises
    ------
    TooBusy
        If `most_waiting` clips wait already.
    """
    waiting = session.scalar(select(func.count()).where(ClipRow.state.in_(UNFINISHED))) or 0
    if waiting >= most_waiting:
        raise TooBusy(
            f"{waiting} clips wait to be made already. Please try again when some are done.",
            retry_after_s=RETRY_AFTER_S,
        )
    now = utc_now()
    session.add(
        ClipRow(
            id=clip.id,
            owner=clip.owner,
            created_at=now,
            updated_at=now,
            state="queued",
            job_id=job_id,
            request=clip.request,
            plan={"takes": [take.to_dict() for take in clip.takes]},
        )
    )
    session.flush()


def hold_clip(session: Session, clip_id: str) -> None:
    """Keep other transactions off a clip until this one ends; always taken before its jobs.

    Raises
    ------
    NotFound
        If there is no such clip.
    """
    query = select(ClipRow.id).where(ClipRow.id == clip_id).with_for_update()
    if not is_id(clip_id) or session.scalar(query) is None:
        raise _missing(clip_id)


def change_clip(session: Session, clip_id: str, **values: Any) -> None:
    """Change columns of a clip that is held."""
    session.execute(update(ClipRow).where(ClipRow.id == clip_id).values(updated_at=utc_now(), **values))


def _check_take(session: Session, clip_id: str, number: int) -> None:
    if not is_id(clip_id) or session.scalar(select(TakeRow.number).where(*_named(clip_id, number))) is None:
        raise _no_take(clip_id, number)


def _named(clip_id: str, number: int) -> tuple[Any, ...]:
    return TakeRow.clip_id == clip_id, TakeRow.number == number


def _missing(clip_id: str) -> NotFound:
    return NotFound(f"There is no clip {clip_id!r}. It may have been deleted.")


def _no_take(clip_id: str, number: int) -> NotFound:
    return NotFound(f"There is no take {number} of a clip {clip_id!r}: it is there once it was made.")


def _file_row(clip_id: str, number: int, format: str, file_id: str, staged: Staged) -> TakeFileRow:
    return TakeFileRow(
        id=file_id,
        clip_id=clip_id,
        number=number,
        format=format,
        sha256=staged.sha256,
        size_bytes=staged.size_bytes,
    )


def _file(session: Session, clip_id: str, number: int, format: str) -> TakeFile | None:
    query = select(TakeFileRow).where(
        TakeFileRow.clip_id == clip_id, TakeFileRow.number == number, TakeFileRow.format == format
    )
    row = session.scalars(query).one_or_none()
    return None if row is None else _take_file(row)


def _take_file(row: TakeFileRow) -> TakeFile:
    return TakeFile(id=row.id, format=row.format, sha256=row.sha256, size_bytes=row.size_bytes)


def _takes(session: Session, clip_ids: Sequence[str]) -> dict[str, tuple[Take, ...]]:
    """The takes of clips by number, ranked within each clip as `models.take_order` says."""
    query = (
        select(TakeRow, TakeFileRow.sha256)
        .join(
            TakeFileRow,
            (TakeFileRow.clip_id == TakeRow.clip_id)
            & (TakeFileRow.number == TakeRow.number)
            & (TakeFileRow.format == SOUND_FORMAT),
        )
        .where(TakeRow.clip_id.in_(clip_ids))
        .order_by(TakeRow.clip_id, TakeRow.number)
    )
    rows: dict[str, list[tuple[TakeRow, str]]] = {}
    for row, sha256 in session.execute(query):
        rows.setdefault(row.clip_id, []).append((row, sha256))
    return {clip_id: _ranked(found) for clip_id, found in rows.items()}


def _ranked(rows: list[tuple[TakeRow, str]]) -> tuple[Take, ...]:
    ranks = {
        row.number: rank
        for rank, row in enumerate(
            sorted((row for row, _ in rows), key=lambda row: doubts_of(row.genre_agreement, row.report)), start=1
        )
    }
    return tuple(
        Take(
            clip_id=row.clip_id,
            number=row.number,
            created_at=row.created_at,
            seconds=row.seconds,
            genre_agreement=row.genre_agreement,
            rank=ranks[row.number],
            rating=row.rating,
            report=row.report,
            sha256=sha256,
        )
        for row, sha256 in rows
    )


def _clip(row: ClipRow, takes: tuple[Take, ...]) -> Clip:
    return Clip(
        id=row.id,
        owner=row.owner,
        created_at=row.created_at,
        state=row.state,
        job_id=row.job_id,
        request=row.request,
        plan=tuple(TakePlan(**take) for take in row.plan["takes"]),
        takes=takes,
        problem=row.problem,
    )
