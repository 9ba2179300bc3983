import numpy as np
import pytest

from features.spectrogram import musicnn_log_mel
from models.errors import ModelError
from models.evaluation.clip_statistics import (
    FIGURES,
    clip_statistics,
    crest_factor_db,
    entropy_bits,
    key_relation,
    spectral_distance_db,
    tempo_relation,
)

SR = 16000


def test_a_chord_at_120_bpm():
    t = np.arange(8 * SR) / SR
    chord = sum(np.sin(2 * np.pi * hz * t) for hz in (220.0, 277.18, 329.63, 440.0)) / 5
    y = (chord * np.exp(-6 * (t % 0.5))).astype(np.float32)
    found = clip_statistics(y, musicnn_log_mel(y), sr=SR)
    assert tuple(found.figures) == FIGURES
    assert found.key == "A major"
    assert tempo_relation(found.tempo_bpm, 120) == "right"
    assert found.figures["onset_rate_hz"] == pytest.approx(2, abs=0.15)
    assert 1.0 < found.figures["pitch_class_entropy_bits"] < 2.0  # three classes, and little else
    assert found.band_levels_db.shape == (96,)


def test_silence_has_no_pitch_tempo_or_crest():
    y = np.zeros(8 * SR, np.float32)
    found = clip_statistics(y, musicnn_log_mel(y), sr=SR)
    assert found.key is None
    assert {n: found.figures[n] for n in ("tempo_bpm", "crest_factor_db", "pitch_class_entropy_bits")} == {
        "tempo_bpm": None,
        "crest_factor_db": None,
        "pitch_class_entropy_bits": None,
    }


def test_crest_factor():
    assert crest_factor_db(np.sin(2 * np.pi * np.arange(1000) / 100)) == pytest.approx(3.01, abs=0.01)
    assert crest_factor_db(np.tile([1.0, -1.0], 100)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("shares", "bits"), [([1, *[0] * 11], 0), ([1 / 12] * 12, np.log2(12)), ([1, 1, *[0] * 10], 1)]
)
def test_entropy(shares, bits):
    assert entropy_bits(shares) == pytest.approx(bits, abs=1e-12)


def test_spectral_distance_ignores_loudness():
    levels = np.linspace(40, 0, 96)
    tilted = levels + np.where(np.arange(96) < 48, 3, -3)
    assert spectral_distance_db(levels, levels + 12) == pytest.approx(0, abs=1e-9)
    assert spectral_distance_db(levels, tilted) == pytest.approx(3)


@pytest.mark.parametrize(
    ("estimated", "relation"),
    [
        (100, "right"),
        (103.9, "right"),
        (96.1, "right"),
        (104.2, "other"),
        (200, "double"),
        (50, "half"),
        (300, "triple"),
        (33.3, "third"),
        (150, "three halves"),
        (66.7, "two thirds"),
        (133, "four thirds"),
        (75, "three quarters"),
        (118, "other"),
        (None, "none"),
    ],
)
def test_tempo_relations(estimated, relation):
    assert tempo_relation(estimated, 100) == relation


@pytest.mark.parametrize(
    ("estimated", "wished", "relation"),
    [
        ("C major", "C major", "right"),
        ("C# minor", "Db minor", "right"),
        ("G major", "C major", "fifth"),
        ("F major", "C major", "other"),
        ("A minor", "C major", "relative"),
        ("C major", "A minor", "relative"),
        ("C minor", "C major", "parallel"),
        ("E minor", "C major", "other"),
        (None, "C major", "none"),
    ],
)
def test_key_relations(estimated, wished, relation):
    assert key_relation(estimated, wished) == relation


def test_a_tempo_must_be_wished_for():
    with pytest.raises(ModelError, match="wished_bpm=0"):
        tempo_relation(100, 0)
