from datetime import timedelta

import pytest
from sqlalchemy import update

from service.errors import Conflict, NotFound
from service.storage.label_queue import Answer
from service.storage.labelling_tables import LeaseRow
from service.storage.pages import utc_now
from service.usecases.labelling.queue import Nothing, lease, stats
from tests.support.labelling import answer_all, make_pool


def test_the_next_item_is_leased(parts):
    pool = make_pool(parts, 1)
    assert lease(pool.project.name, "ana", services=parts).track_id == pool.tracks[0]


def test_where_others_have_the_rest_it_says_how_many(parts):
    pool = make_pool(parts, 2)
    for _ in range(2):
        lease(None, "ana", services=parts)
    assert lease(None, "bia", services=parts) == Nothing(leased=2)
    assert lease(pool.project.id, "ana", services=parts) == Nothing(leased=2)


def test_where_all_is_done_there_is_nothing(parts):
    answer_all(parts, make_pool(parts, 2))
    assert lease(None, "ana", services=parts) == Nothing(leased=0)


def test_what_has_expired_is_had_at_once(parts):
    make_pool(parts, 1)
    first = lease(None, "ana", services=parts)
    with parts.database.writing() as session:
        session.execute(update(LeaseRow).values(expires_at=utc_now() - timedelta(seconds=1)))
    assert lease(None, "bia", services=parts).item_id == first.item_id


def test_projects_that_cannot_be_worked_on_are_named(parts):
    pool = make_pool(parts, 1)
    with pytest.raises(NotFound):
        lease("no such project", "ana", services=parts)
    parts.projects.change(pool.project.id, closed=True, actor="curator")
    with pytest.raises(Conflict, match="closed"):
        lease(pool.project.id, "ana", services=parts)


def test_stats_say_how_far_the_queue_is(parts):
    pool = make_pool(parts, 6)
    answer_all(parts, pool, n=2)
    answer_all(parts, pool, "bia", n=1)
    flagged = lease(None, "bia", services=parts)
    parts.label_queue.answer(flagged.id, Answer("flag", flag="broken"), "bia")
    lease(None, "cid", services=parts)
    assert stats(pool.project, services=parts) == {
        "project": pool.project.id,
        "items": 6,
        "open": 2,
        "labelled": 3,
        "set_aside": 1,
        "leased": 1,
        "labels": 3,
        "by_annotator": {"ana": 2, "bia": 1},
        "labels_until_retraining": 7,
    }
