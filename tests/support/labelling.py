"""A labelling project whose recordings tell their genres, and annotators who name them."""

import hashlib
import itertools
from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from sqlalchemy import select

from models.track_summary import BACKBONE
from service.project_settings import ProjectSettings
from service.storage.database import Database
from service.storage.features import FeatureStore
from service.storage.label_events import read_events
from service.storage.label_queue import Act, Answer, QueueStore
from service.storage.labelling_tables import ItemRow
from service.storage.labels import LabelStore
from service.storage.project_state import differences
from service.storage.project_versions import VersionStore
from service.storage.projects import Project, ProjectStore
from service.storage.tracks import TrackStore
from tests.support.library import add_track
from tests.support.sound_summaries import vector_of

GENRES = ("fado", "morna", "coladeira")
QUIET, LOUD, SPREAD = 0.1, 0.8, 0.05
_numbers = itertools.count(1)
VERSION = {
    "actor": "genrelab",
    "reason": "better",
    "n_labels": 10,
    "last_event": 5,
    "accuracy": 0.8,
    "low": 0.6,
    "high": 0.9,
    "report": {"suspicious": []},
    "card": {"name": "test"},
    "weights": b"weights",
}


@dataclass(frozen=True)
class Pool:
    """A project, its tracks in the order in which they came in, and the genre of each."""

    project: Project
    tracks: tuple[str, ...]
    genre_of: dict[str, str]


def stores_of(database: Database) -> Any:
    """The stores of labelling, named as in `service.services.Services`."""
    return SimpleNamespace(
        database=database,
        tracks=TrackStore(database),
        features=FeatureStore(database),
        projects=ProjectStore(database),
        label_queue=QueueStore(database),
        labels=LabelStore(database),
        versions=VersionStore(database),
    )


def make_pool(parts: Any, n: int, *, name: str | None = None, heard: bool = False, **settings: Any) -> Pool:
    """A project with `n` items of three genres in turn; keyword arguments change its settings.

    Parameters
    ----------
    parts : Services or what `stores_of` gives
        Where to.
    n : int
        Items.
    name : str, optional
        Of the project; each has one of its own.
    heard : bool
        Whether the features of the tracks are known.
    """
    chosen = ProjectSettings(**settings)
    name = name or f"Lusofonia {next(_numbers)}"
    project = parts.projects.create(name, genres=GENRES, settings=chosen, actor="curator")
    return add_tracks(parts, Pool(project, (), {}), n, heard=heard)


def add_tracks(parts: Any, pool: Pool, n: int, *, heard: bool = False) -> Pool:
    """The same project with `n` more items."""
    rng = np.random.default_rng(len(pool.tracks))
    ids = []
    genre_of = dict(pool.genre_of)
    for number in range(len(pool.tracks), len(pool.tracks) + n):
        content = hashlib.sha256(f"{pool.project.id}/{number}".encode()).hexdigest()
        track = add_track(parts.tracks, filename=f"{number}.wav", sha256=content)
        genre_of[track.id] = GENRES[number % len(GENRES)]
        if heard:
            parts.features.put(track.id, BACKBONE, vector_of(tags_of(genre_of[track.id], rng)), start_s=1.5)
        ids.append(track.id)
    parts.projects.add_items(pool.project.id, ids, actor="curator", artists={})
    return Pool(parts.projects.get(pool.project.id), (*pool.tracks, *ids), genre_of)


def tags_of(genre: str, rng: np.random.Generator) -> np.ndarray:
    """Tag activations, (50,): every third tag is that of one genre."""
    tags = np.full(50, QUIET)
    tags[GENRES.index(genre) :: len(GENRES)] = LOUD
    return (tags + rng.normal(0, SPREAD, 50)).clip(0.01, 0.99)


def label(*genres: str, **fields: Any) -> Answer:
    """A label."""
    return Answer("label", genres=genres, **fields)


def answer_all(parts: Any, pool: Pool, annotator: str = "ana", *, n: int | None = None) -> list[Act]:
    """Have an annotator name the right genre of the next `n` items, or of all that are to be had."""
    acts: list[Act] = []
    while (n is None or len(acts) < n) and (lease := parts.label_queue.lease(pool.project.id, annotator)) is not None:
        act, _, _ = parts.label_queue.answer(lease.id, label(pool.genre_of[lease.track_id]), annotator)
        acts.append(act)
    return acts


def items_by_track(parts: Any, pool: Pool) -> dict[str, str]:
    """Id of the item of each track."""
    return {item.track_id: item.id for item in parts.projects.all_items(pool.project.id)}


def in_random_order(parts: Any, pool: Pool) -> list[str]:
    """Tracks in the order of the random slice."""
    query = select(ItemRow.track_id).where(ItemRow.project_id == pool.project.id).order_by(ItemRow.random_order)
    with parts.database.reading() as session:
        return list(session.scalars(query))


def item_row(parts: Any, item_id: str) -> ItemRow:
    """The row of an item."""
    with parts.database.reading() as session:
        return session.get_one(ItemRow, item_id)


def kinds(parts: Any, pool: Pool) -> Counter[str]:
    """How many events there are of each kind."""
    with parts.database.reading() as session:
        return Counter(event.kind for event in read_events(session, pool.project.id))


def inconsistencies(parts: Any, pool: Pool) -> list[str]:
    """Where the tables disagree with the events, and counters with what they count."""
    with parts.database.reading() as session:
        return differences(session, pool.project.id, read_events(session, pool.project.id))
