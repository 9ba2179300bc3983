"""What follows from the events of a project: made from them alone, or read from the tables that are kept beside them.

The two must be equal. `genrelab labels check` compares them, and so do the tests.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.storage.label_events import ACTS, Event
from service.storage.labelling_tables import ActRow, GenreRow, ItemRow, ProjectRow
from service.storage.pool_items import FOLLOWS


@dataclass
class ItemState:
    """An item: how many annotators are wanted, last words by annotator."""

    wanted: int
    acts: dict[str, tuple[int, str]] = field(default_factory=dict)  # number and kind

    @property
    def n_labels(self) -> int:
        """Labels in force."""
        return sum(kind == "label" for _, kind in self.acts.values())


@dataclass
class ProjectState:
    """Everything that people decided in a project."""

    name: str = ""
    closed: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    genres: dict[str, str] = field(default_factory=dict)  # name by id, in order
    merged: dict[str, str] = field(default_factory=dict)
    items: dict[str, ItemState] = field(default_factory=dict)
    version: int | None = None  # of the model that answers


def replay(events: Iterable[Event]) -> ProjectState:
    """The state after these events, all of one project from its first on."""
    state = ProjectState()
    acted: dict[int, Event] = {}
    for event in events:
        content = event.content
        match event.kind:
            case "created":
                state.name, state.settings = content["name"], content["settings"]
                state.genres = {genre["id"]: genre["name"] for genre in content["genres"]}
            case "renamed":
                state.name = content["name"]
            case "closed" | "reopened":
                state.closed = event.kind == "closed"
            case "settings":
                more = content["overlap"] - state.settings["overlap"]
                for item in state.items.values():
                    item.wanted += more
                state.settings = content
            case "genre_added" | "genre_renamed":
                state.genres[content["id"]] = content["name"]
            case "genre_merged":
                for merged, into in state.merged.items():
                    if into == content["id"]:
                        state.merged[merged] = content["into"]
                state.merged[content["id"]] = content["into"]
            case "items_added":
                state.items |= {item_id: ItemState(content["wanted"]) for item_id in content["items"]}
            case "activated":
                state.version = content["version"]
            case "asked_again":
                state.items[event.item_id or ""].wanted = content["wanted"]
            case "undo":
                undone = acted[event.undoes or 0]
                del state.items[undone.item_id or ""].acts[undone.actor]
            case kind if kind in ACTS:
                acted[event.number] = event
                state.items[event.item_id or ""].acts[event.actor] = (event.number, kind)
            case kind:
                raise ValueError(f"event {event.number} is of the unknown kind {kind!r}")
    return state


def present_state(session: Session, project_id: str) -> ProjectState:
    """The state as the tables have it."""
    project = session.get_one(ProjectRow, project_id)
    genres = session.scalars(select(GenreRow).where(GenreRow.project_id == project_id).order_by(GenreRow.position))
    state = ProjectState(name=project.name, closed=project.closed, settings=project.settings, version=project.version)
    for genre in genres:
        state.genres[genre.id] = genre.name
        if genre.merged_into is not None:
            state.merged[genre.id] = genre.merged_into
    for item in session.scalars(select(ItemRow).where(ItemRow.project_id == project_id)):
        state.items[item.id] = ItemState(item.wanted)
    for act in session.scalars(select(ActRow).where(ActRow.project_id == project_id)):
        state.items[act.item_id].acts[act.annotator] = (act.number, act.kind)
    return state


def differences(session: Session, project_id: str, events: Iterable[Event]) -> list[str]:
    """What the tables say otherwise than the events, in words; counts kept beside the items included."""
    replayed, present = replay(events), present_state(session, project_id)
    found = [
        f"{what}: the events say {getattr(replayed, what)!r}, the table {getattr(present, what)!r}"
        for what in ("name", "closed", "settings", "genres", "merged", "version")
        if getattr(replayed, what) != getattr(present, what)
    ]
    for item_id in sorted(replayed.items.keys() | present.items.keys()):
        if replayed.items.get(item_id) != present.items.get(item_id):
            found.append(
                f"item {item_id}: the events say {replayed.items.get(item_id)}, the tables {present.items.get(item_id)}"
            )
    return found + _miscounted(session, project_id)


def _miscounted(session: Session, project_id: str) -> list[str]:
    """Items beside which something else is kept than follows from acts and leases."""
    query = select(ItemRow, *FOLLOWS.values()).where(ItemRow.project_id == project_id).order_by(ItemRow.id)
    return [
        f"item {item.id}: {name} is {getattr(item, name)!r}, and {counted!r} follows from acts and leases"
        for item, *found in session.execute(query)
        for name, counted in zip(FOLLOWS, found, strict=True)
        if getattr(item, name) != counted
    ]
