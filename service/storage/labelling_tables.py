"""The tables of the labelling queue. Points in time are UTC; ids are ULIDs, events are numbered.

What people did is in `label_events`, to which rows are only ever added: the database itself refuses to change or
delete one (see the migration). Genres, items and acts in force are what follows from the events, kept so that the
next item is found in a millisecond; `service.storage.project_state` makes them again from the events alone.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.tables import Base, Id, Json, Sha256

Number = BigInteger().with_variant(Integer, "sqlite")  # only an INTEGER numbers itself there
Annotator = String(100)
AVAILABLE = text("available")
AVAILABLE_IN_SQLITE = text("available = 1")  # as queries say it there: SQLite uses an index only for its own words
HELD = text("ended_at IS NULL")
IN_USE = text("merged_into IS NULL")


class ProjectRow(Base):
    """A pool to be labelled, with a taxonomy and a model of its own."""

    __tablename__ = "projects"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    folded_name: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime]
    closed: Mapped[bool]
    settings: Mapped[dict[str, Any]]
    version: Mapped[int | None]  # of its model that answers


class GenreRow(Base):
    """A genre of a project's taxonomy; one that was merged into another stays, for labels speak of it."""

    __tablename__ = "genres"
    __table_args__ = (
        Index(
            "uq_genres_name_in_use",
            "project_id",
            "folded_name",
            unique=True,
            sqlite_where=IN_USE,
            postgresql_where=IN_USE,
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    project_id: Mapped[str] = mapped_column(Id, ForeignKey("projects.id"))
    name: Mapped[str] = mapped_column(String(100))
    folded_name: Mapped[str] = mapped_column(String(200))
    position: Mapped[int]
    merged_into: Mapped[str | None] = mapped_column(Id)


class ItemRow(Base):
    """A track in a project's pool."""

    __tablename__ = "items"
    __table_args__ = (
        *(
            Index(name, "project_id", column, sqlite_where=AVAILABLE_IN_SQLITE, postgresql_where=AVAILABLE)
            for name, column in (("ix_items_ranked", "rank"), ("ix_items_random", "random_order"))
        ),
        Index("uq_items_track", "project_id", "track_id", unique=True),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    project_id: Mapped[str] = mapped_column(Id, ForeignKey("projects.id"))
    track_id: Mapped[str | None] = mapped_column(Id, ForeignKey("tracks.id", ondelete="SET NULL"), index=True)
    filename: Mapped[str]
    sha256: Mapped[str] = mapped_column(Sha256)
    artist: Mapped[str]  # "" where it is unknown: tracks of one artist never are on both sides of a measurement
    random_order: Mapped[float]  # 0 to 1, drawn once: the random slice is a beginning of this order
    rank: Mapped[int] = mapped_column(Number)  # lower is served first
    wanted: Mapped[int]  # annotators
    flag: Mapped[str | None] = mapped_column(String(16))  # "broken" or "several_genres": set aside
    n_labels: Mapped[int]
    n_leases: Mapped[int]
    available: Mapped[bool]  # more annotators are wanted than have it or have answered
    probabilities: Mapped[dict[str, Any] | None] = mapped_column(Json, deferred=True)  # by id of genre
    version: Mapped[int | None]  # of the model that gave them


class LeaseRow(Base):
    """An item that was given to an annotator for some time."""

    __tablename__ = "leases"
    __table_args__ = (
        Index("ix_leases_held", "project_id", "expires_at", sqlite_where=HELD, postgresql_where=HELD),
        Index("uq_leases_held", "item_id", "annotator", unique=True, sqlite_where=HELD, postgresql_where=HELD),
        Index("ix_leases_of_annotator", "project_id", "annotator", sqlite_where=HELD, postgresql_where=HELD),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    project_id: Mapped[str] = mapped_column(Id, ForeignKey("projects.id"))
    item_id: Mapped[str] = mapped_column(Id, ForeignKey("items.id"))
    annotator: Mapped[str] = mapped_column(Annotator)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    shown: Mapped[dict[str, Any]]  # slice, rank, version, suggestion: goes into the event of the answer


class LabelEventRow(Base):
    """Something that happened in a project; never changed, never deleted."""

    __tablename__ = "label_events"
    __table_args__ = (
        Index(None, "project_id", "number"),
        Index(None, "project_id", "actor", "number"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    project_id: Mapped[str] = mapped_column(Id, ForeignKey("projects.id"))
    kind: Mapped[str] = mapped_column(String(24))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(Annotator)
    item_id: Mapped[str | None] = mapped_column(Id, ForeignKey("items.id"))
    lease_id: Mapped[str | None] = mapped_column(Id, unique=True)  # answered once
    undoes: Mapped[int | None] = mapped_column(Number, unique=True)  # undone once
    version: Mapped[int | None]  # of the model that answered then
    content: Mapped[dict[str, Any]]
    shown: Mapped[dict[str, Any] | None]


class ActRow(Base):
    """What an annotator's last word on an item is: a label, a skip or a flag that was not undone."""

    __tablename__ = "acts"
    __table_args__ = (Index(None, "project_id", "number"),)

    item_id: Mapped[str] = mapped_column(Id, ForeignKey("items.id"), primary_key=True)
    annotator: Mapped[str] = mapped_column(Annotator, primary_key=True)
    project_id: Mapped[str] = mapped_column(Id, ForeignKey("projects.id"))
    number: Mapped[int] = mapped_column(Number, ForeignKey("label_events.number"), unique=True)
    kind: Mapped[str] = mapped_column(String(8))


class VersionRow(Base):
    """A version of a project's model."""

    __tablename__ = "project_versions"

    project_id: Mapped[str] = mapped_column(Id, ForeignKey("projects.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16))  # "active", "superseded" or "refused"
    reason: Mapped[str]
    n_labels: Mapped[int]
    last_event: Mapped[int] = mapped_column(Number)  # it knows what had happened by then
    accuracy: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    report: Mapped[dict[str, Any]] = mapped_column(Json, deferred=True)
    card: Mapped[dict[str, Any]] = mapped_column(Json, deferred=True)
    weights: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # .npz


class FeatureRow(Base):
    """What a backbone heard in a track, summed up: little-endian float32, as `models.label_pool` lays it out."""

    __tablename__ = "track_features"

    track_id: Mapped[str] = mapped_column(Id, ForeignKey("tracks.id", ondelete="CASCADE"), primary_key=True)
    backbone: Mapped[str] = mapped_column(String(100), primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    start_s: Mapped[float]  # of the stretch that tells most
