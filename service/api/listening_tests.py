"""Blind listening tests: made by an organiser, heard by listeners who do not know which system they hear."""

import csv
import io
import re
from collections import Counter
from typing import Any

from apiflask import APIBlueprint, FileSchema
from flask import Response, json, url_for
from flask.typing import ResponseReturnValue

from models.evaluation.listening_test import results
from service.api import media
from service.api.context import services
from service.api.idempotency import idempotent
from service.api.labelling import takes_json
from service.api.listening_schemas import (
    ExportQuery,
    ListenerQuery,
    NewAnswer,
    NewTest,
    NextSchema,
    ResultsSchema,
    TestChange,
    TestPageSchema,
    TestSchema,
)
from service.api.schemas import PageQuery
from service.errors import Forbidden
from service.security.access import principal
from service.storage.listening_tests import Asked
from service.usecases import listening_tests as usecases

UNNAMED = "me"
# Full-width signs are formulas too where spreadsheets are set to Chinese or Japanese.
FORMULA = re.compile(r"(^|;)( *'*)(?=[=+\-@＝＋－＠])")
COLUMNS = (
    *("listener", "position", "kind", "topic", "system_a", "system_b", "source_a", "source_b"),
    *("answer", "repeats", "plays", "answered_at"),
)

_THERE_ALREADY: Any = {
    "description": "This very answer was there already",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Next"}}},
}
_JSON_TOO: Any = {"content": {"application/json": {"schema": {}}}}

bp = APIBlueprint("listening_tests", __name__, tag="Listening tests", url_prefix="/v1/listening-tests")


@bp.get("")
@bp.input(PageQuery, location="query", arg_name="query")
@bp.output(TestPageSchema)
def list_tests(query: dict[str, Any]) -> ResponseReturnValue:
    """The listening tests, newest first."""
    page = services().listening_tests.list(cursor=query.get("cursor"), limit=query["limit"])
    return {"items": [test.to_dict() for test in page.items], "next_cursor": page.next_cursor}


@bp.post("")
@idempotent
@takes_json(bp, NewTest)
@bp.output(TestSchema, status_code=201)
def create_test(body: dict[str, Any]) -> ResponseReturnValue:
    """Begin a test with recordings and takes of named systems; copies of equal length and loudness are made."""
    test = usecases.create_listening_test(body, services=services())
    return test.to_dict(), 201, {"Location": url_for("listening_tests.get_test", test_id=test.id)}


@bp.get("/<test_id>")
@bp.output(TestSchema)
def get_test(test_id: str) -> ResponseReturnValue:
    """A test, without what would tell systems apart."""
    return services().listening_tests.get(test_id).to_dict()


@bp.patch("/<test_id>")
@takes_json(bp, TestChange)
@bp.output(TestSchema)
def change_test(test_id: str, body: dict[str, Any]) -> ResponseReturnValue:
    """Close a test, or open it again."""
    return services().listening_tests.close(test_id, body["closed"]).to_dict()


@bp.delete("/<test_id>")
@bp.output({}, status_code=204)
def delete_test(test_id: str) -> ResponseReturnValue:
    """Take a test away, with its sounds and answers."""
    usecases.delete_listening_test(test_id, services=services())
    return ""


@bp.get("/<test_id>/next")
@bp.input(ListenerQuery, location="query", arg_name="query")
@bp.output(NextSchema)
def get_next(test_id: str, query: dict[str, Any]) -> ResponseReturnValue:
    """The next question of a listener; who asks for the first time begins."""
    return _next(services().listening_tests.next(test_id, _listener(query.get("listener"))))


@bp.get("/<test_id>/questions/<question_id>/<side>")
@bp.output(FileSchema(), content_type="audio/flac", description="The sound: mono, no tags, as loud as all others")
def get_sound(test_id: str, question_id: str, side: str) -> ResponseReturnValue:
    """What is heard on side `a` or `b` of a question; answers Range requests."""
    found = services().listening_tests.sound(test_id, question_id, side)
    etag = f"{question_id}-{side}"  # a hash of the content would give repetitions away
    return media.sound(found.blob, format="flac", size_bytes=found.size_bytes, filename="sound.flac", etag=etag)


@bp.post("/<test_id>/answers")
@takes_json(bp, NewAnswer)
@bp.output(NextSchema, status_code=201)
@bp.doc(responses={200: _THERE_ALREADY})
def create_answer(test_id: str, body: dict[str, Any]) -> ResponseReturnValue:
    """Answer a question, and get the next one; the same answer sent again changes nothing."""
    listener = _listener(body.get("listener"))
    new, following = services().listening_tests.answer(
        test_id, body["question"], body["answer"], listener=listener, plays=body["plays"]
    )
    return _next(following), 201 if new else 200


@bp.get("/<test_id>/results")
@bp.output(ResultsSchema)
def get_results(test_id: str) -> ResponseReturnValue:
    """What the answers say of the systems, with 95 % intervals."""
    store = services().listening_tests
    test = store.get(test_id)
    systems = {sound.id: sound.system for sound in store.sounds(test_id)}
    return {
        "test": test.to_dict(),
        "systems": dict(sorted(Counter(systems.values()).items())),
        "began": test.n_listeners,
        "finished": store.finished(test_id),
        **results(store.given(test_id), systems),
    }


@bp.get("/<test_id>/export")
@bp.input(ExportQuery, location="query", arg_name="query")
@bp.output(FileSchema(), content_type="text/csv", description="Every answer, with the systems that were heard")
@bp.doc(responses={200: _JSON_TOO})
def export_answers(test_id: str, query: dict[str, Any]) -> ResponseReturnValue:
    """Every answer, as CSV or JSON; listeners are numbers."""
    store = services().listening_tests
    test, rows = store.get(test_id), store.rows(test_id)
    if query["format"] == "json":
        response = Response(json.dumps({"test": test.to_dict(), "answers": rows}), content_type="application/json")
    else:
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows([{name: _safe(value) for name, value in row.items()} for row in rows])
        response = Response(text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"listening-test-{test.id}.{query['format']}")
    return response


def _listener(name: str | None) -> str:
    """Who listens: the token's name, or the one given on a machine without tokens. Raises Forbidden."""
    who = principal()
    if who.via == "local":
        return name or UNNAMED
    if name not in (None, who.name):
        raise Forbidden(f"This token is {who.name}'s: it cannot listen as {name}. Leave `listener` out.")
    return who.name


def _next(asked: Asked | None) -> dict[str, Any]:
    if asked is None:
        return {"question": None}
    place: dict[str, Any] = {"test_id": asked.test_id, "question_id": asked.id}
    sides = "ab" if asked.kind == "pair" else "a"
    return {
        "question": {
            "id": asked.id,
            "kind": asked.kind,
            "topic": asked.topic,
            "number": asked.position + 1,
            "total": asked.total,
            "sounds": {side: url_for("listening_tests.get_sound", side=side, **place) for side in sides},
        }
    }


def _safe(value: Any) -> Any:
    """Text that no spreadsheet takes for a formula, as in the tables of labels."""
    return FORMULA.sub(r"\1\2'", value) if isinstance(value, str) else value
