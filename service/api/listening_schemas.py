"""The two sides of the HTTP contract of listening tests, as `service.api.schemas` has those of the rest."""

from typing import Any

from apiflask import Schema
from apiflask.fields import Boolean, Dict, Field, Float, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range
from marshmallow import ValidationError

from models.evaluation.listening_test import CHOICES, STARS
from service.api.schemas import QuerySchema
from service.errors import Invalid
from service.storage.listening_tests import ASPECTS
from service.storage.projects import checked_name

MAX_ITEMS = 100
MAX_QUESTIONS = 100
MAX_REPEATS = 20
SECONDS = (1.0, 60.0)
MAX_START_S = 24 * 3600.0
MAX_SEED = 2**31 - 1
MAX_PLAYS = 10_000
FORMATS = ("csv", "json")


class _Answer(Field):
    """A side, or a number of stars."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int | str:  # noqa: ARG002
        if isinstance(value, str) and value in CHOICES:
            return value
        if isinstance(value, int) and not isinstance(value, bool) and STARS[0] <= value <= STARS[1]:
            return value
        raise ValidationError(f"expected {STARS[0]} to {STARS[1]} stars, or one of {', '.join(CHOICES)}")


class _Name(String):
    """A name of a test, a system or a listener, as names are kept."""

    def __init__(self, what: str, description: str, *, required: bool = False) -> None:
        super().__init__(required=required, metadata={"description": description})
        self._what = what

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        name: str = super()._deserialize(value, attr, data, **kwargs)
        try:
            return checked_name(name, self._what)
        except Invalid as error:
            raise ValidationError(str(error)) from error


class ListenerQuery(QuerySchema):
    """Who listens."""

    listener = _Name("listener", "whose question it is, on a machine without tokens; else the token's name")


class ExportQuery(QuerySchema):
    """In which form."""

    format = String(load_default="csv", validate=OneOf(FORMATS))


class NewItem(Schema):
    """A sound of a system."""

    system = _Name("system", "what made the sound; hidden from listeners", required=True)
    topic = String(
        load_default="",
        validate=Length(max=100),
        metadata={"description": "only items of one topic are compared, such as a genre; shown to listeners"},
    )
    track = String(metadata={"description": "id of a track of the library"})
    clip = String(metadata={"description": "id of a generated clip"})
    take = Integer(strict=True, validate=Range(min=0, max=999), metadata={"description": "of the clip, from 0"})
    start_s = Float(load_default=0.0, validate=Range(min=0.0, max=MAX_START_S))


class NewTest(Schema):
    """A listening test."""

    name = _Name("listening test", "shown to listeners", required=True)
    aspect = String(
        load_default="quality",
        validate=OneOf(ASPECTS),
        metadata={"description": "`quality`: which sounds better; `genre`: which is more like the topic"},
    )
    pairs = Integer(strict=True, load_default=10, validate=Range(min=0, max=MAX_QUESTIONS))
    ratings = Integer(strict=True, load_default=10, validate=Range(min=0, max=MAX_QUESTIONS))
    repeats = Integer(
        strict=True,
        load_default=2,
        validate=Range(min=0, max=MAX_REPEATS),
        metadata={"description": "pairs that are asked again, sides exchanged, to see how consistent listeners are"},
    )
    seconds = Float(load_default=15.0, validate=Range(*SECONDS), metadata={"description": "length of each sound"})
    seed = Integer(strict=True, load_default=None, validate=Range(min=0, max=MAX_SEED))
    items = List(Nested(NewItem), required=True, validate=Length(min=2, max=MAX_ITEMS))


class TestChange(Schema):
    """Whether anybody may still listen."""

    closed = Boolean(truthy={True}, falsy={False}, required=True)


class NewAnswer(Schema):
    """What a listener says."""

    question = String(required=True)
    answer = _Answer(required=True, metadata={"description": "`a`, `b` or `same` for a pair; 1 to 5 for a rating"})
    plays = Integer(strict=True, load_default=None, validate=Range(min=0, max=MAX_PLAYS))
    listener = _Name("listener", "whose answer it is, on a machine without tokens; else the token's name")


class TestSchema(Schema):
    """A listening test; which systems are heard is in its results only."""

    id = String(required=True)
    name = String(required=True)
    created_at = String(required=True)
    closed = Boolean(required=True)
    listeners = Integer(required=True, metadata={"description": "that have begun"})
    settings = Dict(keys=String(), required=True)


class TestPageSchema(Schema):
    """Some listening tests."""

    items = List(Nested(TestSchema), required=True)
    next_cursor = String(required=True, allow_none=True)


class QuestionSchema(Schema):
    """What is asked of a listener."""

    id = String(required=True)
    kind = String(required=True, validate=OneOf(["pair", "rating"]))
    topic = String(required=True)
    number = Integer(required=True, metadata={"description": "from 1"})
    total = Integer(required=True)
    sounds = Dict(keys=String(), values=String(), required=True, metadata={"description": "addresses of `a` and `b`"})


class NextSchema(Schema):
    """The next question; null where a listener has answered all."""

    question = Nested(QuestionSchema, required=True, allow_none=True)


class ResultsSchema(Schema):
    """What the answers say; null where nothing can be said."""

    test = Nested(TestSchema, required=True)
    systems = Dict(keys=String(), values=Integer(), required=True, metadata={"description": "sounds of each system"})
    began = Integer(required=True, metadata={"description": "listeners"})
    finished = Integer(required=True, metadata={"description": "listeners who answered all"})
    n_answers = Integer(required=True)
    n_listeners = Integer(required=True, metadata={"description": "that gave an answer"})
    opinions = List(Dict(keys=String()), required=True, metadata={"description": "mean opinion scores, 95 % intervals"})
    preferences = List(Dict(keys=String()), required=True, metadata={"description": "of each two systems, Wilson's"})
    strengths = List(Dict(keys=String()), required=True, metadata={"description": "Bradley-Terry, strongest first"})
    agreement = Dict(keys=String(), required=True, metadata={"description": "Krippendorff's alpha over listeners"})
    consistency = Dict(keys=String(), required=True, metadata={"description": "repetitions answered as before"})
