"""When a project learns: after its first labels, and again when enough new ones have come.

It is asked after every label, so that it imports nothing that learns.
"""

from typing import TYPE_CHECKING

from service.storage.projects import Project

if TYPE_CHECKING:
    from service.jobs import Job
    from service.services import Services

LEARN = "learn"  # kind of the job
FIRST_AFTER = 10  # labels before the first training
EVERY_SHARE = 0.1  # of the labels that there are: so many new ones before the next training
EVERY_AT_LEAST, EVERY_AT_MOST = 10, 200


def labels_until_training(project: Project, services: "Services") -> int:
    """How many more labels there will be before the next training; 0 where it is due."""
    latest, job = services.versions.latest(project.id), services.jobs.latest_of_project(project.id)
    before = job or latest  # jobs are forgotten after a month
    fresh = services.labels.count_since(project.id, None if before is None else before.created_at)
    if latest is None:
        wanted = FIRST_AFTER
    elif project.settings.retrain_every:
        wanted = project.settings.retrain_every
    else:
        wanted = min(max(int(EVERY_SHARE * latest.n_labels), EVERY_AT_LEAST), EVERY_AT_MOST)
    return max(0, wanted - fresh)


def submit_due(services: "Services") -> "list[Job]":
    """Have those projects learn that have enough new labels."""
    return [
        services.jobs.submit_for_project(LEARN, project_id=project.id)
        for project in services.projects.list()
        if not project.closed and labels_until_training(project, services) == 0
    ]
