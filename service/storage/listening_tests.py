"""Blind listening tests: made once, then heard by one listener after the other, each with questions of their own.

Whoever listens is known here by a name that their test knows, and in results by a number.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from models.evaluation.listening_test import CHOICES, STARS, Given, Item, Question
from models.evaluation.listening_test import session as questions_for
from service.errors import Conflict, Invalid, NotFound
from service.storage.database import Database
from service.storage.ids import check_cursor, is_id, new_id
from service.storage.listening_tables import ListenerRow, ListeningItemRow, ListeningQuestionRow, ListeningTestRow
from service.storage.pages import Page, iso, utc_now
from service.storage.projects import checked_name
from service.storage.tracks import blob_key

ASPECTS = ("quality", "genre")  # what listeners are asked about: how good it is, how much like the topic


@dataclass(frozen=True)
class ListeningSettings:
    """How a test is held.

    Attributes
    ----------
    aspect : str
        One of `ASPECTS`.
    n_pairs, n_ratings, n_repeats : int
        Questions for each listener, as `models.evaluation.listening_test.session` takes them.
    seconds : float
        Length of each sound at most.
    seed : int
        Of the order of questions.
    """

    aspect: str
    n_pairs: int
    n_ratings: int
    n_repeats: int
    seconds: float
    seed: int


@dataclass(frozen=True)
class Sound:
    """A sound of a test, and of which track or take it was made; its content is in the blob store."""

    id: str
    system: str
    topic: str
    source: dict[str, Any]
    size_bytes: int

    @property
    def blob(self) -> str:
        """Key of its content in the blob store."""
        return blob_key(self.id)


@dataclass(frozen=True)
class ListeningTest:
    """A listening test, without anything that tells which system is heard."""

    id: str
    name: str
    created_at: datetime
    closed: bool
    n_listeners: int
    settings: ListeningSettings

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the HTTP contract."""
        return {
            "id": self.id,
            "name": self.name,
            "created_at": iso(self.created_at),
            "closed": self.closed,
            "listeners": self.n_listeners,
            "settings": vars(self.settings),
        }


@dataclass(frozen=True)
class Asked:
    """A question of a listener, as they see it; `topic` is what both sounds should be like."""

    id: str
    test_id: str
    kind: str
    topic: str
    position: int
    total: int


class ListeningTestStore:
    """The listening tests of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, test_id: str, name: str, *, settings: ListeningSettings, sounds: Sequence[Sound]) -> ListeningTest:
        """Keep a test whose sounds are in the blob store already.

        Raises
        ------
        Invalid
            If the name is none.
        """
        row = ListeningTestRow(
            id=test_id,
            name=checked_name(name, "listening test"),
            created_at=utc_now(),
            closed=False,
            n_listeners=0,
            settings=vars(settings),
        )
        items = [
            ListeningItemRow(
                id=sound.id,
                test_id=test_id,
                system=sound.system,
                topic=sound.topic,
                source=sound.source,
                size_bytes=sound.size_bytes,
            )
            for sound in sounds
        ]
        with self._database.writing() as writing:
            writing.add(row)
            writing.flush()
            writing.add_all(items)
        return _test(row)

    def get(self, test_id: str) -> ListeningTest:
        """A test. Raises NotFound."""
        with self._database.reading() as reading:
            return _test(_row(reading, test_id))

    def list(self, *, cursor: str | None = None, limit: int = 50) -> Page[ListeningTest]:
        """Tests, newest first. Raises NotFound if no list gave that cursor."""
        query = select(ListeningTestRow).order_by(ListeningTestRow.id.desc()).limit(limit + 1)
        if check_cursor(cursor):
            query = query.where(ListeningTestRow.id < cursor)
        with self._database.reading() as reading:
            items = [_test(row) for row in reading.scalars(query)]
        return Page(items[:limit], items[limit - 1].id if len(items) > limit else None)

    def close(self, test_id: str, closed: bool) -> ListeningTest:
        """End a test, or go on with it. Raises NotFound."""
        with self._database.writing() as writing:
            row = _row(writing, test_id)
            row.closed = closed
        return _test(row)

    def delete(self, test_id: str) -> Sequence[str]:
        """Take a test away with its answers; returns keys of its sounds in the blob store. Raises NotFound."""
        with self._database.writing() as writing:
            row = _row(writing, test_id)
            sounds = writing.scalars(select(ListeningItemRow.id).where(ListeningItemRow.test_id == row.id)).all()
            writing.execute(delete(ListeningTestRow).where(ListeningTestRow.id == row.id))
        return [blob_key(sound) for sound in sounds]

    def sounds(self, test_id: str) -> Sequence[Sound]:
        """The sounds of a test, with their systems."""
        query = select(ListeningItemRow).where(ListeningItemRow.test_id == test_id).order_by(ListeningItemRow.id)
        with self._database.reading() as reading:
            return [_sound(row) for row in reading.scalars(query)]

    def known_sounds(self, ids: Collection[str]) -> set[str]:
        """Which of these ids are sounds of tests."""
        with self._database.reading() as reading:
            return set(reading.scalars(select(ListeningItemRow.id).where(ListeningItemRow.id.in_(ids))))

    def next(self, test_id: str, listener: str) -> Asked | None:
        """The first question of a listener that is not answered; None where all are.

        Raises
        ------
        NotFound
            If there is no such test.
        Conflict
            If it is closed.
        """
        with self._database.reading() as reading:
            test = _open(reading, test_id)
            row = _listener(reading, test.id, listener)
            if row is not None:
                return _next(reading, row)
        with self._database.writing() as writing:
            test = _open(writing, test_id, hold=True)
            row = _listener(writing, test.id, listener) or _begin(writing, test, listener)
            return _next(writing, row)

    def answer(
        self, test_id: str, question_id: str, answer: int | str, *, listener: str, plays: int | None
    ) -> tuple[bool, Asked | None]:
        """Answer a question.

        Returns
        -------
        tuple of bool and Asked or None
            Whether this answer is new, and the next question. The same answer again changes nothing.

        Raises
        ------
        NotFound
            If there is no such question of this listener.
        Conflict
            If the test is closed, or the question was answered otherwise.
        Invalid
            If this is no answer to a question of its kind.
        """
        with self._database.writing() as writing:
            test = _open(writing, test_id, hold=True)
            owner = _listener(writing, test.id, listener)
            row = writing.get(ListeningQuestionRow, question_id) if is_id(question_id) else None
            if row is None or owner is None or row.listener_id != owner.id:
                raise NotFound(f"{listener} was not asked a question {question_id!r} in this test.")
            said = _checked(answer, row.kind)
            if row.answer not in (None, said):
                raise Conflict(f"This question was answered {row.answer!r} already; answers are not changed.")
            new = row.answer is None
            if new:
                row.answer, row.plays, row.answered_at = said, plays, utc_now()
                writing.flush()
            return new, _next(writing, owner)

    def sound(self, test_id: str, question_id: str, side: str) -> Sound:
        """What is heard on side "a" or "b" of a question. Raises NotFound."""
        with self._database.reading() as reading:
            row = reading.get(ListeningQuestionRow, question_id) if is_id(question_id) else None
            item = None if row is None or row.test_id != test_id else {"a": row.item_a, "b": row.item_b}.get(side)
            found = None if item is None else reading.get(ListeningItemRow, item)
            if found is None:
                raise NotFound("There is no such sound.")
            return _sound(found)

    def given(self, test_id: str) -> Sequence[Given]:
        """All answers of a test, in the order of listeners and questions; listeners are numbers from 1."""
        return [given for given, _ in self._given(test_id)]

    def rows(self, test_id: str) -> Sequence[dict[str, Any]]:
        """All answers of a test for export, systems included."""
        sounds = {sound.id: sound for sound in self.sounds(test_id)}
        found = []
        for given, row in self._given(test_id):
            a, b = sounds[row.item_a], None if row.item_b is None else sounds[row.item_b]
            found.append(
                {
                    "listener": int(given.listener),
                    "position": row.position + 1,
                    "kind": row.kind,
                    "topic": a.topic,
                    "system_a": a.system,
                    "system_b": "" if b is None else b.system,
                    "source_a": _words(a.source),
                    "source_b": "" if b is None else _words(b.source),
                    "answer": given.answer,
                    "repeats": None if row.repeats is None else row.repeats + 1,
                    "plays": row.plays,
                    "answered_at": iso(row.answered_at),
                }
            )
        return found

    def finished(self, test_id: str) -> int:
        """How many listeners have answered all that they were asked."""
        unanswered = select(ListeningQuestionRow.listener_id).where(
            ListeningQuestionRow.test_id == test_id, ListeningQuestionRow.answer.is_(None)
        )
        query = select(func.count()).where(ListenerRow.test_id == test_id, ListenerRow.id.not_in(unanswered))
        with self._database.reading() as reading:
            return reading.scalar(query) or 0

    def _given(self, test_id: str) -> Sequence[tuple[Given, ListeningQuestionRow]]:
        query = (
            select(ListeningQuestionRow, ListenerRow.number)
            .join(ListenerRow, ListenerRow.id == ListeningQuestionRow.listener_id)
            .where(ListeningQuestionRow.test_id == test_id, ListeningQuestionRow.answer.is_not(None))
            .order_by(ListenerRow.number, ListeningQuestionRow.position)
        )
        found: list[tuple[Given, ListeningQuestionRow]] = []
        answers: dict[tuple[int, int], str] = {}
        with self._database.reading() as reading:
            for row, number in reading.execute(query):
                assert row.answer is not None  # the query asks for answered ones
                answers[number, row.position] = row.answer
                first = None if row.repeats is None else answers.get((number, row.repeats))
                question = Question(row.kind, row.item_a, row.item_b, row.repeats)
                answer: int | str = int(row.answer) if row.kind == "rating" else row.answer
                found.append((Given(str(number + 1), question, answer, first), row))
        return found


def _row(session: Session, test_id: str, *, hold: bool = False) -> ListeningTestRow:
    query = select(ListeningTestRow).where(ListeningTestRow.id == test_id)
    row = session.scalars(query.with_for_update() if hold else query).one_or_none() if is_id(test_id) else None
    if row is None:
        raise NotFound(f"There is no listening test {test_id!r}. It may have been deleted.")
    return row


def _open(session: Session, test_id: str, *, hold: bool = False) -> ListeningTestRow:
    row = _row(session, test_id, hold=hold)
    if row.closed:
        raise Conflict(f"The listening test {row.name!r} is closed: nobody listens in it any more.")
    return row


def _listener(session: Session, test_id: str, name: str) -> ListenerRow | None:
    return session.scalars(
        select(ListenerRow).where(ListenerRow.test_id == test_id, ListenerRow.name == name)
    ).one_or_none()


def _begin(writing: Session, test: ListeningTestRow, name: str) -> ListenerRow:
    """Write down what a new listener is asked. The test is held, so that numbers are given one at a time."""
    settings = ListeningSettings(**test.settings)
    sounds = writing.scalars(select(ListeningItemRow).where(ListeningItemRow.test_id == test.id))
    questions = questions_for(
        [Item(sound.id, sound.system, sound.topic) for sound in sounds],
        n_pairs=settings.n_pairs,
        n_ratings=settings.n_ratings,
        n_repeats=settings.n_repeats,
        listener=test.n_listeners,
        seed=settings.seed,
    )
    row = ListenerRow(id=new_id(), test_id=test.id, name=name, number=test.n_listeners, began_at=utc_now())
    writing.add(row)
    writing.execute(
        update(ListeningTestRow)
        .where(ListeningTestRow.id == test.id)
        .values(n_listeners=ListeningTestRow.n_listeners + 1)
    )
    writing.flush()
    writing.add_all(
        ListeningQuestionRow(
            id=new_id(),
            test_id=test.id,
            listener_id=row.id,
            position=position,
            kind=question.kind,
            item_a=question.a,
            item_b=question.b,
            repeats=question.repeats,
        )
        for position, question in enumerate(questions)
    )
    writing.flush()
    return row


def _next(session: Session, listener: ListenerRow) -> Asked | None:
    of_listener = ListeningQuestionRow.listener_id == listener.id
    query = (
        select(ListeningQuestionRow, ListeningItemRow.topic)
        .join(ListeningItemRow, ListeningItemRow.id == ListeningQuestionRow.item_a)
        .where(of_listener, ListeningQuestionRow.answer.is_(None))
        .order_by(ListeningQuestionRow.position)
        .limit(1)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        return None
    row, topic = found
    total = session.scalar(select(func.count()).where(of_listener)) or 0
    return Asked(row.id, row.test_id, row.kind, topic, row.position, total)


def _checked(answer: int | str, kind: str) -> str:
    if kind == "pair" and answer in CHOICES:
        return str(answer)
    if kind == "rating" and isinstance(answer, int) and STARS[0] <= answer <= STARS[1]:
        return str(answer)
    wanted = f"one of {', '.join(CHOICES)}" if kind == "pair" else f"{STARS[0]} to {STARS[1]}"
    raise Invalid(f"answer={answer!r}: expected {wanted} for a {kind}.")


def _words(source: Mapping[str, Any]) -> str:
    return source["filename"] if "track" in source else f"{source['clip']}/{source['take']}"


def _test(row: ListeningTestRow) -> ListeningTest:
    return ListeningTest(
        id=row.id,
        name=row.name,
        created_at=row.created_at,
        closed=row.closed,
        n_listeners=row.n_listeners,
        settings=ListeningSettings(**row.settings),
    )


def _sound(row: ListeningItemRow) -> Sound:
    return Sound(row.id, row.system, row.topic, row.source, row.size_bytes)
