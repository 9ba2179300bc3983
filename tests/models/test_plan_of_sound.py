"""Harmony, bass, strokes and metre of sounds whose plan is known."""

import numpy as np
import pytest

from features.log_mel import FRAMES_PER_S, HOP_LENGTH, SR
from models.errors import ModelError
from models.plan_of_sound import plan_of_sound

A3, C4, E4, A1 = 220.0, 261.63, 329.63, 55.0


def tones(*frequencies, seconds=3.0):
    t = np.arange(round(seconds * SR)) / SR
    return sum(0.1 * np.sin(2 * np.pi * f * t) for f in frequencies).astype(np.float32)


def clicks(beats_s, *, seconds, low):
    """Bursts of 30 ms: of 60 Hz where `low`, of noise above 6 kHz elsewhere."""
    y = np.zeros(round(seconds * SR), np.float32)
    n = round(0.03 * SR)
    decay = np.exp(-np.arange(n) / (0.008 * SR))
    rng = np.random.default_rng(0)
    for beat_s in beats_s:
        start = round(beat_s * SR)
        burst = np.sin(2 * np.pi * 60 * np.arange(n) / SR) if low else np.diff(rng.normal(size=n + 2), n=2)
        y[start : start + n] += (0.5 * burst * decay).astype(np.float32)[: y.size - start]
    return y


def test_harmony_and_bass_are_heard_by_pitch_class():
    blocks = plan_of_sound(tones(A1 * 2, A3, C4, E4), tempo_bpm=None)
    inside = slice(10, -10)
    assert set(np.flatnonzero(blocks["harmony"][inside].mean(axis=0) > 0.5)) == {0, 4, 9}
    assert set(np.flatnonzero(blocks["bass"][inside].mean(axis=0) > 0.5)) == {9}
    assert "pulse" not in blocks


def test_silence_has_no_harmony_and_no_strokes():
    blocks = plan_of_sound(np.zeros(SR, np.float32), tempo_bpm=None)
    assert {name: (len(block), float(block.sum())) for name, block in blocks.items()} == {
        "harmony": (44, 0.0),
        "bass": (44, 0.0),
        "drums": (44, 0.0),
    }


def test_strokes_are_found_where_they_begin_and_by_how_they_sound():
    kicks, hats = [0.5, 1.5, 2.5], [1.0, 2.0]
    y = clicks(kicks, seconds=3.5, low=True) + clicks(hats, seconds=3.5, low=False)
    strokes = plan_of_sound(y + 1e-4 * np.random.default_rng(1).normal(size=y.size).astype(np.float32), tempo_bpm=None)[
        "drums"
    ]
    for column, times in ((0, kicks), (2, hats)):
        found = np.flatnonzero(strokes[:, column]) * HOP_LENGTH / SR
        assert [round(each * 2) / 2 for each in found] == times
        np.testing.assert_allclose(found, times, atol=0.06)


def test_beats_are_where_the_strokes_are_and_bars_begin_with_the_kick():
    """120 bpm from 0.25 s on, every fourth beat low from the second one."""
    beats = 0.25 + 0.5 * np.arange(23)
    y = clicks(beats[1::4], seconds=12.0, low=True) + clicks(np.delete(beats, np.s_[1::4]), seconds=12.0, low=False)
    pulse = plan_of_sound(y, tempo_bpm=120.0)["pulse"]
    at = np.round(beats * FRAMES_PER_S).astype(int)
    beat_phase = np.arctan2(pulse[at, 0], pulse[at, 1]) / (2 * np.pi)
    np.testing.assert_allclose(beat_phase, 0, atol=0.12)
    bar_phase = np.arctan2(pulse[at, 2], pulse[at, 3]) / (2 * np.pi) % 1
    assert (np.round(bar_phase[1::4] * 4) % 4 == 0).all()
    assert (np.round(bar_phase[2::4] * 4) % 4 == 1).all()


@pytest.mark.parametrize("tempo_bpm", [0.0, -1.0])
def test_a_tempo_that_is_none_is_refused(tempo_bpm):
    with pytest.raises(ModelError, match="expected more than 0"):
        plan_of_sound(tones(A3), tempo_bpm=tempo_bpm)
