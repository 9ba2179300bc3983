"""The attributes of a recording, together: names, JSON, silence, gain, blocks, memory."""

import json
import tracemalloc

import numpy as np
import pytest

from features.attributes import ATTRIBUTES, AttributeStream, musical_attributes
from features.errors import FeatureError, InvalidSamples
from features.spectrogram import LogMelStream

SR = 16000
LENGTHS = {"spectral_contrast_db": 7, "mfcc": 20, "chroma": 12, "wavelet_energy": 8, "wavelet_bands_hz": 8}
MOVE_WITH_GAIN = {"loudness_lufs", "mfcc", "wavelet_energy"}


def tune(rng: np.random.Generator, seconds: float, sr: int = SR) -> np.ndarray:
    """C major at 120 beats per minute with a click on each beat, stereo."""
    t = np.arange(int(seconds * sr)) / sr
    y = np.zeros(t.size)
    chords = [(60, 64, 67), (65, 69, 72), (67, 71, 74), (60, 64, 67)]
    for beat in range(int(seconds * 2)):
        inside = (t >= beat / 2) & (t < (beat + 1) / 2)
        local = t[inside] - beat / 2
        for note in chords[beat // 4 % 4]:
            y[inside] += 0.08 * np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * local) * np.exp(-3 * local)
        y[inside] += 0.2 * rng.standard_normal(local.size) * np.exp(-60 * local)
    return np.stack([y, 0.8 * y], axis=1).astype(np.float32)


def test_a_tune_is_described(rng):
    found = musical_attributes(tune(rng, 16, 44100), sr=44100)
    assert tuple(found) == ATTRIBUTES
    assert found["tempo_bpm"] == pytest.approx(120, rel=0.01)
    assert found["key"] == "C major"
    assert 0.5 < found["key_strength"] <= 1
    assert found["onset_rate_hz"] == pytest.approx(2, rel=0.05)
    assert found["wavelet_bands_hz"][0] == [0.0, 62.5]
    assert found["wavelet_bands_hz"][-1] == [4000.0, 8000.0]
    for name in ("chroma", "wavelet_energy"):
        assert sum(found[name]) == pytest.approx(1, abs=1e-5)
    for name, length in LENGTHS.items():
        assert len(found[name]) == length
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_silence_is_none_and_zero():
    found = musical_attributes(np.zeros((8 * SR, 2), np.float32), sr=SR)
    assert found["onset_rate_hz"] == 0
    assert found["wavelet_energy"] == [0.0] * 8
    defined = {"onset_rate_hz", "wavelet_energy", "wavelet_bands_hz"}
    assert all(found[name] is None for name in ATTRIBUTES if name not in defined)
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("n_samples", [1, 100, 4000, 8000])
@pytest.mark.parametrize("gain", [1e-8, 1.0, 1e6, 1e30])
def test_short_and_odd_sound_gives_json(rng, n_samples, gain):
    y = (gain * rng.standard_normal(n_samples)).astype(np.float32)
    json.dumps(musical_attributes(y, sr=SR), allow_nan=False)


def test_gain_moves_loudness_and_level_only(rng):
    y = tune(rng, 10)
    quiet, loud = musical_attributes(0.25 * y, sr=SR), musical_attributes(y, sr=SR)
    assert loud["loudness_lufs"] - quiet["loudness_lufs"] == pytest.approx(20 * np.log10(4), abs=1e-3)
    np.testing.assert_allclose(loud["wavelet_energy"], quiet["wavelet_energy"], atol=1e-5)
    assert loud["key"] == quiet["key"]
    # tempo and onsets see 0.016 s and log(1 + x), the rest is exact but for the floor of -100 dB
    loose = {"tempo_bpm": 0.005, "beat_strength": 0.1, "onset_rate_hz": 0.05, "spectral_flatness": 0.02}
    for name in ATTRIBUTES:
        if name not in MOVE_WITH_GAIN and isinstance(loud[name], float):
            assert loud[name] == pytest.approx(quiet[name], rel=loose.get(name, 1e-3)), name


@pytest.mark.parametrize("block", [5000, 65536])
def test_blocks_make_no_difference(rng, block):
    y = tune(rng, 9)
    stream, log_mel = AttributeStream(sample_rate=SR, channels=2), LogMelStream()
    for start in range(0, len(y), block):
        native = y[start : start + block]
        stream.push_native(native)
        mono = native.mean(axis=1)
        stream.push(mono, log_mel.push(mono))
    stream.push(np.empty(0, np.float32), log_mel.finish())
    assert stream.result() == musical_attributes(y, sr=SR)


def test_an_hour_takes_little_memory(rng):
    minute = tune(rng, 60)
    mono = minute.mean(axis=1)
    stream, log_mel = AttributeStream(sample_rate=SR, channels=2), LogMelStream()
    kept = []
    tracemalloc.start()
    for _ in range(10):
        stream.push_native(minute)
        stream.push(mono, log_mel.push(mono))
        kept.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    per_minute = (kept[-1] - kept[4]) / 5
    assert per_minute * 60 < 20e6


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: musical_attributes(np.zeros(0, np.float32), sr=SR), FeatureError, "no samples"),
        (lambda: musical_attributes(np.zeros((2, 3, 4), np.float32), sr=SR), FeatureError, "shape"),
        (lambda: musical_attributes(np.zeros(100, np.float32), sr=0), FeatureError, "Hz"),
        (lambda: musical_attributes(np.full(100, np.nan, np.float32), sr=SR), InvalidSamples, "NaN"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call()
