"""Tempo, key, loudness and peak of sounds that are known, however they are cut into blocks."""

import numpy as np
import pytest

from features.log_mel import SR
from models.clip_measurement import measure


def cut(y: np.ndarray, size: int) -> list[np.ndarray]:
    return [y[start : start + size] for start in range(0, y.size, size)]


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    """A minor chord struck 100 times a minute for 12 s, peak at 0.5."""
    t = np.arange(12 * SR) / SR
    chord = sum(np.sin(2 * np.pi * f * t) for f in (220.0, 261.63, 329.63))
    y = chord * np.exp(-8 * (t % 0.6))
    return (0.5 * y / np.abs(y).max()).astype(np.float32)


def test_tempo_key_and_peak_are_heard(music):
    found = measure(cut(music, 10_000))
    assert found.tempo_bpm == pytest.approx(100, rel=0.01)
    assert found.key in ("A minor", "C major")
    assert found.peak == pytest.approx(0.5)


def test_twice_the_amplitude_is_6_lu_louder_and_nothing_else(music):
    soft, loud = measure([0.5 * music]), measure([music])
    assert loud.loudness_lufs - soft.loudness_lufs == pytest.approx(6.02, abs=0.01)
    assert (loud.tempo_bpm, loud.key) == (soft.tempo_bpm, soft.key)


def test_how_it_is_cut_changes_nothing(music):
    assert measure(cut(music, 777)) == measure([music])


def test_silence_has_neither_tempo_nor_key_nor_loudness():
    found = measure([np.zeros(5 * SR, np.float32)])
    assert (found.tempo_bpm, found.key, found.loudness_lufs, found.peak) == (None, None, None, 0.0)
