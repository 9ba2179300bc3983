"""What labelling projects learn: training, versions of a project's model, going back, publishing one."""

from typing import Any

from apiflask import APIBlueprint
from flask import url_for
from flask.typing import ResponseReturnValue

from models.errors import IntegrityError, ModelError
from service.api.context import services
from service.api.idempotency import idempotent
from service.api.labelling import in_project, numbered, project_named, takes_json
from service.api.labelling_schemas import Publication, TrainingRequest, VersionSchema
from service.api.schemas import JobSchema, ModelSchema
from service.errors import Conflict
from service.security.access import principal
from service.storage.projects import Project
from service.usecases.labelling import exchange
from service.usecases.labelling.due import LEARN
from service.usecases.labelling.training import answer_with

bp = APIBlueprint("trainings", __name__, tag="Trainings", url_prefix="/v1")


@bp.post("/trainings")
@idempotent
@takes_json(bp, TrainingRequest)
@bp.output(JobSchema, status_code=202)
def create_training(body: dict[str, Any]) -> ResponseReturnValue:
    """Have a project learn from its labels now, as a job; one that waits already is not doubled."""
    project = project_named(body.get("project"))
    job = services().jobs.submit_for_project(LEARN, project_id=project.id)
    return job.to_dict(), 202, {"Location": url_for("jobs.get_job", job_id=job.id), "Retry-After": "1"}


@bp.post("/projects/<project_id>/versions/<version>/activate")
@in_project
@idempotent
@bp.output(VersionSchema)
def activate_version(project: Project, version: str) -> ResponseReturnValue:
    """Let a version of the project's model answer and rank from now on."""
    number = numbered(version, "version")
    return answer_with(project, number, actor=principal().name, services=services()).to_dict()


@bp.post("/projects/<project_id>/rollback")
@in_project
@idempotent
@bp.output(VersionSchema)
def roll_back_version(project: Project) -> ResponseReturnValue:
    """Let the version answer and rank that did before the active one."""
    return answer_with(project, None, actor=principal().name, services=services()).to_dict()


@bp.post("/projects/<project_id>/versions/<version>/publish")
@in_project
@idempotent
@takes_json(bp, Publication)
@bp.output(ModelSchema, status_code=201)
def publish_version(project: Project, version: str, body: dict[str, Any]) -> ResponseReturnValue:
    """Let a version join the models of this server, where it can be activated for everybody."""
    number = numbered(version, "version")
    try:
        entry = exchange.publish(project, number, name=body.get("name"), services=services())
    except IntegrityError:
        raise
    except ModelError as error:
        raise Conflict(f"{error}.") from error
    return {"id": entry.name, **vars(entry)}
