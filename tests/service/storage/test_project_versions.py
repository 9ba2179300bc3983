import threading

import pytest

from service.errors import Conflict, NotFound
from service.storage.ids import new_id
from tests.support.labelling import VERSION, inconsistencies, kinds, make_pool


@pytest.fixture
def pool(parts):
    return make_pool(parts, 0)


@pytest.fixture
def add(parts, pool):
    def make(*, activate=True, **changes):
        return parts.versions.add(pool.project.id, activate=activate, **VERSION | changes)

    return make


def states(parts, pool):
    return {version.version: version.state for version in parts.versions.list(pool.project.id)}


def test_a_version_is_as_it_was_added(parts, pool, add):
    version = add(report={"curve": [1]}, card={"name": "n"}, weights=b"\0\xff")
    assert parts.versions.get(pool.project.id, 1) == parts.versions.latest(pool.project.id) == version
    assert (version.version, version.state, version.n_labels, version.last_event) == (1, "active", 10, 5)
    assert parts.versions.report(pool.project.id, 1) == {"curve": [1]}
    assert parts.versions.model(pool.project.id, 1) == ({"name": "n"}, b"\0\xff")
    body = version.to_dict()
    assert set(body) == {"version", "created_at", "labels", "accuracy", "low", "high", "state", "reason"}
    assert parts.projects.to_dict(parts.projects.get(pool.project.id))["model"] == {
        "version": 1, "labels": 10, "accuracy": 0.8, "low": 0.6, "high": 0.9
    }  # fmt: skip


def test_a_version_that_takes_over_supersedes_the_one_before(parts, pool, add):
    add()
    add()
    add(activate=False)
    assert states(parts, pool) == {3: "refused", 2: "active", 1: "superseded"}
    assert parts.projects.get(pool.project.id).version == 2
    assert kinds(parts, pool)["activated"] == 2
    assert parts.versions.latest(pool.project.id).version == 3
    assert inconsistencies(parts, pool) == []


def test_rolling_back_goes_back_and_again(parts, pool, add):
    for activate in (True, True, False, True):
        add(activate=activate)
    backs = [parts.versions.roll_back(pool.project.id, actor="curator").version for _ in range(2)]
    assert backs == [2, 1]
    with pytest.raises(Conflict, match="nothing to go back to"):
        parts.versions.roll_back(pool.project.id, actor="curator")
    assert states(parts, pool) == {1: "active", 2: "superseded", 3: "refused", 4: "superseded"}
    assert parts.versions.activate(pool.project.id, 4, actor="curator").state == "active"
    assert kinds(parts, pool)["activated"] == 3 + 2 + 1
    assert inconsistencies(parts, pool) == []


def test_without_a_version_there_is_nothing_to_go_back_to(parts, pool, add):
    add(activate=False)
    with pytest.raises(Conflict, match="nothing to go back to"):
        parts.versions.roll_back(pool.project.id, actor="curator")
    assert parts.projects.get(pool.project.id).version is None


def test_a_refused_version_can_be_activated_by_hand(parts, pool, add):
    add()
    add(activate=False)
    parts.versions.activate(pool.project.id, 2, actor="curator")
    assert states(parts, pool) == {2: "active", 1: "superseded"}


def test_versions_that_are_none_are_named(parts, pool):
    assert parts.versions.latest(pool.project.id) is None
    for read in (parts.versions.get, parts.versions.report, parts.versions.model):
        with pytest.raises(NotFound, match="no version 1"):
            read(pool.project.id, 1)
        for version in (0, -1, 2**31, 10**30):
            with pytest.raises(NotFound, match="no version"):
                read(pool.project.id, version)
    with pytest.raises(NotFound, match="no version 1"):
        parts.versions.activate(pool.project.id, 1, actor="curator")
    with pytest.raises(NotFound, match="no labelling project"):
        parts.versions.add(new_id(), activate=True, **VERSION)


def test_versions_that_are_added_at_once_have_numbers_of_their_own(parts, pool, add):
    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = states(parts, pool)
    assert sorted(found) == [1, 2, 3, 4, 5, 6]
    assert list(found.values()).count("active") == 1
    assert inconsistencies(parts, pool) == []
