"""Clips: asked for, listed, heard, looked at, rated, deleted."""

import re
from typing import Any

from apiflask import APIBlueprint, FileSchema
from flask import Response, url_for
from flask.typing import ResponseReturnValue

from service.api import media
from service.api.clip_schemas import (
    AudioQuery,
    ClipPageSchema,
    ClipRequest,
    ClipSchema,
    Rating,
    TakeSchema,
)
from service.api.context import admission, services
from service.api.idempotency import idempotent
from service.api.labelling import takes_json
from service.api.schemas import PageQuery, PictureQuery, WaveformSchema
from service.errors import Forbidden, NotFound
from service.security.access import Role, principal
from service.storage.clips import Clip, Take, TakeFile
from service.storage.pages import iso
from service.usecases import clips as usecases

MAX_TAKE_DIGITS = 4
NAMED_GENRES = 3  # in a file name: the largest shares

bp = APIBlueprint("clips", __name__, tag="Clips", url_prefix="/v1/clips")


@bp.get("")
@bp.input(PageQuery, location="query", arg_name="query")
@bp.output(ClipPageSchema)
def list_clips(query: dict[str, Any]) -> ResponseReturnValue:
    """Clips, newest first, without the reports of their takes."""
    page = services().clips.list(cursor=query.get("cursor"), limit=query["limit"])
    return {"items": [_view(clip, reports=False) for clip in page.items], "next_cursor": page.next_cursor}


@bp.post("")
@idempotent
@takes_json(bp, ClipRequest)
@bp.output(ClipSchema, status_code=202)
def create_clip(body: dict[str, Any]) -> ResponseReturnValue:
    """Have a clip made, by a job: from a genre, like a track, from a recording, or as ratings would have it."""
    clip = usecases.request_clip(body, owner=principal().id, services=services())
    return _view(clip), 202, {"Location": url_for("clips.get_clip", clip_id=clip.id), "Retry-After": "1"}


@bp.get("/<clip_id>")
@bp.output(ClipSchema)
def get_clip(clip_id: str) -> ResponseReturnValue:
    """A clip with the takes that are there by now; the events of its job tell of progress."""
    return _view(services().clips.get(clip_id))


@bp.delete("/<clip_id>")
@bp.output({}, status_code=204)
def delete_clip(clip_id: str) -> ResponseReturnValue:
    """Take a clip and its takes away; work on it is cancelled. Only an administrator deletes those of others."""
    clip, who = services().clips.get(clip_id), principal()
    if clip.owner != who.id and who.role < Role.ADMIN:
        raise Forbidden("This clip is somebody else's: only an administrator deletes those of others.")
    usecases.delete_clip(clip_id, services=services())
    return ""


@bp.get("/<clip_id>/audio")
@bp.input(AudioQuery, location="query", arg_name="query")
@bp.output(FileSchema(), content_type="application/octet-stream", description="The sound, with its provenance inside")
def get_best_audio(clip_id: str, query: dict[str, Any]) -> ResponseReturnValue:
    """The take of a clip that agrees best with the wish; answers Range requests."""
    return _audio(services().clips.get(clip_id).best, query["format"])


@bp.get("/<clip_id>/takes/<take>/audio")
@bp.input(AudioQuery, location="query", arg_name="query")
@bp.output(FileSchema(), content_type="application/octet-stream", description="The sound, with its provenance inside")
def get_audio(clip_id: str, take: str, query: dict[str, Any]) -> ResponseReturnValue:
    """A take as FLAC, WAV, OGG or MP3; answers Range requests."""
    return _audio(_take(clip_id, take), query["format"])


@bp.get("/<clip_id>/takes/<take>/waveform")
@bp.output(WaveformSchema)
def get_waveform(clip_id: str, take: str) -> ResponseReturnValue:
    """Peaks for drawing the waveform of a take."""
    return services().clips.waveform(clip_id, _take(clip_id, take).number)


@bp.get("/<clip_id>/takes/<take>/spectrogram.png")
@bp.input(PictureQuery, location="query", arg_name="query")
@bp.output(FileSchema(), content_type="image/png", description="Mel spectrogram")
def get_spectrogram(clip_id: str, take: str, query: dict[str, Any]) -> ResponseReturnValue:
    """Mel spectrogram of a take as PNG: time to the right, frequency upwards."""
    found = _take(clip_id, take)
    size = {"width": query["width"], "height": query["height"]}
    return media.picture(lambda: _file(found, usecases.SOUND_FORMAT).blob, sha256=found.sha256, kind="mel", **size)


@bp.put("/<clip_id>/takes/<take>/rating")
@takes_json(bp, Rating)
@bp.output(TakeSchema)
def rate_take(clip_id: str, take: str, body: dict[str, Any]) -> ResponseReturnValue:
    """Say how good a take is; the last word counts."""
    number = _take(clip_id, take).number
    clip = services().clips.rate(clip_id, number, body["stars"])
    return _take_view(clip.take(number))


def file_name(take: Take, format: str) -> str:
    """Name of a take's file, such as `reggae-76bpm-A-minor-seed-1.flac`."""
    wish, report = take.report["wish"], take.report
    genres = sorted(wish["genre"], key=lambda genre: -wish["genre"][genre])[:NAMED_GENRES]
    tempo_bpm = wish["tempo_bpm"] or report["tempo_bpm"]
    key = wish["key"] or report["key"]
    words = [*genres, *([f"{tempo_bpm:.0f}bpm"] if tempo_bpm else []), *([key] if key else [])]
    stem = "-".join([*words, "seed", str(wish["seed"])]).replace("#", "sharp")
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', stem)}.{format}"


def _take(clip_id: str, number: str) -> Take:
    clip = services().clips.get(clip_id)
    if not (number.isascii() and number.isdecimal() and len(number) <= MAX_TAKE_DIGITS):
        raise NotFound(f"There is no take {number!r}: they have numbers from 0.")
    return clip.take(int(number))


def _audio(take: Take, format: str) -> Response:
    with admission().pictures.place():  # another format may have to be made first
        file = _file(take, format)
    return media.sound(
        file.blob, format=format, size_bytes=file.size_bytes, filename=file_name(take, format), etag=file.sha256
    )


def _file(take: Take, format: str) -> TakeFile:
    return usecases.sound_file(take.clip_id, take.number, format, services=services())


def _view(clip: Clip, *, reports: bool = True) -> dict[str, Any]:
    return {
        "id": clip.id,
        "state": clip.state,
        "job": clip.job_id,
        "created_at": iso(clip.created_at),
        "request": clip.request,
        "takes": [_take_view(take, report=reports) for take in clip.takes],
        "problem": clip.problem,
    }


def _take_view(take: Take, *, report: bool = True) -> dict[str, Any]:
    place: dict[str, Any] = {"clip_id": take.clip_id, "take": str(take.number)}
    view = {
        "index": take.number,
        "seed": take.report["seed"],
        "seconds": take.seconds,
        **{name: take.report[name] for name in ("tempo_bpm", "key", "loudness_lufs")},
        "genre_agreement": take.genre_agreement,
        "rank": take.rank,
        **{name: take.report[name] for name in ("originality", "retries")},
        "rating": take.rating,
        "wish": take.report["wish"],
        "audio": url_for("clips.get_audio", **place),
        "spectrogram": url_for("clips.get_spectrogram", **place),
        "waveform": url_for("clips.get_waveform", **place),
    }
    return view | ({"report": take.report} if report else {})
