import io
import threading
import time
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import update

from features.errors import CorruptAudio
from models.errors import ModelError
from service import job_runner
from service.errors import Cancelled, NotFound
from service.generation import Generation
from service.job_runner import JobRunner, tidy
from service.storage.ids import new_id
from service.storage.labelling_tables import LeaseRow
from service.storage.pages import utc_now
from service.storage.tables import JobRow
from service.usecases import clips
from service.usecases.clips import request_clip
from service.usecases.labelling.due import FIRST_AFTER
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


@pytest.fixture
def ask_for_clip(parts):
    def make(**request):
        return request_clip({"genre": "reggae", "seconds": 3.0, "seed": 1, **request}, owner="ann", services=parts)

    return make


def slowly(parts, pause_s=0.02):
    parts.generation.generator._pause_s = pause_s


def test_a_clip_is_made_by_a_job_that_tells_its_progress(parts, runner, ask_for_clip):
    slowly(parts, 0.2)
    clip = ask_for_clip(takes=2)
    thread = in_background(runner, parts.jobs.get(clip.job_id))
    until(lambda: 0 < parts.jobs.get(clip.job_id).progress < 1)
    assert parts.clips.get(clip.id).state == "running"
    thread.join()
    done = parts.jobs.get(clip.job_id)
    assert (done.progress, done.result) == (1, {"clip": clip.id, "takes": 2})


def test_a_clip_that_is_cancelled_or_deleted_stops_and_keeps_what_was_made(parts, runner, ask_for_clip):
    slowly(parts, 1.0)
    for stop in (parts.jobs.cancel, lambda job_id: parts.clips.delete(parts.jobs.get(job_id).clip_id)):
        clip = ask_for_clip(seconds=1.0, takes=8)
        thread = in_background(runner, parts.jobs.get(clip.job_id))
        until(lambda clip_id=clip.id: parts.clips.get(clip_id).takes)
        stop(clip.job_id)
        since = time.monotonic()
        thread.join(10)
        assert time.monotonic() - since < 5  # of the 8 s or more that it would take
        assert parts.jobs.get(clip.job_id).state == "cancelled"
        assert parts.jobs.get(clip.job_id).clip_id in (clip.id, None)
    kept = parts.clips.list().items[0]
    assert (kept.state, 1 <= len(kept.takes) < 8) == ("cancelled", True)


def test_a_clip_whose_worker_was_killed_is_made_by_the_next_but_not_twice(parts, ask_for_clip):
    clip = ask_for_clip(takes=3)
    killed = RuntimeError("killed")

    def die(*arguments, **options):
        if len(generator.made) == 2:
            raise killed
        return make(*arguments, **options)

    generator = parts.generation.generator
    make, generator.make = generator.make, die
    parts.jobs.claim(clip.job_id)
    with pytest.raises(RuntimeError):
        clips.make_clip(clip.id, services=parts)
    generator.make = make
    with parts.database.writing() as session:
        session.execute(update(JobRow).values(heartbeat_at=utc_now() - timedelta(minutes=5)))
    parts.jobs.recover()
    JobRunner(parts).run(clip.job_id)
    assert parts.clips.get(clip.id).state == "done"
    assert [wish.seed for wish in generator.made] == [take.wish["seed"] for take in clip.plan]


def test_one_clip_is_made_at_a_time_and_no_thread_waits_for_it(parts, runner, ask_for_clip, submit):
    slowly(parts, 0.1)
    first, second = ask_for_clip(), ask_for_clip()
    thread = in_background(runner, parts.jobs.get(first.job_id))
    until(lambda: parts.clips.get(first.id).state == "running")
    taken_out(parts, second.job_id)
    runner.run(second.job_id)
    assert parts.clips.get(second.id).state == "queued"
    track = submit()
    runner.run(track.id)
    assert parts.jobs.get(track.id).state == "done"
    thread.join()
    assert parts.clips.get(first.id).state == "done"
    assert second.job_id in parts.jobs.queue.waiting()
    runner.run(second.job_id)
    assert parts.clips.get(second.id).state == "done"


def taken_out(parts, job_id):
    parts.jobs.queue._huey.flush()
    assert job_id not in parts.jobs.queue.waiting()


def test_a_generator_that_is_missing_fails_its_jobs_and_the_queue_goes_on(parts, runner, ask_for_clip, submit):
    clip, track = ask_for_clip(), submit()

    def missing():
        raise ModelError("generator-1/card.json: no model card can be read there")

    parts.generation = Generation(missing)
    runner.run(clip.job_id)
    problem = parts.clips.get(clip.id).problem
    assert (problem["status"], "no model card" in problem["detail"]) == (503, True)
    assert parts.clips.get(clip.id).state == "failed"
    runner.run(track.id)
    assert parts.jobs.get(track.id).state == "done"


def test_a_recording_that_turns_out_damaged_fails_its_clip_only(parts, runner, ask_for_clip, submit, monkeypatch):
    def damaged(path, **_):
        raise CorruptAudio(f"{path.name}: the stream ends in the middle")

    track = submit().track_id
    clip = ask_for_clip(source={"track": track, "use": "restyle", "start_s": 0.0, "end_s": 1.0})
    monkeypatch.setattr(parts.engine, "samples", damaged)
    runner.run(clip.job_id)
    problem = parts.clips.get(clip.id).problem
    assert (problem["status"], problem["detail"]) == (422, "song.wav: the stream ends in the middle")
    assert parts.clips.get(clip.id).state == "failed"


def test_a_job_without_its_clip_says_so(parts, runner, submit):
    job = submit()
    with parts.database.writing() as session:
        session.execute(update(JobRow).where(JobRow.id == job.id).values(kind="generate"))
    runner.run(job.id)
    assert "clip was deleted" in parts.jobs.get(job.id).problem["detail"]
