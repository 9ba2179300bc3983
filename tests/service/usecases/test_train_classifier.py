"""What surrounds a training: refusals before it, the check of the recordings, the registry after it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from datasets.errors import DatasetError
from models.cross_fit import CommitteeSettings
from models.errors import ModelError
from models.model_folder import read_card, save_model
from models.registry import ModelRegistry
from models.train_classifier import Settings
from service.usecases.train_classifier import train_classifier
from tests.support.audio_files import sound_file, tone
from tests.support.stand_in_training import StandInTraining

N = 6  # recordings of each genre


@pytest.fixture
def training(monkeypatch) -> StandInTraining:
    stand_in = StandInTraining()
    monkeypatch.setattr("service.usecases.train_classifier.train", stand_in)
    return stand_in


@pytest.fixture
def collection(tmp_path) -> Path:
    """Two genres; the check needs real sound, nothing else does."""
    for number, genre in enumerate(("a", "b")):
        (tmp_path / "mine" / genre).mkdir(parents=True)
        for n in range(N):
            y = tone(200.0 + 100 * n + 50 * number, seconds=3.0, sr=16000, channels=1)
            y *= np.linspace(0.1, 1, len(y), dtype=np.float32)[:, np.newaxis] ** (1 + n)
            (tmp_path / "mine" / genre / f"{n}.wav").write_bytes(sound_file(y, 16000, format="WAV"))
    return tmp_path / "mine"


@pytest.fixture
def settings(collection, tmp_path) -> Settings:
    return Settings((collection,), tmp_path / "out", name="mine-1", committee=CommitteeSettings(n_folds=2))


def go(settings: Settings, **changes):
    return train_classifier(settings, **{"progress": lambda words, share: None, "check": False} | changes)


def test_the_model_is_registered_and_answers_only_when_asked_to(settings, training):
    trained = go(settings)
    assert trained.page == settings.out / "report.html"
    assert trained.page.is_file()
    assert (trained.entry.name, trained.entry.active) == ("mine-1", False)
    assert go(settings, activate=True).entry.active
    assert ModelRegistry().active("genre").name == "mine-1"


def test_a_model_may_stay_out_of_the_registry(settings, training):
    assert go(settings, register=False).entry is None
    assert "mine-1" not in {entry.name for entry in ModelRegistry().list()}


def test_what_is_found_wrong_goes_into_the_report_and_is_looked_for_once(settings, training, collection):
    (collection / "b" / "copy.wav").write_bytes((collection / "a" / "0.wav").read_bytes())
    (collection / "a" / "text.wav").write_text("no sound")
    stages = []
    problems = go(settings, check=True, progress=lambda words, share: stages.append(words)).report.data.problems
    different = [problem for problem in problems if "more than one label" in problem]
    assert len(different) == 1
    assert "copy.wav" in different[0]
    assert any("too few recordings" in problem and f"b: {N + 1} recordings" in problem for problem in problems)
    assert not any("text.wav" in problem for problem in problems)  # training leaves it out, and says so itself
    assert sum(words.startswith("checking") for words in stages) == 2 * N + 2
    stages.clear()
    again = go(settings, check=True, progress=lambda words, share: stages.append(words))
    assert again.report.data.problems == problems
    assert not any(words.startswith("checking") for words in stages)


def test_recordings_that_changed_are_checked_again(settings, training, collection):
    go(settings, check=True)
    (collection / "a" / "0.wav").write_bytes((collection / "a" / "1.wav").read_bytes())
    assert any("more than once" in problem for problem in go(settings, check=True).report.data.problems)


def test_a_damaged_note_of_the_check_is_made_anew(settings, training):
    problems = go(settings, check=True).report.data.problems
    (settings.out / "check.json").write_text('{"recordings": ')
    assert go(settings, check=True).report.data.problems == problems


def test_what_progress_raises_ends_the_check(settings, training):
    class Stopped(Exception):
        pass

    def stop(words, share):
        raise Stopped

    with pytest.raises(Stopped):
        go(settings, check=True, progress=stop)
    assert training.calls == []
    assert not (settings.out / "check.json").exists()


def test_a_name_that_another_model_has_is_refused_before_any_work(settings, training, tmp_path):
    card = {"name": "mine-1", "version": "1", "kind": "genre", "created": "2026-01-01"}
    save_model(tmp_path / "other", card, {"weight": np.array(7.0)})
    ModelRegistry().register(tmp_path / "other")
    with pytest.raises(ModelError, match=r"another model 'mine-1'.*new name"):
        go(settings)
    assert training.calls == []
    assert not settings.out.exists()
    assert go(settings, register=False).entry is None


def test_the_same_training_again_keeps_its_name_another_one_does_not(settings, training):
    go(settings)
    assert go(settings).entry.name == "mine-1"
    with pytest.raises(ModelError, match="other settings"):
        go(replace(settings, committee=CommitteeSettings(n_folds=3)))
    assert len(training.calls) == 2


def test_a_folder_with_another_model_stays_as_it_is(settings, training):
    go(settings)
    with pytest.raises(ModelError, match=r"holds the model 'mine-1'.*'mine-2'"):
        go(replace(settings, name="mine-2"))
    assert read_card(settings.out)["name"] == "mine-1"


def test_a_file_in_the_way_is_named(settings, training):
    settings.out.write_text("")
    with pytest.raises(ModelError, match="a file lies there"):
        go(settings)


def test_a_folder_that_may_not_be_written_is_known_before_any_work(settings, training, monkeypatch):
    monkeypatch.setattr("service.usecases.train_classifier.os.access", lambda path, mode: False)
    with pytest.raises(ModelError, match="may not be written; give another folder"):
        go(settings)
    assert training.calls == []


def remove(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).unlink()


@pytest.mark.parametrize(
    ("kept", "n_folds", "message"),
    [
        (0, 2, "mine: only a is labelled"),
        (1, 2, "1 recordings of b to learn from, 2 folds need 2"),
        (3, 2, "3 recordings of b to learn from, 2 folds need 4"),  # one side would learn from one alone
        (3, 4, "3 recordings of b to learn from, 4 folds need 4"),
    ],
)
def test_too_few_recordings_are_found_before_any_work(settings, training, collection, kept, n_folds, message):
    remove(collection / "b", *(f"{n}.wav" for n in range(kept, N)))
    with pytest.raises(DatasetError, match=message):
        go(replace(settings, committee=CommitteeSettings(n_folds=n_folds)))
    assert training.calls == []
    assert not settings.out.exists()


@pytest.mark.parametrize(("kept", "n_folds"), [(4, 2), (3, 3)])
def test_just_enough_recordings_are_enough(settings, training, collection, kept, n_folds):
    remove(collection / "b", *(f"{n}.wav" for n in range(kept, N)))
    go(replace(settings, committee=CommitteeSettings(n_folds=n_folds)))
    assert len(training.calls) == 1


def test_artists_are_what_folds_are_filled_with_where_they_are_known(settings, training, collection):
    for genre in ("a", "b"):
        (collection / genre / "somebody").mkdir()
        for path in sorted((collection / genre).glob("*.wav")):
            path.rename(path.parent / "somebody" / path.name)
    with pytest.raises(DatasetError, match="1 artists of a to learn from, 2 folds need 2"):
        go(settings)


def test_a_missing_file_of_taggrams_is_known_before_any_work(settings, training, tmp_path):
    with pytest.raises(DatasetError, match=r"none\.npz"):
        go(replace(settings, taggrams=tmp_path / "none.npz"))
    assert training.calls == []


def test_a_recording_is_not_taken_twice(settings, training, collection):
    with pytest.raises(DatasetError, match="comes twice"):
        go(replace(settings, data=(collection, collection)))


def test_the_note_of_the_check_is_json(settings, training):
    go(settings, check=True)
    assert json.loads((settings.out / "check.json").read_text()).keys() == {"recordings", "problems"}
