"""Events of a labelling project: what happened, who did it, when, and what they saw. Rows are only ever added.

Kinds and their content:

- `created` {name, settings, genres: [{id, name}]}, `renamed` {name}, `settings` {all settings}, `closed`, `reopened`
- `genre_added` {id, name}, `genre_renamed` {id, name}, `genre_merged` {id, into}
- `items_added` {items: {id: track id}, wanted}
- `asked_again` {wanted}: more annotators are wanted for an item whose label is suspicious
- `activated` {version}: a version of the project's model answers from then on
- `label` {genres: [ids], none, unsure, note}, `skip` {reason}, `flag` {flag, note}: acts
- `undo`: takes back the act that `undoes` numbers
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.storage.labelling_tables import LabelEventRow
from service.storage.pages import iso, utc_now

ACTS = ("label", "skip", "flag")


@dataclass(frozen=True)
class Event:
    """Something that happened; `number` orders the events of a project."""

    number: int
    kind: str
    at: datetime
    actor: str
    item_id: str | None
    lease_id: str | None
    undoes: int | None
    version: int | None
    content: dict[str, Any]
    shown: dict[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "number": self.number,
            "kind": self.kind,
            "at": iso(self.at),
            "actor": self.actor,
            "item": self.item_id,
            "lease": self.lease_id,
            "undoes": self.undoes,
            "version": self.version,
            "content": self.content,
            "shown": self.shown,
        }


def record(
    session: Session,
    project_id: str,
    kind: str,
    *,
    actor: str,
    content: dict[str, Any] | None = None,
    item_id: str | None = None,
    lease_id: str | None = None,
    undoes: int | None = None,
    version: int | None = None,
    shown: dict[str, Any] | None = None,
) -> Event:
    """Add an event; its number is known at once."""
    row = LabelEventRow(
        project_id=project_id,
        kind=kind,
        at=utc_now(),
        actor=actor,
        item_id=item_id,
        lease_id=lease_id,
        undoes=undoes,
        version=version,
        content=content or {},
        shown=shown,
    )
    session.add(row)
    session.flush()
    return event_of(row)


def read_events(
    session: Session, project_id: str, *, after: int = 0, kinds: Iterable[str] | None = None, limit: int | None = None
) -> Iterator[Event]:
    """Events of a project in order, those after a number."""
    query = select(LabelEventRow).where(LabelEventRow.project_id == project_id, LabelEventRow.number > after)
    if kinds is not None:
        query = query.where(LabelEventRow.kind.in_(tuple(kinds)))
    query = query.order_by(LabelEventRow.number).limit(limit).execution_options(yield_per=1000)
    for row in session.scalars(query):
        yield event_of(row)


def event_of(row: LabelEventRow) -> Event:
    """The event of a row."""
    return Event(
        number=row.number,
        kind=row.kind,
        at=row.at,
        actor=row.actor,
        item_id=row.item_id,
        lease_id=row.lease_id,
        undoes=row.undoes,
        version=row.version,
        content=row.content,
        shown=row.shown,
    )
