"""Recordings in the library: lists, answers, sound, pictures, waveform."""

import re
from typing import Any, Literal

from apiflask import APIBlueprint, FileSchema
from flask import Response, url_for
from flask.typing import ResponseReturnValue

from service.api import media
from service.api.context import services
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
    return media.sound(
        track.blob,
        format=track.format,
        size_bytes=track.size_bytes,
        filename=safe_filename(track.filename),
        etag=track.sha256,
    )


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
    return media.picture(lambda: track.blob, sha256=track.sha256, kind=kind, **size)
