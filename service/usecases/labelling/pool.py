"""Tracks join the pool of a project."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import AudioError
from service.errors import PayloadTooLarge
from service.jobs import Job
from service.storage.projects import Project
from service.usecases.labelling.due import LEARN
from service.usecases.tracks import receive_upload

if TYPE_CHECKING:
    from service.services import Services


@dataclass(frozen=True)
class Added:
    """What came of a file: the track that it became, or why it became none."""

    path: Path
    track_id: str | None
    problem: str | None


def add_tracks(
    project: Project,
    track_ids: Iterable[str],
    *,
    actor: str,
    services: "Services",
    artists: Mapping[str, str] | None = None,
) -> tuple[int, Job | None]:
    """Take tracks of the library into the pool, and have a job hear and rank what is new.

    Parameters
    ----------
    project : Project
        Whose pool.
    track_ids : iterable of str
        The tracks; those that are in the pool already stay as they are.
    actor : str
        Who adds them.
    services : Services
        Where they are.
    artists : mapping of str to str, optional
        Artist by track, where it is known: tracks of one artist never are on both sides of a measurement.

    Returns
    -------
    added, job
        How many are new, and the job, or None where none is.

    Raises
    ------
    NotFound
        If one of them is no track; none is added then.
    """
    added = services.projects.add_items(project.id, track_ids, actor=actor, artists=artists or {})
    return added, services.jobs.submit_for_project(LEARN, project_id=project.id) if added else None


def take_in(path: Path, *, services: "Services") -> Added:
    """Copy a file of this machine into the library, and have it answered by a job.

    Raises
    ------
    StorageFull
        If there is no room left.
    """
    try:
        with path.open("rb") as stream:
            track = receive_upload(stream, path.name, services=services)
    except (AudioError, PayloadTooLarge) as error:
        return Added(path, None, str(error))
    except OSError as error:
        return Added(path, None, f"{path.name} cannot be read: {error.strerror}")
    services.jobs.submit("classify", track_id=track.id)
    return Added(path, track.id, None)
