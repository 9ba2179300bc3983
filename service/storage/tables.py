"""The tables. Points in time are UTC; ids are ULIDs.

The migrations in `migrations/versions` build exactly these; a test compares the two.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from service.storage.ids import LENGTH

Id = String(LENGTH)
Sha256 = String(64)
Json = JSON(none_as_null=True)


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, aware of its zone also where the database is not."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To UTC; a naive time is refused, for nobody knows when it is."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """SQLite forgets the zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables; names of constraints follow a pattern, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: Json, str: Text, float: Float(53)}  # noqa: RUF012


class TrackRow(Base):
    """A recording that somebody uploaded."""

    __tablename__ = "tracks"
    __table_args__ = (Index(None, "genre", "id"), Index(None, "state", "updated_at"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    filename: Mapped[str]
    folded_name: Mapped[str]  # what a search by name looks at
    sha256: Mapped[str] = mapped_column(Sha256)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    duration_s: Mapped[float | None]
    sample_rate: Mapped[int | None]
    channels: Mapped[int | None]
    format: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16))
    job_id: Mapped[str | None] = mapped_column(Id)  # the latest; no foreign key, for jobs point here
    genre: Mapped[str | None] = mapped_column(String(100))  # of the latest classification
    problem: Mapped[dict[str, Any] | None]


class ClassificationRow(Base):
    """An answer about a track; the one with the greatest id counts."""

    __tablename__ = "classifications"
    __table_args__ = (Index(None, "track_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    track_id: Mapped[str] = mapped_column(Id, ForeignKey("tracks.id", ondelete="CASCADE"))
    model: Mapped[str] = mapped_column(String(200))
    genre: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime]
    summary: Mapped[dict[str, Any]]
    timeline: Mapped[dict[str, Any]] = mapped_column(Json, deferred=True)  # segments and runs: megabytes for hours


class WaveformRow(Base):
    """Peaks of a track for drawing: little-endian float32."""

    __tablename__ = "waveforms"

    track_id: Mapped[str] = mapped_column(Id, ForeignKey("tracks.id", ondelete="CASCADE"), primary_key=True)
    duration_s: Mapped[float]
    peaks: Mapped[bytes] = mapped_column(LargeBinary)


class JobRow(Base):
    """A long piece of work. The queue only carries its id: what is true of a job stands here."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "state", "id"),
        Index(None, "track_id", "id"),
        Index(None, "project_id", "id"),
        Index(None, "clip_id", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    progress: Mapped[float]
    starts: Mapped[int]  # tells one runner's changes from another's
    losses: Mapped[int]  # how often a runner fell silent
    track_id: Mapped[str | None] = mapped_column(Id, ForeignKey("tracks.id", ondelete="SET NULL"))
    project_id: Mapped[str | None] = mapped_column(Id)  # no foreign key: projects are never deleted
    clip_id: Mapped[str | None] = mapped_column(Id)  # no foreign key: whoever deletes a clip empties this
    created_at: Mapped[datetime]
    queued_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(Json, deferred=True)
    problem: Mapped[dict[str, Any] | None]


class IdempotencyRow(Base):
    """A request that must not be done twice; without a status it is being done."""

    __tablename__ = "idempotency"

    owner: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(Sha256)
    created_at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)


class TokenRow(Base):
    """Who may use the server; of the secret only the hash is here."""

    __tablename__ = "tokens"
    __table_args__ = (
        Index(
            "uq_tokens_name_in_use",
            "name",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(16))
    secret_sha256: Mapped[str] = mapped_column(Sha256, unique=True)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
