"""The items of a pool: what they are, and what follows for them from acts and leases."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from service.errors import Invalid, NotFound
from service.storage.ids import new_id
from service.storage.labelling_tables import ActRow, ItemRow, LabelEventRow, LeaseRow
from service.storage.tables import TrackRow

UNRANKED = 1 << 40  # the rank of what no strategy has seen is at least this: in random order, after all the others


_N_LABELS = (
    select(func.count())
    .where(ActRow.item_id == ItemRow.id, ActRow.kind == "label")
    .correlate(ItemRow)
    .scalar_subquery()
)
_N_LEASES = (
    select(func.count())
    .where(LeaseRow.item_id == ItemRow.id, LeaseRow.ended_at.is_(None))
    .correlate(ItemRow)
    .scalar_subquery()
)
_FLAG = (
    select(LabelEventRow.content["flag"].as_string())
    .join(ActRow, ActRow.number == LabelEventRow.number)
    .where(ActRow.item_id == ItemRow.id, ActRow.kind == "flag")
    .order_by(LabelEventRow.number.desc())
    .limit(1)
    .correlate(ItemRow)
    .scalar_subquery()
)
# What is kept beside an item for speed, as it follows from acts and leases.
FOLLOWS: dict[str, ColumnElement[Any]] = {
    "n_labels": _N_LABELS,
    "n_leases": _N_LEASES,
    "flag": _FLAG,
    "available": _FLAG.is_(None) & ItemRow.track_id.is_not(None) & (ItemRow.wanted > _N_LABELS + _N_LEASES),
}


@dataclass(frozen=True)
class Item:
    """An item of a pool."""

    id: str
    track_id: str | None
    filename: str
    sha256: str
    artist: str
    state: str  # "open", "labelled" or "set_aside"
    flag: str | None
    wanted: int
    n_labels: int

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the HTTP contract."""
        return {
            "id": self.id,
            "track": self.track_id,
            "filename": self.filename,
            "artist": self.artist,
            "state": self.state,
            "flag": self.flag,
            "wanted": self.wanted,
            "labels": self.n_labels,
        }


def item_of(row: ItemRow) -> Item:
    """The item of a row."""
    if row.flag is not None or row.track_id is None:
        state = "set_aside"
    else:
        state = "labelled" if row.n_labels >= row.wanted else "open"
    return Item(row.id, row.track_id, row.filename, row.sha256, row.artist, state, row.flag, row.wanted, row.n_labels)


def in_state(state: str) -> ColumnElement[bool]:
    """Condition of an item's state. Raises Invalid."""
    set_aside = ItemRow.flag.is_not(None) | ItemRow.track_id.is_(None)
    match state:
        case "set_aside":
            return set_aside
        case "labelled":
            return ~set_aside & (ItemRow.n_labels >= ItemRow.wanted)
        case "open":
            return ~set_aside & (ItemRow.n_labels < ItemRow.wanted)
    raise Invalid(f"{state!r} is no state of an item: expected open, labelled or set_aside.")


def refresh(session: Session, which: ColumnElement[bool]) -> None:
    """Make again what follows from acts and leases: how many there are of each, and whether more are wanted.

    The items are held by the caller, so that nobody adds to what is counted here.
    """
    remade = update(ItemRow).where(which).values(FOLLOWS)
    session.execute(remade, execution_options={"synchronize_session": False})


def new_items(
    session: Session, project_id: str, track_ids: Sequence[str], *, wanted: int, artists: Mapping[str, str]
) -> list[ItemRow]:
    """Rows for those of these tracks that are not in the pool yet.

    Raises
    ------
    NotFound
        If one of them is no track.
    """
    tracks = tracks_of(session, track_ids, hold=True)
    present = select(ItemRow.track_id).where(ItemRow.project_id == project_id, ItemRow.track_id.in_(track_ids))
    known = set(session.scalars(present))
    return [
        ItemRow(
            id=new_id(),
            project_id=project_id,
            track_id=track_id,
            filename=tracks[track_id].filename,
            sha256=tracks[track_id].sha256,
            artist=artists.get(track_id, ""),
            random_order=(order := random.random()),
            rank=UNRANKED + int(order * UNRANKED),
            wanted=wanted,
            flag=None,
            n_labels=0,
            n_leases=0,
            available=True,
        )
        for track_id in track_ids
        if track_id not in known
    ]


def tracks_of(session: Session, track_ids: Sequence[str], *, hold: bool = False) -> dict[str, TrackRow]:
    """Tracks by their ids; with `hold`, none of them is deleted before this transaction ends.

    Raises
    ------
    NotFound
        If one of them is no track.
    """
    query = select(TrackRow).where(TrackRow.id.in_(track_ids)).order_by(TrackRow.id)
    if hold:
        query = query.with_for_update(read=True, key_share=True)
    tracks = {row.id: row for row in session.scalars(query)}
    if missing := [track for track in track_ids if track not in tracks]:
        raise NotFound(f"There is no track {missing[0]!r}. It may have been deleted.")
    return tracks
