"""Loading the model while nobody waits for it."""

import threading
import time
from typing import TYPE_CHECKING

import structlog

from features.errors import FeatureError
from models.errors import ModelError
from service.errors import ServiceError

if TYPE_CHECKING:
    from service.engine import Engine

RETRY_S = 15.0  # after a failure, such as weights that are not there yet


def warm_up_in_background(engine: "Engine", stopping: threading.Event, *, retry_s: float = RETRY_S) -> threading.Thread:
    """Warm an engine up in a thread; where it cannot be done, try again until it can.

    Parameters
    ----------
    engine : Engine
        `ready` turns true when its first user would wait for nothing.
    stopping : threading.Event
        Set when the process stops: no more tries.
    retry_s : float
        Seconds between two tries.
    """
    log = structlog.stdlib.get_logger(__name__)

    def warm_up() -> None:
        while not engine.ready:
            started = time.monotonic()
            try:
                engine.warm_up()
            except (ModelError, FeatureError, ServiceError, OSError) as error:
                log.error("the model cannot be loaded, trying again", reason=str(error), in_s=retry_s)
                if stopping.wait(retry_s):
                    return
            else:
                log.info("ready", model=engine.model_name, warm_up_s=round(time.monotonic() - started, 1))

    thread = threading.Thread(target=warm_up, name="warm-up", daemon=True)
    thread.start()
    return thread
