"""Clicks at a tempo have that tempo; noise, silence and tones have none."""

import numpy as np
import pytest

from features.rhythm import FRAMES_PER_S, Rhythm, RhythmStream, detect_onsets, estimate_tempo
from features.spectrogram import musicnn_log_mel

SR = 16000


def clicks(rng: np.random.Generator, bpm: float, seconds: float, *, gain: float = 0.3) -> np.ndarray:
    y = np.zeros(int(seconds * SR))
    for beat in np.arange(0.1, seconds - 0.1, 60 / bpm):
        start = int(beat * SR)
        y[start : start + 400] = rng.standard_normal(400) * np.exp(-np.arange(400) / 80)
    return (gain * y).astype(np.float32)


def rhythm(y: np.ndarray) -> Rhythm:
    stream = RhythmStream()
    stream.push(musicnn_log_mel(y))
    return stream.result()


@pytest.mark.parametrize("bpm", [60, 75, 90, 110, 120, 133, 145])
def test_a_click_train_has_its_tempo(rng, bpm):
    found = rhythm(clicks(rng, bpm, 20))
    assert found.tempo_bpm == pytest.approx(bpm, rel=0.01)
    assert found.beat_strength > 0.8
    assert found.onset_rate_hz == pytest.approx(bpm / 60, rel=0.05)


@pytest.mark.parametrize("bpm", [45, 170, 200, 230])
def test_a_very_slow_or_fast_one_may_be_heard_an_octave_off(rng, bpm):
    octaves = np.log2(rhythm(clicks(rng, bpm, 20)).tempo_bpm / bpm)
    assert octaves == pytest.approx(round(octaves), abs=0.02)
    assert abs(octaves) < 1.5


def test_accents_between_the_beats_do_not_double_the_tempo(rng):
    y = clicks(rng, 100, 20) + clicks(rng, 200, 20, gain=0.03)
    assert rhythm(y).tempo_bpm == pytest.approx(100, rel=0.01)


def test_gain_keeps_the_tempo(rng):
    y = clicks(rng, 96, 15)
    assert rhythm(0.01 * y).tempo_bpm == pytest.approx(rhythm(y).tempo_bpm, rel=0.005)


@pytest.mark.parametrize("seconds", [5, 10, 30])
def test_without_a_beat_there_is_no_tempo(rng, seconds):
    n = seconds * SR
    noise = (0.1 * rng.standard_normal(n)).astype(np.float32)
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(n) / SR)).astype(np.float32)
    for y in (noise, tone, np.zeros(n, np.float32)):
        found = rhythm(y)
        assert (found.tempo_bpm, found.beat_strength) == (None, None)
        assert found.onset_rate_hz < 0.5
    assert rhythm(np.zeros(n, np.float32)).onset_rate_hz == 0


def test_a_short_clip_has_onsets_but_no_tempo(rng):
    found = rhythm(clicks(rng, 120, 3))
    assert found.tempo_bpm is None
    assert found.onset_rate_hz == pytest.approx(2, rel=0.2)


def test_chunks_make_no_difference(rng):
    log_mel = musicnn_log_mel(clicks(rng, 105, 12))
    stream = RhythmStream()
    for chunk in np.split(log_mel, [0, 1, 1, 300, 301]):
        stream.push(chunk)
    whole = RhythmStream()
    whole.push(log_mel)
    assert stream.result() == whole.result()


def test_nothing_pushed():
    assert RhythmStream().result() == Rhythm(0.0, None, None)


def slow_onsets(envelope: np.ndarray) -> list[int]:
    e = envelope / envelope.max()
    padded = np.pad(e, 6, mode="edge")
    found = []
    for t in range(e.size):
        largest = all(e[t] >= e[s] for s in range(max(0, t - 2), min(e.size, t + 3)))
        if largest and e[t] > padded[t : t + 13].mean() + 0.07 and (not found or t - found[-1] > 2):
            found.append(t)
    return found


def test_onsets_equal_a_slow_loop(rng):
    envelope = rng.random(500) ** 4
    np.testing.assert_array_equal(detect_onsets(envelope), slow_onsets(envelope))
    plateau = np.array([0, 0, 1.0, 1.0, 0, 0, 0, 0, 0.5, 0, 0])
    assert detect_onsets(plateau).tolist() == [2, 8]
    assert detect_onsets(np.zeros(9)).size == 0


def test_tempo_of_a_pure_pulse_train():
    envelope = np.zeros(1000)
    envelope[::31] = 1.0
    bpm, strength = estimate_tempo(envelope)
    assert bpm == pytest.approx(60 * FRAMES_PER_S / 31, rel=0.003)
    assert strength > 0.9
