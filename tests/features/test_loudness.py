"""Loudness is the standard's on its own test signals, and pyloudnorm's on others."""

import numpy as np
import pytest

from features.errors import FeatureError
from features.loudness import LoudnessMeter


def measure(y: np.ndarray, sr: int, *, block: int | None = None) -> tuple[float | None, float | None]:
    y = y[:, None] if y.ndim == 1 else y
    meter = LoudnessMeter(sr, y.shape[1])
    for start in range(0, len(y), block or max(1, len(y))):
        meter.push(y[start : start + (block or len(y))])
    return meter.integrated_lufs(), meter.range_lu()


def sine(level_db: float, seconds: float, *, sr: int = 48000, hz: float = 997.0) -> np.ndarray:
    return (10 ** (level_db / 20) * np.sin(2 * np.pi * hz * np.arange(int(seconds * sr)) / sr)).astype(np.float32)


@pytest.mark.parametrize("sr", [44100, 48000, 96000])
def test_a_full_scale_sine_reads_the_standards_number(sr):
    loudness, spread = measure(sine(0, 5, sr=sr), sr)
    assert loudness == pytest.approx(-3.01, abs=0.02)  # ITU-R BS.1770-4, annex 1
    assert spread == pytest.approx(0, abs=1e-6)


# EBU Tech 3341 (2016), minimum requirements: stereo sines of 1 kHz, levels in dBFS over seconds
@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-23, 20)], -23.0),
        ([(-33, 20)], -33.0),
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
    ],
)
def test_integrated_loudness_of_ebu_tech_3341(parts, expected):
    y = np.concatenate([sine(level, seconds, hz=1000) for level, seconds in parts])
    assert measure(np.stack([y, y], axis=1), 48000)[0] == pytest.approx(expected, abs=0.1)


# EBU Tech 3342 (2016), minimum requirements
@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-20, 20), (-30, 20)], 10),
        ([(-20, 20), (-15, 20)], 5),
        ([(-40, 20), (-20, 20)], 20),
        ([(-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)], 15),
    ],
)
def test_range_of_ebu_tech_3342(parts, expected):
    y = np.concatenate([sine(level, seconds, hz=1000) for level, seconds in parts])
    assert measure(np.stack([y, y], axis=1), 48000)[1] == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(("sr", "channels"), [(8000, 1), (11025, 2), (22050, 2), (44100, 1), (48000, 2), (44100, 5)])
def test_agrees_with_pyloudnorm(rng, sr, channels):
    pyloudnorm = pytest.importorskip("pyloudnorm")
    swell = 0.02 + np.abs(np.sin(np.arange(sr * 12) / sr * 0.7))[:, None]
    y = (0.1 * rng.standard_normal((sr * 12, channels)) * swell).astype(np.float32)
    exact = pyloudnorm.Meter(sr, "DeMan").integrated_loudness(y.astype(float))
    assert measure(y, sr)[0] == pytest.approx(exact, abs=1e-6)
    if sr >= 22050:  # below, the filters of its other class bend near half the sampling rate
        assert measure(y, sr)[0] == pytest.approx(pyloudnorm.Meter(sr).integrated_loudness(y.astype(float)), abs=0.1)


def test_surround_weighs_more_and_the_effects_channel_nothing(rng):
    y = (0.1 * rng.standard_normal(48000 * 2)).astype(np.float32)
    alone = {}
    for channel in range(6):
        sound = np.zeros((y.size, 6), np.float32)
        sound[:, channel] = y
        alone[channel] = measure(sound, 48000)[0]
    assert alone[0] == alone[1] == alone[2]
    assert alone[3] is None
    assert alone[4] == alone[5] == pytest.approx(alone[0] + 10 * np.log10(1.41))


@pytest.mark.parametrize("gain_db", [-20.0, 6.0, 40.0])
def test_gain_moves_loudness_by_as_many_db_and_the_range_not_at_all(rng, gain_db):
    y = (0.1 * rng.standard_normal(48000 * 8) * np.linspace(0.3, 1, 48000 * 8)).astype(np.float32)
    loudness, spread = measure(y, 48000)
    louder, spread_after = measure(y.astype(float) * 10 ** (gain_db / 20), 48000)
    assert louder == pytest.approx(loudness + gain_db, abs=1e-6)
    assert spread_after == pytest.approx(spread, abs=1e-6)


@pytest.mark.parametrize("sr", [11025, 44100])
def test_blocks_make_no_difference(rng, sr):
    y = (0.1 * rng.standard_normal((sr * 5, 2))).astype(np.float32)
    assert measure(y, sr) == measure(y, sr, block=333) == measure(y, sr, block=sr)


def test_what_is_undefined_is_none():
    assert measure(np.zeros(48000 * 5, np.float32), 48000) == (None, None)
    assert measure(np.zeros(0, np.float32), 48000) == (None, None)
    assert measure(sine(-90, 5), 48000) == (None, None)
    assert measure(sine(-20, 0.39), 48000) == (None, None)
    loudness, spread = measure(sine(-20, 2.9), 48000)
    assert loudness is not None
    assert spread is None
    assert measure(sine(-20, 5, sr=3000, hz=400), 3000) == (None, None)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: LoudnessMeter(0, 1), "0 Hz"),
        (lambda: LoudnessMeter(48000, 0), "0 channels"),
        (lambda: LoudnessMeter(48000, 2).push(np.zeros(100)), "expected a block of shape"),
        (lambda: LoudnessMeter(48000, 2).push(np.zeros((100, 1))), r"\(100, 1\)"),
    ],
)
def test_bad_input(call, match):
    with pytest.raises(FeatureError, match=match):
        call()
