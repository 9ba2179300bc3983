"""`/healthz`: the process answers. `/readyz`: the first user would wait for nothing."""

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from service.api.context import services
from service.api.schemas import HealthSchema, ReadinessSchema

RETRY_AFTER_S = "2"

bp = APIBlueprint("health", __name__, tag="Health")


@bp.get("/healthz")
@bp.output(HealthSchema)
def healthz() -> ResponseReturnValue:
    """Whether the process answers: always ok when it does."""
    return {"status": "ok"}


@bp.get("/readyz")
@bp.output(ReadinessSchema)
def readyz() -> ResponseReturnValue:
    """Whether the model is loaded and the database answers; 503 with Retry-After until then."""
    parts = services()
    checks = {
        "model": "ok" if parts.engine.ready else "loading",
        "database": "ok" if parts.database.is_reachable() else "unreachable",
    }
    if all(state == "ok" for state in checks.values()):
        return {"status": "ready", "checks": checks}
    return {"status": "starting", "checks": checks}, 503, {"Retry-After": RETRY_AFTER_S}
