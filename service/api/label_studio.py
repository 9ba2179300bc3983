"""A labelling project as an ML backend of Label Studio; its address there is `/v1/projects/<id>/label-studio`.

Label Studio logs in with HTTP's basic authentication: any user name, and a token as the password.
"""

from typing import Any

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from service.api.context import services
from service.api.labelling import in_project, takes_json
from service.api.labelling_schemas import (
    BackendHealthSchema,
    BackendVersionSchema,
    PredictionsSchema,
    PredictRequest,
    SetupRequest,
)
from service.storage.projects import Project
from service.usecases.labelling import label_studio

HEALTH = {"status": "UP", "model_class": "genrelab"}

bp = APIBlueprint("label_studio", __name__, tag="Label Studio", url_prefix="/v1/projects/<project_id>/label-studio")


@bp.get("/health")
@in_project
@bp.output(BackendHealthSchema)
def get_health(_project: Project) -> ResponseReturnValue:
    """Say that the backend is there."""
    return HEALTH


@bp.get("/")
@in_project
@bp.output(BackendHealthSchema)
def get_root(_project: Project) -> ResponseReturnValue:
    """Say that the backend is there, to whoever asks at its address."""
    return HEALTH


@bp.post("/setup")
@in_project
@takes_json(bp, SetupRequest)
@bp.output(BackendVersionSchema)
def set_up(project: Project, body: dict[str, Any]) -> ResponseReturnValue:
    """Check that a labelling configuration asks for genres."""
    return {"model_version": label_studio.set_up(project, body["schema"])}


@bp.post("/predict")
@in_project
@takes_json(bp, PredictRequest)
@bp.output(PredictionsSchema)
def predict(project: Project, body: dict[str, Any]) -> ResponseReturnValue:
    """Answer for tasks that are recordings of the project; what is not known gets an empty answer."""
    return label_studio.predict(project, body["tasks"], body["label_config"], services=services())


@bp.post("/webhook")
@in_project
@bp.output({})
def take_note(_project: Project) -> ResponseReturnValue:
    """Nothing happens: annotations come in by import."""
    return {}
