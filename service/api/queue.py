"""The queue of a labelling project: the next item, more time for it, skipping, flagging, how far it is."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from flask.typing import ResponseReturnValue

from service.api.context import services
from service.api.labelling import annotator_of, project_named, takes_json
from service.api.labelling_schemas import (
    ActSchema,
    AnnotatorRequest,
    FlagRequest,
    LeaseRequest,
    LeaseSchema,
    ProjectQuery,
    QueueStatsSchema,
    SkipRequest,
)
from service.storage.label_queue import Answer
from service.usecases.labelling import queue
from service.usecases.labelling.queue import Nothing

RETRY_AFTER_S = 5  # others hold what is left: some of it may come back

bp = APIBlueprint("queue", __name__, tag="Labelling queue", url_prefix="/v1/queue")


@bp.post("/lease")
@takes_json(bp, LeaseRequest)
@bp.output(LeaseSchema)
@bp.doc(responses={204: "Nothing is to be had now; `Retry-After` where others hold what is left"})
def lease_item(body: dict[str, Any]) -> ResponseReturnValue:
    """Get the next item, for some time."""
    found = queue.lease(body.get("project"), annotator_of(body), services=services())
    if not isinstance(found, Nothing):
        return found.to_dict()
    response = Response(status=204)
    if found.leased:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


@bp.post("/<lease_id>/renew")
@takes_json(bp, AnnotatorRequest)
@bp.output(LeaseSchema)
def renew_lease(lease_id: str, body: dict[str, Any]) -> ResponseReturnValue:
    """Keep an item for as long again from now."""
    return services().label_queue.renew(lease_id, annotator_of(body)).to_dict()


@bp.post("/<lease_id>/skip")
@takes_json(bp, SkipRequest)
@bp.output(ActSchema)
def skip_item(lease_id: str, body: dict[str, Any]) -> ResponseReturnValue:
    """Leave an item to others; it comes back when nothing else is left."""
    return _answered(lease_id, Answer("skip", reason=body["reason"]), body)


@bp.post("/<lease_id>/flag")
@takes_json(bp, FlagRequest)
@bp.output(ActSchema)
def flag_item(lease_id: str, body: dict[str, Any]) -> ResponseReturnValue:
    """Set an item aside that nobody can label."""
    return _answered(lease_id, Answer("flag", flag=body["flag"], note=body["note"]), body)


@bp.get("/stats")
@bp.input(ProjectQuery, location="query", arg_name="query")
@bp.output(QueueStatsSchema)
def get_stats(query: dict[str, Any]) -> ResponseReturnValue:
    """How far the queue is."""
    return queue.stats(project_named(query.get("project")), services=services())


def _answered(lease_id: str, answer: Answer, body: dict[str, Any]) -> dict[str, Any]:
    act, _, _ = services().label_queue.answer(lease_id, answer, annotator_of(body))
    return act.to_dict()
