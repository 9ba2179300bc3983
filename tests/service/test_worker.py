"""The job process as it runs: started, killed, stopped and left alone."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import text

from service.server import environment
from service.services import Services
from service.usecases.clips import request_clip
from service.usecases.tracks import receive_upload
from tests.support.stand_in import StandInEngine
from tests.support.stand_in_generation import stand_in_generation

WORK = """
import sys
from datetime import timedelta
from service import job_runner, jobs, logs, worker
from service.settings import Settings
from tests.support.stand_in import StandInEngine
from tests.support.stand_in_generation import stand_in_generation
from tests.support.stand_in_generator import StandInGenerator
jobs.LOST_AFTER = timedelta(seconds=1)
jobs.UNQUEUED_AFTER = timedelta(seconds=0.5)
job_runner.BEAT_S, job_runner.RECOVER_S = 0.1, 0.3
class Broken(StandInEngine):
    def classify(self, path, **_):
        raise ZeroDivisionError("secret words")

logs.configure("INFO")
engine = Broken() if sys.argv[1] == "broken" else StandInEngine(seconds=float(sys.argv[1]))
worker.run(Settings(), engine, stand_in_generation(StandInGenerator(pause_s=1.0)))
"""


@pytest.fixture
def parts(tmp_settings):
    services = Services.from_settings(tmp_settings, StandInEngine(), stand_in_generation())
    yield services
    services.close()


@pytest.fixture
def start(parts):
    """Start a job process whose classifications take so many seconds."""
    processes = []

    def one(seconds=0.0, **options):
        command = [sys.executable, "-c", WORK, str(seconds)]
        options = {"stdin": subprocess.PIPE, "env": os.environ | environment(parts.settings), **options}
        processes.append(subprocess.Popen(command, **options))
        return processes[-1]

    yield one
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def submit(parts, tone):
    def make(seed=0):
        track = receive_upload(io.BytesIO(tone(seed=seed)), "song.wav", services=parts)
        return parts.jobs.submit("classify", track_id=track.id)

    return make


def until(condition, seconds=90.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def state(parts, job):
    return parts.jobs.get(job.id).state


def test_jobs_are_done_and_sigterm_ends_the_process(parts, start, submit):
    made = [submit(seed) for seed in range(4)]
    process = start()
    until(lambda: all(state(parts, job) == "done" for job in made))
    late = submit(5)
    until(lambda: state(parts, late) == "done")
    process.terminate()
    assert process.wait(15) == 0


def test_two_processes_do_each_job_once(parts, start, submit):
    made = [submit(seed) for seed in range(8)]
    start(0.05)
    start(0.05)
    until(lambda: all(state(parts, job) == "done" for job in made))
    with parts.database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM classifications")) == 8


def test_a_job_whose_worker_is_killed_is_finished_by_the_next(parts, start, submit):
    job = submit()
    killed = start(60)
    until(lambda: parts.jobs.get(job.id).progress > 0)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert state(parts, job) == "running"  # nobody knows yet
    start()
    until(lambda: state(parts, job) == "done")
    assert parts.jobs.get(job.id).losses == 1
    assert parts.tracks.get(job.track_id).classification["genre"] == "jazz"


def test_a_clip_whose_worker_is_killed_is_finished_by_the_next_and_no_take_is_made_twice(parts, start):
    clip = request_clip({"genre": "jazz", "seconds": 1.0, "takes": 3}, owner="ann", services=parts)
    killed = start()
    until(lambda: len(parts.clips.get(clip.id).takes) == 1)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    kept = parts.clips.get(clip.id).takes
    start()
    until(lambda: parts.clips.get(clip.id).state == "done")
    assert parts.jobs.get(clip.job_id).losses == 1
    assert [take.created_at for take in parts.clips.get(clip.id).takes[: len(kept)]] == [
        take.created_at for take in kept
    ]
    assert len(parts.clips.get(clip.id).takes) == 3


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, "parent"])
def test_a_job_in_the_middle_goes_to_the_next_process(parts, start, submit, how):
    job = submit()
    process = start(60)
    until(lambda: parts.jobs.get(job.id).progress > 0)
    if how == "parent":
        process.stdin.close()
    else:
        process.send_signal(how)
    assert process.wait(15) == 0
    assert state(parts, job) == "queued"
    start()
    until(lambda: state(parts, job) == "done")
    assert parts.jobs.get(job.id).losses == 0


def test_a_process_without_a_pipe_stays(parts, start, submit):
    process = start(stdin=subprocess.DEVNULL)
    job = submit()
    until(lambda: state(parts, job) == "done")
    assert process.poll() is None


def test_an_unforeseen_error_stands_in_the_log_with_the_job_and_the_process_goes_on(parts, start, submit, tmp_path):
    made = [submit(seed) for seed in range(3)]
    log = tmp_path / "log"
    with log.open("w") as file:
        process = start("broken", stderr=file)
        until(lambda: all(state(parts, job) == "failed" for job in made))
        assert process.poll() is None
    errors = [line for line in map(json.loads, log.read_text().splitlines()) if line["level"] == "error"]
    assert len(errors) == 3
    for job in made:
        (line,) = [line for line in errors if job.id in line["event"]]
        assert "secret words" in line["exception"]
        assert "secret" not in json.dumps(parts.jobs.get(job.id).to_dict())
