"""`GET /v1`: where everything is, what the limits are, and whom the request counts as."""

from importlib.metadata import version

from apiflask import APIBlueprint
from flask import url_for
from flask.typing import ResponseReturnValue

from service.api.context import services
from service.api.schemas import IndexSchema
from service.security.access import ACCESS, principal

FORMATS = ("wav", "flac", "mp3", "ogg", "opus", "aiff", "au", "m4a", "aac", "wma", "mp4", "webm")
LINKS = {
    "classifications": "classifications.create_classification",
    "tracks": "tracks.list_tracks",
    "clips": "clips.list_clips",
    "generator": "generator.get_generator",
    "listening_tests": "listening_tests.list_tests",
    "jobs": "jobs.list_jobs",
    "models": "models.list_models",
    "openapi": "openapi.spec",
    "docs": "docs.docs",
    "health": "health.healthz",
    "readiness": "health.readyz",
    "metrics": "metrics.metrics",
}

bp = APIBlueprint("index", __name__, tag="Index")


@bp.get("/v1")
@bp.output(IndexSchema)
def index() -> ResponseReturnValue:
    """Where everything is, what the limits are, and whom the request counts as."""
    settings = services().settings
    who = principal()
    return {
        "name": "Genrelab",
        "version": version("genrelab"),
        "links": {name: url_for(endpoint) for name, endpoint in LINKS.items()},
        "limits": {
            "upload_bytes": settings.max_upload_mb << 20,
            "duration_s": settings.max_duration_s,
            "sync_duration_s": settings.sync_max_duration_s,
            "requests": settings.rate_limit,
            "uploads": settings.upload_rate_limit,
        },
        "formats": list(FORMATS),
        "you": {
            "name": who.name,
            "role": who.role.name.lower(),
            "may": sorted(endpoint for endpoint, needed in ACCESS.items() if who.role >= needed and "." in endpoint),
        },
    }
