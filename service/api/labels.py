"""Labels: giving one, with the next item in the same answer; taking an answer back; those that count.

A lease is answered once: the same label sent again is answered as the first time, so that it needs no key.
"""

from typing import Any

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from service.api.context import services
from service.api.labelling import annotator_of, numbered, project_named, takes_json
from service.api.labelling_schemas import (
    ActPageSchema,
    ActsQuery,
    AnnotatorRequest,
    LabelledSchema,
    LabelRequest,
    LeaseSchema,
)
from service.storage.label_queue import Answer

bp = APIBlueprint("labels", __name__, tag="Labels", url_prefix="/v1/labels")

_THERE_ALREADY: Any = {
    "description": "This very label was there already",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Labelled"}}},
}


@bp.get("")
@bp.input(ActsQuery, location="query", arg_name="query")
@bp.output(ActPageSchema)
def list_labels(query: dict[str, Any]) -> ResponseReturnValue:
    """Labels, skips and flags that count, newest first."""
    limit, cursor = query["limit"], query.get("cursor")
    acts = services().label_queue.acts(
        project_named(query.get("project")).id,
        annotator=query.get("annotator"),
        before=None if cursor is None else int(cursor),
        limit=limit + 1,
    )
    more = len(acts) > limit
    return {
        "items": [act.to_dict() for act in acts[:limit]],
        "next_cursor": str(acts[limit - 1].number) if more else None,
    }


@bp.post("")
@takes_json(bp, LabelRequest)
@bp.output(LabelledSchema, status_code=201)
@bp.doc(responses={200: _THERE_ALREADY})
def create_label(body: dict[str, Any]) -> ResponseReturnValue:
    """Say of a leased item which genres it is, or that none fits; with `next`, get the next one."""
    answer = Answer("label", genres=tuple(body["genres"]), none=body["none"], unsure=body["unsure"], note=body["note"])
    act, new, following = services().label_queue.answer(
        body["lease"], answer, annotator_of(body), then_next=body["next"]
    )
    return {"label": act.to_dict(), "next": following and following.to_dict()}, 201 if new else 200


@bp.delete("/<act_id>")
@takes_json(bp, AnnotatorRequest)
@bp.output(LeaseSchema)
def undo_act(act_id: str, body: dict[str, Any]) -> ResponseReturnValue:
    """Take back a label, skip or flag of one's own, and get its item again."""
    act = numbered(act_id, "label, skip or flag")
    return services().label_queue.undo(act, annotator_of(body)).to_dict()
