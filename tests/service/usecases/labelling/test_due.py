"""When a project learns."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from service.storage.pages import utc_now
from service.storage.tables import JobRow
from service.usecases.labelling.due import FIRST_AFTER, labels_until_training, submit_due
from tests.support.labelling import VERSION, answer_all, make_pool


def test_a_training_is_due_after_enough_labels_and_submitted_once(parts):
    pool = make_pool(parts, 40)
    answer_all(parts, pool, n=FIRST_AFTER - 1)
    assert labels_until_training(pool.project, parts) == 1
    assert submit_due(parts) == []
    answer_all(parts, pool, n=1)
    assert labels_until_training(pool.project, parts) == 0
    (job,) = submit_due(parts)
    assert (job.kind, job.project_id) == ("learn", pool.project.id)
    answer_all(parts, pool, n=FIRST_AFTER)
    assert [again.id for again in submit_due(parts)] == [job.id]
    assert len(parts.jobs.list().items) == 1


@pytest.mark.parametrize("end", ["cancelled", "failed", "done"])
def test_a_training_that_ended_is_not_tried_again_before_there_are_new_labels(parts, end):
    pool = make_pool(parts, 40)
    answer_all(parts, pool, n=FIRST_AFTER)
    (job,) = submit_due(parts)
    started = parts.jobs.claim(job.id)
    match end:
        case "cancelled":
            parts.jobs.cancel(job.id)
        case "failed":
            parts.jobs.fail(started, {"title": "No"})
        case "done":
            parts.jobs.finish(started, {})
    assert submit_due(parts) == []
    assert labels_until_training(pool.project, parts) == FIRST_AFTER
    answer_all(parts, pool, n=FIRST_AFTER)
    assert [again.id for again in submit_due(parts)] != [job.id]


def test_when_its_job_is_forgotten_a_project_does_not_learn_the_same_again(parts):
    pool = make_pool(parts, 40)
    answer_all(parts, pool, n=FIRST_AFTER)
    (job,) = submit_due(parts)
    parts.versions.add(pool.project.id, activate=True, **VERSION)
    with parts.database.writing() as session:
        session.execute(delete(JobRow).where(JobRow.id == job.id))
    assert labels_until_training(pool.project, parts) == 10
    assert submit_due(parts) == []


@pytest.mark.parametrize(
    ("n_labels", "retrain_every", "wanted"), [(10, 0, 10), (400, 0, 40), (100_000, 0, 200), (400, 3, 3)]
)
def test_how_many_labels_are_awaited_grows_with_those_that_there_are(parts, n_labels, retrain_every, wanted):
    pool = make_pool(parts, 0, retrain_every=retrain_every)
    parts.versions.add(pool.project.id, activate=True, **VERSION | {"n_labels": n_labels})
    assert labels_until_training(pool.project, parts) == wanted


def test_undone_answers_count_as_something_new(parts):
    pool = make_pool(parts, 5)
    act = answer_all(parts, pool, n=1)[0]
    parts.label_queue.undo(act.number, "ana")
    assert labels_until_training(pool.project, parts) == FIRST_AFTER - 2


def test_a_closed_project_is_not_due(parts):
    pool = make_pool(parts, FIRST_AFTER)
    answer_all(parts, pool)
    parts.projects.change(pool.project.id, closed=True, actor="curator")
    assert submit_due(parts) == []


def test_labels_from_before_the_latest_job_are_not_new(parts):
    pool = make_pool(parts, FIRST_AFTER)
    answer_all(parts, pool)
    job = parts.jobs.submit_for_project("learn", project_id=pool.project.id)
    with parts.database.writing() as session:
        session.execute(update(JobRow).values(created_at=utc_now() - timedelta(days=1)))
    assert labels_until_training(pool.project, parts) == 0
    with parts.database.writing() as session:
        session.execute(update(JobRow).where(JobRow.id == job.id).values(created_at=utc_now()))
    assert labels_until_training(pool.project, parts) == FIRST_AFTER
