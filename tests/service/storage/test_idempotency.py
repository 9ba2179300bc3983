import threading
from datetime import timedelta

import pytest
from sqlalchemy import update

from service.errors import Conflict, InProgress
from service.storage.idempotency import KEPT_FOR, LEASE, IdempotencyStore, Kept
from service.storage.pages import utc_now
from service.storage.tables import IdempotencyRow

ANSWER = {"status": 201, "headers": {"Location": "/v1/x"}, "body": b"\x00\xff"}


@pytest.fixture
def keys(database):
    return IdempotencyStore(database)


def begin(keys, key="k", owner="ada", fingerprint="f" * 64):
    return keys.begin(key, owner=owner, fingerprint=fingerprint)


def age(database, by):
    with database.writing() as session:
        session.execute(update(IdempotencyRow).values(created_at=utc_now() - by))


def test_an_answer_is_given_again(keys):
    assert begin(keys) is None
    keys.finish("k", owner="ada", **ANSWER)
    assert begin(keys) == Kept(**ANSWER)


def test_a_key_is_its_owners(keys):
    begin(keys)
    keys.finish("k", owner="ada", **ANSWER)
    assert begin(keys, owner="bob") is None
    assert begin(keys, key="other") is None


def test_a_key_names_one_request(keys):
    begin(keys)
    with pytest.raises(Conflict, match="another request"):
        begin(keys, fingerprint="e" * 64)


def test_the_same_request_waits_for_the_first(keys):
    begin(keys)
    with pytest.raises(InProgress) as refused:
        begin(keys)
    assert refused.value.retry_after_s > 0


def test_a_key_is_free_again_after_a_failure(keys):
    begin(keys)
    keys.abandon("k", owner="ada")
    assert begin(keys, fingerprint="e" * 64) is None


def test_an_answer_is_not_abandoned(keys):
    begin(keys)
    keys.finish("k", owner="ada", **ANSWER)
    keys.abandon("k", owner="ada")
    assert begin(keys) == Kept(**ANSWER)


def test_of_many_at_once_one_does_it(keys):
    outcomes = []

    def attempt():
        try:
            outcomes.append(begin(keys))
        except InProgress:
            outcomes.append("wait")

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [None, *["wait"] * 7]


def test_an_answer_is_kept_for_a_day(keys, database):
    begin(keys)
    keys.finish("k", owner="ada", **ANSWER)
    age(database, KEPT_FOR - timedelta(minutes=1))
    assert begin(keys) == Kept(**ANSWER)
    assert keys.prune() == 0
    age(database, KEPT_FOR + timedelta(minutes=1))
    assert begin(keys) is None


def test_a_request_that_died_with_its_process_is_done_after_a_while(keys, database):
    begin(keys)
    age(database, LEASE + timedelta(seconds=1))
    assert begin(keys) is None


def test_old_answers_are_pruned(keys, database):
    begin(keys)
    keys.finish("k", owner="ada", **ANSWER)
    age(database, KEPT_FOR + timedelta(minutes=1))
    begin(keys, key="new")
    assert keys.prune() == 1
