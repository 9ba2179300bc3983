import os

import pytest

from features.cores import usable_cores


def test_a_process_that_is_held_to_one_core_has_one():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system cannot hold a process to some cores")
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert usable_cores() == len(before)


def test_where_the_system_cannot_tell_it_is_what_the_machine_has(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1
