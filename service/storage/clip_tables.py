"""The tables of generated clips: what was asked for, the takes that were made, and their files."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables import Base, Id, Sha256


class ClipRow(Base):
    """A clip that somebody asked for."""

    __tablename__ = "clips"
    __table_args__ = (Index(None, "state", "updated_at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))  # whose request it was, as with idempotency keys
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16))
    job_id: Mapped[str] = mapped_column(Id)  # no foreign key, for jobs point here and are forgotten earlier
    request: Mapped[dict[str, Any]]
    plan: Mapped[dict[str, Any]]  # one wish for each take, and from what it starts
    problem: Mapped[dict[str, Any] | None]


class TakeRow(Base):
    """One of the takes of a clip, numbered from 0."""

    __tablename__ = "takes"

    clip_id: Mapped[str] = mapped_column(Id, ForeignKey("clips.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created_at: Mapped[datetime]
    seconds: Mapped[float]
    genre_agreement: Mapped[float | None]
    rating: Mapped[int | None]
    report: Mapped[dict[str, Any]]
    codes: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # little-endian uint16, codebook by codebook
    n_codebooks: Mapped[int]
    peaks: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # little-endian float32


class TakeFileRow(Base):
    """The sound of a take in one format. Its content lies in the blob store and ends in this id."""

    __tablename__ = "take_files"
    __table_args__ = (
        ForeignKeyConstraint(["clip_id", "number"], ["takes.clip_id", "takes.number"], ondelete="CASCADE"),
        Index(None, "clip_id", "number", "format", unique=True),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    clip_id: Mapped[str] = mapped_column(Id)
    number: Mapped[int]
    format: Mapped[str] = mapped_column(String(8))
    sha256: Mapped[str] = mapped_column(Sha256)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
