"""Long pieces of work: state, progress, result or problem; cancelling; a stream of events."""

from typing import Any

from apiflask import APIBlueprint, FileSchema
from flask import Response, current_app
from flask.typing import ResponseReturnValue

from service.api.context import admission, services
from service.api.events import job_events
from service.api.schemas import JobPageSchema, JobSchema, JobsQuery

bp = APIBlueprint("jobs", __name__, tag="Jobs", url_prefix="/v1/jobs")


@bp.get("")
@bp.input(JobsQuery, location="query", arg_name="query")
@bp.output(JobPageSchema)
def list_jobs(query: dict[str, Any]) -> ResponseReturnValue:
    """Jobs, newest first."""
    page = services().jobs.list(cursor=query.get("cursor"), limit=query["limit"], state=query.get("state"))
    return {"items": [job.to_dict() for job in page.items], "next_cursor": page.next_cursor}


@bp.get("/<job_id>")
@bp.output(JobSchema)
def get_job(job_id: str) -> ResponseReturnValue:
    """State, progress, and in the end the result or the problem."""
    job = services().jobs.get(job_id).to_dict()
    headers = {} if job["finished_at"] else {"Retry-After": "1"}
    return job, 200, headers


@bp.delete("/<job_id>")
@bp.output(JobSchema)
def cancel_job(job_id: str) -> ResponseReturnValue:
    """Ask the job to stop; a job that has ended stays as it is."""
    return services().jobs.cancel(job_id).to_dict()


@bp.get("/<job_id>/events")
@bp.output(FileSchema(format="event-stream"), content_type="text/event-stream", description="Events named `job`")
def get_events(job_id: str) -> Response:
    """Progress as server-sent events; ends when the job does."""
    jobs = services().jobs
    jobs.get(job_id)  # an unknown id is a 404, not a broken stream
    streams = admission().streams
    streams.take()
    events = job_events(lambda: jobs.get(job_id).to_dict(), stopping=current_app.extensions["stopping"])
    response = Response(
        events, content_type="text/event-stream", headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    )
    response.call_on_close(streams.give_back)
    return response
