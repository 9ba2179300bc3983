"""Many annotators at once against the real server, with trainings in between, and with processes that are killed.

`python -m benchmarks.labelling_load --database sqlite --annotators 50 --labels 5000 [--kills 20]`

Every annotator has a token and sends an answer and the wish for the next item in one request, after a pause that
stands for listening. Afterwards the database is asked: every acknowledged label is there, once; no item was out to
more annotators than were wanted at any moment; the events replay to the tables.
"""

import argparse
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from models.track_summary import BACKBONE
from service.project_settings import ProjectSettings
from service.server import environment
from service.services import Services
from service.settings import Settings
from service.storage.ids import new_id
from service.storage.label_events import read_events
from service.storage.labelling_tables import FeatureRow, LabelEventRow, LeaseRow
from service.storage.project_state import differences
from service.storage.projects import Project
from service.storage.tables import TrackRow
from tests.support.postgres import new_database
from tests.support.sound_summaries import vector_of

GENRES = ("fado", "morna", "coladeira", "funana", "batuque", "tabanka", "mazurka", "semba", "kizomba", "marrabenta")
RIGHT_SHARE = 0.95  # of the answers
PATIENCE_S = 120.0
REAL_SERVER = (sys.executable, "-m", "service.cli", "serve")


@dataclass(frozen=True)
class Load:
    """What is put on the server.

    Attributes
    ----------
    think_s : float
        Mean pause of an annotator before an answer; drawn evenly from half of it to one and a half.
    kills : int
        How often processes are killed, spread over the labels: all of them, the job process, or a web process.
    """

    annotators: int = 50
    labels: int = 5000
    overlap: int = 2
    think_s: float = 1.0
    kills: int = 0
    retrain_every: int = 0
    lease_s: float = 20.0
    seed: int = 0


@dataclass
class Outcome:
    """What was measured and what was found afterwards."""

    latencies_ms: list[float] = field(default_factory=list)
    acknowledged: dict[int, tuple[str, str]] = field(default_factory=dict)  # event: item and annotator
    retries: int = 0
    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    versions: int = 0
    trainings_s: list[float] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Figures for people and for JSON."""
        ordered = sorted(self.latencies_ms)
        return {
            "labels": len(self.acknowledged),
            "seconds": round(self.seconds, 1),
            "labels_per_s": round(len(self.acknowledged) / self.seconds, 1),
            "median_ms": round(statistics.median(ordered), 1),
            "p95_ms": round(ordered[int(0.95 * len(ordered))], 1),
            "p99_ms": round(ordered[int(0.99 * len(ordered))], 1),
            "slowest_ms": round(ordered[-1], 1),
            "versions": self.versions,
            "median_training_s": round(statistics.median(self.trainings_s), 1) if self.trainings_s else None,
            "kills": dict(self.kills),
            "retries": self.retries,
            "faults": self.faults,
        }


def run(load: Load, folder: Path, *, database_url: str = "", command: Sequence[str] = REAL_SERVER) -> Outcome:
    """Put a load on a server of its own; its data lies in `folder`."""
    settings = Settings(
        data_dir=folder, port=_free_port(), database_url=database_url, rate_limit="100000/minute", log_level="WARNING"
    )
    services = Services.from_settings(settings, engine=_Deaf())
    outcome = Outcome()
    server = _Server(settings, command)
    try:
        project, truth, secrets = _prepare(load, services)
        server.start()
        _wait_for_ranks(services, project)
        started = time.monotonic()
        crowd = _Crowd(load, settings.port, project, truth, outcome)
        threads = [threading.Thread(target=crowd.annotate, args=(secret, n)) for n, secret in enumerate(secrets)]
        for thread in threads:
            thread.start()
        _kill(load, server, outcome, threads)
        for thread in threads:
            thread.join()
        outcome.seconds = time.monotonic() - started
        _wait_for_training(services, project, outcome)
        _verify(load, services, project, outcome)
    finally:
        server.kill("all")
        services.close()
    return outcome


class _Deaf:
    """The benchmark's own process hears nothing."""

    def close(self) -> None: ...


class _Server:
    """The server's processes, in a session of their own."""

    def __init__(self, settings: Settings, command: Sequence[str]) -> None:
        self._settings, self._command = settings, command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = (self._settings.data_dir / "server.log").open("ab")
        self._process = subprocess.Popen(
            self._command,
            env=os.environ | environment(self._settings),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        end = time.monotonic() + PATIENCE_S
        while not _answers(self._settings.port):
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError(f"the server does not start: see {self._settings.data_dir / 'server.log'}")
            time.sleep(0.05)

    def kill(self, which: str) -> None:
        """SIGKILL to all processes, to the job process, or to a web process."""
        if self._process is None:
            return
        if which == "all":
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            self._process.wait()
            return
        for pid, line in _children(self._process.pid):
            if ("worker" in line) == (which == "jobs"):
                os.kill(pid, signal.SIGKILL)
                return


class _Crowd:
    """Annotators, each a thread with a connection."""

    def __init__(self, load: Load, port: int, project: Project, truth: dict[str, str], outcome: Outcome) -> None:
        self._load, self._port, self._project, self._truth, self._outcome = load, port, project, truth, outcome
        self._lock = threading.Lock()

    def annotate(self, secret: str, number: int) -> None:
        rng = random.Random(self._load.seed * 1000 + number)
        connection = _Connection(self._port, secret)
        lease = self._first(connection, rng)
        while lease is not None:
            time.sleep(self._load.think_s * rng.uniform(0.5, 1.5))
            right = self._truth[lease["track"]["id"]]
            genre = right if rng.random() < RIGHT_SHARE else rng.choice(GENRES)
            body = {"lease": lease["id"], "genres": [genre], "next": True}
            began = time.monotonic()
            status, answer, tries = connection.post("/v1/labels", body)
            with self._lock:
                self._outcome.retries += tries - 1
                if tries == 1:
                    self._outcome.latencies_ms.append(1000 * (time.monotonic() - began))
                if status in (200, 201):
                    label = answer["label"]
                    self._outcome.acknowledged[label["id"]] = (label["item"], label["annotator"])
                else:
                    self._outcome.faults.append(f"label: {status} {answer}")
            lease = answer["next"] if status in (200, 201) else None
            lease = lease or self._first(connection, rng)
        connection.close()

    def _first(self, connection: "_Connection", rng: random.Random) -> dict[str, Any] | None:
        """The next item; none when everything that was wanted is acknowledged."""
        while len(self._outcome.acknowledged) < self._load.labels:
            status, answer, _ = connection.post("/v1/queue/lease", {"project": self._project.id})
            if status == 200:
                return answer
            if status != 204:
                with self._lock:
                    self._outcome.faults.append(f"lease: {status} {answer}")
            time.sleep(rng.uniform(0.2, 0.6))
        return None


class _Connection:
    """A connection that is kept, and made again where it broke; a request is sent again until it is answered."""

    def __init__(self, port: int, secret: str) -> None:
        self._port, self._secret = port, secret
        self._connection: http.client.HTTPConnection | None = None

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any, int]:
        headers = {"Authorization": f"Bearer {self._secret}", "Content-Type": "application/json"}
        end = time.monotonic() + PATIENCE_S
        tries = 0
        while True:
            tries += 1
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
                self._connection.request("POST", path, json.dumps(body), headers)
                answer = self._connection.getresponse()
                content = answer.read()
                if answer.status < 500 or time.monotonic() > end:
                    return answer.status, json.loads(content) if content else None, tries
            except (OSError, http.client.HTTPException):
                if time.monotonic() > end:
                    raise
            self.close()
            time.sleep(0.1)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _prepare(load: Load, services: Services) -> tuple[Project, dict[str, str], list[str]]:
    """A project with enough items, whose features tell the genre, and a token for every annotator."""
    rng = np.random.default_rng(load.seed)
    overlap = min(load.overlap, load.annotators)
    # Suspicious labels ask for a further opinion, so that fewer items than labels / overlap may be answered.
    n_items = -(-load.labels // overlap)
    settings = ProjectSettings(overlap=overlap, lease_s=load.lease_s, retrain_every=load.retrain_every)
    project = services.projects.create("Load", genres=GENRES, settings=settings, actor="benchmark")
    kind_of = rng.integers(len(GENRES), size=n_items)
    centres = rng.uniform(0.05, 0.6, (len(GENRES), 50))
    truth: dict[str, str] = {}
    now = project.created_at
    for start in range(0, n_items, 500):
        with services.database.writing() as session:
            for i in range(start, min(start + 500, n_items)):
                track_id = new_id()
                truth[track_id] = GENRES[kind_of[i]]
                name = f"{i:05}.flac"
                session.add(
                    TrackRow(
                        id=track_id,
                        filename=name,
                        folded_name=name,
                        sha256=f"{i:064x}",
                        size_bytes=1,
                        duration_s=30.0,
                        created_at=now,
                        updated_at=now,
                        state="done",
                    )
                )
                session.flush()
                tags = np.clip(centres[kind_of[i]] + rng.normal(0, 0.12, 50), 0.01, 0.99)
                vector = vector_of(tags).astype("<f4").tobytes()
                session.add(FeatureRow(track_id=track_id, backbone=BACKBONE, vector=vector, start_s=0.0))
    services.projects.add_items(project.id, truth, actor="benchmark", artists={})
    services.jobs.submit_for_project("learn", project_id=project.id)
    secrets = [services.tokens.create(f"annotator {n}", "annotator")[1] for n in range(load.annotators)]
    return project, truth, secrets


def _wait_for_ranks(services: Services, project: Project) -> None:
    """The queue of a new pool is ranked once before anybody labels."""
    end = time.monotonic() + PATIENCE_S
    while (job := services.jobs.latest_of_project(project.id)) is None or job.finished_at is None:
        if time.monotonic() > end:
            raise RuntimeError("the pool was not ranked in time")
        time.sleep(0.2)


def _wait_for_training(services: Services, project: Project, outcome: Outcome) -> None:
    """Learning goes on whatever was killed: a job that was lost is done again, and comes to an end."""
    end = time.monotonic() + PATIENCE_S
    while services.versions.latest(project.id) is None or _learns(services, project):
        if time.monotonic() > end:
            outcome.faults.append("no training came to an end")
            return
        time.sleep(0.2)


def _learns(services: Services, project: Project) -> bool:
    job = services.jobs.latest_of_project(project.id)
    return job is not None and job.finished_at is None


def _kill(load: Load, server: _Server, outcome: Outcome, threads: Sequence[threading.Thread]) -> None:
    """Kill processes whenever another share of the labels has been acknowledged, plus a random moment."""
    rng = random.Random(load.seed)
    for kill in range(load.kills):
        due = (kill + 0.5) * load.labels / (load.kills + 1)
        while len(outcome.acknowledged) < due and any(thread.is_alive() for thread in threads):
            time.sleep(0.02)
        time.sleep(rng.uniform(0.0, 1.0))
        which = ("all", "jobs", "all", "web")[kill % 4]
        server.kill(which)
        outcome.kills[which] += 1
        if which == "all":
            server.start()


def _verify(load: Load, services: Services, project: Project, outcome: Outcome) -> None:
    project = services.projects.get(project.id)
    with services.database.reading() as session:
        events = list(read_events(session, project.id))
        outcome.faults += differences(session, project.id, events)
        leases = session.execute(
            select(LeaseRow.item_id, LeaseRow.annotator, LeaseRow.created_at, LeaseRow.ended_at, LeaseRow.expires_at)
        ).all()
        recorded = {
            row.number: (row.item_id, row.actor)
            for row in session.scalars(select(LabelEventRow).where(LabelEventRow.kind == "label"))
        }
    lost = {number: label for number, label in outcome.acknowledged.items() if recorded.get(number) != label}
    outcome.faults += [f"lost: {number} {label}" for number, label in lost.items()]
    doubled = [pair for pair, n in Counter(recorded.values()).items() if n > 1]
    outcome.faults += [f"doubled: {pair}" for pair in doubled]
    unacknowledged = len(recorded) - len(outcome.acknowledged)
    if unacknowledged and not load.kills:
        outcome.faults.append(f"{unacknowledged} labels that nobody was told of")
    wanted = {item.id: item.wanted for item in services.projects.all_items(project.id)}
    outcome.faults += _leased_too_often(leases, wanted)
    versions = services.versions.list(project.id)
    outcome.versions = len(versions)
    done = [job for job in services.jobs.list(limit=200, state="done").items if job.project_id == project.id]
    outcome.trainings_s = [(job.finished_at - job.started_at).total_seconds() for job in done if job.started_at]


def _leased_too_often(leases: Sequence[Any], wanted: dict[str, int]) -> list[str]:
    """Items that were out to, or answered by, more annotators at a moment than were wanted in the end."""
    by_item = defaultdict(list)
    for item_id, annotator, created_at, ended_at, expires_at in leases:
        by_item[item_id].append((annotator, created_at, ended_at or expires_at))
    faults = []
    for item_id, spans in by_item.items():
        for annotator, start, _ in spans:
            at_once = {other for other, begin, end in spans if begin <= start < end}
            if len(at_once) > wanted[item_id]:
                faults.append(f"{item_id} was out to {len(at_once)} annotators when {annotator} got it")
    return faults


def _children(pid: int) -> list[tuple[int, str]]:
    table = subprocess.check_output(["ps", "-eo", "pid=,ppid=,args="], text=True).splitlines()
    rows = [line.split(None, 2) for line in table]
    return [(int(child), args) for child, parent, args in rows if int(parent) == pid]


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    for name, value in vars(Load()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    flags = vars(parser.parse_args())
    database = flags.pop("database")
    url = new_database(durable=True) if database == "postgresql" else ""
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Load(**flags), Path(folder), database_url=url)
    print(json.dumps({"database": database, **flags, **outcome.to_dict()}, indent=1))


if __name__ == "__main__":
    main()
