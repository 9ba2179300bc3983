"""Logs as one JSON object a line, on standard error, with the id of the request that they belong to.

On a terminal, lines for people instead.

What is logged about a request: method, path, status, duration, who. Never: headers, bodies, query strings, tokens.
"""

import logging
import re
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from flask import Flask, Response, g, has_request_context, request
from ulid import ULID

REQUEST_ID_HEADER = "X-Request-ID"
_REQUEST_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)
_SECRET = re.compile(r"(?i)\b(bearer\s+|token=|grl_)\S+")
TALKATIVE = ("alembic", "huey")  # what they say at INFO is of no use to whoever runs a server
QUIET = frozenset({"health.healthz", "health.readyz", "metrics.metrics"})  # asked every few seconds


def configure(level: str = "INFO") -> None:
    """Send this process's logs, those of libraries included, to standard error as JSON lines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _hide_secrets,
                structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def register(app: Flask) -> None:
    """Give every request of `app` an id, that of the `X-Request-ID` it came with or a new one, and log its end."""
    log = structlog.stdlib.get_logger("service.requests")

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = _request_id(request.headers.get(REQUEST_ID_HEADER, ""))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers[REQUEST_ID_HEADER] = g.get("request_id", "")
        if request.endpoint in QUIET:
            return response
        who = g.get("principal")
        log.info(
            "request",
            method=request.method,
            path=request.script_root + request.path,
            status=response.status_code,
            duration_ms=round(1000 * (time.perf_counter() - g.get("started", time.perf_counter())), 1),
            client=request.remote_addr,
            who=None if who is None else who.name,
        )
        return response


def request_id() -> str | None:
    """Id of the request in hand, if there is one."""
    return g.get("request_id") if has_request_context() else None


def _request_id(sent: str) -> str:
    return sent if _REQUEST_ID.fullmatch(sent) else str(ULID())


def _hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    return {key: _SECRET.sub(r"\1…", value) if isinstance(value, str) else value for key, value in event.items()}
