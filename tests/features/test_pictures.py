"""Pictures show tones where they are, of any length, and in colours that rise in lightness."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from features.errors import EmptyFile, FeatureError, UnreadableFile
from features.pictures import _palette, _pool, mel_picture, scalogram_picture
from features.spectrogram import hz_to_mel

SR = 16000
PICTURES = [mel_picture, scalogram_picture]


def wav(y: np.ndarray, sr: int = SR) -> io.BytesIO:
    file = io.BytesIO()
    soundfile.write(file, y, sr, format="WAV", subtype="FLOAT")
    file.seek(0)
    return file


def shades(png: bytes) -> np.ndarray:
    """Palette indices, (height, width): 0 for soft and 255 for loud."""
    picture = Image.open(io.BytesIO(png))
    assert picture.format == "PNG"
    assert picture.mode == "P"
    return np.asarray(picture)


def sweep(seconds: float) -> np.ndarray:
    """From 62.5 Hz to 4 kHz, six octaves in equal ratios."""
    t = np.arange(int(seconds * SR)) / SR
    rate = np.log(64) / seconds
    return 0.5 * np.sin(2 * np.pi * 62.5 * (np.exp(rate * t) - 1) / rate)


def row_of_scalogram(hz: float, height: int) -> float:
    return height * (1 - np.log2(hz / 31.25) / np.log2(7750 / 31.25))


def row_of_mel(hz: float, height: int) -> float:
    return height * (1 - hz_to_mel(hz) / hz_to_mel(8000))


@pytest.mark.parametrize(("picture", "row"), [(mel_picture, row_of_mel), (scalogram_picture, row_of_scalogram)])
def test_a_sweep_rises_from_left_to_right(picture, row):
    shown = shades(picture(wav(sweep(8.0)), width=400, height=200))
    assert shown.shape == (200, 400)
    for column in (60, 200, 340):
        hz = 62.5 * 64 ** ((column + 0.5) / 400)
        assert np.argmax(shown[:, column]) == pytest.approx(row(hz, 200), abs=5)
        assert np.median(shown[:, column]) == 0


@pytest.mark.parametrize("picture", PICTURES)
def test_time_runs_to_the_right(picture):
    y = np.zeros(SR * 4)
    y[SR * 3 : SR * 3 + 400] = np.random.default_rng(0).standard_normal(400)
    shown = shades(picture(wav(y), width=400, height=64)).astype(int)
    assert np.argmax(shown[:40].sum(axis=0)) == pytest.approx(301, abs=4)
    assert shown[:40, :200].max() == 0


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("seconds", [0.01, 0.5, 3.0])
def test_silence_is_dark_and_short_sound_is_no_error(picture, seconds, rng):
    n = int(seconds * SR)
    assert not shades(picture(wav(np.zeros(n)), width=50, height=20)).any()
    assert shades(picture(wav(rng.standard_normal(n)), width=50, height=20)).max() > 200


@pytest.mark.parametrize("picture", PICTURES)
def test_gain_changes_nothing(picture):
    quiet, loud = (shades(picture(wav(gain * sweep(2.0)), width=100, height=50)).astype(int) for gain in (0.01, 1.0))
    assert np.abs(quiet - loud).max() <= 2


@pytest.mark.parametrize("picture", PICTURES)
def test_a_part_is_shown(picture):
    y = np.concatenate([np.zeros(2 * SR), sweep(4.0), np.zeros(2 * SR)])
    part = shades(picture(wav(y), width=200, height=100, offset_s=2.0, duration_s=4.0)).astype(int)
    alone = shades(picture(wav(sweep(4.0)), width=200, height=100)).astype(int)
    assert np.mean(np.abs(part - alone)[:, 10:-10]) < 2


@pytest.mark.parametrize("picture", PICTURES)
def test_a_long_recording_takes_as_little_memory(picture, rng):
    import tracemalloc

    file = wav(0.1 * rng.standard_normal(SR * 240))
    tracemalloc.start()
    shown = shades(picture(file, width=300, height=64))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert shown.shape == (64, 300)
    assert peak < 60e6


def test_pooling_equals_a_slow_loop(rng):
    rows = rng.random((1003, 3))
    for cuts in ([], [1, 7, 7, 500]):
        pooled = _pool(np.split(rows, cuts), 100)
        assert 50 <= len(pooled) <= 101
        per_column = 16
        expected = [rows[i : i + per_column].mean(axis=0) for i in range(0, 1003, per_column)]
        np.testing.assert_allclose(pooled, expected)


def test_lightness_rises_evenly_and_every_colour_is_one():
    rgb = np.frombuffer(_palette(), np.uint8).reshape(256, 3) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]  # ITU-R BT.709
    lightness = np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)  # CIE L*
    steps = np.diff(lightness)
    assert steps.min() > -0.3
    assert lightness[0] < 3
    assert lightness[-1] > 92
    np.testing.assert_allclose(lightness[::51], np.linspace(lightness[0], lightness[-1], 6), atol=12)


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"width": 0}, FeatureError, "0 x 256 pixels"),
        ({"height": 5000}, FeatureError, "4096"),
        ({"offset_s": -1.0}, FeatureError, "offset_s=-1"),
        ({"duration_s": 0.0}, FeatureError, "duration_s=0"),
        ({"offset_s": 9.0}, EmptyFile, "earlier start"),
        ({"offset_s": float("nan")}, FeatureError, "offset_s=nan"),
    ],
)
def test_bad_input(picture, settings, error, match):
    with pytest.raises(error, match=match):
        picture(wav(np.zeros(SR)), **settings)
    with pytest.raises(UnreadableFile):
        picture(Path("missing.wav"))
