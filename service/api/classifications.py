"""Uploading a recording and getting its genre."""

import select
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from apiflask import APIBlueprint
from flask import Response, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

from service.api.context import admission, services
from service.api.idempotency import idempotent
from service.api.schemas import ClassificationSchema, ClassifyQuery, UploadSchema, hf_form
from service.api.uploads import upload_place
from service.errors import NotFound
from service.usecases import tracks as usecases

P = ParamSpec("P")
R = TypeVar("R")

bp = APIBlueprint("classifications", __name__, tag="Classifications", url_prefix="/v1/classifications")


def _takes_upload(view: Callable[P, R]) -> Callable[P, R]:
    """Let a view read a large body, of a form only, and only while there is a place left."""

    @wraps(view)
    def bounded(*args: P.args, **kwargs: P.kwargs) -> R:
        if request.mimetype != "multipart/form-data":
            raise UnsupportedMediaType("Please send the recording as multipart/form-data with a part named `file`.")
        if not request.mimetype_params.get("boundary"):
            raise BadRequest("The Content-Type header names no boundary: let the HTTP library write that header.")
        limit_mb = services().settings.max_upload_mb
        with upload_place(limit_mb, refusal=f"This upload is over the limit of {limit_mb} MB."):
            return view(*args, **kwargs)

    return bounded


@bp.post("")
@_takes_upload
@idempotent
@bp.input(ClassifyQuery, location="query", arg_name="query")
@bp.input(UploadSchema, location="files", arg_name="upload")
@bp.output(ClassificationSchema)
def create_classification(query: dict[str, Any], upload: dict[str, Any]) -> ResponseReturnValue:
    """Upload a recording and get its genre; a long one is answered by a job (202)."""
    if sum(len(parts) for _, parts in request.files.lists()) > 1:
        raise UnprocessableEntity("Please send one recording at a time: more than one file came.")
    parts = services()
    track = usecases.receive_upload(upload["file"].stream, upload["file"].filename or "", services=parts)
    if _is_async(track.duration_s):
        return _accepted(parts.jobs.submit("classify", track_id=track.id))
    gone = client_gone()
    try:
        with admission().analysis(gone):
            answer = usecases.classify_track(track.id, services=parts, cancelled=gone)
    except BaseException:  # whoever sent it is gone, or is told why it cannot be used: either way it is not kept
        with suppress(NotFound):
            usecases.delete_track(track.id, services=parts)
        raise
    current_app.extensions["metrics"].audio.inc(answer["duration_s"])
    return jsonify(hf_form(answer)) if query["format"] == "hf" else answer


def client_gone() -> Callable[[], bool]:
    """A function that says whether the client of the request in hand has closed its connection.

    Where the server does not show its connections, nobody is ever gone.
    """
    connection = request.environ.get("gunicorn.socket")
    if not isinstance(connection, socket.socket):
        return lambda: False

    def gone() -> bool:
        try:
            readable, _, _ = select.select([connection], [], [], 0)
            return bool(readable) and connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except (OSError, ValueError):
            return True

    return gone


def _is_async(duration_s: float | None) -> bool:
    preferences = {part.split(";")[0].strip().lower() for part in request.headers.get("Prefer", "").split(",")}
    return duration_s is None or duration_s > services().settings.sync_max_duration_s or "respond-async" in preferences


def _accepted(job: Any) -> Response:
    response = jsonify(job.to_dict())
    response.status_code = 202
    response.headers["Location"] = url_for("jobs.get_job", job_id=job.id)
    response.headers["Retry-After"] = "1"
    if "Prefer" in request.headers:
        response.headers["Preference-Applied"] = "respond-async"
    return response
