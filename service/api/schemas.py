"""The two sides of the HTTP contract, as schemas that validate, document and serialise.

Times named `_s` are seconds; points in time are ISO 8601 in UTC.
"""

from typing import Any

from apiflask import Schema
from apiflask.fields import Boolean, Dict, File, Float, Integer, List, Nested, Raw, String
from apiflask.validators import Length, OneOf, Range, Regexp
from marshmallow import EXCLUDE, ValidationError

JOB_STATES = ("queued", "running", "done", "failed", "cancelled")
TRACK_STATES = ("queued", "running", "done", "failed", "cancelled")
MAX_PAGE = 200
MAX_PICTURE_PX = 4000


def _no_control_characters(text: str) -> None:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValidationError("control characters are not allowed")


class QuerySchema(Schema):
    """Base of query strings: what is not known is ignored, as the web does."""

    class Meta:
        """Options of marshmallow."""

        unknown = EXCLUDE


class ClassifyQuery(QuerySchema):
    """How a classification is answered."""

    format = String(
        load_default="full",
        validate=OneOf(["full", "hf"]),
        metadata={"description": "`full`, or `hf` for an array of `{label, score}`, most probable first"},
    )


class PageQuery(QuerySchema):
    """Which page of a list."""

    cursor = String(
        validate=Regexp(r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$", error="This is no cursor: take `next_cursor` as it is."),
        metadata={"description": "`next_cursor` of the page before"},
    )
    limit = Integer(load_default=50, validate=Range(min=1, max=MAX_PAGE))


class TracksQuery(PageQuery):
    """Which tracks of the library."""

    q = String(validate=[Length(max=200), _no_control_characters], metadata={"description": "part of the file name"})
    genre = String(validate=[Length(max=100), _no_control_characters], metadata={"description": "only this genre"})


class JobsQuery(PageQuery):
    """Which jobs."""

    state = String(validate=OneOf(JOB_STATES))


class PictureQuery(QuerySchema):
    """Size of a picture in pixels."""

    width = Integer(load_default=1200, validate=Range(min=64, max=MAX_PICTURE_PX))
    height = Integer(load_default=256, validate=Range(min=32, max=1024))


class UploadSchema(Schema):
    """A recording."""

    class Meta:
        """Options of marshmallow."""

        unknown = EXCLUDE

    file = File(required=True, metadata={"description": "the recording: its content decides the format"})


class ProblemSchema(Schema):
    """What went wrong, and what to do (RFC 9457)."""

    type = String(required=True)
    title = String(required=True)
    status = Integer(required=True)
    detail = String(required=True)
    instance = String()
    errors = Dict(keys=String(), metadata={"description": "field by field, where the request was not valid"})


class TagSchema(Schema):
    """One tag of the backbone."""

    tag = String(required=True)
    activation = Float(required=True)


class SegmentSchema(Schema):
    """A stretch of the recording; `genre` is null where it is not music."""

    start_s = Float(required=True)
    end_s = Float(required=True)
    genre = String(required=True, allow_none=True)
    probabilities = Dict(keys=String(), values=Float(), required=True)


class EvidenceSchema(Schema):
    """A stretch that moved the decision."""

    start_s = Float(required=True)
    end_s = Float(required=True)
    effect = Float(required=True)


class ClassificationSchema(Schema):
    """What genre a recording is, how sure that is, where it changes, and why."""

    track = String(required=True)
    path = String(required=True, metadata={"description": "file name as it was sent"})
    sha256 = String(required=True)
    duration_s = Float(required=True)
    sample_rate = Integer(required=True)
    channels = Integer(required=True)
    format = String(required=True)
    model = String(required=True)
    genre = String(required=True, allow_none=True)
    probabilities = Dict(keys=String(), values=Float(), required=True)
    set = List(String(), required=True, metadata={"description": "holds the true genre with probability `coverage`"})
    coverage = Float(required=True)
    abstained = Boolean(required=True)
    reason = String(required=True, allow_none=True)
    short = Boolean(required=True)
    tags = List(Nested(TagSchema), required=True)
    attributes = Dict(keys=String(), required=True)
    segments = List(Nested(SegmentSchema))
    runs = List(Nested(SegmentSchema))
    evidence = List(Nested(EvidenceSchema))


class TrackSchema(Schema):
    """A recording in the library."""

    id = String(required=True)
    filename = String(required=True)
    sha256 = String(required=True)
    size_bytes = Integer(required=True)
    duration_s = Float(required=True, allow_none=True)
    sample_rate = Integer(required=True, allow_none=True)
    channels = Integer(required=True, allow_none=True)
    format = String(required=True, allow_none=True)
    created_at = String(required=True)
    state = String(required=True, validate=OneOf(TRACK_STATES))
    job = String(required=True, allow_none=True)
    classification = Nested(ClassificationSchema, required=True, allow_none=True)
    problem = Nested(ProblemSchema, required=True, allow_none=True)


class TrackPageSchema(Schema):
    """A page of the library; `next_cursor` is null on the last one."""

    items = List(Nested(TrackSchema), required=True)
    next_cursor = String(required=True, allow_none=True)


class WaveformSchema(Schema):
    """Peaks for drawing: the largest |y| of each of equally long slices, 0 to 1."""

    duration_s = Float(required=True)
    peaks = List(Float(), required=True)


class JobSchema(Schema):
    """A long piece of work."""

    id = String(required=True)
    kind = String(required=True)
    state = String(required=True, validate=OneOf(JOB_STATES))
    progress = Float(required=True, metadata={"description": "0 to 1"})
    created_at = String(required=True)
    started_at = String(required=True, allow_none=True)
    finished_at = String(required=True, allow_none=True)
    track = String(required=True, allow_none=True)
    project = String(required=True, allow_none=True, metadata={"description": "the labelling project that it is for"})
    clip = String(required=True, allow_none=True, metadata={"description": "the clip that it makes"})
    result = Raw(required=True, allow_none=True)
    problem = Nested(ProblemSchema, required=True, allow_none=True)


class JobPageSchema(Schema):
    """A page of jobs, newest first."""

    items = List(Nested(JobSchema), required=True)
    next_cursor = String(required=True, allow_none=True)


class ModelSchema(Schema):
    """A version of a model; `card` says what it learned from and how good it is."""

    id = String(required=True)
    version = String(required=True)
    kind = String(required=True)
    created = String(required=True, allow_none=True)
    active = Boolean(required=True)
    card = Dict(keys=String(), required=True)


class ModelListSchema(Schema):
    """The models of this server."""

    items = List(Nested(ModelSchema), required=True)


class IndexSchema(Schema):
    """Where everything is, and what the limits are."""

    name = String(required=True)
    version = String(required=True)
    links = Dict(keys=String(), values=String(), required=True)
    limits = Dict(keys=String(), required=True)
    formats = List(String(), required=True)
    you = Dict(keys=String(), required=True, metadata={"description": "who the request counts as"})


class HealthSchema(Schema):
    """The process answers."""

    status = String(required=True)


class ReadinessSchema(Schema):
    """Whether the first user would wait, check by check."""

    status = String(required=True, validate=OneOf(["ready", "starting"]))
    checks = Dict(keys=String(), required=True)


def hf_form(classification: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer as common audio-classification inference APIs give it, most probable first."""
    ranked = sorted(classification["probabilities"].items(), key=lambda item: (-item[1], item[0]))
    return [{"label": genre, "score": probability} for genre, probability in ranked]
