import numpy as np
import pytest

from datasets.manifest import Manifest, Recording, write_manifest
from features.log_mel import SR
from models.errors import ModelError
from models.evaluation import clip_sources
from models.evaluation.clip_makers import Composers, RawClip
from models.evaluation.clip_sources import evaluate_source
from models.evaluation.evaluate_generator import Court, EvaluationSettings
from tests.support.heard_music import GENRES, small_ears, small_judge, small_reference
from tests.support.stand_in_generator import StandInGenerator

SMALL = EvaluationSettings(genres=GENRES, per_genre=2, controls=0, per_blend=1, seconds=4.0)
COURT = Court(small_ears(), small_judge(), small_reference())


def test_the_generator_of_a_folder(monkeypatch, tmp_path):
    asked = []

    def load(folder):
        asked.append(folder)
        return StandInGenerator()

    monkeypatch.setattr(clip_sources.Generator, "load", load)
    report = evaluate_source("prior", SMALL, generator=tmp_path, court=COURT)
    assert (asked, report["source"], report["blends"]["n_pairs"]) == ([tmp_path], "stand-in-generator-1", 1)


def test_composers_are_asked_for_no_blends(monkeypatch, tmp_path):
    monkeypatch.setattr("models.evaluation.clip_makers.find_sound_font", lambda: tmp_path)
    noise = np.random.default_rng(0).normal(size=4 * SR).astype(np.float32)
    monkeypatch.setattr(Composers, "make", lambda self, wish: RawClip(noise))
    assert evaluate_source("composers", SMALL, court=COURT)["blends"] is None


def test_the_autoencoder_is_compared_with_held_out_recordings(monkeypatch, tmp_path):
    import soundfile

    reference = small_reference()
    rng = np.random.default_rng(0)
    held_out = reference.ids[reference.of_split("test")]
    for name in held_out:
        soundfile.write(tmp_path / f"{name}.wav", rng.uniform(-0.1, 0.1, 8 * SR), SR)
    details = {"tempo_bpm": 100.0, "key": "A minor"}
    recordings = [Recording(tmp_path / f"{name}.wav", name[:-4], split="test", details=details) for name in held_out]
    write_manifest(Manifest("small", tuple(recordings)), tmp_path / "manifest.jsonl")

    class Through:
        def through(self, y):
            return 0.5 * y

    monkeypatch.setattr(clip_sources.Sounding, "load", lambda folder: Through())
    report = evaluate_source("autoencoder", SMALL, corpus=tmp_path, court=COURT)
    assert (report["source"], report["n_clips"]) == ("autoencoder", 6)
    assert report["reference"]["splits"] == ["test"]
    assert report["tempo"]["generated"]["right"]["n"] == 6


@pytest.mark.parametrize(
    ("source", "message"),
    [("drummer", "source 'drummer': expected one of prior"), ("autoencoder", "name the folder of the rendered corpus")],
)
def test_refuses(source, message):
    with pytest.raises(ModelError, match=message):
        evaluate_source(source, SMALL, court=COURT)
