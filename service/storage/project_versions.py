"""Versions of a project's model: their weights, how well they measured, which one answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, undefer

from service.errors import Conflict, NotFound
from service.storage.database import Database
from service.storage.label_events import record
from service.storage.labelling_tables import ProjectRow, VersionRow
from service.storage.pages import iso, utc_now
from service.storage.projects import hold_project

ACTIVE, SUPERSEDED, REFUSED = "active", "superseded", "refused"
MAX_VERSION = (1 << 31) - 1  # that the column holds


@dataclass(frozen=True)
class Version:
    """A version without its weights.

    Attributes
    ----------
    state : str
        "active", "superseded" or "refused".
    last_event : int
        It was trained on what had happened up to this event.
    accuracy, low, high : float or None
        Share of right answers on the random slice and its 95 % interval, where enough was labelled there.
    """

    version: int
    created_at: datetime
    state: str
    reason: str
    n_labels: int
    last_event: int
    accuracy: float | None
    low: float | None
    high: float | None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the HTTP contract."""
        return {
            "version": self.version,
            "created_at": iso(self.created_at),
            "labels": self.n_labels,
            "accuracy": self.accuracy,
            "low": self.low,
            "high": self.high,
            "state": self.state,
            "reason": self.reason,
        }


class VersionStore:
    """The versions of the projects' models in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, project_id: str) -> list[Version]:
        """The versions of a project, newest first."""
        query = select(VersionRow).where(VersionRow.project_id == project_id).order_by(VersionRow.version.desc())
        with self._database.reading() as session:
            return [_version(row) for row in session.scalars(query)]

    def latest(self, project_id: str) -> Version | None:
        """The version that was trained last, whether it answers or not."""
        query = select(VersionRow).where(VersionRow.project_id == project_id)
        with self._database.reading() as session:
            row = session.scalars(query.order_by(VersionRow.version.desc()).limit(1)).one_or_none()
            return None if row is None else _version(row)

    def get(self, project_id: str, version: int) -> Version:
        """One version. Raises NotFound."""
        with self._database.reading() as session:
            return _version(_row(session, project_id, version))

    def report(self, project_id: str, version: int) -> dict[str, Any]:
        """What its training found. Raises NotFound."""
        with self._database.reading() as session:
            return _row(session, project_id, version).report

    def model(self, project_id: str, version: int) -> tuple[dict[str, Any], bytes]:
        """Card and weights (an `.npz`) of a version. Raises NotFound."""
        query = (
            select(VersionRow)
            .where(VersionRow.project_id == project_id, VersionRow.version == version)
            .options(undefer(VersionRow.card), undefer(VersionRow.weights))
        )
        with self._database.reading() as session:
            row = session.scalars(query).one_or_none() if 0 < version <= MAX_VERSION else None
        if row is None:
            raise _missing(version)
        return row.card, row.weights

    def add(
        self,
        project_id: str,
        *,
        activate: bool,
        actor: str,
        reason: str,
        n_labels: int,
        last_event: int,
        accuracy: float | None,
        low: float | None,
        high: float | None,
        report: dict[str, Any],
        card: dict[str, Any],
        weights: bytes,
    ) -> Version:
        """Keep a new version; it answers from now on where `activate` says so."""
        with self._database.writing() as session:
            hold_project(session, project_id)
            newest = select(func.max(VersionRow.version)).where(VersionRow.project_id == project_id)
            row = VersionRow(
                project_id=project_id,
                version=(session.scalar(newest) or 0) + 1,
                created_at=utc_now(),
                state=REFUSED,
                reason=reason,
                n_labels=n_labels,
                last_event=last_event,
                accuracy=accuracy,
                low=low,
                high=high,
                report=report,
                card=card,
                weights=weights,
            )
            session.add(row)
            session.flush()
            if activate:
                _activate(session, project_id, row.version, actor)
                session.refresh(row, ["state"])
            return _version(row)

    def activate(self, project_id: str, version: int, *, actor: str) -> Version:
        """Let a version answer from now on. Raises NotFound."""
        with self._database.writing() as session:
            hold_project(session, project_id)
            _row(session, project_id, version)
            _activate(session, project_id, version, actor)
            return _version(_row(session, project_id, version))

    def roll_back(self, project_id: str, *, actor: str) -> Version:
        """Let the version answer that did before the active one.

        Raises
        ------
        Conflict
            If there is none.
        """
        with self._database.writing() as session:
            project = hold_project(session, project_id)
            query = select(func.max(VersionRow.version)).where(
                VersionRow.project_id == project_id,
                VersionRow.state == SUPERSEDED,
                VersionRow.version < (project.version or 0),
            )
            before = session.scalar(query)
            if before is None:
                raise Conflict("No version answered before the active one: there is nothing to go back to.")
            _activate(session, project_id, before, actor)
            return _version(_row(session, project_id, before))


def _activate(session: Session, project_id: str, version: int, actor: str) -> None:
    of_project = update(VersionRow).where(VersionRow.project_id == project_id)
    session.execute(of_project.where(VersionRow.state == ACTIVE).values(state=SUPERSEDED))
    session.execute(of_project.where(VersionRow.version == version).values(state=ACTIVE))
    session.execute(update(ProjectRow).where(ProjectRow.id == project_id).values(version=version))
    record(session, project_id, "activated", actor=actor, content={"version": version})


def _row(session: Session, project_id: str, version: int) -> VersionRow:
    known = 0 < version <= MAX_VERSION
    row = session.get(VersionRow, (project_id, version), populate_existing=True) if known else None
    if row is None:
        raise _missing(version)
    return row


def _missing(version: int) -> NotFound:
    return NotFound(f"The project has no version {version} of its model.")


def _version(row: VersionRow) -> Version:
    return Version(
        version=row.version,
        created_at=row.created_at,
        state=row.state,
        reason=row.reason,
        n_labels=row.n_labels,
        last_event=row.last_event,
        accuracy=row.accuracy,
        low=row.low,
        high=row.high,
    )
