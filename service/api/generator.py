"""`GET /v1/generator`: what makes clips, and what it can be asked for."""

from typing import Any

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from models.clip_wish import RANGES, WHOLE_RANGES
from service.api.clip_schemas import FORMATS, GeneratorSchema
from service.api.context import services

bp = APIBlueprint("generator", __name__, tag="Clips", url_prefix="/v1/generator")


@bp.get("")
@bp.output(GeneratorSchema)
def get_generator() -> ResponseReturnValue:
    """What makes clips, its genres, and the least and greatest value of each part of a request."""
    parts = services()
    card = parts.generation.card
    limits: dict[str, list[Any]] = {name: list(bounds) for name, bounds in {**RANGES, **WHOLE_RANGES}.items()}
    limits["seconds"][1] = parts.settings.clip_max_duration_s
    limits |= {"takes": [1, parts.settings.clip_max_takes], "strength": [0.0, 1.0], "formats": list(FORMATS)}
    return {"model": parts.generation.model_name, "genres": card["genres"], "limits": limits, "card": card}
