"""What the views of labelling have in common: which project is meant, who says something in it, what JSON is."""

import json
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar

from apiflask import APIBlueprint, Schema
from flask import request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from service.api.context import services
from service.errors import Forbidden, NotFound
from service.security.access import principal
from service.storage.projects import Project

DEFAULT_ANNOTATOR = "me"
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")  # what the database's integers hold

P = ParamSpec("P")
R = TypeVar("R")


def in_project(view: Callable[Concatenate[Project, P], R]) -> Callable[Concatenate[str, P], R]:
    """Give a view the project that its address names, by id or name; an unknown one is a 404, whatever else is sent."""

    @wraps(view)
    def found(project_id: str, *args: P.args, **kwargs: P.kwargs) -> R:
        return view(project_named(project_id), *args, **kwargs)

    return found


def project_named(name: str | None) -> Project:
    """A project by id or name; None where only one is open. Raises NotFound."""
    if name is not None and not name.isprintable():
        raise NotFound(f"There is no labelling project {name!r}.")
    return services().projects.get(name)


def annotator_of(sent: Mapping[str, Any]) -> str:
    """Whose answer it is: the token's name, or the field `annotator` on a machine without tokens.

    Raises
    ------
    Forbidden
        If the field names somebody else than the token does.
    """
    name, who = sent.get("annotator"), principal()
    if who.via == "local":
        return name or DEFAULT_ANNOTATOR
    if name is not None and name != who.name:
        raise Forbidden(f"This token is {who.name}'s: it cannot answer as {name}. Leave `annotator` out.")
    return who.name


def numbered(text: str, what: str) -> int:
    """The number in an address. Raises NotFound where it is none that anything here has."""
    if not _NUMBER.fullmatch(text):
        raise NotFound(f"There is no {what} {text!r}: they have numbers from 1.")
    return int(text)


def takes_json(bp: APIBlueprint, schema: type[Schema]) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Give a view the argument `body`: what was sent as JSON, after the schema has checked it."""

    def decorate(view: Callable[..., R]) -> Callable[..., R]:
        read = bp.input(schema, arg_name="body")(view)

        @wraps(read)
        def checked(*args: Any, **kwargs: Any) -> R:
            _check_json()
            return read(*args, **kwargs)

        return checked

    return decorate


def _check_json() -> None:
    """Refuse a body that is no JSON as RFC 8259 has it: the parser of the schemas takes more, or breaks."""
    content = request.get_data(cache=True)
    if not content:
        return
    if not request.is_json:
        raise UnsupportedMediaType("Please send this as JSON, with `Content-Type: application/json`.")
    try:
        value = json.loads(content.decode(), parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()  # half a character cannot be written
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is no JSON that can be read: {error}.") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
