"""The models of this server: which there are, which answers, going back to the one before."""

from typing import Any

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from service.api.context import services
from service.api.schemas import ModelListSchema, ModelSchema

bp = APIBlueprint("models", __name__, tag="Models", url_prefix="/v1/models")


@bp.get("")
@bp.output(ModelListSchema)
def list_models() -> ResponseReturnValue:
    """Every model with its card."""
    return {"items": [_view(entry) for entry in services().models.list()]}


@bp.post("/<model_id>/activate")
@bp.output(ModelSchema)
def activate_model(model_id: str) -> ResponseReturnValue:
    """Let this model answer from now on."""
    registry = services().models
    registry.activate(model_id)
    services().engine.reload()
    return _view(next(entry for entry in registry.list() if entry.name == model_id))


@bp.post("/rollback")
@bp.output(ModelSchema)
def roll_back() -> ResponseReturnValue:
    """Let the model answer that did before the active one."""
    registry = services().models
    registry.rollback("genre")
    services().engine.reload()
    return _view(registry.active("genre"))


def _view(entry: Any) -> dict[str, Any]:
    return {
        "id": entry.name,
        "version": str(entry.version),
        "kind": entry.kind,
        "created": entry.created,
        "active": entry.active,
        "card": entry.card,
    }
