"""Sounds and pictures as they are served: in ranges, and not again to whoever has them."""

from collections.abc import Callable
from typing import Literal

from flask import Response, request
from werkzeug.wsgi import wrap_file

from service.api.context import admission, services

CONTENT_TYPES = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "aiff": "audio/aiff",
    "au": "audio/basic",
    "m4a": "audio/mp4",
    "mp4": "audio/mp4",
    "aac": "audio/aac",
    "wma": "audio/x-ms-wma",
    "webm": "audio/webm",
    "mkv": "audio/x-matroska",
}
UNKNOWN_TYPE = "application/octet-stream"
CACHE = "private, max-age=86400"  # content never changes
PICTURE_VERSION = "1"  # part of the ETag: raise it when the same recording would be drawn otherwise
BUFFER_BYTES = 64 << 10


def sound(blob: str, *, format: str | None, size_bytes: int, filename: str, etag: str) -> Response:
    """The content of the blob store under a key, as a file of a format; answers Range requests."""
    file = services().blobs.open(blob)
    response = Response(
        wrap_file(request.environ, file, BUFFER_BYTES),
        content_type=CONTENT_TYPES.get(format or "", UNKNOWN_TYPE),
        direct_passthrough=True,
    )
    response.call_on_close(file.close)
    response.content_length = size_bytes
    response.headers["Cache-Control"] = CACHE
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    response.set_etag(etag)
    response.make_conditional(request, accept_ranges=True, complete_length=size_bytes)
    return response


def picture(
    blob: Callable[[], str], *, sha256: str, kind: Literal["mel", "scalogram"], width: int, height: int
) -> Response:
    """A picture of a recording as PNG; the key of its content is asked for only where it must be drawn."""
    response = Response(content_type="image/png")
    response.headers["Cache-Control"] = CACHE
    etag = f"{sha256[:32]}-{kind}-{width}x{height}-{PICTURE_VERSION}"
    response.set_etag(etag)
    if request.if_none_match.contains_weak(etag):
        response.status_code = 304
        return response
    key = blob()
    with admission().pictures.place(), admission().analysis(), services().blobs.local(key) as path:
        response.data = services().engine.picture(path, kind, width=width, height=height)
    return response
