"""What surrounds the training of a generator: refusals before it, and what is said of it for people."""

from pathlib import Path

import pytest

from models.errors import ModelError
from models.train_generator import Settings
from service.usecases.train_generator import TrainedGenerator, train_generator

METRICS = {
    "autoencoder": {"test": {"mel_l1": 0.3456, "usage": [1.0, 0.874]}},
    "prior": {"validation": {"bits": [1.0]}, "test": {"bits": [4.0, 6.0], "bits_ngram": [5.0, 8.0]}},
    "vocoder": {},
}


@pytest.fixture
def calls(monkeypatch) -> list[Settings]:
    """Trainings that were asked for; none of them takes place."""
    found: list[Settings] = []

    def train(settings, *, progress):
        found.append(settings)
        progress("autoencoder: done before", 1.0)
        return {"metrics": METRICS}

    monkeypatch.setattr("service.usecases.train_generator.train", train)
    return found


def test_the_folder_is_made_and_the_figures_are_said(calls, tmp_path):
    words = []
    settings = Settings(data=tmp_path, out=tmp_path / "a" / "out")
    trained = train_generator(settings, progress=lambda said, share: words.append((said, share)))
    assert calls == [settings]
    assert words == [("autoencoder: done before", 1.0)]
    assert settings.out.is_dir()
    assert trained.folder == settings.out / "generator"
    assert trained.sentences == [
        "autoencoder: 0.346 off in log-mel; of its codebooks 100%, 87% are used",
        "prior: 5.00 bits a code, n-grams need 6.50",
    ]


def test_what_was_not_measured_is_not_said():
    assert TrainedGenerator(Path("x"), None).sentences == []
    assert TrainedGenerator(Path("x"), {"metrics": {"autoencoder": {}, "prior": {}}}).sentences == []


def test_a_folder_that_cannot_be_used_is_known_before_any_work(calls, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="file: a file lies there; give a folder"):
        train_generator(Settings(data=tmp_path, out=tmp_path / "file"), progress=print)
    monkeypatch.setattr("service.usecases.train_generator.os.access", lambda path, mode: False)
    with pytest.raises(ModelError, match="out: may not be written; give another folder"):
        train_generator(Settings(data=tmp_path, out=tmp_path / "out"), progress=print)
    assert calls == []
