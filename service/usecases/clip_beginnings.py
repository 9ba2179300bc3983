"""What a clip starts from: a part of a track or of a take, to be continued, restyled, filled in or varied."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from models.clip_source import SHORTEST_S
from models.clip_wish import ClipWish
from service.errors import Conflict, Invalid
from service.storage.clips import Clip, Take
from service.storage.tracks import Track

if TYPE_CHECKING:
    from service.services import Services

PROMPT_S = 7.0  # of what is continued where no span is given; at most half of the clip
STRENGTH = 0.5  # of a variation where none is given
SLACK_S = 0.05  # by which a span may end after what a header said
OWN = ("seed", "loop")  # parts of a take's wish that are its own
LIKENESS = ("genre", "tempo_bpm", "key")  # and those that the recording says that the clip shall be like


def beginning_of(request: Mapping[str, Any], *, services: "Services") -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """What a request's takes start from, and what that was wished to be where it was made here.

    Returns
    -------
    beginning : dict or None
        `source` of the request, or what stands for its `vary`.
    base : dict
        Parts of a `ClipWish`; {} for nothing, and for tracks.

    Raises
    ------
    Invalid
        If it names nothing, or two things.
    NotFound
        If it names what does not exist.
    """
    varied, source = request.get("vary"), request.get("source")
    if varied is not None:
        return {"use": "vary", **varied}, _wish_of(varied, services)
    if source is None:
        return None, {}
    if (source.get("track") is None) == (source.get("clip") is None):
        raise Invalid("source: expected `track` with the id of one, or `clip` with the id of one")
    if source.get("clip") is None:
        return source, {}
    base = _wish_of(source, services)
    if request.get("like") is not None:
        base = {name: value for name, value in base.items() if name not in LIKENESS}
    return source, base


def source_of(beginning: Mapping[str, Any], wish: ClipWish, *, services: "Services") -> dict[str, Any]:
    """What the job reads: "track", or "clip" and "take"; "use", "start_s", "end_s", "strength", "seconds".

    Raises
    ------
    Invalid
        If the span does not lie in the recording, or is too short or too long.
    Conflict
        If it is not known yet how long the recording is.
    NotFound
        If there is no such recording.
    """
    use = beginning["use"]
    if beginning.get("clip") is not None:
        take = _take_of(services.clips.get(beginning["clip"]), beginning.get("take"))
        named, seconds = {"clip": take.clip_id, "take": take.number}, take.seconds
    else:
        track = services.tracks.get(beginning["track"])
        named, seconds = {"track": track.id}, _duration_of(track)
    start_s, end_s = _span(beginning, use=use, seconds=seconds, wish=wish)
    whole = use == "inpaint"
    longest = services.settings.clip_max_duration_s
    if (length := seconds if whole else end_s - start_s) > longest:
        what = "a recording to inpaint" if whole else "a span"
        raise Invalid(f"source: {what} of {length:.1f} s, expected at most {longest:g} s")
    if use == "continue" and wish.seconds <= end_s - start_s:
        raise Invalid(f"seconds={wish.seconds:g}: expected more than the {end_s - start_s:.1f} s that are continued")
    strength = STRENGTH if beginning.get("strength") is None else beginning["strength"]
    return {**named, "use": use, "start_s": start_s, "end_s": end_s, "strength": strength, "seconds": seconds}


def _wish_of(beginning: Mapping[str, Any], services: "Services") -> dict[str, Any]:
    wish = _take_of(services.clips.get(beginning["clip"]), beginning.get("take")).report["wish"]
    return {name: value for name, value in wish.items() if name not in OWN and value is not None}


def _take_of(clip: Clip, number: int | None) -> Take:
    return clip.best if number is None else clip.take(number)


def _duration_of(track: Track) -> float:
    if track.state == "failed":
        raise Invalid(f"source.track: {track.filename} cannot be used: {(track.problem or {}).get('detail')}")
    if track.duration_s is None:
        raise Conflict(f"source.track: {track.filename} was not heard yet. Please wait until its state is done.")
    return track.duration_s


def _span(beginning: Mapping[str, Any], *, use: str, seconds: float, wish: ClipWish) -> tuple[float, float]:
    start_s, end_s = beginning.get("start_s"), beginning.get("end_s")
    for name, value in (("start_s", start_s), ("end_s", end_s)):
        if value is not None and not 0 <= value <= seconds + SLACK_S:
            raise Invalid(f"source.{name}={value:g}: expected 0 to {seconds:.2f}, the length of the recording")
    if use == "inpaint" and start_s is None and end_s is None:
        raise Invalid("source: expected start_s and end_s, the span that shall be made anew")
    if end_s is None:
        end_s = seconds if use in ("continue", "inpaint") else min(seconds, (start_s or 0.0) + wish.seconds)
    if start_s is None:
        start_s = max(0.0, end_s - min(PROMPT_S, wish.seconds / 2)) if use == "continue" else 0.0
    if end_s - start_s < SHORTEST_S:
        raise Invalid(
            f"source.start_s={start_s:g}, source.end_s={end_s:g}: expected a span of {SHORTEST_S:g} s or more"
        )
    return float(start_s), float(end_s)
