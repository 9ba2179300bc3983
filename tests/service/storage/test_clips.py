"""Clips in the database: with their jobs, their takes in order, their files, and their end."""

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, select, update

from service.errors import NotFound, TooBusy
from service.job_queue import JobQueue
from service.jobs import LOST_AFTER, JobStore
from service.storage.clip_tables import ClipRow, TakeFileRow, TakeRow
from service.storage.clips import ClipStore
from service.storage.ids import new_id
from service.storage.pages import utc_now
from service.storage.tables import JobRow
from service.storage.tracks import blob_key
from tests.support.clips import new_clip, new_take, staged


@pytest.fixture
def clips(shared_database):
    yield ClipStore(shared_database)
    with shared_database.writing() as session:
        session.execute(JobRow.__table__.delete())
        session.execute(ClipRow.__table__.delete())


@pytest.fixture
def jobs(shared_database, tmp_path):
    queue = JobQueue("", folder=tmp_path)
    yield JobStore(shared_database, queue)
    queue.close()


@pytest.fixture
def submit(jobs):
    def make(n_takes=1, most_waiting=10, **request):
        clip = new_clip(n_takes, **request)
        return jobs.submit_clip("generate", clip, most_waiting=most_waiting)

    return make


def add_take(clips, clip_id, *arguments, letter="a", **report):
    file_id = new_id()
    kept = clips.add_take(clip_id, new_take(*arguments, **report), file_id=file_id, staged=staged(letter))
    return file_id if kept else None


def test_a_clip_comes_with_its_job(clips, jobs, submit):
    job = submit(2, genre="reggae")
    clip = clips.get(job.clip_id)
    assert (clip.state, clip.job_id, clip.owner, clip.request) == ("queued", job.id, "ann", {"genre": "reggae"})
    assert [take.wish["seed"] for take in clip.plan] == [0, 1]
    assert (clip.takes, clip.problem) == ((), None)
    assert jobs.queue.waiting() == {job.id}
    assert (jobs.kind_of(job.id), jobs.next_of_kind("generate"), jobs.kind_of("x")) == ("generate", job.id, None)


def test_only_so_many_clips_wait(clips, jobs, submit):
    first = submit(most_waiting=2)
    second = submit(most_waiting=2)
    with pytest.raises(TooBusy, match="2 clips wait"):
        submit(most_waiting=2)
    assert len(clips.list().items) == len(jobs.list().items) == 2
    jobs.cancel(second.id)
    submit(most_waiting=2)
    assert jobs.next_of_kind("generate") == first.id


def test_the_state_of_a_clip_follows_its_job(clips, jobs, submit):
    job = submit()
    start = jobs.claim(job.id)
    assert clips.begin(job.clip_id).state == "running"
    jobs.give_back(start)
    assert clips.get(job.clip_id).state == "queued"
    start = jobs.claim(job.id)
    clips.begin(job.clip_id)
    problem = {"status": 503, "title": "No", "type": "about:blank", "detail": "none"}
    jobs.fail(start, problem)
    assert (clips.get(job.clip_id).state, clips.get(job.clip_id).problem) == ("failed", problem)
    cancelled = submit()
    jobs.cancel(cancelled.id)
    assert clips.begin(cancelled.clip_id).state == clips.finish(cancelled.clip_id).state == "cancelled"


def test_a_clip_whose_worker_fell_silent_waits_again(shared_database, clips, jobs, submit):
    job = submit()
    jobs.claim(job.id)
    clips.begin(job.clip_id)
    with shared_database.writing() as session:
        session.execute(update(JobRow).values(heartbeat_at=utc_now() - 2 * LOST_AFTER))
    jobs.recover()
    assert (clips.get(job.clip_id).state, jobs.get(job.id).losses) == ("queued", 1)


def test_takes_are_ranked_by_agreement_then_by_what_speaks_against_them(clips, submit):
    clip_id = submit(6).clip_id
    agreements = (0.2, 0.9, None, 0.9, 0.9, None)
    doubts = (1, 2, 1, 1, 1, 1)
    runs = (0.1, 0.1, 0.3, 0.2, 0.1, 0.2)
    for number, (agreement, tried, run) in enumerate(zip(agreements, doubts, runs, strict=True)):
        originality = {"longest_run_s": run, "shared_ngrams": 0.0}
        add_take(clips, clip_id, number, agreement, takes_tried=tried, originality=originality)
    clip = clips.get(clip_id)
    assert [take.rank for take in clip.takes] == [4, 3, 6, 2, 1, 5]
    assert (clip.best.number, clip.take(3).sha256) == (4, "a" * 64)
    with pytest.raises(NotFound, match="no take 6"):
        clip.take(6)


def test_a_take_that_is_there_already_is_not_kept_again(clips, submit):
    clip_id = submit().clip_id
    first = add_take(clips, clip_id, letter="a")
    assert add_take(clips, clip_id, letter="b") is None
    assert clips.file(clip_id, 0).id == first
    assert clips.file(clip_id, 0).sha256 == "a" * 64


def test_codes_and_peaks_come_back_as_they_were(clips, submit):
    clip_id = submit().clip_id
    add_take(clips, clip_id)
    np.testing.assert_array_equal(clips.codes(clip_id, 0), [[0, 1, 2, 3], [4, 5, 6, 7]])
    assert clips.waveform(clip_id, 0) == {"duration_s": 2.0, "peaks": [0.25, 0.5]}


def test_of_two_who_made_the_same_file_the_first_counts(clips, submit):
    clip_id = submit().clip_id
    add_take(clips, clip_id)
    assert clips.file(clip_id, 0, "mp3") is None
    first, second = (clips.add_file(clip_id, 0, "mp3", file_id=new_id(), staged=staged("b")) for _ in range(2))
    assert first == second == clips.file(clip_id, 0, "mp3")
    assert first.blob == blob_key(first.id)
    assert clips.known_files([first.id, new_id()]) == {first.id}


def test_the_last_rating_counts(clips, submit):
    clip_id = submit(2).clip_id
    add_take(clips, clip_id, 0)
    assert clips.get(clip_id).takes[0].rating is None
    clips.rate(clip_id, 0, 2)
    assert clips.rate(clip_id, 0, 5).takes[0].rating == 5


def test_a_chain_is_what_was_followed_until_it_was_deleted(clips, submit):
    first = submit().clip_id
    second = submit(follow=first).clip_id
    third = submit(follow=second).clip_id
    assert [clip.id for clip in clips.chain(third)] == [third, second, first]
    clips.delete(first)
    assert [clip.id for clip in clips.chain(third)] == [third, second]


def test_lists_page_newest_first_with_their_takes(clips, submit):
    ids = [submit().clip_id for _ in range(3)]
    add_take(clips, ids[2])
    page = clips.list(limit=2)
    assert [clip.id for clip in page.items] == ids[:0:-1]
    assert [len(clip.takes) for clip in page.items] == [1, 0]
    assert [clip.id for clip in clips.list(cursor=page.next_cursor).items] == ids[:1]


def test_a_deleted_clip_leaves_nothing_and_cancels_its_job(shared_database, clips, jobs, submit):
    job, other = submit(), submit()
    file_id = add_take(clips, job.clip_id)
    add_take(clips, other.clip_id)
    assert clips.delete(job.clip_id) == [blob_key(file_id)]
    assert (jobs.get(job.id).state, jobs.get(job.id).clip_id) == ("cancelled", None)
    with shared_database.reading() as session:
        counts = [session.scalar(select(func.count()).select_from(row)) for row in (ClipRow, TakeRow, TakeFileRow)]
    assert counts == [1, 1, 1]
    with pytest.raises(NotFound):
        add_take(clips, job.clip_id)


def test_what_is_old_and_not_being_made_is_found(clips, jobs, submit):
    waiting, ended = submit(), submit()
    jobs.cancel(ended.id)
    assert clips.older_than(timedelta(seconds=-1)) == [ended.clip_id]
    assert clips.older_than(timedelta(days=1)) == []
    assert clips.counts() == {"queued": 1, "cancelled": 1}
    add_take(clips, waiting.clip_id)
    assert clips.made_s() == 2.0


@pytest.mark.parametrize("clip_id", ["x", "", "0" * 26, "é" * 26])
def test_what_is_not_there_is_named(clips, clip_id):
    for call in (clips.get, clips.delete, clips.begin, clips.finish, clips.chain):
        with pytest.raises(NotFound, match="no clip"):
            call(clip_id)
    for call in (clips.codes, clips.waveform, clips.file):
        with pytest.raises(NotFound, match="no take 0"):
            call(clip_id, 0)
    with pytest.raises(NotFound, match="no take 0"):
        clips.rate(clip_id, 0, 5)
