"""The engine with everything real but the weights: files are decoded in separate processes."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from features.errors import AudioTooLong, UnsupportedFormat
from models.label_pool import N_FEATURES
from models.track_summary import BACKBONE
from service.engine import Engine
from service.errors import Cancelled

SR = 16000


@pytest.fixture
def engine(stand_in_classifier, tmp_settings):
    engine = Engine(tmp_settings.model_copy(update={"max_duration_s": 60.0, "decode_workers": 1}))
    yield engine
    engine.close()


@pytest.fixture
def song(tmp_path, rng):
    path = tmp_path / "song.flac"
    soundfile.write(path, 0.1 * rng.standard_normal(SR * 6), SR)
    return path


def test_the_answer_is_that_of_the_classifier_in_this_process(engine, stand_in_classifier, song):
    analysis = engine.classify(song)
    assert analysis.classification == stand_in_classifier.predict(song)
    assert 0.1 < analysis.waveform.max() <= 1.0


def test_what_was_heard_once_is_not_decoded_again(engine, song, tmp_path):
    first = engine.classify(song)
    engine.close()
    del engine.pool  # a new one would be started for the next decoding
    copy = tmp_path / "the same under another name.bin"
    copy.write_bytes(song.read_bytes())
    again = engine.classify(copy)
    assert again.classification == first.classification
    assert "pool" not in vars(engine)


def test_progress_ends_at_one(engine, song):
    shares: list[float] = []
    engine.classify(song, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_cancelling_stops_and_leaves_the_engine_usable(engine, song):
    with pytest.raises(Cancelled):
        engine.classify(song, cancelled=lambda: True)
    assert engine.classify(song).classification.genre in {"loud", "soft"}


def test_the_duration_limit_holds(engine, tmp_path):
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(SR * 61, np.float32), SR)
    with pytest.raises(AudioTooLong, match="60"):
        engine.classify(path)


def test_what_is_no_audio_is_refused(engine, tmp_path):
    path = tmp_path / "notes.mp3"
    path.write_text("not a song " * 100)
    with pytest.raises(UnsupportedFormat):
        engine.classify(path)
    with pytest.raises(UnsupportedFormat):
        engine.probe(path)


def test_samples_are_those_of_the_part(engine, song):
    assert engine.samples(song, sr=8000, start_s=1.0, duration_s=2.0).shape == (16000,)


def test_pictures_are_png(engine, song):
    for kind in ("mel", "scalogram"):
        assert engine.picture(song, kind, width=200, height=64).startswith(b"\x89PNG")


def test_several_threads_get_the_same_answer(engine, song):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(engine.classify(song))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({repr(answer.classification) for answer in answers}) == 1
    assert len(answers) == 4


def test_it_answers_with_the_models_that_are_active_now(engine, stand_in_classifier, monkeypatch):
    loaded: list[str] = []
    active = {"genre": "first", "gate": "strict"}

    def load(name: str) -> object:
        loaded.append(name)
        return stand_in_classifier

    monkeypatch.setattr("models.classifier.GenreClassifier.load", load)
    monkeypatch.setattr("models.registry.ModelRegistry.active", lambda self, kind: SimpleNamespace(name=active[kind]))
    for changed in ({}, {}, {"genre": "second"}, {"genre": "first"}, {"gate": "mild"}, {}):
        active |= changed
        assert engine.classifier is stand_in_classifier
    assert loaded == ["first", "second", "first", "first"]


def test_it_is_ready_after_warming_up(engine):
    assert not engine.ready
    engine.warm_up()
    assert engine.ready
    assert engine.model_name == "stand-in-1"


def test_labelling_projects_get_what_the_published_backbone_heard(engine, stand_in_classifier, song, monkeypatch):
    monkeypatch.setattr(stand_in_classifier.backbone, "identity", BACKBONE, raising=False)
    summary = engine.summarise(song)
    assert summary.backbone == BACKBONE
    assert summary.vector.shape == (N_FEATURES,)
    assert 0 <= summary.start_s <= 6
    heard = engine.classify(song).summary
    assert heard.start_s == summary.start_s
    np.testing.assert_array_equal(heard.vector, summary.vector)


def test_a_classifier_with_another_backbone_tells_labelling_projects_nothing(
    engine, stand_in_classifier, song, monkeypatch
):
    monkeypatch.setattr(stand_in_classifier.backbone, "identity", "another", raising=False)
    assert engine.classify(song).summary is None
