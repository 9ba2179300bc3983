import json
import sqlite3
import threading
from datetime import timedelta
from importlib.util import find_spec

import numpy as np
import pytest
from huey.registry import Message
from sqlalchemy import update

from service.errors import ConfigurationError, NotFound
from service.job_queue import JobQueue, JsonSerializer
from service.jobs import GAVE_UP, KEPT_FOR, LOST_AFTER, MAX_LOSSES, UNQUEUED_AFTER, JobStore
from service.storage.ids import new_id
from service.storage.pages import utc_now
from service.storage.tables import JobRow
from service.storage.tracks import TrackStore
from tests.support.labelling import make_pool, stores_of
from tests.support.library import add_track, answer

PROBLEM = {"type": "about:blank", "title": "No", "status": 422, "detail": "It cannot be."}
WAVE = np.zeros(3, np.float32)


@pytest.fixture
def tracks(database):
    return TrackStore(database)


@pytest.fixture
def track(tracks):
    return add_track(tracks)


@pytest.fixture
def queue(tmp_path):
    queue = JobQueue("", folder=tmp_path)
    yield queue
    queue.close()


@pytest.fixture
def jobs(database, queue):
    return JobStore(database, queue)


def set_columns(database, **values):
    with database.writing() as session:
        session.execute(update(JobRow).values(**values))


def silence(database):
    set_columns(database, heartbeat_at=utc_now() - 2 * LOST_AFTER)


def in_threads(count, act):
    done = []
    threads = [threading.Thread(target=lambda: done.append(act())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == count
    return done


def test_a_job_waits_in_the_table_and_in_the_queue(jobs, queue, tracks, track):
    job = jobs.submit("classify", track_id=track.id)
    assert (job.state, job.progress, job.track_id) == ("queued", 0, track.id)
    assert queue.waiting() == {job.id}
    found = tracks.get(track.id)
    assert (found.state, found.job_id) == ("queued", job.id)


def test_its_json_has_the_keys_of_the_contract(jobs, track):
    body = jobs.submit("classify", track_id=track.id).to_dict()
    assert set(body) == {
        *("id", "kind", "state", "progress", "created_at", "started_at", "finished_at"),
        *("track", "project", "clip", "result", "problem"),
    }
    assert body["created_at"].endswith("Z")
    json.dumps(body)


def test_from_start_to_end(jobs, track):
    job = jobs.claim(jobs.submit("classify", track_id=track.id).id)
    assert jobs.beat(job, 0.5)
    running = jobs.get(job.id)
    assert (running.state, running.progress, running.result) == ("running", 0.5, None)
    assert running.started_at >= running.created_at
    assert jobs.finish(job, {"genre": "jazz"})
    done = jobs.get(job.id)
    assert (done.state, done.progress, done.result) == ("done", 1, {"genre": "jazz"})
    assert done.finished_at >= done.started_at


def test_work_that_waits_already_is_not_doubled(jobs, queue, track):
    job = jobs.submit("classify", track_id=track.id)
    assert jobs.submit("classify", track_id=track.id).id == job.id
    assert jobs.submit("other", track_id=track.id).id != job.id
    claimed = jobs.claim(job.id)
    assert jobs.submit("classify", track_id=track.id).id == job.id
    jobs.finish(claimed, {})
    assert jobs.submit("classify", track_id=track.id).id != job.id


def test_work_asked_for_by_many_at_once_is_not_doubled(jobs, track):
    assert len(set(in_threads(6, lambda: jobs.submit("classify", track_id=track.id).id))) == 1


def test_of_many_workers_one_gets_the_job(jobs, track):
    job = jobs.submit("classify", track_id=track.id)
    claims = in_threads(8, lambda: jobs.claim(job.id))
    assert sum(claim is not None for claim in claims) == 1


@pytest.mark.parametrize("job_id", ["", "x", "\0", "é" * 26, "0" * 26])
def test_an_id_that_is_none_is_not_found(jobs, job_id):
    for call in (jobs.get, jobs.cancel):
        with pytest.raises(NotFound):
            call(job_id)
    with pytest.raises(NotFound):
        jobs.submit("classify", track_id=job_id)


def test_a_failure_is_shown_at_the_track(jobs, tracks, track):
    job = jobs.claim(jobs.submit("classify", track_id=track.id).id)
    assert jobs.fail(job, PROBLEM)
    assert (jobs.get(job.id).state, jobs.get(job.id).problem) == ("failed", PROBLEM)
    assert (tracks.get(track.id).state, tracks.get(track.id).problem) == ("failed", PROBLEM)
    jobs.submit("classify", track_id=track.id)
    assert (tracks.get(track.id).state, tracks.get(track.id).problem) == ("queued", None)


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("answered", [False, True])
def test_a_cancelled_job_ends_at_once(jobs, tracks, track, running, answered):
    if answered:
        tracks.save(track.id, answer(), WAVE)
    job = jobs.submit("classify", track_id=track.id)
    claimed = jobs.claim(job.id) if running else None
    assert jobs.cancel(job.id).state == "cancelled"
    assert tracks.get(track.id).state == ("done" if answered else "cancelled")
    if running:
        assert not jobs.beat(claimed, 0.5)
        assert not jobs.finish(claimed, {})
        assert not jobs.fail(claimed, PROBLEM)
        assert not jobs.give_back(claimed)
    assert jobs.claim(job.id) is None
    assert jobs.get(job.id).state == "cancelled"


def test_a_job_that_has_ended_is_not_cancelled(jobs, track):
    job = jobs.claim(jobs.submit("classify", track_id=track.id).id)
    jobs.finish(job, {"genre": "jazz"})
    assert jobs.cancel(job.id) == jobs.get(job.id)
    assert jobs.get(job.id).state == "done"


def test_deleting_a_track_cancels_its_jobs_and_forgets_their_results(jobs, tracks, track):
    ended = jobs.claim(jobs.submit("classify", track_id=track.id).id)
    jobs.finish(ended, {"genre": "jazz"})
    running = jobs.claim(jobs.submit("classify", track_id=track.id).id)
    tracks.delete(track.id)
    assert (jobs.get(ended.id).state, jobs.get(ended.id).result) == ("done", None)
    assert (jobs.get(running.id).state, jobs.get(running.id).track_id) == ("cancelled", None)
    assert not jobs.beat(running, 0.1)
    assert not jobs.fail(running, PROBLEM)


def test_a_job_given_back_waits_again_and_is_not_held_against_it(jobs, queue, tracks, track):
    job = jobs.submit("classify", track_id=track.id)
    for _ in range(MAX_LOSSES + 2):
        claimed = jobs.claim(job.id)
        tracks.begin(track.id)
        assert jobs.give_back(claimed)
    assert jobs.get(job.id).state == "queued"
    assert tracks.get(track.id).state == "queued"
    assert job.id in queue.waiting()
    assert jobs.get(job.id).losses == 0


def test_a_job_whose_runner_fell_silent_is_run_by_another(jobs, queue, tracks, track, database):
    silent = jobs.claim(jobs.submit("classify", track_id=track.id).id)
    tracks.begin(track.id)
    queue._huey.flush()  # the worker had taken it out
    assert jobs.recover() == 0
    silence(database)
    jobs.recover()
    set_columns(database, queued_at=utc_now() - 2 * UNQUEUED_AFTER)
    assert jobs.recover() == 1
    assert queue.waiting() == {silent.id}
    assert tracks.get(track.id).state == "queued"
    other = jobs.claim(silent.id)
    assert not jobs.beat(silent, 0.9)  # it wakes up again: too late
    assert not jobs.finish(silent, {"genre": "wrong"})
    assert not jobs.fail(silent, PROBLEM)
    assert jobs.beat(other, 0.1)
    assert jobs.finish(other, {"genre": "right"})
    assert jobs.get(other.id).result == {"genre": "right"}


def test_a_job_that_takes_its_runners_down_fails(jobs, tracks, track, database):
    job = jobs.submit("classify", track_id=track.id)
    for _ in range(MAX_LOSSES):
        assert jobs.claim(job.id)
        silence(database)
        jobs.recover()
    assert (jobs.get(job.id).state, jobs.get(job.id).problem) == ("failed", GAVE_UP)
    assert tracks.get(track.id).problem == GAVE_UP


def test_a_job_lost_on_the_way_into_the_queue_is_put_in_once(jobs, queue, track, database):
    job = jobs.submit("classify", track_id=track.id)
    queue._huey.flush()
    assert jobs.recover() == 0  # too young: the submitting process may be about to put it in
    set_columns(database, queued_at=utc_now() - 2 * UNQUEUED_AFTER)
    assert [jobs.recover(), jobs.recover()] == [1, 0]
    assert queue.waiting() == {job.id}


def test_lists_and_counts(jobs, tracks):
    made = [jobs.submit("classify", track_id=add_track(tracks).id) for _ in range(5)]
    jobs.finish(jobs.claim(made[0].id), {"genre": "jazz"})
    jobs.cancel(made[1].id)
    first = jobs.list(limit=3)
    rest = jobs.list(limit=3, cursor=first.next_cursor)
    assert [job.id for job in (*first.items, *rest.items)] == [job.id for job in reversed(made)]
    assert rest.next_cursor is None
    assert rest.items[-1].result is None  # lists leave results out
    assert [job.id for job in jobs.list(state="cancelled").items] == [made[1].id]
    assert jobs.counts() == {("classify", "done"): 1, ("classify", "cancelled"): 1, ("classify", "queued"): 3}


def test_ended_jobs_are_forgotten_after_a_while(jobs, tracks, database):
    ended, waiting = (jobs.submit("classify", track_id=add_track(tracks).id) for _ in range(2))
    jobs.cancel(ended.id)
    assert jobs.prune() == 0
    set_columns(database, finished_at=utc_now() - KEPT_FOR - timedelta(days=1))
    assert jobs.prune() == 1
    assert jobs.get(waiting.id).state == "queued"
    with pytest.raises(NotFound):
        jobs.get(ended.id)


def test_the_queue_carries_ids_as_json(jobs, track, tmp_path):
    job = jobs.submit("classify", track_id=track.id)
    with sqlite3.connect(tmp_path / "queue.db") as connection:
        [(message,)] = connection.execute("SELECT data FROM task")
    assert Message(*json.loads(message)).args == [job.id]


def test_the_queue_reads_nothing_but_json():
    import pickle

    with pytest.raises(ValueError):
        JsonSerializer().deserialize(pickle.dumps(("x",)))


def test_a_queue_that_cannot_be_written_loses_no_job(jobs, queue, track, monkeypatch, database):
    def broken(_task):
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(queue._huey, "enqueue", broken)
        job = jobs.submit("classify", track_id=track.id)
    set_columns(database, queued_at=utc_now() - 2 * UNQUEUED_AFTER)
    assert jobs.recover() == 1
    assert queue.waiting() == {job.id}


@pytest.fixture
def project(database):
    return make_pool(stores_of(database), 0).project


def test_work_for_a_project_that_waits_is_not_doubled(jobs, queue, project):
    job = jobs.submit_for_project("learn", project_id=project.id)
    assert (job.kind, job.state, job.project_id, job.track_id) == ("learn", "queued", project.id, None)
    assert job.to_dict()["project"] == project.id
    assert jobs.submit_for_project("learn", project_id=project.id).id == job.id
    assert queue.waiting() == {job.id}
    started = jobs.claim(job.id)
    assert jobs.submit_for_project("learn", project_id=project.id).id == job.id
    assert jobs.submit_for_project("other", project_id=project.id).id != job.id
    jobs.finish(started, {"version": 1})
    again = jobs.submit_for_project("learn", project_id=project.id)
    assert again.id != job.id
    assert jobs.latest_of_project(project.id) == again


def test_work_for_a_project_that_is_submitted_at_once_is_one_job(jobs, project):
    submitted = in_threads(8, lambda: jobs.submit_for_project("learn", project_id=project.id).id)
    assert len(set(submitted)) == 1
    assert len(jobs.list().items) == 1


def test_work_for_a_project_fails_is_cancelled_and_is_given_back_like_any_other(jobs, database, project):
    first = jobs.submit_for_project("learn", project_id=project.id)
    assert jobs.fail(jobs.claim(first.id), PROBLEM)
    assert jobs.get(first.id).problem == PROBLEM
    second = jobs.submit_for_project("learn", project_id=project.id)
    started = jobs.claim(second.id)
    assert jobs.give_back(started)
    started = jobs.claim(second.id)
    silence(database)
    jobs.recover()
    assert jobs.get(second.id).state == "queued"
    assert jobs.cancel(second.id).state == "cancelled"
    assert not jobs.beat(started, 0.5)


def test_a_project_that_is_none_gets_no_job(jobs):
    with pytest.raises(NotFound, match="no labelling project"):
        jobs.submit_for_project("learn", project_id=new_id())
    assert jobs.latest_of_project(new_id()) is None


@pytest.mark.parametrize(
    ("url", "folder", "says"),
    [("amqp://x", ".", "expected one of redis"), ("", "/proc/nosuch", "cannot be opened")],
)
def test_a_queue_that_cannot_be_used_is_named(tmp_path, url, folder, says):
    with pytest.raises(ConfigurationError, match=says):
        JobQueue(url, folder=tmp_path / folder)


@pytest.mark.skipif(find_spec("redis") is not None, reason="redis is installed here")
def test_a_queue_whose_package_is_missing_says_which(tmp_path):
    with pytest.raises(ConfigurationError, match="pip install redis"):
        JobQueue("redis://localhost", folder=tmp_path)
