"""The process that does the jobs: `python -m service.worker`, settings from the environment.

It ends when SIGTERM or SIGINT comes, or when its standard input is a pipe and breaks: then whoever started it is
gone. Jobs that it has not finished by then are done by the next one.
"""

import logging
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable
from typing import Any

import structlog

from service import logs
from service.generation import Generation
from service.job_runner import JobRunner
from service.services import Services
from service.settings import Settings
from service.warm_up import warm_up_in_background

PATIENCE_S = 10.0  # for jobs to notice that they must end
LAST_RESORT_S = 30.0
HEALTH_S = 10.0  # between two looks whether a thread has died
NICENESS = 5  # whoever waits for an answer of the web processes comes first

log = structlog.stdlib.get_logger(__name__)


def run(settings: Settings, engine: Any = None, generation: Generation | None = None) -> None:
    """Do jobs until this process is asked to end.

    Parameters
    ----------
    settings : Settings
        Where the jobs are.
    engine : Engine, optional
        Made from the settings by default.
    generation : Generation, optional
        That of the shipped generator by default.

    Raises
    ------
    ConfigurationError
        If the settings cannot be used.
    """
    stopping = threading.Event()
    services = Services.from_settings(settings, engine=engine, generation=generation)
    try:
        with JobRunner(services) as runner:
            threads = settings.decode_workers + 1  # at most one makes a clip: the others hear recordings meanwhile
            consumer = services.jobs.queue.consumer(runner.run, workers=threads, patience_s=PATIENCE_S)
            consumer.start()
            for number in (signal.SIGTERM, signal.SIGINT):  # in place of the consumer's own
                signal.signal(number, lambda *_: stopping.set())
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            end_with_parent(stopping.set)
            warm_up_in_background(services.engine, stopping)
            log.info("waiting for jobs", threads=threads)
            while not stopping.wait(HEALTH_S):
                consumer.check_worker_health()
                runner.check()
            log.info("stopping")
            runner.stop()
            consumer.stop(graceful=True)
    finally:
        services.close()


def end_with_parent(stop: Callable[[], None]) -> None:
    """Call `stop` when the process is gone that holds the other end of standard input, if that is a pipe."""
    mode = os.fstat(sys.stdin.fileno()).st_mode if sys.stdin is not None else 0
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        last_resort = threading.Timer(LAST_RESORT_S, os._exit, (1,))  # nobody is left to kill a process that hangs
        last_resort.daemon = True
        last_resort.start()
        stop()

    threading.Thread(target=watch, name="parent", daemon=True).start()


if __name__ == "__main__":
    os.nice(NICENESS)
    chosen = Settings()
    logs.configure(chosen.log_level)
    logging.getLogger("huey").setLevel(logging.WARNING)  # the runner says what there is to say
    run(chosen)
