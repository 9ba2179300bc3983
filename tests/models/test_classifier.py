"""The classifier's answer follows from what its parts say; the parts are stand-ins here."""

import numpy as np
import pytest
import soundfile

from features.errors import ClipTooShort, FeatureError, UnreadableFile
from models.classifier import GenreClassifier
from models.model_folder import load_weights, save_model
from models.music_gate import SHIPPED
from models.registry import ModelRegistry
from tests.support.stand_in_models import StandInBackbone, StandInGate, StandInHead

SR = 22050


@pytest.fixture(scope="module")
def classifier() -> GenreClassifier:
    return GenreClassifier(name="stand-in-1", backbone=StandInBackbone(), head=StandInHead(), gate=StandInGate())


def noise(seconds: float, amplitude: float) -> np.ndarray:
    return (amplitude * np.random.default_rng(0).standard_normal(int(seconds * SR))).astype(np.float32)


def test_a_file_and_its_samples_get_the_same_answer(classifier, tmp_path):
    y = noise(6.0, 0.1)
    path = tmp_path / "noise.wav"
    soundfile.write(path, y, SR, subtype="FLOAT")
    of_file = classifier.predict(path)
    of_samples = classifier.predict(y, sr=SR)
    assert of_samples.probabilities == of_file.probabilities
    assert (of_file.format, of_samples.format) == ("wav", "samples")
    assert of_file.sample_rate == SR
    assert of_file.duration_s == pytest.approx(6.0, abs=0.001)


def test_the_answer_is_consistent_with_itself(classifier):
    answer = classifier.predict(noise(9.0, 0.2), sr=SR)
    assert sum(answer.probabilities.values()) == pytest.approx(1.0, abs=1e-3)
    assert answer.genre == max(answer.probabilities, key=answer.probabilities.get)
    assert answer.genre in answer.prediction_set
    assert [s.start_s for s in answer.segments] == [0.0, 1.5, 3.0, 4.5, 6.0]
    assert answer.runs[0].start_s == 0.0
    assert [t.activation for t in answer.tags] == sorted((t.activation for t in answer.tags), reverse=True)
    assert set(answer.to_dict()) >= {"genre", "probabilities", "set", "coverage", "abstained", "segments", "runs"}


def test_a_change_in_the_track_shows_in_the_timeline(classifier):
    loud_then_soft = np.concatenate([noise(12.0, 0.9), noise(12.0, 0.0005)])
    answer = classifier.predict(loud_then_soft, sr=SR)
    assert [run.genre for run in answer.runs] == ["loud", "soft"]
    assert answer.runs[0].end_s == pytest.approx(12.0, abs=1.5)


def test_silence_has_no_genre(classifier):
    answer = classifier.predict(np.zeros(4 * SR, np.float32), sr=SR)
    assert answer.genre is None
    assert answer.abstained
    assert answer.reason == "digital silence"
    assert answer.probabilities == {"loud": 0.5, "soft": 0.5}
    assert [segment.genre for segment in answer.segments] == [None]


def test_an_undecided_answer_says_how_many_genres_are_possible(classifier):
    class Undecided(StandInHead):
        def segment_probabilities(self, taggram: np.ndarray) -> np.ndarray:
            return np.full((len(taggram), 2), 0.5)

    undecided = GenreClassifier(name="u", backbone=StandInBackbone(), head=Undecided(), gate=StandInGate())
    answer = undecided.predict(noise(3.0, 0.1), sr=SR)
    assert answer.abstained
    assert "2 genres" in answer.reason


def test_silent_stretches_do_not_count_for_the_track(classifier):
    loud = noise(9.0, 0.9)
    with_silence = np.concatenate([loud, np.zeros(30 * SR, np.float32)])
    assert classifier.predict(with_silence, sr=SR).probabilities["loud"] == pytest.approx(
        classifier.predict(loud, sr=SR).probabilities["loud"], abs=0.2
    )


def test_attributes_can_be_left_out(classifier):
    y = noise(3.0, 0.1)
    assert classifier.predict(y, sr=SR, attributes=False).attributes == {}
    assert "loudness_lufs" in classifier.predict(y, sr=SR).attributes


@pytest.mark.parametrize(
    ("source", "options", "error", "words"),
    [
        (np.zeros(SR, np.float32), {}, FeatureError, "sr=44100"),
        ("song.mp3", {"sr": 44100}, FeatureError, "states its own"),
        (np.zeros((2, 2, 2), np.float32), {"sr": SR}, FeatureError, r"shape \(n,\)"),
        (np.zeros(SR, np.int16), {"sr": SR}, FeatureError, "float samples"),
        (np.zeros(SR // 5, np.float32), {"sr": SR}, ClipTooShort, "0.20 s"),
        ("no such file.wav", {}, UnreadableFile, "no such file.wav"),
    ],
)
def test_bad_input_is_refused_by_name(classifier, source, options, error, words):
    with pytest.raises(error, match=words):
        classifier.predict(source, **options)


def test_the_gate_that_is_active_decides(backbone_weights, tmp_path):
    registry = ModelRegistry(tmp_path / "models")
    card, arrays = load_weights(SHIPPED)
    save_model(tmp_path / "strict", card | {"name": "strict"}, arrays | {"limit": np.array(np.inf)})
    registry.register(tmp_path / "strict")
    y = noise(3.0, 0.1)
    refused = "does not sound like music"
    registry.activate("strict")
    assert refused in GenreClassifier.load(registry=registry).predict(y, sr=SR).reason
    save_model(tmp_path / "mild", card | {"name": "mild"}, arrays | {"limit": np.array(-np.inf)})
    registry.register(tmp_path / "mild")
    registry.activate("mild")
    assert refused not in str(GenreClassifier.load(registry=registry).predict(y, sr=SR).reason)
