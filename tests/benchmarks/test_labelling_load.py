"""Annotators against the server's processes, some of which are killed: what was acknowledged is there afterwards."""

import sys

import pytest

from benchmarks.labelling_load import Load, run
from tests.support.postgres import new_database

STAND_IN = (sys.executable, "-m", "tests.support.stand_in_server")


def test_nothing_is_lost_or_doubled_though_processes_are_killed(tmp_path):
    load = Load(annotators=8, labels=60, overlap=2, think_s=0.1, kills=2, lease_s=5.0, retrain_every=1000)
    outcome = run(load, tmp_path / "data", command=STAND_IN)
    assert outcome.faults == []
    assert len(outcome.acknowledged) >= load.labels
    assert sum(outcome.kills.values()) == load.kills


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_every_item_gets_its_answers_and_the_model_learns_meanwhile(tmp_path, database):
    url = new_database() if database == "postgresql" else ""
    load = Load(annotators=6, labels=90, overlap=3, think_s=0.05, retrain_every=30)
    outcome = run(load, tmp_path / "data", database_url=url, command=STAND_IN)
    assert outcome.faults == []
    assert len(outcome.acknowledged) >= load.labels
    assert outcome.retries == 0
    assert outcome.versions >= 1
