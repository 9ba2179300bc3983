"""The server as processes: it starts, answers, stops, and leaves nobody behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.server import environment
from service.settings import Settings

PATIENCE_S = 60

# Stands in for the engine and for the process that does the jobs; everything else is the real server.
PROGRAM = """
import sys
import service.server as server
from service.services import Services
from service.settings import Settings
from tests.support.stand_in import StandInEngine

build = Services.from_settings
Services.from_settings = classmethod(lambda cls, settings, engine=None: build(settings, engine=StandInEngine()))
server.JOB_PROCESS = (sys.executable, "-c", "import sys; print('job process', flush=True); sys.stdin.read()")
server.serve(Settings())
"""


@dataclass
class Running:
    process: subprocess.Popen
    url: str
    folder: Path

    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def kept(self) -> list[str]:
        """Files of uploads that lie in the data folder."""
        places = ("incoming", "blobs")
        return [str(path) for place in places for path in (self.folder / "data" / place).rglob("*") if path.is_file()]

    def get(self, path, **headers):
        request = urllib.request.Request(self.url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children(pid: int) -> set[int]:
    """Ids of the processes below a process, at any depth."""
    found, parents = set(), {pid}
    table = [line.split() for line in subprocess.check_output(["ps", "-eo", "pid=,ppid="], text=True).splitlines()]
    while parents:
        parents = {int(child) for child, parent in table if int(parent) in parents} - found
        found |= parents
    return found


def is_running(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def wait_until(condition, seconds=PATIENCE_S):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def launch(folder, **changes) -> Running:
    port = free_port()
    settings = Settings(data_dir=folder / "data", port=port, **changes)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | environment(settings),
        stdout=subprocess.PIPE,
        stderr=(folder / "server.log").open("wb"),
        start_new_session=True,
    )
    running = Running(process, f"http://127.0.0.1:{port}{settings.prefix}", folder)
    assert wait_until(lambda: process.poll() is not None or answers(running)), running.log()
    return running


# Its web processes are always in the middle of an import that makes another error of a SystemExit.
NEVER_READY = PROGRAM.replace(
    "server.serve(",
    """
def load(self):
    import time
    try:
        print("loading", flush=True)
        time.sleep(60)
    except SystemExit as error:
        raise RuntimeError("half imported") from error

server._Server.load = load
server.serve(""",
)


def end(running) -> None:
    below = children(running.process.pid)
    running.process.kill()
    running.process.wait()
    running.process.stdout.close()
    for pid in below:
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)


def answers(running) -> bool:
    try:
        return running.get("/readyz")[0] == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture
def start(tmp_path):
    processes = []

    def run(**changes) -> Running:
        processes.append(launch(tmp_path, **changes))
        return processes[-1]

    yield run
    for running in processes:
        end(running)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server that several tests ask; none of them stops it."""
    running = launch(tmp_path_factory.mktemp("served"), workers=2, max_upload_mb=1)
    assert running.process.poll() is None, running.log()
    yield running
    end(running)


def test_it_can_be_stopped_while_a_web_process_starts(tmp_path):
    settings = Settings(data_dir=tmp_path / "data", port=free_port(), workers=1)
    with subprocess.Popen(
        [sys.executable, "-c", NEVER_READY],
        env=os.environ | environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        while process.stdout.readline() != b"loading\n":
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_it_answers_and_leaves_nobody_behind(start, tone, stop):
    running = start(workers=2, prefix="/music")
    assert running.get("/healthz")[0] == 200
    assert b"<html" in running.get("/")[1]
    below = children(running.process.pid)
    assert len(below) >= 3  # two web processes and the one that does the jobs
    with urllib.request.urlopen(f"{running.url}/v1/jobs/{waiting_job(running, tone())}/events", timeout=60) as stream:
        assert stream.readline().startswith(b"retry:")
        running.process.send_signal(stop)
        stream.read()  # an open stream holds nothing up
    said, _ = running.process.communicate(timeout=PATIENCE_S)
    assert f"Genrelab is at {running.url}/".encode() in said
    assert wait_until(lambda: not any(is_running(pid) for pid in below), 30), [p for p in below if is_running(p)]
    if stop != signal.SIGKILL:
        assert running.process.returncode == 0
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        running.get("/healthz")


def waiting_job(running, content: bytes) -> str:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    request = urllib.request.Request(
        f"{running.url}/v1/classifications",
        data=head + content + b"\r\n--b--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=b", "Prefer": "respond-async"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["id"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_it_is_not_opened_to_others_without_a_token(start, host):
    running = start(host=host)
    assert running.process.returncode not in {0, None}
    assert "ConfigurationError" in running.log()
    assert "genrelab tokens create" in running.log()


def test_counts_of_several_processes_are_added_up(served):
    before = total(served)
    for _ in range(20):
        served.get("/v1")  # a connection each, so that both processes answer some
    assert total(served) == before + 20


def total(running) -> float:
    lines = running.get("/metrics")[1].decode().splitlines()
    name = 'genrelab_http_requests_total{method="GET",route="/v1",status="200"}'
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def test_a_dead_job_process_is_replaced(served):
    before = children(served.process.pid)
    command = {pid: subprocess.check_output(["ps", "-o", "args=", "-p", str(pid)], text=True) for pid in before}
    job_process = next(pid for pid, line in command.items() if "job process" in line)
    os.kill(job_process, signal.SIGKILL)
    assert wait_until(lambda: len(children(served.process.pid) - {job_process}) >= len(before), 30)


def raw(running, request: bytes, *, timeout=30) -> bytes:
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=timeout) as connection:
        connection.sendall(request)
        received = b""
        while block := connection.recv(65536):
            received += block
    return received


HEAD = b"POST /v1/classifications HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"


def test_hostile_bytes_never_break_it(served):
    for request in (
        b"\x00\xff\xfe\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /v1 HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /v1 HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 500 + b"\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/tracks/\xff\xfe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        HEAD + b"Connection: close\r\nContent-Length: -5\r\n\r\n",
        HEAD + b"Connection: close\r\nContent-Length: abc\r\n\r\n",
        HEAD + b"Connection: close\r\nContent-Length: 99999999999\r\n\r\n--b",
        HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n--b\r\n0\r\n\r\n",
        HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        HEAD
        + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"10000\r\n"
        + bytes(65536)
        + b"\r\n0\r\n\r\n",
    ):
        answer = raw(served, request)
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), (request[:60], answer[:200])
    assert served.get("/healthz")[0] == 200


def test_an_upload_without_length_is_stopped_at_the_limit(served):
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    chunks = b"".join(b"10000\r\n" + bytes(65536) + b"\r\n" for _ in range(40))
    body = b"%x\r\n%s\r\n" % (len(part), part) + chunks + b"0\r\n\r\n"
    answer = raw(served, HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert served.kept() == []


def test_a_client_that_breaks_off_leaves_nothing(served):
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(HEAD + b"Content-Length: 1040000\r\n\r\n" + part + bytes(1_030_000))
    assert wait_until(lambda: served.kept() == [], 10)
    assert json.loads(served.get("/v1/tracks")[1])["items"] == []
    assert served.get("/healthz")[0] == 200
