"""Server-sent events: a job's state whenever it changes, until it is final.

Each event is called `job` and carries the job as `GET /v1/jobs/{id}` gives it. Events are states, not increments, so
whoever comes back (`Last-Event-ID`) simply gets the present one. A stream ends with the job, or after some minutes:
browsers then come back by themselves.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

FINAL_STATES = frozenset({"done", "failed", "cancelled"})
POLL_S = 0.4
HEARTBEAT_S = 10.0
MAX_STREAM_S = 300.0
RECONNECT_MS = 2000


def job_events(
    read: Callable[[], dict[str, Any]],
    *,
    stopping: threading.Event,
    poll_s: float = POLL_S,
    heartbeat_s: float = HEARTBEAT_S,
    max_stream_s: float = MAX_STREAM_S,
) -> Iterator[str]:
    """Text of an event stream about one job.

    Parameters
    ----------
    read : callable
        The job's present state as JSON-ready dict.
    stopping : threading.Event
        Set when the server stops: the stream ends.
    poll_s, heartbeat_s, max_stream_s : float
        Seconds between two looks at the job, of silence before a comment that keeps the connection open, and until
        the stream ends by itself.
    """
    begun = said = time.monotonic()
    last = None
    number = 0
    yield f"retry: {RECONNECT_MS}\n\n"
    while True:
        job = read()
        now = time.monotonic()
        if job != last:
            last, said, number = job, now, number + 1
            yield f"id: {number}\nevent: job\ndata: {json.dumps(job, separators=(',', ':'))}\n\n"
        elif now - said >= heartbeat_s:
            said = now
            yield ": still here\n\n"
        if job["state"] in FINAL_STATES or now - begun >= max_stream_s or stopping.wait(poll_s):
            return
