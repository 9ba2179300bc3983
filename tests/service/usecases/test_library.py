import json
import os
from pathlib import Path

import pytest

from features.errors import AudioError, CorruptAudio, UnreadableFile
from features.isolation import WorkerStartError
from models.errors import BackboneMissing
from service.errors import ConfigurationError
from service.usecases.find_recordings import find_recordings
from service.usecases.journal import Journal
from service.usecases.library import classify_library, known_answers, local_runner
from tests.support.text_engine import TextEngine

MODEL = "stand-in-1"


@pytest.fixture
def engine():
    return TextEngine()


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "data" / "journal.db") as journal:
        yield journal


@pytest.fixture
def music(tmp_path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for name, text in {"a": "jazz", "b": "corrupt", "c": "reggae", "d": "noise", "e": "rock"}.items():
        (folder / f"{name}.mp3").write_text(f"{text} {name}")
    return folder


def run(folder: Path, engine, journal=None, *, threads=3, fresh=False, progress=lambda *_: None):
    found = list(find_recordings([folder]))
    known = {} if journal is None or fresh else known_answers(found, journal=journal, model=MODEL)
    runner = local_runner(engine, model=MODEL, journal=journal, threads=threads, fresh=fresh)
    return classify_library(found, known=known, model=MODEL, run=runner, journal=journal, progress=progress)


def outline(results) -> list[tuple[str, str]]:
    return [(r.path.stem, type(r.error).__name__ if r.error else str(r.answer["genre"])) for r in results]


EXPECTED = [("a", "jazz"), ("b", "CorruptAudio"), ("c", "reggae"), ("d", "None"), ("e", "rock")]


@pytest.mark.parametrize("threads", [1, 3, 8])
def test_answers_come_in_order_and_a_damaged_file_stops_nothing(music, engine, threads):
    assert outline(run(music, engine, threads=threads)) == EXPECTED


def test_an_answer_has_the_keys_of_the_contract(music, engine):
    first = next(run(music, engine))
    assert {"track", "path", "sha256", "duration_s", "model", "genre", "probabilities", "set"} <= first.answer.keys()
    assert first.answer["path"] == str(music / "a.mp3")
    assert len(first.answer["sha256"]) == 64


def test_a_second_run_computes_the_failures_only(music, engine, journal):
    first = list(run(music, engine, journal))
    again = TextEngine()
    second = list(run(music, again, journal))
    assert again.computed == ["b.mp3"]
    assert [json.dumps(r.answer) for r in second] == [json.dumps(r.answer) for r in first]
    assert [result.computed for result in second] == [False] * 5


def test_a_fresh_run_computes_everything(music, engine, journal):
    list(run(music, engine, journal))
    again = TextEngine()
    assert outline(run(music, again, journal, fresh=True)) == EXPECTED
    assert sorted(again.computed) == ["a.mp3", "b.mp3", "c.mp3", "d.mp3", "e.mp3"]


def test_a_stopped_run_keeps_what_was_computed(music, engine, journal):
    results = run(music, engine, journal, threads=1)
    next(results)
    results.close()
    assert engine.closed
    computed = set(engine.computed)
    assert computed < {"a.mp3", "b.mp3", "c.mp3", "d.mp3", "e.mp3"}
    again = TextEngine()
    assert outline(run(music, again, journal)) == EXPECTED
    assert not (computed - {"b.mp3"}) & set(again.computed)


def test_a_moved_library_is_not_computed_again(music, engine, journal):
    list(run(music, engine, journal))
    moved = music.rename(music.with_name("moved"))
    again = TextEngine()
    results = list(run(moved, again, journal))
    assert again.computed == ["b.mp3"]
    assert results[0].answer["path"] == str(moved / "a.mp3")


def test_a_changed_file_is_computed_again(music, engine, journal):
    list(run(music, engine, journal))
    (music / "a.mp3").write_text("reggae it is")
    again = TextEngine()
    assert outline(run(music, again, journal))[0] == ("a", "reggae")
    assert sorted(again.computed) == ["a.mp3", "b.mp3"]


def test_an_answer_that_went_since_it_was_looked_up_is_computed(music, engine, journal):
    list(run(music, engine, journal))
    found = list(find_recordings([music]))
    known = known_answers(found, journal=journal, model=MODEL)
    journal._database.execute("DELETE FROM answers")
    runner = local_runner(engine, model=MODEL, journal=journal, threads=2)
    results = classify_library(found, known=known, model=MODEL, run=runner, journal=journal, progress=lambda *_: None)
    assert outline(results) == EXPECTED


def test_a_fault_of_ours_is_told_and_stops_nothing(music, engine, caplog):
    (music / "b.mp3").write_text("bug")
    results = list(run(music, engine))
    assert [r.path.stem for r in results if r.error] == ["b"]
    assert isinstance(results[1].error, KeyError)
    assert "fault of Genrelab" in caplog.text


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (BackboneMissing("no weights: run `make setup`"), BackboneMissing),
        (WorkerStartError("no process can be started"), ConfigurationError),
    ],
)
def test_what_no_recording_would_survive_ends_the_run(music, engine, monkeypatch, raised, expected):
    def classify(*args, **kwargs):
        raise raised

    monkeypatch.setattr(engine, "classify", classify)
    with pytest.raises(expected, match=str(raised)):
        list(run(music, engine))


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.mp3")
    return folder / "pipe.mp3"


@pytest.mark.parametrize(
    ("make", "message"),
    [(lambda folder: folder / "missing.mp3", "No such file"), (_fifo, "no regular file")],
)
def test_what_is_no_readable_file_says_so(music, engine, make, message):
    found = list(find_recordings([make(music)]))
    runner = local_runner(engine, model=MODEL, journal=None, threads=1)
    (result,) = classify_library(found, known={}, model=MODEL, run=runner, journal=None, progress=lambda *_: None)
    assert isinstance(result.error, UnreadableFile)
    assert message in str(result.error)
    assert engine.computed == []


def test_a_folder_without_recordings_is_a_failure_of_its_own(tmp_path, engine):
    (result,) = run(tmp_path, engine)
    assert isinstance(result.error, AudioError)
    assert not isinstance(result.error, CorruptAudio)


def test_progress_is_told_for_each_recording(music, engine):
    told = {}
    list(run(music, engine, progress=told.__setitem__))
    assert told == {0: 1.0, 2: 1.0, 3: 1.0, 4: 1.0}


def test_few_recordings_are_begun_ahead(tmp_path, engine):
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(50):
        (folder / f"{n:02d}.mp3").write_text("jazz")
    results = run(folder, engine, threads=2)
    next(results)
    assert len(engine.computed) <= 5
    results.close()
