import io
import threading
import time
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import update

from features.errors import CorruptAudio
from service import job_runner
from service.errors import Cancelled, NotFound
from service.job_runner import JobRunner, tidy
from service.storage.ids import new_id
from service.storage.labelling_tables import LeaseRow
from service.storage.pages import utc_now
from service.storage.tables import JobRow
from service.usecases.labelling.training import FIRST_AFTER
from service.usecases.tracks import receive_upload
from tests.support.labelling import answer_all, make_pool


@pytest.fixture
def runner(parts, monkeypatch):
    monkeypatch.setattr(job_runner, "BEAT_S", 0.05)
    with JobRunner(parts) as runner:
        yield runner


@pytest.fixture
def submit(parts, tone):
    def make(content=None):
        track = receive_upload(io.BytesIO(content or tone()), "song.wav", services=parts)
        return parts.jobs.submit("classify", track_id=track.id)

    return make


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def in_background(runner, job):
    thread = threading.Thread(target=runner.run, args=(job.id,))
    thread.start()
    return thread


def test_a_job_is_done(parts, runner, submit):
    job = submit()
    runner.run(job.id)
    done = parts.jobs.get(job.id)
    track = parts.tracks.get(job.track_id)
    assert (done.state, track.state) == ("done", "done")
    assert done.result["genre"] == track.classification["genre"] == "jazz"
    assert done.result["segments"] == track.classification["segments"]
    assert parts.tracks.waveform(track.id)["peaks"]


def test_a_job_is_done_once(parts, runner, submit):
    job = submit()
    for _ in range(3):
        runner.run(job.id)
    assert len(parts.engine.classified) == 1


def test_a_job_that_is_gone_is_nothing_to_do(runner):
    runner.run(new_id())


def test_a_recording_that_cannot_be_used_says_why(parts, runner, submit, monkeypatch):
    def damaged(path, **_):
        raise CorruptAudio(f"{path.name}: the stream ends in the middle")

    monkeypatch.setattr(parts.engine, "classify", damaged)
    job = submit()
    runner.run(job.id)
    problem = parts.jobs.get(job.id).problem
    assert (problem["status"], problem["detail"]) == (422, "song.wav: the stream ends in the middle")
    assert parts.tracks.get(job.track_id).problem == problem
    assert parts.tracks.get(job.track_id).state == "failed"


def test_an_unforeseen_error_ends_the_job_without_its_words(parts, runner, submit, monkeypatch):
    def broken(path, **_):
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr(parts.engine, "classify", broken)
    job = submit()
    with pytest.raises(ZeroDivisionError):
        runner.run(job.id)
    problem = parts.jobs.get(job.id).problem
    assert problem["status"] == 500
    assert job.id in problem["instance"]
    assert "secret" not in str(problem)


def test_progress_is_told(parts, runner, submit):
    parts.engine.seconds = 1.0
    job = submit()
    thread = in_background(runner, job)
    until(lambda: 0 < parts.jobs.get(job.id).progress < 1)
    assert parts.tracks.get(job.track_id).state == "running"
    thread.join()
    assert parts.jobs.get(job.id).progress == 1


def test_a_cancelled_job_stops(parts, runner, submit):
    parts.engine.seconds = 60.0
    job = submit()
    thread = in_background(runner, job)
    until(lambda: parts.jobs.get(job.id).state == "running")
    parts.jobs.cancel(job.id)
    thread.join(10)
    assert not thread.is_alive()
    assert parts.tracks.get(job.track_id).state == "cancelled"
    assert parts.engine.classified == []


def test_a_job_whose_track_is_deleted_stops(parts, runner, submit):
    parts.engine.seconds = 60.0
    job = submit()
    thread = in_background(runner, job)
    until(lambda: parts.jobs.get(job.id).state == "running")
    parts.tracks.delete(job.track_id)
    thread.join(10)
    assert not thread.is_alive()
    assert parts.jobs.get(job.id).state == "cancelled"


def test_a_runner_that_stops_gives_its_jobs_back(parts, submit):
    parts.engine.seconds = 60.0
    job, later = submit(), submit()
    with JobRunner(parts) as runner:
        thread = in_background(runner, job)
        until(lambda: parts.tracks.get(job.track_id).state == "running")
        runner.stop()
        thread.join(10)
        assert not thread.is_alive()
        runner.run(later.id)
    assert [parts.jobs.get(one.id).state for one in (job, later)] == ["queued", "queued"]
    assert parts.tracks.get(job.track_id).state == "queued"
    assert {job.id, later.id} <= parts.jobs.queue.waiting()


def test_a_thread_that_hangs_loses_no_job(parts, submit, monkeypatch):
    hang = threading.Event()

    def wait(path, **_):
        hang.wait()
        raise Cancelled

    monkeypatch.setattr(parts.engine, "classify", wait)
    job = submit()
    with JobRunner(parts) as runner:
        thread = in_background(runner, job)
        until(lambda: parts.jobs.get(job.id).state == "running")
    assert parts.jobs.get(job.id).state == "queued"
    hang.set()
    thread.join(10)


def test_a_project_learns_by_a_job(parts, runner):
    pool = make_pool(parts, 9, heard=True)
    answer_all(parts, pool, n=4)
    job = parts.jobs.submit_for_project("learn", project_id=pool.project.id)
    runner.run(job.id)
    done = parts.jobs.get(job.id)
    assert (done.state, done.result["labels"], done.result["version"]) == ("done", 4, 1)
    assert parts.projects.get(pool.project.id).version == 1


def test_a_cancelled_training_stops(parts, runner, monkeypatch):
    pool = make_pool(parts, 3)
    hearing = threading.Event()

    def hear(path, **_):
        raise AssertionError("the next recording was heard")

    def local(_key):
        hearing.set()
        until(lambda: parts.jobs.get(job.id).state == "cancelled")
        time.sleep(0.2)  # a beat or two
        raise NotFound("no content")

    monkeypatch.setattr(parts.engine, "summarise", hear)
    monkeypatch.setattr(parts.blobs, "local", local)
    job = parts.jobs.submit_for_project("learn", project_id=pool.project.id)
    thread = in_background(runner, job)
    assert hearing.wait(10)
    parts.jobs.cancel(job.id)
    thread.join(10)
    assert not thread.is_alive()
    assert parts.jobs.get(job.id).state == "cancelled"


def test_a_job_without_its_project_says_so(parts, runner, submit):
    job = submit()
    with parts.database.writing() as session:
        session.execute(update(JobRow).where(JobRow.id == job.id).values(kind="learn"))
    runner.run(job.id)
    assert "no labelling project" in parts.jobs.get(job.id).problem["detail"]


def test_due_trainings_are_submitted_and_expired_leases_come_back(parts, monkeypatch):
    monkeypatch.setattr(job_runner, "LEARN_S", 0.05)
    monkeypatch.setattr(job_runner, "EXPIRE_S", 0.05)
    pool = make_pool(parts, FIRST_AFTER + 1)
    with JobRunner(parts):
        lease = parts.label_queue.lease(pool.project.id, "bia")
        answer_all(parts, pool, n=FIRST_AFTER)
        until(lambda: parts.jobs.latest_of_project(pool.project.id) is not None)
        with parts.database.writing() as session:
            expired = utc_now() - timedelta(seconds=1)
            session.execute(update(LeaseRow).where(LeaseRow.id == lease.id).values(expires_at=expired))
        until(lambda: answer_all(parts, pool))
    assert len(parts.jobs.list().items) == 1


def test_a_runner_without_its_threads_says_so(parts):
    runner = JobRunner(parts)
    with pytest.raises(RuntimeError, match="died"):
        runner.check()
    with runner:
        runner.check()


def test_what_cannot_be_reached_is_tried_again(monkeypatch):
    tries = []
    stopping = threading.Event()

    def act():
        tries.append(1)
        if len(tries) == 3:
            stopping.set()
        raise OSError("away")

    with structlog.testing.capture_logs() as logs:
        job_runner.every(0.001, act, stopping)
    assert len(tries) == 3
    assert {line["reason"] for line in logs} == {"away"}


def test_tidying_finds_what_killed_processes_left(parts, submit, tone, monkeypatch):
    monkeypatch.setattr(job_runner, "STRANDED_AFTER", timedelta(seconds=-1))
    monkeypatch.setattr(job_runner, "ORPHANED_AFTER", timedelta(seconds=-1))
    stranded = receive_upload(io.BytesIO(tone()), "song.wav", services=parts)
    with parts.blobs.stage(io.BytesIO(tone()), max_bytes=1 << 20) as staged:
        parts.blobs.keep(staged, f"ab/{new_id()}")
    tidy(parts)
    assert list(parts.blobs.keys(older_than=timedelta(seconds=-1))) == [stranded.blob]
    assert parts.jobs.get(parts.tracks.get(stranded.id).job_id).state == "queued"
