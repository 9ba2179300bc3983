"""Every error leaves as a problem document; people who came with a browser to a page get a page."""

import errno
import math
import traceback
from typing import Any

import structlog
from apiflask import APIFlask, HTTPError
from flask import Response, g, json, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from datasets.errors import DatasetError
from features.errors import FeatureError
from models.errors import ModelError
from service.api.problems import STATUS_TITLES, describe, generic, retry_after_s
from service.errors import ServiceError, StorageFull, Unauthorized

PROBLEM_JSON = "application/problem+json"
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
GONE = frozenset({errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN})
STALLED = frozenset({errno.EAGAIN, errno.ETIMEDOUT})

DETAILS = {
    400: "The request is not well-formed HTTP, or its body is damaged. Please check it and send it again.",
    404: "Nothing lies at this address. GET /v1 lists what there is.",
    405: "This address does not take that method. The Allow header names those it takes.",
    408: "The rest of the request did not arrive in time. Please send it again.",
    413: "The request's body is larger than is taken here. GET /v1 names the limits.",
    415: "Please send recordings as multipart/form-data with a part named `file`, and everything else as JSON.",
    416: "The requested range lies outside the file. The Content-Range header names its size.",
}


def register(app: APIFlask) -> None:
    """Answer every error of `app` with the table's entry for it."""
    log = structlog.stdlib.get_logger("service.errors")

    @app.errorhandler(ServiceError)
    @app.errorhandler(DatasetError)
    @app.errorhandler(FeatureError)
    @app.errorhandler(ModelError)
    def known(error: Exception) -> ResponseReturnValue:
        document = describe(error)
        if document["status"] >= 500:
            log.warning("refused", error=type(error).__name__, detail=str(error))
        if isinstance(error, Unauthorized) and _wants_page():
            return redirect(url_for("web.login", next=request.script_root + request.full_path.rstrip("?")), code=303)
        return answer(document, headers=_headers(error))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> ResponseReturnValue:
        if error.response is not None:
            return error.response
        status = error.code or 500
        if status < 400:
            return error.get_response()
        own_words = error.description != type(error).description
        detail = (own_words and error.description) or DETAILS.get(status) or STATUS_TITLES.get(status, error.name)
        headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
        return answer(generic(status, str(detail)), headers=headers)

    @app.errorhandler(OSError)
    def system(error: OSError) -> ResponseReturnValue:
        if error.errno in NO_ROOM:
            log.error("storage full", error=str(error))
            return known(StorageFull("The server's disk is full. Please tell whoever runs it; nothing was kept."))
        if error.errno in STALLED or isinstance(error, TimeoutError):
            return answer(generic(408, DETAILS[408]))
        if error.errno in GONE:
            return answer(generic(400, DETAILS[400]))
        return unforeseen(error)

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> ResponseReturnValue:
        if type(error).__module__.startswith("gunicorn.http"):
            return answer(generic(400, DETAILS[400]))  # the body broke off, or its chunks are malformed
        log.error("unforeseen error", error=type(error).__name__, trace="".join(traceback.format_exception(error)))
        return answer(describe(error))

    def invalid(error: HTTPError) -> ResponseReturnValue:
        status = error.status_code
        detail = _summary(error.detail) or DETAILS.get(status) or error.message or STATUS_TITLES[status]
        document = generic(status, detail)
        if isinstance(error.detail, dict) and error.detail:
            document["errors"] = error.detail
        return answer(document)

    # The decorator `error_processor` would take over `http` as well.
    app.error_callback = invalid  # type: ignore[assignment]


def answer(document: dict[str, Any], *, headers: dict[str, str] | None = None) -> Response:
    """A problem document as answer to the request in hand; a page where a person looks at it with a browser."""
    status = document["status"]
    if _wants_page():
        page = render_template(
            "web/error.html", status=status, title=document["title"], detail=document["detail"], signed_in=False
        )
        return Response(page, status=status, headers=headers, content_type="text/html; charset=utf-8")
    body = document | {"instance": f"urn:request:{g.request_id}"} if "request_id" in g else document
    return Response(json.dumps(body), status=status, headers=headers, content_type=PROBLEM_JSON)


def _wants_page() -> bool:
    """Whether a person looks at this with a browser: below /v1 nobody does."""
    if request.path == "/v1" or request.path.startswith("/v1/"):
        return False
    accepted = request.accept_mimetypes
    return "text/html" in {value for value, _ in accepted} and accepted["text/html"] >= accepted["application/json"]


def _headers(error: Exception) -> dict[str, str]:
    headers = {}
    if (seconds := retry_after_s(error)) is not None:
        headers["Retry-After"] = str(max(1, math.ceil(seconds)))
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="genrelab"'
    return headers


def _summary(detail: object) -> str:
    """The first thing that is wrong with a request, in words: `query: limit: Not a valid integer.`."""
    words = []
    while isinstance(detail, dict) and detail:
        name, detail = next(iter(detail.items()))
        words.append(str(name))
    if isinstance(detail, list) and detail:
        detail = detail[0]
    return ": ".join([*words, str(detail)]) if words else ""
