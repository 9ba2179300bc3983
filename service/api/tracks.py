"""Recordings in the library: lists, answers, sound, pictures, waveform."""

import re
from typing import Any, Literal

from apiflask import APIBlueprint, FileSchema
from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wsgi import wrap_file

from service.api.context import admission, services
from service.api.idempotency import idempotent
from service.api.schemas import (
    JobSchema,
    PictureQuery,
    TrackPageSchema,
    TrackSchema,
    TracksQuery,
    WaveformSchema,
)
from service.usecases import tracks as usecases

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
SOUND_CACHE = "private, max-age=86400"  # the content of a track never changes
PICTURE_VERSION = "1"  # part of the ETag: raise it when the same recording would be drawn otherwise

bp = APIBlueprint("tracks", __name__, tag="Tracks", url_prefix="/v1/tracks")


@bp.get("")
@bp.input(TracksQuery, location="query", arg_name="query")
@bp.output(TrackPageSchema)
def list_tracks(query: dict[str, Any]) -> ResponseReturnValue:
    """The library, newest first, without segments."""
    page = services().tracks.list(
        cursor=query.get("cursor"), limit=query["limit"], q=query.get("q"), genre=query.get("genre")
    )
    return {"items": [track.to_dict(segments=False) for track in page.items], "next_cursor": page.next_cursor}


@bp.get("/<track_id>")
@bp.output(TrackSchema)
def get_track(track_id: str) -> ResponseReturnValue:
    """A recording with its answer."""
    return services().tracks.get(track_id).to_dict()


@bp.delete("/<track_id>")
@bp.output({}, status_code=204)
def delete_track(track_id: str) -> ResponseReturnValue:
    """Take a recording, its answer and its sound away; work on it is cancelled."""
    usecases.delete_track(track_id, services=services())
    return ""


@bp.post("/<track_id>/classifications")
@idempotent
@bp.output(JobSchema, status_code=202)
def classify_again(track_id: str) -> ResponseReturnValue:
    """Answer anew with the model that is active now, as a job."""
    job = services().jobs.submit("classify", track_id=services().tracks.get(track_id).id)
    return job.to_dict(), 202, {"Location": url_for("jobs.get_job", job_id=job.id), "Retry-After": "1"}


@bp.get("/<track_id>/audio")
@bp.output(FileSchema(), content_type="application/octet-stream", description="The file as it was sent")
def get_audio(track_id: str) -> ResponseReturnValue:
    """The recording as it was sent; answers Range requests."""
    track = services().tracks.get(track_id)
    file = services().blobs.open(track.blob)
    response = Response(
        wrap_file(request.environ, file, 64 << 10),
        content_type=CONTENT_TYPES.get(track.format or "", "application/octet-stream"),
        direct_passthrough=True,
    )
    response.call_on_close(file.close)
    response.content_length = track.size_bytes
    response.headers["Cache-Control"] = SOUND_CACHE
    response.headers.set("Content-Disposition", "attachment", filename=safe_filename(track.filename))
    response.set_etag(track.sha256)
    return response.make_conditional(request, accept_ranges=True, complete_length=track.size_bytes)


@bp.get("/<track_id>/waveform")
@bp.output(WaveformSchema)
def get_waveform(track_id: str) -> ResponseReturnValue:
    """Peaks for drawing the waveform; 404 until the recording was heard once."""
    return services().tracks.waveform(track_id)


@bp.get("/<track_id>/spectrogram.png")
@bp.input(PictureQuery, location="query", arg_name="query")
@bp.output(FileSchema(), content_type="image/png", description="Mel spectrogram")
def get_spectrogram(track_id: str, query: dict[str, Any]) -> ResponseReturnValue:
    """Mel spectrogram as PNG: time to the right, frequency upwards."""
    return _picture(track_id, "mel", query)


@bp.get("/<track_id>/scalogram.png")
@bp.input(PictureQuery, location="query", arg_name="query")
@bp.output(FileSchema(), content_type="image/png", description="Wavelet scalogram")
def get_scalogram(track_id: str, query: dict[str, Any]) -> ResponseReturnValue:
    """Wavelet scalogram as PNG: time to the right, frequency upwards."""
    return _picture(track_id, "scalogram", query)


def safe_filename(name: str) -> str:
    """A file name without anything that a file system or a header could misread."""
    return re.sub(r'["<>:|?*]', "_", usecases.display_name(name))


def _picture(track_id: str, kind: Literal["mel", "scalogram"], query: dict[str, Any]) -> Response:
    track = services().tracks.get(track_id)
    size = {"width": query["width"], "height": query["height"]}
    response = Response(content_type="image/png")
    response.headers["Cache-Control"] = SOUND_CACHE
    etag = f"{track.sha256[:32]}-{kind}-{size['width']}x{size['height']}-{PICTURE_VERSION}"
    response.set_etag(etag)
    if request.if_none_match.contains_weak(etag):
        response.status_code = 304
        return response
    with admission().pictures.place(), admission().analysis(), services().blobs.local(track.blob) as path:
        response.data = services().engine.picture(path, kind, **size)
    return response
