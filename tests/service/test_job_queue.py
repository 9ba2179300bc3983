"""Ids go in and come out, in order and once; `test_jobs.py` has what becomes of those that get lost."""

import sqlite3
import threading
import time
from contextlib import contextmanager

import pytest
import structlog

from service.errors import ConfigurationError, TooBusy
from service.job_queue import JobQueue


@pytest.fixture
def queue(tmp_path):
    queue = JobQueue("", folder=tmp_path)
    yield queue
    queue.close()


@contextmanager
def consuming(queue: JobQueue, run, *, workers: int = 1, patience_s: float = 10.0):
    """Threads that take ids out, until the end of the block and of what is under way then."""
    consumer = queue.consumer(run, workers=workers, patience_s=patience_s)
    consumer.start()
    try:
        yield consumer
    finally:
        consumer.stop(graceful=True)


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_ids_come_out_in_the_order_in_which_they_went_in(queue):
    ids = [f"job-{n}" for n in range(10)]
    for job_id in ids:
        queue.put(job_id)
    assert queue.waiting() == set(ids)
    done = []
    with consuming(queue, done.append):
        until(lambda: len(done) == len(ids))
    assert done == ids
    assert queue.waiting() == set()


def test_what_is_put_in_while_they_wait_comes_out_too(queue):
    done = []
    with consuming(queue, done.append):
        for n in range(3):
            queue.put(f"job-{n}")
            until(lambda n=n: len(done) == n + 1)
    assert done == ["job-0", "job-1", "job-2"]


def test_of_several_workers_each_id_has_one_and_they_work_at_the_same_time(queue):
    together = threading.Barrier(3, timeout=20)
    done = []

    def run(job_id):
        together.wait()  # ends only when three are at work
        done.append(job_id)

    for n in range(9):
        queue.put(f"job-{n}")
    with consuming(queue, run, workers=3):
        until(lambda: len(done) == 9)
    assert sorted(done) == [f"job-{n}" for n in range(9)]


def test_a_job_that_breaks_stops_no_other(queue):
    done = []

    def run(job_id):
        done.append(job_id)
        if job_id == "bad":
            raise ZeroDivisionError

    for job_id in ("bad", "good"):
        queue.put(job_id)
    with consuming(queue, run) as consumer:
        until(lambda: len(done) == 2)
        assert consumer.check_worker_health()
    assert done == ["bad", "good"]  # and the broken one is not tried again from here


@pytest.mark.parametrize(("patience_s", "finished"), [(10.0, True), (0.2, False)])
def test_stopping_waits_for_what_is_under_way_as_long_as_was_asked(queue, patience_s, finished):
    started, release, done = threading.Event(), threading.Event(), []

    def run(job_id):
        started.set()
        release.wait(20)
        done.append(job_id)

    queue.put("job")
    consumer = queue.consumer(run, workers=1, patience_s=patience_s)
    consumer.start()
    assert started.wait(20)
    if finished:
        threading.Timer(0.3, release.set).start()
    consumer.stop(graceful=True)
    assert done == (["job"] if finished else [])
    release.set()


def test_what_one_process_puts_in_another_takes_out(queue, tmp_path):
    other = JobQueue("", folder=tmp_path)
    other.put("job")
    other.close()
    assert queue.waiting() == {"job"}
    done = []
    with consuming(queue, done.append):
        until(lambda: done == ["job"])


def test_a_queue_outlives_its_process(tmp_path):
    first = JobQueue("", folder=tmp_path)
    first.put("job")
    first.close()
    again = JobQueue("", folder=tmp_path)
    assert again.waiting() == {"job"}
    again.close()


def test_a_process_that_only_puts_ids_in_runs_nothing(queue, caplog):
    queue.put("job")
    queue._huey.execute(queue._huey.dequeue())
    assert "RuntimeError: this process takes nothing out of the queue" in caplog.text


def test_a_queue_that_cannot_be_written_is_a_warning_that_names_the_job(queue, monkeypatch):
    def broken(_task):
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(queue._huey, "enqueue", broken)
    with structlog.testing.capture_logs() as logs:
        queue.put("job")
    assert [(line["log_level"], line["job"], line["reason"]) for line in logs] == [
        ("warning", "job", "database is locked")
    ]


def test_a_queue_that_cannot_be_read_says_when_to_ask_again(queue, monkeypatch):
    def broken():
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(queue._huey, "pending", broken)
    with pytest.raises(TooBusy, match="cannot be read: database is locked") as caught:
        queue.waiting()
    assert caught.value.retry_after_s > 0


def test_a_file_that_is_no_queue_is_named(tmp_path):
    (tmp_path / "queue.db").write_bytes(b"this was never a database" * 100)
    with pytest.raises(ConfigurationError, match=r"queue\.db cannot be opened"):
        JobQueue("", folder=tmp_path)


@pytest.mark.parametrize("url", ["http://localhost", "localhost:6379", "redis", "REDIS://x", "sqlite:///queue.db"])
def test_an_address_of_another_kind_is_refused_with_those_that_are_taken(tmp_path, url):
    with pytest.raises(ConfigurationError, match="GENRELAB_QUEUE_URL: expected one of redis://, rediss://, unix://"):
        JobQueue(url, folder=tmp_path)
