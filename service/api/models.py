"""The models of this server: which there are, which answers, going back to the one before."""

from typing import TYPE_CHECKING, Any

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from models.errors import IntegrityError, ModelError
from service.api.context import services
from service.api.schemas import ModelListSchema, ModelSchema
from service.errors import Conflict

if TYPE_CHECKING:
    from models.registry import ModelEntry

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
    entry = services().models.activate(model_id)
    return _view(entry)


@bp.post("/rollback")
@bp.output(ModelSchema)
def roll_back() -> ResponseReturnValue:
    """Let the genre model answer that did before the active one."""
    try:
        entry = services().models.rollback("genre")
    except IntegrityError:
        raise
    except ModelError as error:
        raise Conflict(f"{error}.") from error
    return _view(entry)


def _view(entry: "ModelEntry") -> dict[str, Any]:
    return {
        "id": entry.name,
        "version": entry.version,
        "kind": entry.kind,
        "created": entry.created,
        "active": entry.active,
        "card": entry.card,
    }
