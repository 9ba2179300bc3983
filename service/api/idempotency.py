"""`Idempotency-Key`: a POST that is sent again because its answer was lost is answered again, not done again.

A key is its principal's own. Answers that succeeded are kept; after a failure the key is free again.
"""

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from service.api.context import services
from service.security.access import principal

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
KEPT_HEADERS = ("Content-Type", "Location", "Retry-After", "Preference-Applied")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_BLOCK = 1 << 20

P = ParamSpec("P")


def idempotent(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Answer a request whose key was answered before as then."""

    @wraps(view)
    def once(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        key = request.headers.get(HEADER)
        if key is None:
            return view(*args, **kwargs)
        if not _KEY.fullmatch(key):
            raise BadRequest(f"{HEADER}: expected 1 to 255 printable ASCII characters.")
        store = services().idempotency
        owner = principal().id
        kept = store.begin(key, owner=owner, fingerprint=fingerprint())
        if kept is not None:
            return Response(kept.body, status=kept.status, headers=kept.headers | {REPLAYED_HEADER: "true"})
        try:
            response = make_response(view(*args, **kwargs))
        except BaseException:
            store.abandon(key, owner=owner)
            raise
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        store.finish(key, owner=owner, status=response.status_code, headers=headers, body=response.get_data())
        return response

    return once


def fingerprint() -> str:
    """Hash of what the request in hand asks for, the content of its files included."""
    digest = hashlib.sha256(f"{request.method} {request.full_path} {request.headers.get('Prefer', '')}".encode())
    if request.mimetype != "multipart/form-data":
        digest.update(request.get_data())
        return digest.hexdigest()
    for name, value in request.form.items(multi=True):  # a name may be missing altogether
        digest.update(f"\0{name}\0{value}".encode(errors="surrogateescape"))
    for name, part in request.files.items(multi=True):
        digest.update(f"\0{name}\0{part.filename}\0".encode(errors="surrogateescape"))
        while block := part.stream.read(_BLOCK):
            digest.update(block)
        part.stream.seek(0)
    return digest.hexdigest()
