"""Classify a library on a Ray cluster: the same use case, each worker with an engine of its own.

Every machine of the cluster must have Genrelab and see the recordings under the same paths. `RAY_ADDRESS`
names a cluster that runs; without it Ray is started on this machine and ends with the run. The journal stays
with whoever started the run.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from datasets import errors as datasets_errors
from features import errors as features_errors
from models import errors as models_errors
from service import errors as service_errors
from service.errors import ConfigurationError
from service.settings import Settings
from service.usecases.journal import FileState, Journal
from service.usecases.library import ClassifyingEngine, FileAnswer, Outcome, Progress, Runner, classify_file

MAX_BLOCKS = 4000  # parts that the work is cut into; a part's answers come together
PARKED = "Prefetcher"  # a thread of Ray's that waits until it is collected, and asks for nothing meanwhile
THREADS_S = 30.0  # that Ray may take to end what it does in the background

MakeEngine = Callable[[Settings], ClassifyingEngine]


class WorkerFault(RuntimeError):
    """What went wrong in a worker and is no error of ours, in words."""


def make_engine(settings: Settings, *, model: str | None = None) -> ClassifyingEngine:
    """The engine of one worker, with the active model by default."""
    from service.engine import Engine

    return Engine(settings, model=model)


def ray_runner(
    settings: Settings,
    *,
    model: str,
    workers: int | None = None,
    journal: Journal | None = None,
    make_engine: MakeEngine = make_engine,
) -> Runner:
    """Run the recordings of `service.usecases.library.classify_library` through Ray Data.

    Parameters
    ----------
    settings : Settings
        Limits of decoding and folders, the same for every worker.
    model : str
        Name of the model, for the journal.
    workers : int, optional
        Number of engines; one per core of the cluster by default.
    journal : Journal, optional
        Keeps each answer as it comes back.
    make_engine : callable
        Makes the engine of a worker, on the worker.

    Raises
    ------
    ConfigurationError
        If Ray is not installed.
    """
    if find_spec("ray") is None:
        raise ConfigurationError("--engine ray needs Ray: pip install -r requirements-cluster.txt")

    def run(todo: Iterable[tuple[int, Path]], progress: Progress) -> Generator[Outcome, None, None]:
        paths = dict(todo)
        items = [{"index": index, "path": os.fsencode(path)} for index, path in paths.items()]
        if not items:
            return
        import ray

        started_here = _connect(workers)
        before = set(threading.enumerate())
        try:
            engines = min(workers or int(ray.cluster_resources()["CPU"]), len(items))
            parts = ray.data.from_items(items, override_num_blocks=min(len(items), MAX_BLOCKS))
            heard = parts.map(
                _Worker,  # type: ignore[arg-type]  # Ray makes an actor of a class
                fn_constructor_args=(settings.model_dump(mode="json"), model, make_engine),
                num_cpus=1,
                concurrency=engines,
            )
            for row in heard.iter_rows():
                outcome = _outcome(row, paths[row["index"]])
                if journal is not None and isinstance(outcome.result, FileAnswer):
                    journal.put(outcome.result.state, outcome.result.sha256, model, outcome.result.answer)
                progress(outcome.index, 1.0)
                yield outcome
        finally:
            _let_end(set(threading.enumerate()) - before)
            if started_here:
                ray.shutdown()

    return run


class _Worker:
    """One engine, in a process of Ray's; rows in and out hold plain values only."""

    def __init__(self, settings: dict[str, Any], model: str, make_engine: MakeEngine) -> None:
        self._model = model
        self._engine = make_engine(Settings(**(settings | {"decode_workers": 1})))
        self._thread = ThreadPoolExecutor(1)  # keeps the error of one recording from ending the worker

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        path = Path(os.fsdecode(row["path"]))
        future = self._thread.submit(classify_file, path, engine=self._engine, model=self._model)
        error = future.exception()
        if error is not None:
            said = {"type": type(error).__name__, "message": str(error)}
            return {"index": row["index"], "state": "", "answer": "", "error": json.dumps(said)}
        heard = future.result()
        state = {"size": heard.state.size, "changed_ns": heard.state.changed_ns, "sha256": heard.sha256}
        return {"index": row["index"], "state": json.dumps(state), "answer": json.dumps(heard.answer), "error": ""}


def _outcome(row: dict[str, Any], path: Path) -> Outcome:
    if row["error"]:
        said = json.loads(row["error"])
        return Outcome(row["index"], _error(said["type"], said["message"]))
    state = json.loads(row["state"])
    seen = FileState(Path(os.path.abspath(path)), state["size"], state["changed_ns"])
    return Outcome(row["index"], FileAnswer(seen, state["sha256"], json.loads(row["answer"])))


def _error(name: str, message: str) -> Exception:
    """The error that a worker met: one of ours by its name, or a `WorkerFault`."""
    for module in (features_errors, datasets_errors, models_errors, service_errors):
        kind = getattr(module, name, None)
        if kind is not None:
            return kind(message)
    return WorkerFault(f"{name}: {message}")


def _let_end(threads: Iterable[threading.Thread]) -> None:
    """Wait for Ray's threads: one that asks it for something after its end makes it end the whole process."""
    deadline = time.monotonic() + THREADS_S
    for thread in threads:
        if thread.name == PARKED:
            continue
        thread.join(max(0.0, deadline - time.monotonic()))


def _connect(workers: int | None) -> bool:
    """Use the cluster that is there; True where one had to be started here."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    ray.data.DataContext.get_current().enable_progress_bars = False
    if ray.is_initialized():
        return False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    if os.environ.get("RAY_ADDRESS"):
        ray.init(log_to_driver=False, logging_level=logging.ERROR)
    else:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    return True
