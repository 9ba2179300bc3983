"""The two sides of the HTTP contract of generated clips, as `service.api.schemas` has those of the rest.

The ranges are those of `models.clip_wish`, so that whatever a clip can be, a request can ask for.
"""

from collections.abc import Mapping
from typing import Any

from apiflask import Schema
from apiflask.fields import Boolean, Dict, Field, Float, Integer, List, Nested, Raw, String
from apiflask.validators import Length, OneOf, Range
from marshmallow import ValidationError

from datasets.composers import GENRES
from models.clip_source import USES
from models.clip_wish import RANGES, WHOLE_RANGES
from models.preferences import STARS
from service.api.schemas import ProblemSchema, QuerySchema
from service.usecases.generate import MAX_TAKES

CLIP_STATES = ("queued", "running", "done", "failed", "cancelled")
FORMATS = ("flac", "wav", "ogg", "mp3")
SOURCE_USES = tuple(use for use in USES if use != "vary")
MAX_SECONDS = 24 * 3600.0  # of a place in a recording
MAX_TAKE = 999
MAX_KEY = 20  # characters
MAX_SHARE = 1e6


class _Number(Float):
    """A number of JSON, and nothing that is taken for it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if isinstance(value, bool | str):
            raise self.make_error("invalid", input=value)
        number: float = super()._deserialize(value, attr, data, **kwargs)
        return number


class _Whole(Integer):
    """A whole number of JSON."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool | str):
            raise self.make_error("invalid", input=value)
        number: int = super()._deserialize(value, attr, data, **kwargs)
        return number


class _Truth(Boolean):
    """`true` or `false` of JSON."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:  # noqa: ARG002
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class _Mix(Field):
    """A genre, or shares of several."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        if isinstance(value, str):
            value = {value: 1.0}
        if not isinstance(value, Mapping) or not value:
            raise ValidationError("expected the name of a genre, or an object of shares by genre")
        for name, share in value.items():
            if name not in GENRES:
                raise ValidationError(f"{name!r} is not known here: expected some of {', '.join(GENRES)}")
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= MAX_SHARE:
                raise ValidationError(f"share of {name}={share!r}: expected 0 to {MAX_SHARE:g}")
        return dict(value)


def _range(low: float, high: float) -> Range:
    return Range(min=low, max=high, error=f"{{input}} is out of range: expected {low:g} to {high:g}")


def _number(name: str, description: str) -> _Number:
    return _Number(allow_none=True, validate=_range(*RANGES[name]), metadata={"description": description})


def _whole(name: str, description: str) -> _Whole:
    low, high = WHOLE_RANGES[name]
    return _Whole(strict=True, allow_none=True, validate=_range(low, high), metadata={"description": description})


def _second(description: str) -> _Number:
    return _Number(allow_none=True, validate=_range(0, MAX_SECONDS), metadata={"description": description})


def _id(what: str, **options: Any) -> String:
    return String(validate=Length(max=64), metadata={"description": what}, **options)


def _take(description: str) -> _Whole:
    return _Whole(strict=True, allow_none=True, validate=_range(0, MAX_TAKE), metadata={"description": description})


class ClipSource(Schema):
    """A recording that the clip starts from: a track, or a take of a clip."""

    track = _id("id of an upload", allow_none=True)
    clip = _id("id of a clip", allow_none=True)
    take = _take("which take of it; the best one by default")
    use = String(
        required=True,
        validate=OneOf(SOURCE_USES),
        metadata={"description": "go on after it, change its genre, or make the span anew"},
    )
    start_s = _second("where the span begins")
    end_s = _second("where the span ends; at the recording's end by default")


class ClipVariation(Schema):
    """A take that the clip varies."""

    clip = _id("id of a clip", required=True)
    take = _take("which take of it; the best one by default")
    strength = _Number(
        allow_none=True, validate=_range(0, 1), metadata={"description": "share that is made anew; 0.5 by default"}
    )


class ClipRequest(Schema):
    """What a clip is to be. One of `genre`, `like`, `vary`, `follow`, or a `source` with a clip, says the genre."""

    genre = _Mix(
        allow_none=True,
        metadata={
            "oneOf": [
                {"type": "string", "enum": list(GENRES)},
                {
                    "type": "object",
                    "properties": {genre: {"type": "number", "minimum": 0, "maximum": MAX_SHARE} for genre in GENRES},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
                {"type": "null"},
            ],
            "description": "a genre, or shares of several; with `like`, shares that sum to less than 1 leave the rest "
            "to that recording",
        },
    )
    like = _id("id of a track: its genres, tempo and key count where they are not given", allow_none=True)
    source = Nested(ClipSource, allow_none=True)
    vary = Nested(ClipVariation, allow_none=True)
    follow = _id("id of a clip: the ratings of its takes steer the new ones", allow_none=True)
    seconds = _number("seconds", "length; 10 by default")
    seed = _whole("seed", "the same request with the same seed gives the same clip; drawn by default")
    tempo_bpm = _number("tempo_bpm", "quarter notes per minute; as is usual for the genre by default")
    key = String(
        allow_none=True, validate=Length(max=MAX_KEY), metadata={"description": "such as `A minor` or `Eb major`"}
    )
    energy = _number("energy", "0 is calm")
    temperature = _number("temperature", "how freely notes are drawn; 0.8 by default")
    top_k = _whole("top_k", "only the k likeliest codes may be drawn; 0, the default, allows all")
    top_p = _number("top_p", "only the likeliest codes that reach this probability together; 0.95 by default")
    guidance = _number("guidance", "how strongly the wish is followed; 2 by default")
    loop = _Truth(allow_none=True, metadata={"description": "whether the end goes over into the beginning"})
    takes = _Whole(
        strict=True,
        allow_none=True,
        validate=_range(1, MAX_TAKES),
        metadata={"description": "how many, each with a seed of its own; 1 by default"},
    )


class Rating(Schema):
    """How good a take is."""

    stars = _Whole(strict=True, required=True, validate=_range(*STARS))


class AudioQuery(QuerySchema):
    """In which format a take is wanted."""

    format = String(load_default=FORMATS[0], validate=OneOf(FORMATS))


class TakeSchema(Schema):
    """A take that was made."""

    index = Integer(required=True)
    seed = Integer(required=True)
    seconds = Float(required=True)
    tempo_bpm = Float(required=True, allow_none=True, metadata={"description": "as measured"})
    key = String(required=True, allow_none=True, metadata={"description": "as measured"})
    loudness_lufs = Float(required=True, allow_none=True)
    genre_agreement = Float(
        required=True,
        allow_none=True,
        metadata={"description": "probability that the classifier gives to the wish; null where it cannot tell"},
    )
    rank = Integer(required=True, metadata={"description": "1 for the take of the clip that agrees best"})
    originality = Dict(keys=String(), required=True, metadata={"description": "what it shares with the training clips"})
    retries = List(Raw(), required=True, metadata={"description": "takes that were thrown away before it, and why"})
    rating = Integer(required=True, allow_none=True, metadata={"description": "1 to 5 stars"})
    wish = Dict(keys=String(), required=True, metadata={"description": "what it was to be, in every detail"})
    audio = String(required=True)
    spectrogram = String(required=True)
    waveform = String(required=True)
    report = Dict(keys=String(), metadata={"description": "all that is known of it; left out of lists"})


class ClipSchema(Schema):
    """A clip that was asked for, with the takes that are there by now."""

    id = String(required=True)
    state = String(required=True, validate=OneOf(CLIP_STATES))
    job = String(required=True)
    created_at = String(required=True)
    request = Dict(keys=String(), required=True)
    takes = List(Nested(TakeSchema), required=True)
    problem = Nested(ProblemSchema, required=True, allow_none=True)


class ClipPageSchema(Schema):
    """A page of clips, newest first."""

    items = List(Nested(ClipSchema), required=True)
    next_cursor = String(required=True, allow_none=True)


class GeneratorSchema(Schema):
    """What makes clips, and what it can make; `card` says what it learned from and how good it is."""

    model = String(required=True)
    genres = List(String(), required=True)
    limits = Dict(keys=String(), required=True, metadata={"description": "least and greatest value of each part"})
    card = Dict(keys=String(), required=True)
