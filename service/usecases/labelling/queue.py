"""Working through the queue of a project: what the page, the HTTP API, the command line and Python have in common."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.storage.label_queue import Lease
from service.storage.projects import Project
from service.usecases.labelling.due import labels_until_training

if TYPE_CHECKING:
    from service.services import Services


@dataclass(frozen=True)
class Nothing:
    """Why there is no item to be had now.

    Attributes
    ----------
    leased : int
        Items that other annotators have at the moment: some may come back.
    """

    leased: int


def lease(project: str | None, annotator: str, *, services: "Services") -> Lease | Nothing:
    """Give an annotator the next item of a project.

    Parameters
    ----------
    project : str or None
        Id or name; None for the only one that is open.
    annotator : str
        Who asks.
    services : Services
        Where the project is.

    Raises
    ------
    Conflict
        If the project is closed.
    NotFound
        If there is no such project.
    """
    queue = services.label_queue
    found = queue.lease(project, annotator)
    if found is None and queue.expire():
        found = queue.lease(project, annotator)
    return found or Nothing(leased=queue.leased(services.projects.get(project).id))


def stats(project: Project, *, services: "Services") -> dict[str, Any]:
    """How far the queue is: the JSON object of the HTTP contract."""
    counts = services.projects.counts(project.id)
    return {
        "project": project.id,
        "items": counts.items,
        "open": counts.open,
        "labelled": counts.labelled,
        "set_aside": counts.set_aside,
        "leased": services.label_queue.leased(project.id),
        "labels": counts.labels,
        "by_annotator": {each.name: each.labels for each in services.labels.annotators(project.id)},
        "labels_until_retraining": labels_until_training(project, services),
    }
