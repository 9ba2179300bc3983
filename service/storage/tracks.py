"""Recordings, the answers about them, and their waveforms."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session, undefer

from models.classification import Classification
from service.errors import NotFound
from service.storage.database import Database
from service.storage.ids import check_cursor, is_id, new_id
from service.storage.labelling_tables import ItemRow, LeaseRow
from service.storage.pages import Page, iso, utc_now
from service.storage.tables import ClassificationRow, JobRow, TrackRow, WaveformRow

UNFINISHED = ("queued", "running")
TIMELINE = ("segments", "runs")  # of an answer: what grows with the recording
PEAK_DECIMALS = 4


@dataclass(frozen=True)
class Track:
    """A recording as it is in the library.

    Attributes
    ----------
    duration_s : float or None
        As its header says until it was heard once, then as it was decoded.
    state : str
        "queued", "running", "done", "failed" or "cancelled".
    job_id : str or None
        The latest job about it.
    classification : dict or None
        The latest answer, as the HTTP contract gives it; in lists without segments and runs.
    problem : dict or None
        Why it failed, as a problem document.
    """

    id: str
    filename: str
    sha256: str
    size_bytes: int
    duration_s: float | None
    sample_rate: int | None
    channels: int | None
    format: str | None
    created_at: datetime
    state: str
    job_id: str | None
    classification: dict[str, Any] | None
    problem: dict[str, Any] | None

    @property
    def blob(self) -> str:
        """Key of its content in the blob store."""
        return blob_key(self.id)

    def to_dict(self, *, segments: bool = True) -> dict[str, Any]:
        """The JSON object of the HTTP contract."""
        answer = self.classification
        if answer is not None and not segments:
            answer = {name: value for name, value in answer.items() if name not in TIMELINE}
        return {
            "id": self.id,
            "filename": self.filename,
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "duration_s": self.duration_s,
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            "format": self.format,
            "created_at": iso(self.created_at),
            "state": self.state,
            "job": self.job_id,
            "classification": answer,
            "problem": self.problem,
        }


@dataclass(frozen=True)
class Totals:
    """How much there is: tracks, and seconds of audio."""

    tracks: int
    audio_s: float


class TrackStore:
    """The tracks of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        *,
        id: str,
        filename: str,
        sha256: str,
        size_bytes: int,
        duration_s: float | None,
        sample_rate: int | None,
        channels: int | None,
        format: str | None,
    ) -> Track:
        """Take a recording into the library, queued."""
        now = utc_now()
        row = TrackRow(
            id=id,
            filename=filename,
            folded_name=filename.casefold(),
            sha256=sha256,
            size_bytes=size_bytes,
            duration_s=duration_s,
            sample_rate=sample_rate,
            channels=channels,
            format=format,
            created_at=now,
            updated_at=now,
            state="queued",
        )
        with self._database.writing() as session:
            session.add(row)
        return _track(row, None)

    def get(self, track_id: str) -> Track:
        """A track with its whole answer.

        Raises
        ------
        NotFound
            If there is none of that id.
        """
        with self._database.reading() as session:
            row = session.get(TrackRow, track_id) if is_id(track_id) else None
            if row is None:
                raise _missing(track_id)
            query = (
                select(ClassificationRow)
                .where(ClassificationRow.track_id == track_id)
                .order_by(ClassificationRow.id.desc())
                .limit(1)
                .options(undefer(ClassificationRow.timeline))
            )
            found = session.scalars(query).first()
            return _track(row, None if found is None else {**found.summary, **found.timeline})

    def list(
        self,
        *,
        cursor: str | None = None,
        limit: int = 50,
        q: str | None = None,
        genre: str | None = None,
    ) -> Page[Track]:
        """Tracks, newest first, without segments and runs.

        Parameters
        ----------
        cursor : str, optional
            `next_cursor` of the page before.
        limit : int
            Length of the page, at least 1.
        q : str, optional
            Only names that contain this, in upper or lower case.
        genre : str, optional
            Only what the latest answer gives this genre.

        Raises
        ------
        NotFound
            If no list gave that cursor.
        """
        query = select(TrackRow).order_by(TrackRow.id.desc()).limit(limit + 1)
        if check_cursor(cursor):
            query = query.where(TrackRow.id < cursor)
        if q:
            query = query.where(TrackRow.folded_name.contains(q.casefold(), autoescape=True))
        if genre:
            query = query.where(TrackRow.genre == genre)
        with self._database.reading() as session:
            rows = session.scalars(query).all()
            page = rows[:limit]
            answers = _latest_answers(session, [row.id for row in page])
            items = [_track(row, answers.get(row.id)) for row in page]
        return Page(items, items[-1].id if len(rows) > limit else None)

    def begin(self, track_id: str) -> None:
        """Say that a recording that waits is being heard; whatever else it is, it stays, cancelled above all."""
        waiting = update(TrackRow).where(TrackRow.id == track_id, TrackRow.state == "queued")
        with self._database.writing() as session:
            session.execute(waiting.values(state="running", updated_at=utc_now()))

    def save(self, track_id: str, classification: Classification, waveform: np.ndarray) -> Track:
        """Keep an answer and the waveform; both are there afterwards, or neither.

        Parameters
        ----------
        track_id : str
            The track that was heard.
        classification : Classification
            The answer.
        waveform : np.ndarray, shape (n_slices,)
            Largest |y| of equally long slices.

        Raises
        ------
        NotFound
            If the track was deleted meanwhile.
        """
        answer = classification.to_dict()
        timeline = {name: answer.pop(name) for name in TIMELINE}
        with self._database.writing() as session:
            change(
                session,
                track_id,
                state="done",
                problem=None,
                genre=classification.genre,
                duration_s=classification.duration_s,
                sample_rate=classification.sample_rate,
                channels=classification.channels,
                format=classification.format,
            )
            session.add(
                ClassificationRow(
                    id=new_id(),
                    track_id=track_id,
                    model=classification.model,
                    genre=classification.genre,
                    created_at=utc_now(),
                    summary=answer,
                    timeline=timeline,
                )
            )
            peaks = waveform.astype("<f4").tobytes()
            session.merge(WaveformRow(track_id=track_id, duration_s=classification.duration_s, peaks=peaks))
            row = session.get_one(TrackRow, track_id, populate_existing=True)
        return _track(row, {**answer, **timeline})

    def waveform(self, track_id: str) -> dict[str, Any]:
        """`duration_s` and `peaks` for drawing.

        Raises
        ------
        NotFound
            If there is no such track, or it was not heard yet.
        """
        with self._database.reading() as session:
            row = session.get(WaveformRow, track_id) if is_id(track_id) else None
        if row is None:
            raise NotFound(f"There is no waveform of {track_id!r} yet: it is there once the recording was heard.")
        peaks = np.frombuffer(row.peaks, "<f4").astype(float).round(PEAK_DECIMALS)
        return {"duration_s": row.duration_s, "peaks": peaks.tolist()}

    def delete(self, track_id: str) -> str:
        """Take a track out of the library with its answers; jobs about it are cancelled.

        Returns
        -------
        str
            Key of its content, which the caller takes out of the blob store.

        Raises
        ------
        NotFound
            If there is no such track.
        """
        with self._database.writing() as session:
            hold(session, track_id)
            jobs = update(JobRow).where(JobRow.track_id == track_id)
            session.execute(jobs.where(JobRow.state.in_(UNFINISHED)).values(state="cancelled", finished_at=utc_now()))
            session.execute(jobs.values(result=None, track_id=None))
            items = select(ItemRow.id).where(ItemRow.track_id == track_id)
            held = update(LeaseRow).where(LeaseRow.item_id.in_(items), LeaseRow.ended_at.is_(None))
            session.execute(held.values(ended_at=utc_now()))
            session.execute(items.order_by(ItemRow.id).with_for_update())
            session.execute(update(ItemRow).where(ItemRow.track_id == track_id).values(available=False, n_leases=0))
            session.execute(delete(TrackRow).where(TrackRow.id == track_id))
        return blob_key(track_id)

    def totals(self) -> Totals:
        """How much there is in the library."""
        with self._database.reading() as session:
            tracks, audio_s = session.execute(select(func.count(), func.sum(TrackRow.duration_s))).one()
        return Totals(tracks=tracks, audio_s=audio_s or 0.0)

    def ids(self) -> Sequence[str]:
        """Every track, newest first."""
        with self._database.reading() as session:
            return session.scalars(select(TrackRow.id).order_by(TrackRow.id.desc())).all()

    def by_content(self) -> dict[str, str]:
        """The oldest track of each content, by its hash."""
        query = select(TrackRow.sha256, func.min(TrackRow.id)).group_by(TrackRow.sha256)
        with self._database.reading() as session:
            return dict(session.execute(query).tuples().all())

    def durations(self) -> dict[str, float]:
        """Seconds of every track that are known."""
        query = select(TrackRow.id, TrackRow.duration_s).where(TrackRow.duration_s.is_not(None))
        with self._database.reading() as session:
            return {track_id: seconds for track_id, seconds in session.execute(query) if seconds is not None}

    def stranded(self, *, since: timedelta) -> Sequence[str]:
        """Tracks that wait for an answer that no job is about to give, unchanged for `since`."""
        unfinished_jobs = select(JobRow.id).where(JobRow.track_id == TrackRow.id, JobRow.state.in_(UNFINISHED))
        query = select(TrackRow.id).where(
            TrackRow.state.in_(UNFINISHED), TrackRow.updated_at < utc_now() - since, ~unfinished_jobs.exists()
        )
        with self._database.reading() as session:
            return session.scalars(query).all()

    def known(self, track_ids: Collection[str]) -> set[str]:
        """Which of these ids are tracks."""
        with self._database.reading() as session:
            return set(session.scalars(select(TrackRow.id).where(TrackRow.id.in_(track_ids))))


def blob_key(track_id: str) -> str:
    """Where the content of a track lies in the blob store; the end of an id is random, so folders fill evenly."""
    return f"{track_id[-2:]}/{track_id}"


def hold(session: Session, track_id: str) -> None:
    """Keep other transactions off a track until this one ends; always taken before its jobs.

    Raises
    ------
    NotFound
        If there is no such track.
    """
    query = select(TrackRow.id).where(TrackRow.id == track_id).with_for_update()
    if not is_id(track_id) or session.scalar(query) is None:
        raise _missing(track_id)


def change(session: Session, track_id: str, **values: Any) -> None:
    """Change columns of a track.

    Raises
    ------
    NotFound
        If there is no such track.
    """
    hold(session, track_id)
    session.execute(update(TrackRow).where(TrackRow.id == track_id).values(updated_at=utc_now(), **values))


def _missing(track_id: str) -> NotFound:
    return NotFound(f"There is no track {track_id!r}. It may have been deleted.")


def _latest_answers(session: Session, track_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    latest = (
        select(func.max(ClassificationRow.id))
        .where(ClassificationRow.track_id.in_(track_ids))
        .group_by(ClassificationRow.track_id)
    )
    rows = session.scalars(select(ClassificationRow).where(ClassificationRow.id.in_(latest)))
    return {row.track_id: row.summary for row in rows}


def _track(row: TrackRow, answer: dict[str, Any] | None) -> Track:
    named = {"track": row.id, "path": row.filename, "sha256": row.sha256}
    return Track(
        id=row.id,
        filename=row.filename,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        duration_s=row.duration_s,
        sample_rate=row.sample_rate,
        channels=row.channels,
        format=row.format,
        created_at=row.created_at,
        state=row.state,
        job_id=row.job_id,
        classification=None if answer is None else named | answer,
        problem=row.problem,
    )
