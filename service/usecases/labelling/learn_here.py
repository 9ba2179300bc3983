"""A project learns in this process, for who asked and waits: as the job that a server would have done."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from service.errors import Cancelled, Conflict
from service.jobs import FINISHED
from service.storage.projects import Project
from service.usecases.labelling.due import LEARN
from service.usecases.labelling.training import learn

if TYPE_CHECKING:
    from service.jobs import Job
    from service.services import Services

BEAT_S = 1.0  # between two signs of life
LOOK_S = 0.5  # between two looks at what another process does


def learn_here(
    project: Project, *, services: "Services", progress: Callable[[float], None] = lambda _: None
) -> dict[str, Any]:
    """Hear what was not heard yet, learn from the labels, and rank the queue.

    It is a job like any other: nobody else learns for this project meanwhile, and where a server does already, this
    waits for it.

    Parameters
    ----------
    project : Project
        The project.
    services : Services
        Where it is.
    progress : callable
        Called with the share that is done, 0 to 1.

    Returns
    -------
    dict
        What `service.usecases.labelling.training.learn` returns.

    Raises
    ------
    Cancelled
        If somebody cancels the job.
    Conflict
        If a server did it, and failed; the message says why.
    """
    job = services.jobs.submit_for_project(LEARN, project_id=project.id)
    while (claimed := services.jobs.claim(job.id)) is None:
        elsewhere = services.jobs.get(job.id)
        if elsewhere.state in FINISHED:
            return _result(elsewhere)
        progress(elsewhere.progress)
        services.jobs.recover()  # its runner may have been killed
        time.sleep(LOOK_S)
    with _alive(claimed, services) as (tell, unwanted):

        def tick(share: float) -> None:
            tell(share)
            progress(share)

        try:
            result = learn(project.id, services=services, progress=tick, cancelled=unwanted)
        except BaseException:
            services.jobs.cancel(claimed.id)  # whoever waits for it here hears why
            raise
    if not services.jobs.finish(claimed, result):
        raise Cancelled("The training was cancelled.")
    return result


def _result(job: "Job") -> dict[str, Any]:
    if job.state == "cancelled":
        raise Cancelled("The training was cancelled.")
    if job.problem is not None:
        raise Conflict(str(job.problem["detail"]))
    assert job.result is not None
    return job.result


@contextmanager
def _alive(job: "Job", services: "Services") -> Iterator[tuple[Callable[[float], None], Callable[[], bool]]]:
    """Say every second that a job is being done; gives how to say how far it is, and whether nobody wants it now."""
    share = 0.0
    over, unwanted = threading.Event(), threading.Event()

    def tell(done: float) -> None:
        nonlocal share
        share = done

    def beat() -> None:
        while not over.wait(BEAT_S):
            if not services.jobs.beat(job, share):
                unwanted.set()

    thread = threading.Thread(target=beat, name="alive", daemon=True)
    thread.start()
    try:
        yield tell, unwanted.is_set
    finally:
        over.set()
        thread.join()
