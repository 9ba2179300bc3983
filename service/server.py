"""The server: web processes under gunicorn, and the process that does the jobs beside them.

Nothing outlives it: web processes stop when their parent is gone, and the job process when the pipe breaks that
the parent holds open, so that even `kill -9` leaves nobody behind.
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from service import logs
from service.errors import ConfigurationError
from service.security.exposure import refuse_exposure
from service.services import Services
from service.settings import Settings
from service.warm_up import warm_up_in_background

JOB_PROCESS = (sys.executable, "-m", "service.worker")
GRACE_S = 20  # for requests under way when the server stops
STALL_S = 60  # of silence in the middle of a request
FROZEN_S = 120  # of a web process that does not even look at its sockets
MIN_RESTART_S, MAX_RESTART_S = 1.0, 60.0
MAX_HEADER_LINE = 8190
MAX_HEADERS = 100
METRICS_DIR = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads it when it is imported


def serve(settings: Settings) -> None:
    """Serve the page and the API until SIGTERM or Ctrl-C; returns by SystemExit, as gunicorn does.

    Raises
    ------
    ConfigurationError
        If the address can be reached from elsewhere and there is no token yet, or the data folder cannot be used.
    """
    logs.configure(settings.log_level)
    _prepare(settings)
    folder = settings.data_dir / "run" / f"metrics-{settings.port}"
    os.environ[METRICS_DIR] = str(folder)
    _Server(settings, metrics=folder).run()


def _prepare(settings: Settings) -> None:
    """Refuse what cannot be served, and bring the database up to date before any process opens it."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"The data folder {settings.data_dir} cannot be made: {error.strerror}.") from error
    services = Services.from_settings(settings)
    try:
        refuse_exposure(settings, services.tokens)
    finally:
        services.close()


class JobProcess:
    """The process that does the jobs, started again when it ends before the server does.

    It holds the reading end of a pipe as its standard input; the pipe breaks when this process is gone.
    """

    def __init__(self, settings: Settings) -> None:
        self._environment = os.environ | environment(settings)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause_s = MIN_RESTART_S

    @property
    def pid(self) -> int | None:
        """Id of the process, or None while there is none."""
        return None if self._process is None else self._process.pid

    def keep_alive(self) -> None:
        """Start the process where it does not run; one that keeps ending is started ever more rarely."""
        if self._process is not None and self._process.poll() is None:
            return
        now = time.monotonic()
        if self._process is not None:
            self._pause_s = MIN_RESTART_S if now - self._started > MAX_RESTART_S else self._pause_s
            if now - self._started < self._pause_s:
                return
            self._pause_s = min(2 * self._pause_s, MAX_RESTART_S)
            structlog.stdlib.get_logger(__name__).error("the job process ended, starting it again")
            self._close_pipe()
        self._process = subprocess.Popen(JOB_PROCESS, stdin=subprocess.PIPE, env=self._environment)
        self._started = now

    def ask_to_stop(self) -> None:
        """Let the process finish what must be finished."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self, grace_s: float = GRACE_S) -> None:
        """Stop the process, by force after `grace_s` seconds."""
        if self._process is None:
            return
        self.ask_to_stop()
        self._close_pipe()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _close_pipe(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()


def environment(settings: Settings) -> dict[str, str]:
    """Environment variables that make `Settings()` equal `settings` in another process."""
    import json

    values = settings.model_dump(mode="json")
    return {
        f"GENRELAB_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }


class _Server(BaseApplication):
    """gunicorn with this application in it, deaf to gunicorn's own command line and environment."""

    def __init__(self, settings: Settings, *, metrics: Path) -> None:
        self._settings = settings
        self._metrics = metrics
        self.jobs = JobProcess(settings)
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        options: dict[str, Any] = {
            "bind": f"{_bracketed(settings.host)}:{settings.port}",
            "workers": settings.workers,
            "threads": settings.threads,
            "worker_class": Worker,
            "logger_class": _StructuredLogger,
            "loglevel": settings.log_level.lower(),
            "proc_name": "genrelab",
            "graceful_timeout": GRACE_S,
            "timeout": FROZEN_S,
            "keepalive": 15,
            "limit_request_fields": MAX_HEADERS,
            "limit_request_field_size": MAX_HEADER_LINE,
            "forwarded_allow_ips": "",  # ProxyFix in the application decides whom to believe
            "control_socket_disable": True,
            "when_ready": self._when_ready,
            "post_worker_init": _warm_up,
            "worker_exit": _close,
            "child_exit": _forget_gauges,
            "on_exit": self._on_exit,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        from service.app import create_app

        return create_app(self._settings)

    def run(self) -> None:
        _Arbiter(self).run()

    def _when_ready(self, _arbiter: Arbiter) -> None:
        """The port is ours: what an earlier server counted is over."""
        shutil.rmtree(self._metrics, ignore_errors=True)
        self._metrics.mkdir(parents=True)
        print(f"Genrelab is at {_address(self._settings)}", flush=True)

    def _on_exit(self, _arbiter: Arbiter) -> None:
        self.jobs.stop()
        shutil.rmtree(self._metrics, ignore_errors=True)


class _Arbiter(Arbiter):
    """Looks after the job process as it does after the web processes."""

    def manage_workers(self) -> None:
        super().manage_workers()
        self.app.jobs.keep_alive()

    def stop(self, graceful: bool = True) -> None:
        self.app.jobs.ask_to_stop()
        super().stop(graceful)


class Worker(ThreadWorker):
    """A web process whose stalled connections do not hold a thread for ever, and whose event streams end with it."""

    def handle(self, conn: Any) -> Any:
        """Answer the requests of a connection; one that falls silent in the middle of a request is closed."""
        limit = struct.pack("ll", STALL_S, 0)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        return super().handle(conn)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: finish what is under way."""
        self._end_streams()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """SIGINT and SIGQUIT: stop now."""
        if getattr(self, "wsgi", None) is None:
            os._exit(0)  # gunicorn's SystemExit may come out of what is imported just now as another error
        self._end_streams()
        super().handle_quit(sig, frame)

    def is_parent_alive(self) -> bool:
        """Whether the server still is there; without it this process stops too."""
        alive = super().is_parent_alive()
        if not alive:
            self._end_streams()
            last_resort = threading.Timer(GRACE_S, os._exit, (1,))  # nobody is left to kill a process that hangs
            last_resort.daemon = True
            last_resort.start()
        return alive

    def _end_streams(self) -> None:
        app = getattr(self, "wsgi", None)  # there is none before the application is loaded
        if app is not None:
            app.extensions["stopping"].set()


class _StructuredLogger(Logger):
    """gunicorn's messages among ours; requests are logged by the application."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self._access_log_enabled = False
        self.loglevel = self.LOG_LEVELS.get(cfg.loglevel.lower(), 20)
        self.error_log.setLevel(self.loglevel)
        self.error_log.propagate = True

    def reopen_files(self) -> None:
        """Logs go to standard error: there is no file to open again."""

    def close_on_exec(self) -> None:
        """Logs go to standard error: there is no file to close."""


def _address(settings: Settings) -> str:
    return f"http://{_bracketed(settings.host)}:{settings.port}{settings.prefix}/"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _warm_up(worker: Worker) -> None:
    extensions = worker.wsgi.extensions
    warm_up_in_background(extensions["services"].engine, extensions["stopping"])


def _close(_arbiter: Arbiter, worker: Worker) -> None:
    app = getattr(worker, "wsgi", None)
    if app is not None:
        app.extensions["services"].close()


def _forget_gauges(_arbiter: Arbiter, worker: Worker) -> None:
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)
