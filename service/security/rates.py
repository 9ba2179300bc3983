"""How often one client may ask: uploads, and clips to be made, are counted apart from everything else.

A client is a token, or an address while there is none. The counts lie in the memory of each web process, or in
Redis where the jobs do, so that they hold across processes.
"""

import math
import time

from flask import Flask, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter, RateLimitExceeded

from service.api.error_handlers import answer
from service.api.problems import generic
from service.security.access import Role, principal, role_of
from service.settings import Settings

UPLOADS = frozenset({"classifications.create_classification", "clips.create_clip"})


def register(app: Flask, settings: Settings) -> None:
    """Limit every request of `app` but those that only ask whether it is there."""

    def limit() -> str:
        return settings.upload_rate_limit if request.endpoint in UPLOADS else settings.rate_limit

    limiter = Limiter(
        _client,
        application_limits=[limit],
        application_limits_exempt_when=_is_exempt,
        storage_uri=settings.queue_url if settings.queue_url.startswith(("redis://", "rediss://")) else "memory://",
        key_prefix="genrelab",
    )
    limiter.init_app(app)

    def refuse(error: RateLimitExceeded) -> ResponseReturnValue:
        current = limiter.current_limit
        wait_s = max(1, math.ceil(current.reset_at - time.time())) if current else 60
        detail = f"The limit is {error.limit.limit}. Please wait {wait_s} s."
        return answer(generic(429, detail), headers={"Retry-After": str(wait_s)})

    app.register_error_handler(RateLimitExceeded, refuse)


def _client() -> str:
    who = principal()
    address = request.remote_addr or "unknown"
    return address if who.via in {"local", "nobody"} else f"token:{who.id}"


def _is_exempt() -> bool:
    return (
        request.endpoint is not None and role_of(request.endpoint) is Role.ANYONE and request.method in {"GET", "HEAD"}
    )
