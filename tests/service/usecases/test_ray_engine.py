"""The library through a local Ray of two workers; one Ray for all tests, it takes a while to start."""

import json
import sys
import threading
import time

import pytest

from models.errors import BackboneMissing
from service.errors import ConfigurationError
from service.usecases.find_recordings import find_recordings
from service.usecases.journal import Journal
from service.usecases.library import classify_library, known_answers, local_runner
from service.usecases.ray_engine import PARKED, WorkerFault, _let_end, ray_runner
from tests.support.text_engine import TextEngine

MODEL = "stand-in-1"


@pytest.fixture(scope="module")
def ray(tmp_path_factory):
    ray = pytest.importorskip("ray", reason="no Ray (pip install -r requirements-cluster.txt)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.delenv("RAY_ADDRESS", raising=False)
        from service.usecases.ray_engine import _connect

        assert _connect(2)
        yield ray
        ray.shutdown()


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    texts = ["jazz", "corrupt", "reggae", "noise", "bug", "rock", "jazz", "rock"]
    for n, text in enumerate(texts):
        (folder / f"{n}.mp3").write_text(f"{text} {n}")
    return list(find_recordings([folder]))


def make_stand_in(settings):
    return TextEngine()


def make_empty(settings):
    class Empty(TextEngine):
        def classify(self, *args, **kwargs):
            raise BackboneMissing("no weights: run `make setup`")

    return Empty()


def classify(found, run, *, journal=None, known=None):
    results = classify_library(
        found, known=known or {}, model=MODEL, run=run, journal=journal, progress=lambda *_: None
    )
    return list(results)


@pytest.mark.cluster
def test_the_answers_are_those_of_this_machine_and_kept(ray, music, tmp_settings, tmp_path):
    here = classify(music, local_runner(TextEngine(), model=MODEL, journal=None, threads=2))
    with Journal(tmp_path / "journal.db") as journal:
        run = ray_runner(tmp_settings, model=MODEL, workers=2, journal=journal, make_engine=make_stand_in)
        there = classify(music, run, journal=journal)
        assert [json.dumps(r.answer) for r in there] == [json.dumps(r.answer) for r in here]
        assert [(type(r.error), str(r.error)) for r in there if r.path.stem == "1"] == [
            (type(r.error), str(r.error)) for r in here if r.path.stem == "1"
        ]
        assert isinstance(there[4].error, WorkerFault)
        assert "KeyError" in str(there[4].error)
        known = known_answers(music, journal=journal, model=MODEL)
        assert sorted(known) == [0, 2, 3, 5, 6, 7]


@pytest.mark.cluster
def test_what_is_known_is_not_sent_out(ray, music, tmp_settings, tmp_path):
    with Journal(tmp_path / "journal.db") as journal:
        classify(music, local_runner(TextEngine(), model=MODEL, journal=journal, threads=2), journal=journal)
        known = known_answers(music, journal=journal, model=MODEL)
        sent = []

        def run(todo, progress):
            sent.extend(todo)
            yield from ray_runner(tmp_settings, model=MODEL, workers=2, make_engine=make_stand_in)(sent, progress)

        results = classify(music, run, journal=journal, known=known)
        assert [index for index, _ in sent] == [1, 4]
        assert len(results) == len(music)


@pytest.mark.cluster
def test_without_a_model_the_run_ends_with_the_reason(ray, music, tmp_settings):
    run = ray_runner(tmp_settings, model=MODEL, workers=2, make_engine=make_empty)
    with pytest.raises(BackboneMissing, match="make setup"):
        classify(music, run)


def test_threads_that_still_ask_ray_for_something_are_waited_for():
    done = threading.Event()
    busy = threading.Thread(target=lambda: (time.sleep(0.2), done.set()))
    parked = threading.Thread(target=threading.Event().wait, name=PARKED, daemon=True)  # for ever
    for thread in (parked, busy):
        thread.start()
    _let_end([parked, busy])
    assert done.is_set()
    assert parked.is_alive()


def test_without_ray_the_way_out_is_said(tmp_settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigurationError, match=r"requirements-cluster\.txt"):
        ray_runner(tmp_settings, model=MODEL)
