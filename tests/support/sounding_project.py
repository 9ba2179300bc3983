"""A labelling project whose recordings say in their names which genre they are, and were heard to sound so.

There is no audio behind them: what a backbone would have heard is written down as if it had.
"""

import io

import numpy as np

from models.calibrated_head import KIND
from models.few_label_head import fit_few_label_head
from models.hybrid_input import N_TAGS
from models.track_summary import BACKBONE
from service.project_settings import ProjectSettings
from service.services import Services
from service.storage.projects import Project
from service.usecases.labelling.training import gather
from tests.support.library import add_track
from tests.support.sound_summaries import LOUD, QUIET, vector_of

GENRES = ("fado", "morna")


def sounding_project(parts: Services, *, n: int = 8, name: str = "Lisbon", **settings) -> Project:
    """A project with `n` recordings, "fado-0.wav" and "morna-1.wav" in turn; keyword arguments change its settings."""
    store = parts.projects
    project = store.create(name, genres=GENRES, settings=ProjectSettings(**settings), actor="test")
    store.add_items(project.id, [sounding_track(parts, number) for number in range(n)], actor="test", artists={})
    return project


def sounding_track(parts: Services, number: int) -> str:
    """Id of a recording: the loudest tag is that of its genre, and no two are alike."""
    genre = number % len(GENRES)
    track = add_track(
        parts.tracks, filename=f"{GENRES[genre]}-{number}.wav", sha256=f"{number:064x}", duration_s=30.0 + number
    )
    tags = np.full(N_TAGS, QUIET)
    tags[genre] = LOUD
    tags[10 + number % 40] += 0.02
    parts.features.put(track.id, BACKBONE, vector_of(tags), start_s=3.0)
    return track.id


def teach(parts: Services, project: Project, *, wrongly: bool = False) -> int:
    """Number of a new version that has learned which recording is what, or takes each genre for the other."""
    items = {item.id: item for item in parts.projects.all_items(project.id)}
    material = gather(project, parts)
    genres = [GENRES.index(genre_of(items[entry.item_id].filename)) for entry in material.entries]
    rows = np.arange(len(genres))
    head = fit_few_label_head(
        material.pool, rows, np.eye(len(GENRES))[genres], genres=GENRES, name="lisbon", backbone=BACKBONE
    )
    ids = [genre.id for genre in project.genres]
    weights = io.BytesIO()
    np.savez(weights, **head.arrays)
    version = parts.versions.add(
        project.id,
        activate=False,
        actor="test",
        reason="",
        n_labels=len(rows),
        last_event=parts.labels.last_number(project.id),
        accuracy=0.75,
        low=0.5,
        high=1.0,
        report={},
        card=head.card | {"kind": KIND, "created": "2026-01-01", "genre_ids": ids[::-1] if wrongly else ids},
        weights=weights.getvalue(),
    )
    return version.version


def genre_of(filename: str) -> str:
    """The genre that stands in the name."""
    return filename.partition("-")[0]
