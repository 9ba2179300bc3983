"""The queue of a labelling project: items are leased to annotators, who answer, skip, flag and undo.

Each call is one transaction. Where two want the same item, one of them gets the next one: on SQLite writers take
turns, on PostgreSQL rows that somebody holds are passed over, and waited for only where nothing else is left. What one
annotator sends at once is done one after the other. Locks are taken in one order (annotator, project, lease, item;
several leases or items by their ids), so that none waits for another in a circle. A lease is answered once: the same
answer sent again, because the first acknowledgement was lost on its way, finds the act that is there.
"""

import random
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.orm import Session

from service.errors import Conflict, Forbidden, Invalid, NotFound
from service.storage.database import Database, affected
from service.storage.ids import is_id, new_id
from service.storage.label_events import Event, event_of, record
from service.storage.labelling_tables import ActRow, FeatureRow, ItemRow, LabelEventRow, LeaseRow
from service.storage.pages import iso, utc_now
from service.storage.pool_items import refresh
from service.storage.projects import MAX_NAME, Project, hold_project, read_project
from service.storage.tables import TrackRow

FLAGS = ("broken", "several_genres")
MAX_HELD = 4  # leases of one annotator at a time: the one that is heard, those that are fetched ahead
SUGGESTED = 3  # genres of a suggestion
MAX_NOTE = 2000  # characters
NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
EXPIRED_AT_ONCE = 500


@dataclass(frozen=True)
class Lease:
    """An item that an annotator has for some time.

    Attributes
    ----------
    start_s : float
        Where the stretch begins that tells most.
    suggestion : dict or None
        Version of the model and its first genres, where the project shows them.
    """

    id: str
    project_id: str
    annotator: str
    expires_at: datetime
    item_id: str
    track_id: str
    filename: str
    duration_s: float | None
    start_s: float
    suggestion: dict[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the HTTP contract."""
        return {
            "id": self.id,
            "project": self.project_id,
            "annotator": self.annotator,
            "expires_at": iso(self.expires_at),
            "item": self.item_id,
            "track": {"id": self.track_id, "filename": self.filename, "duration_s": self.duration_s},
            "start_s": self.start_s,
            "suggestion": self.suggestion,
        }


@dataclass(frozen=True)
class Answer:
    """What an annotator says of an item: genres by name, none of them, or neither while it is skipped or flagged."""

    kind: str  # "label", "skip" or "flag"
    genres: tuple[str, ...] = ()
    none: bool = False
    unsure: bool = False
    flag: str | None = None
    note: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Act:
    """An answer as it was recorded; `number` is that of its event."""

    number: int
    kind: str
    project_id: str
    item_id: str
    track_id: str | None
    annotator: str
    at: datetime
    genres: tuple[str, ...]
    none: bool
    unsure: bool
    flag: str | None
    note: str | None
    reason: str | None
    version: int | None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the HTTP contract."""
        return {
            "id": self.number,
            "kind": self.kind,
            "project": self.project_id,
            "item": self.item_id,
            "track": self.track_id,
            "annotator": self.annotator,
            "at": iso(self.at),
            "genres": list(self.genres),
            "none": self.none,
            "unsure": self.unsure,
            "flag": self.flag,
            "note": self.note,
            "reason": self.reason,
            "version": self.version,
        }


class QueueStore:
    """The queues of the labelling projects of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lease(self, project: str | None, annotator: str) -> Lease | None:
        """Give an annotator the next item, or None where there is none to be had now.

        An annotator who holds `MAX_HELD` items already, after reloading a page say, gets the oldest of them again.
        What they skipped comes back when nothing else is left.

        Raises
        ------
        Conflict
            If the project is closed.
        Invalid
            If that is no name of an annotator.
        NotFound
            If there is no such project.
        """
        _check_annotator(annotator)
        awaited = None
        while True:
            with self._database.writing() as session:
                _hold_annotator(session, annotator)
                if awaited is not None:
                    _hold_item(session, awaited)
                lease, awaited = _lease_next(session, read_project(session, project), annotator)
            if awaited is None:
                return lease

    def renew(self, lease_id: str, annotator: str) -> Lease:
        """Keep a lease for as long again from now.

        Raises
        ------
        Conflict
            If it has ended: the item was answered, or went to somebody else after it had expired.
        Forbidden
            If it is somebody else's.
        NotFound
            If there is no such lease.
        """
        with self._database.writing() as session:
            row = _own_lease(session, lease_id, annotator)
            project = read_project(session, row.project_id)
            expires_at = utc_now() + timedelta(seconds=project.settings.lease_s)
            held = update(LeaseRow).where(LeaseRow.id == lease_id, LeaseRow.ended_at.is_(None))
            if not affected(session, held.values(expires_at=expires_at)):
                raise Conflict("This lease has ended: its item was answered, or it expired. Ask for the next item.")
            row.expires_at = expires_at
            return _lease(session, row)

    def answer(
        self, lease_id: str, answer: Answer, annotator: str, *, then_next: bool = False
    ) -> tuple[Act, bool, Lease | None]:
        """Record an answer to a lease. When this returns, it is on the disk.

        An answer to a lease that has expired is taken all the same: somebody listened for it.

        Parameters
        ----------
        lease_id : str
            The lease.
        answer : Answer
            What is said of its item.
        annotator : str
            Whose lease it is.
        then_next : bool
            Whether to lease the next item in the same step.

        Returns
        -------
        act, new, following
            The act; whether it was recorded now, False where this very answer was there already; the next lease.

        Raises
        ------
        Conflict
            If the lease was answered otherwise, or the project is closed.
        Forbidden
            If it is somebody else's lease.
        Invalid
            If the project does not allow such an answer, or has no such genre.
        NotFound
            If there is no such lease.
        """
        with self._database.writing() as session:
            _hold_annotator(session, annotator)
            lease = _own_lease(session, lease_id, annotator, hold=True)
            project = read_project(session, lease.project_id)
            content = _content(project, answer)
            event = session.scalars(select(LabelEventRow).where(LabelEventRow.lease_id == lease_id)).one_or_none()
            new = event is None
            if event is not None:
                _refuse_other_answer(session, event, answer.kind, content)
                recorded = event_of(event)
            else:
                _refuse_closed(project)
                recorded = self._record(session, project, lease, answer.kind, content)
            track_id = session.scalar(select(ItemRow.track_id).where(ItemRow.id == lease.item_id))
            act = _act(project, recorded, track_id)
            then_next = then_next and not project.closed
            following = _lease_fresh(session, project, annotator) if then_next else None
        if then_next and following is None:
            with suppress(Conflict):  # closed at this moment: the answer stands
                following = self.lease(project.id, annotator)
        return act, new, following

    def import_answers(
        self, project_id: str, answers: Sequence[tuple[str, str, Answer]], *, source: str, actor: str
    ) -> int:
        """Record answers that were given elsewhere: item, annotator and answer of each. All are kept, or none.

        Parameters
        ----------
        project_id : str
            The project.
        answers : sequence of (str, str, Answer)
            Item, annotator, and what they said of it; the last one of an annotator about an item counts.
        source : str
            Where they come from.
        actor : str
            Who imports them.

        Returns
        -------
        int
            How many are new: an answer that its annotator gave already is not doubled.

        Raises
        ------
        Invalid
            If the project does not allow such an answer, or has no such genre.
        """
        added = 0
        with self._database.writing() as session:
            project = read_project(session, project_id)
            items = sorted({item_id for item_id, _, _ in answers})
            for item_id in items:
                _hold_item(session, item_id)
            for item_id, annotator, answer in answers:
                content = _content(project, answer)
                _check_annotator(annotator)
                own = (ActRow.item_id == item_id) & (ActRow.annotator == annotator)
                last = select(LabelEventRow).join(ActRow, ActRow.number == LabelEventRow.number).where(own)
                present = session.scalars(last).one_or_none()
                if present is not None and (present.kind, present.content) == (answer.kind, content):
                    continue
                event = record(
                    session,
                    project.id,
                    answer.kind,
                    actor=annotator,
                    content=content,
                    item_id=item_id,
                    version=None,
                    shown={"imported": source, "by": actor},
                )
                put_act(session, event, project.id)
                added += 1
            refresh(session, ItemRow.id.in_(items))
        return added

    def undo(self, number: int, annotator: str) -> Lease:
        """Take back an act of one's own; its item is leased to the same annotator again.

        Raises
        ------
        Conflict
            If it was taken back already, a later act on the same item counts instead, or the project is closed.
        Forbidden
            If it is somebody else's.
        NotFound
            If there is no such act.
        """
        with self._database.writing() as session:
            _hold_annotator(session, annotator)
            event = session.get(LabelEventRow, number) if 0 < number < 1 << 62 else None
            if event is None or event.kind not in ("label", "skip", "flag") or event.item_id is None:
                raise NotFound(f"There is no label, skip or flag with the number {number}.")
            if event.actor != annotator:
                raise Forbidden(f"This was {event.actor}'s answer: only {event.actor} can undo it.")
            project = read_project(session, event.project_id)
            _refuse_closed(project)
            held = _held_on(session, event.item_id, annotator)
            _hold_item(session, event.item_id)
            own = (ActRow.item_id == event.item_id) & (ActRow.annotator == annotator)
            if not affected(session, delete(ActRow).where(own, ActRow.number == number)):
                raise Conflict("This answer does not count any more: it was undone, or given anew.")
            record(
                session,
                project.id,
                "undo",
                actor=annotator,
                item_id=event.item_id,
                undoes=number,
                version=project.version,
            )
            refresh(session, ItemRow.id == event.item_id)
            item = session.get_one(ItemRow, event.item_id, populate_existing=True)
            if item.track_id is None:
                raise Conflict("The track of this answer was deleted.")
            if held is not None:  # it came back before: a skipped item, say
                return _lengthen(session, project, held)
            return _take(session, project, item, annotator, "undone")

    def latest_act(self, project_id: str, annotator: str) -> int | None:
        """Number of the last act of an annotator that counts, or None."""
        query = select(func.max(ActRow.number)).where(ActRow.project_id == project_id, ActRow.annotator == annotator)
        with self._database.reading() as session:
            return session.scalar(query)

    def acts(
        self, project_id: str, *, annotator: str | None = None, before: int | None = None, limit: int | None = 50
    ) -> list[Act]:
        """Acts that count, newest first: those numbered below `before`."""
        query = (
            select(LabelEventRow, ItemRow.track_id)
            .join(ActRow, ActRow.number == LabelEventRow.number)
            .join(ItemRow, ItemRow.id == ActRow.item_id)
            .where(ActRow.project_id == project_id)
            .order_by(ActRow.number.desc())
            .limit(limit)
        )
        if annotator is not None:
            query = query.where(ActRow.annotator == annotator)
        if before is not None:
            query = query.where(ActRow.number < before)
        with self._database.reading() as session:
            project = read_project(session, project_id)
            return [_act(project, event_of(row), track_id) for row, track_id in session.execute(query).tuples()]

    def expire(self) -> int:
        """Take back the items of leases that have expired; returns how many."""
        now = utc_now()
        expired = (
            select(LeaseRow)
            .where(LeaseRow.ended_at.is_(None), LeaseRow.expires_at < now)
            .order_by(LeaseRow.item_id)
            .limit(EXPIRED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        with self._database.reading() as session:
            waiting = session.scalar(
                select(LeaseRow.id).where(LeaseRow.ended_at.is_(None), LeaseRow.expires_at < now).limit(1)
            )
        if waiting is None:
            return 0
        with self._database.writing() as session:
            rows = session.scalars(expired).all()
            for row in rows:
                _hold_item(session, row.item_id)
                row.ended_at = now
            session.flush()
            refresh(session, ItemRow.id.in_({row.item_id for row in rows}))
            return len(rows)

    def ask_again(self, item_id: str, *, wanted: int, actor: str) -> bool:
        """Want this many annotators for an item; False where as many are wanted already."""
        with self._database.writing() as session:
            hold_project(session, session.get_one(ItemRow, item_id).project_id)
            _hold_item(session, item_id)
            item = session.get_one(ItemRow, item_id, populate_existing=True)
            if item.wanted >= wanted:
                return False
            item.wanted = wanted
            content = {"wanted": wanted}
            record(session, item.project_id, "asked_again", actor=actor, item_id=item_id, content=content)
            session.flush()
            refresh(session, ItemRow.id == item_id)
            return True

    def leased(self, project_id: str) -> int:
        """How many leases have neither been answered nor expired."""
        query = select(func.count()).where(
            LeaseRow.project_id == project_id, LeaseRow.ended_at.is_(None), LeaseRow.expires_at >= utc_now()
        )
        with self._database.reading() as session:
            return session.scalar(query) or 0

    def _record(self, session: Session, project: Project, lease: LeaseRow, kind: str, content: dict[str, Any]) -> Event:
        now = utc_now()
        _hold_item(session, lease.item_id)
        if lease.ended_at is None:
            lease.ended_at = now
        event = record(
            session,
            project.id,
            kind,
            actor=lease.annotator,
            content=content,
            item_id=lease.item_id,
            lease_id=lease.id,
            version=project.version,
            shown=lease.shown | {"seconds": round((now - lease.created_at).total_seconds(), 2)},
        )
        put_act(session, event, project.id)
        refresh(session, ItemRow.id == lease.item_id)
        return event


def put_act(session: Session, event: Event, project_id: str) -> None:
    """Let an act be the last word of its annotator on its item."""
    assert event.item_id is not None
    own = (ActRow.item_id == event.item_id) & (ActRow.annotator == event.actor)
    changed = update(ActRow).where(own).values(number=event.number, kind=event.kind)
    if not affected(session, changed):
        session.add(
            ActRow(
                item_id=event.item_id,
                annotator=event.actor,
                project_id=project_id,
                number=event.number,
                kind=event.kind,
            )
        )
        session.flush()


def check_answer(project: Project, answer: Answer, annotator: str) -> None:
    """Raise Invalid where a project does not allow an answer, or has no such genre."""
    _check_annotator(annotator)
    _content(project, answer)


def _lease_next(session: Session, project: Project, annotator: str) -> tuple[Lease | None, str | None]:
    """The next item for an annotator; or the id of one to wait for, which another transaction holds at this moment.

    Who waits, waits in a transaction of its own: rows that were looked at in vain stay locked to its end.
    """
    _refuse_closed(project)
    if (lease := _lease_fresh(session, project, annotator)) is not None:
        return lease, None
    for skipped_too in (False, True):
        may_have = _may_have(project.id, annotator, skipped_too=skipped_too)
        if skipped_too and (found := _first(session, project, may_have)) is not None:
            return _take(session, project, found[0], annotator, found[1]), None
        if (held := session.scalar(select(ItemRow.id).where(may_have).limit(1))) is not None:
            return None, held
    return None, None


def _lease_fresh(session: Session, project: Project, annotator: str) -> Lease | None:
    """An item that the annotator holds already, if there are many, or the first one that nobody holds: no waiting."""
    held = select(LeaseRow).where(
        LeaseRow.project_id == project.id,
        LeaseRow.annotator == annotator,
        LeaseRow.ended_at.is_(None),
        LeaseRow.expires_at >= utc_now(),
    )
    own = session.scalars(held.order_by(LeaseRow.id).limit(MAX_HELD)).all()
    if len(own) == MAX_HELD:
        return _lengthen(session, project, own[0])
    found = _first(session, project, _may_have(project.id, annotator, skipped_too=False))
    return None if found is None else _take(session, project, found[0], annotator, found[1])


def _may_have(project_id: str, annotator: str, *, skipped_too: bool) -> ColumnElement[bool]:
    """Condition of the items that an annotator may be given."""
    said: ColumnElement[bool] = (ActRow.item_id == ItemRow.id) & (ActRow.annotator == annotator)
    if skipped_too:
        said &= ActRow.kind != "skip"
    has = (LeaseRow.item_id == ItemRow.id) & (LeaseRow.annotator == annotator) & LeaseRow.ended_at.is_(None)
    return (ItemRow.project_id == project_id) & ItemRow.available & ~exists().where(said) & ~exists().where(has)


def _first(session: Session, project: Project, may_have: ColumnElement[bool]) -> tuple[ItemRow, str] | None:
    """The first of some items that nobody holds, held from here on, and the slice that it comes from."""
    from_random_slice = random.random() < project.settings.random_share
    query = (
        select(ItemRow)
        .where(may_have)
        .order_by(ItemRow.random_order if from_random_slice else ItemRow.rank)
        .limit(1)
        .with_for_update(skip_locked=True, of=ItemRow, key_share=True)
    )
    item = session.scalars(query).first()
    return None if item is None else (item, "random" if from_random_slice else "ranked")


def _take(session: Session, project: Project, item: ItemRow, annotator: str, from_slice: str) -> Lease:
    now = utc_now()
    row = LeaseRow(
        id=new_id(),
        project_id=project.id,
        item_id=item.id,
        annotator=annotator,
        created_at=now,
        expires_at=now + timedelta(seconds=project.settings.lease_s),
        ended_at=None,
        shown={
            "slice": from_slice,
            "rank": item.rank,
            "version": item.version,
            "suggestion": _suggestion(project, item),
        },
    )
    session.add(row)
    session.flush()
    refresh(session, ItemRow.id == item.id)
    return _lease(session, row)


def _lengthen(session: Session, project: Project, row: LeaseRow) -> Lease:
    row.expires_at = utc_now() + timedelta(seconds=project.settings.lease_s)
    session.flush()
    return _lease(session, row)


def _suggestion(project: Project, item: ItemRow) -> dict[str, Any] | None:
    if project.settings.suggestions == "hidden" or not item.probabilities:
        return None
    shares = project.shares_of(item.probabilities)
    likeliest = sorted(shares, key=shares.__getitem__, reverse=True)[:SUGGESTED]
    return {
        "version": item.version,
        "genres": [{"genre": genre, "probability": shares[genre]} for genre in likeliest],
    }


def _lease(session: Session, row: LeaseRow) -> Lease:
    query = (
        select(TrackRow.id, TrackRow.filename, TrackRow.duration_s, func.max(FeatureRow.start_s))
        .join(ItemRow, ItemRow.track_id == TrackRow.id)
        .outerjoin(FeatureRow, FeatureRow.track_id == TrackRow.id)
        .where(ItemRow.id == row.item_id)
        .group_by(TrackRow.id, TrackRow.filename, TrackRow.duration_s)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        raise Conflict("The track of this lease was deleted. Ask for the next item.")
    track_id, filename, duration_s, start_s = found
    return Lease(
        id=row.id,
        project_id=row.project_id,
        annotator=row.annotator,
        expires_at=row.expires_at,
        item_id=row.item_id,
        track_id=track_id,
        filename=filename,
        duration_s=duration_s,
        start_s=start_s or 0.0,
        suggestion=row.shown.get("suggestion"),
    )


def _own_lease(session: Session, lease_id: str, annotator: str, *, hold: bool = False) -> LeaseRow:
    query = select(LeaseRow).where(LeaseRow.id == lease_id)
    row = session.scalars(query.with_for_update() if hold else query).one_or_none() if is_id(lease_id) else None
    if row is None:
        raise NotFound(f"There is no lease {lease_id!r}.")
    if row.annotator != annotator:
        raise Forbidden(f"This lease is {row.annotator}'s, not {annotator}'s.")
    return row


def _held_on(session: Session, item_id: str, annotator: str) -> LeaseRow | None:
    """The lease that an annotator has on an item, if there is one; nobody ends it before this transaction does."""
    query = select(LeaseRow).where(
        LeaseRow.item_id == item_id, LeaseRow.annotator == annotator, LeaseRow.ended_at.is_(None)
    )
    return session.scalars(query.with_for_update()).one_or_none()


def _hold_annotator(session: Session, annotator: str) -> None:
    """Let others with this name wait: a page that fetches ahead, or two tabs of it, ask for items at once."""
    if session.get_bind().dialect.name == "postgresql":  # on SQLite writers take turns anyway
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(annotator, 0))))


def _hold_item(session: Session, item_id: str) -> None:
    session.scalar(select(ItemRow.id).where(ItemRow.id == item_id).with_for_update(key_share=True))


def _refuse_other_answer(session: Session, event: LabelEventRow, kind: str, content: dict[str, Any]) -> None:
    """Whoever sends an answer again must mean the one that is there, and it must count."""
    if (event.kind, event.content) != (kind, content):
        raise Conflict("This lease was answered otherwise already: undo that answer first.")
    if session.scalar(select(LabelEventRow.number).where(LabelEventRow.undoes == event.number)) is not None:
        raise Conflict("The answer to this lease was undone: answer the lease that undoing it gave.")


def _refuse_closed(project: Project) -> None:
    if project.closed:
        raise Conflict(f"The project {project.name!r} is closed: nothing more is asked in it.")


def _content(project: Project, answer: Answer) -> dict[str, Any]:
    """An answer as it is recorded, genres by id. Raises Invalid."""
    note = _words(answer.note, "note")
    match answer.kind:
        case "skip":
            return {"reason": _words(answer.reason, "reason")}
        case "flag":
            if answer.flag not in FLAGS:
                raise Invalid(f"{answer.flag!r} is no flag: expected one of {', '.join(FLAGS)}.")
            return {"flag": answer.flag, "note": note}
        case "label":
            genres = list(dict.fromkeys(project.genre_named(name).id for name in answer.genres))
            _check_label(project, genres, none=answer.none)
            return {"genres": genres, "none": answer.none, "unsure": answer.unsure, "note": note}
    raise Invalid(f"{answer.kind!r} is no kind of answer: expected label, skip or flag.")


def _words(text: str | None, what: str) -> str | None:
    """What somebody wrote, lines ended alike, None where it is nothing. Raises Invalid."""
    words = "\n".join((text or "").splitlines()).strip()
    if len(words) > MAX_NOTE:
        raise Invalid(f"A {what} of {len(words)} characters: {MAX_NOTE} at most.")
    if NO_TEXT.search(words):
        raise Invalid(f"The {what} {words[:40]!r} has control characters or halves of characters: send text.")
    return words or None


def _check_annotator(name: str) -> None:
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(f"{name[:MAX_NAME]!r} is no name of an annotator: it has 1 to {MAX_NAME} printable characters.")


def _check_label(project: Project, genres: Sequence[str], *, none: bool) -> None:
    if none and genres:
        raise Invalid("A label says genres, or that none of them fits: not both.")
    if none and not project.settings.none_of_these:
        raise Invalid(f"The project {project.name!r} wants a genre for each item: skip or flag what has none.")
    if not none and not genres:
        raise Invalid("A label needs a genre; to say that none fits, send `none`; to say nothing, skip.")
    if len(genres) > 1 and not project.settings.multi_label:
        raise Invalid(f"The project {project.name!r} wants one genre for each item: flag what has several.")


def _act(project: Project, event: Event, track_id: str | None) -> Act:
    assert event.item_id is not None
    content: Mapping[str, Any] = event.content
    return Act(
        number=event.number,
        kind=event.kind,
        project_id=project.id,
        item_id=event.item_id,
        track_id=track_id,
        annotator=event.actor,
        at=event.at,
        genres=tuple(project.names_of(content.get("genres", ()))),
        none=content.get("none", False),
        unsure=content.get("unsure", False),
        flag=content.get("flag"),
        note=content.get("note"),
        reason=content.get("reason"),
        version=event.version,
    )
