"""The tables of blind listening tests: their sounds, who listens, what is asked and what was answered.

A listener's questions are written down when they begin, in the order in which they are asked; each gets its answer in
its own row. Ids that listeners see are those of questions, which tell nothing of the system that is heard.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables import Base, Id


class ListeningTestRow(Base):
    """A listening test."""

    __tablename__ = "listening_tests"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    closed: Mapped[bool]
    n_listeners: Mapped[int]  # that have begun
    settings: Mapped[dict[str, Any]]


class ListeningItemRow(Base):
    """A sound of a system, as it is played: its content in the blob store ends in this id."""

    __tablename__ = "listening_items"
    __table_args__ = (Index(None, "test_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    test_id: Mapped[str] = mapped_column(Id, ForeignKey("listening_tests.id", ondelete="CASCADE"))
    system: Mapped[str] = mapped_column(String(100))
    topic: Mapped[str] = mapped_column(String(100))
    source: Mapped[dict[str, Any]]  # of which track or take it was made
    size_bytes: Mapped[int]


class ListenerRow(Base):
    """Somebody who listens in a test."""

    __tablename__ = "listeners"
    __table_args__ = (Index(None, "test_id", "name", unique=True), Index(None, "test_id", "number", unique=True))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    test_id: Mapped[str] = mapped_column(Id, ForeignKey("listening_tests.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    number: Mapped[int]  # from 0
    began_at: Mapped[datetime]


class ListeningQuestionRow(Base):
    """What a listener is asked, and the answer."""

    __tablename__ = "listening_questions"
    __table_args__ = (Index(None, "listener_id", "position", unique=True), Index(None, "test_id", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    test_id: Mapped[str] = mapped_column(Id, ForeignKey("listening_tests.id", ondelete="CASCADE"))
    listener_id: Mapped[str] = mapped_column(Id, ForeignKey("listeners.id", ondelete="CASCADE"))
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(String(8))  # "pair" or "rating"
    item_a: Mapped[str] = mapped_column(Id, ForeignKey("listening_items.id", ondelete="CASCADE"))
    item_b: Mapped[str | None] = mapped_column(Id, ForeignKey("listening_items.id", ondelete="CASCADE"))
    repeats: Mapped[int | None]  # position of the pair that is asked about again
    answer: Mapped[str | None] = mapped_column(String(8))  # "a", "b", "same" or a number of stars
    plays: Mapped[int | None]  # how often the listener started a sound
    answered_at: Mapped[datetime | None]
