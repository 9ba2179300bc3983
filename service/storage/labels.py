"""Labels in force, the items that they are about, and what a model makes of these items."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import bindparam, func, select, update

from service.storage.database import Database
from service.storage.labelling_tables import ActRow, ItemRow, LabelEventRow
from service.storage.projects import read_project

ROWS_AT_ONCE = 250  # that one transaction changes: whoever labels meanwhile waits for no more than that


@dataclass(frozen=True)
class LabelInForce:
    """A label that counts; `genres` are ids in use, none for "none of these"."""

    number: int
    item_id: str
    annotator: str
    at: datetime
    genres: tuple[str, ...]
    unsure: bool
    note: str | None
    version: int | None


@dataclass(frozen=True)
class PoolEntry:
    """An item as the learner sees it.

    Attributes
    ----------
    acted : bool
        Whether anybody has labelled, skipped or flagged it.
    """

    item_id: str
    track_id: str | None
    artist: str
    random_order: float
    wanted: int
    n_labels: int
    flag: str | None
    acted: bool


@dataclass(frozen=True)
class AnnotatorTotals:
    """What an annotator has done that counts; `median_s` is the time from lease to answer of the latest labels."""

    name: str
    labels: int
    skips: int
    flags: int
    last_at: datetime
    median_s: float | None


class LabelStore:
    """The labels of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def in_force(self, project_id: str) -> list[LabelInForce]:
        """Labels that count, in the order in which they were given; those of merged genres speak of the new one."""
        query = (
            select(LabelEventRow)
            .join(ActRow, ActRow.number == LabelEventRow.number)
            .where(ActRow.project_id == project_id, ActRow.kind == "label")
            .order_by(LabelEventRow.number)
        )
        with self._database.reading() as session:
            merged = read_project(session, project_id).merged
            return [
                LabelInForce(
                    number=row.number,
                    item_id=row.item_id or "",
                    annotator=row.actor,
                    at=row.at,
                    genres=tuple(dict.fromkeys(merged.get(genre, genre) for genre in row.content["genres"])),
                    unsure=row.content["unsure"],
                    note=row.content["note"],
                    version=row.version,
                )
                for row in session.scalars(query)
            ]

    def pool(self, project_id: str) -> list[PoolEntry]:
        """Items whose track is there, in the order of the random slice."""
        acted = select(ActRow.item_id).where(ActRow.item_id == ItemRow.id).exists()
        query = (
            select(
                *(ItemRow.id, ItemRow.track_id, ItemRow.artist, ItemRow.random_order),
                *(ItemRow.wanted, ItemRow.n_labels, ItemRow.flag, acted),
            )
            .where(ItemRow.project_id == project_id, ItemRow.track_id.is_not(None))
            .order_by(ItemRow.random_order, ItemRow.id)
        )
        with self._database.reading() as session:
            return [PoolEntry(*row) for row in session.execute(query).tuples()]

    def count_since(self, project_id: str, moment: datetime | None) -> int:
        """How many labels and undone answers there were after a moment."""
        query = select(func.count()).where(
            LabelEventRow.project_id == project_id, LabelEventRow.kind.in_(("label", "undo"))
        )
        if moment is not None:
            query = query.where(LabelEventRow.at > moment)
        with self._database.reading() as session:
            return session.scalar(query) or 0

    def last_number(self, project_id: str) -> int:
        """Number of the latest event of a project."""
        query = select(func.max(LabelEventRow.number)).where(LabelEventRow.project_id == project_id)
        with self._database.reading() as session:
            return session.scalar(query) or 0

    def write_ranks(self, ranks: Mapping[str, int]) -> None:
        """Set the places of items in the queue, some at a time."""
        rows = [{"of": item_id, "rank": rank} for item_id, rank in sorted(ranks.items())]
        statement = update(ItemRow).where(ItemRow.id == bindparam("of")).values(rank=bindparam("rank"))
        self._write(statement, rows)

    def write_predictions(self, version: int, probabilities: Mapping[str, Mapping[str, float]]) -> None:
        """Keep what a version makes of items: probabilities by item and genre, some items at a time."""
        rows = [
            {"of": item_id, "probabilities": dict(shares), "version": version}
            for item_id, shares in sorted(probabilities.items())
        ]
        statement = (
            update(ItemRow)
            .where(ItemRow.id == bindparam("of"))
            .values(probabilities=bindparam("probabilities"), version=bindparam("version"))
        )
        self._write(statement, rows)

    def predictions(self, project_id: str) -> dict[str, dict[str, float]]:
        """Probabilities by item and genre, of the items that a version has judged."""
        query = select(ItemRow.id, ItemRow.probabilities).where(
            ItemRow.project_id == project_id, ItemRow.version.is_not(None)
        )
        with self._database.reading() as session:
            return {item_id: shares or {} for item_id, shares in session.execute(query)}

    def annotators(self, project_id: str, *, latest: int = 500) -> list[AnnotatorTotals]:
        """What each annotator has done, the most diligent first."""
        counts = (
            select(ActRow.annotator, ActRow.kind, func.count(), func.max(LabelEventRow.at))
            .join(LabelEventRow, LabelEventRow.number == ActRow.number)
            .where(ActRow.project_id == project_id)
            .group_by(ActRow.annotator, ActRow.kind)
        )
        recent = (
            select(LabelEventRow.actor, LabelEventRow.shown)
            .where(LabelEventRow.project_id == project_id, LabelEventRow.kind == "label")
            .order_by(LabelEventRow.number.desc())
            .limit(latest)
        )
        with self._database.reading() as session:
            rows = session.execute(counts).all()
            seconds = _seconds(session.execute(recent).tuples())
        names = sorted({row[0] for row in rows})
        totals = []
        for name in names:
            own = {kind: n for who, kind, n, _ in rows if who == name}
            totals.append(
                AnnotatorTotals(
                    name=name,
                    labels=own.get("label", 0),
                    skips=own.get("skip", 0),
                    flags=own.get("flag", 0),
                    last_at=max(at for who, _, _, at in rows if who == name),
                    median_s=_median(seconds.get(name, [])),
                )
            )
        return sorted(totals, key=lambda each: -each.labels)

    def _write(self, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(rows), ROWS_AT_ONCE):
            with self._database.writing() as session:
                session.connection().execute(statement, list(rows[start : start + ROWS_AT_ONCE]))


def _seconds(rows: Iterable[tuple[str, dict[str, Any] | None]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for annotator, shown in rows:
        if shown and "seconds" in shown:
            found.setdefault(annotator, []).append(float(shown["seconds"]))
    return found


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None
