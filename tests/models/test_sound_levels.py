"""Levels say how loud bands are, and when, in each window."""

import numpy as np
import pytest

from features.log_mel import SR
from features.spectrogram import hz_to_mel
from models.phases import OVERLAP
from models.sound_levels import CENTRE, LEVEL_FLOOR, RESOLUTIONS, SPREAD, level_error, levels
from models.tensorflow_runtime import tf

N_SAMPLES = 8192


def of(y: np.ndarray) -> list[np.ndarray]:
    """Levels of one sound in natural logarithms, not scaled."""
    return [each.numpy()[0] * SPREAD + CENTRE for each in levels(tf.constant(y[np.newaxis].astype(np.float32)))]


def test_there_is_a_level_for_every_frame_and_band():
    shapes = [each.shape for each in of(np.zeros(N_SAMPLES))]
    expected = [(N_SAMPLES * OVERLAP // each.n_fft - OVERLAP + 1, each.n_bands) for each in RESOLUTIONS]
    assert shapes == expected


def test_silence_is_the_floor_at_every_resolution():
    for each in of(np.zeros(N_SAMPLES)):
        np.testing.assert_allclose(each, np.log(LEVEL_FLOOR), rtol=1e-5)


def test_a_tone_is_loudest_in_the_band_around_it():
    tone = 0.5 * np.sin(2 * np.pi * 2000 * np.arange(N_SAMPLES) / SR)
    for resolution, each in zip(RESOLUTIONS, of(tone), strict=True):
        place = hz_to_mel(2000) / hz_to_mel(SR / 2) * (resolution.n_bands + 1) - 1
        assert abs(each.mean(axis=0).argmax() - place) <= 1, resolution


def test_twice_the_amplitude_is_six_decibels_more(rng):
    y = 0.1 * rng.normal(size=N_SAMPLES)
    for soft, loud in zip(of(y), of(2 * y), strict=True):
        np.testing.assert_allclose(loud - soft, np.log(4), atol=0.01)


def test_short_windows_tell_when_a_click_was():
    click = np.zeros(N_SAMPLES)
    click[5000] = 1.0
    for resolution, each in zip(RESOLUTIONS, of(click), strict=True):
        hop = resolution.n_fft // OVERLAP
        heard = np.flatnonzero(each.mean(axis=1) > np.log(LEVEL_FLOOR) + 0.1)
        assert heard.min() * hop <= 5000 < heard.max() * hop + resolution.n_fft
        assert len(heard) <= OVERLAP


def test_the_error_is_the_mean_difference_in_logarithms(rng):
    y = tf.constant(0.1 * rng.normal(size=(2, N_SAMPLES)).astype(np.float32))
    assert float(level_error(levels(y), levels(y))) == 0
    assert float(level_error(levels(y), levels(10 * y))) == pytest.approx(np.log(100), rel=0.01)
