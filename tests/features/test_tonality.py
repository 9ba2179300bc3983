"""Chord progressions have the key that they are written in; noise has none."""

import numpy as np
import pytest

from features.tonality import MAJOR, MINOR, PITCH_NAMES, Tonality, TonalityStream, estimate_key

SR = 16000
C_MAJOR = [(60, 64, 67), (65, 69, 72), (67, 71, 74), (60, 64, 67)]  # I IV V I
A_MINOR = [(57, 60, 64), (62, 65, 69), (64, 68, 71), (57, 60, 64)]  # i iv V i


def play(chords: list[tuple[int, ...]], *, up: int = 0, cents: float = 0.0, gain: float = 0.1) -> np.ndarray:
    """Chords of one second, each note with six overtones and a decay."""
    t = np.arange(SR) / SR
    parts = []
    for chord in chords:
        hz = [440 * 2 ** ((note + up + cents / 100 - 69) / 12) for note in (*chord, chord[0] - 12)]
        tones = [np.sin(2 * np.pi * f * k * t) / k for f in hz for k in range(1, 7)]
        parts.append(np.sum(tones, axis=0) * np.exp(-t))
    return (gain * np.concatenate(parts)).astype(np.float32)


def tonality(y: np.ndarray, *, block: int | None = None) -> Tonality | None:
    stream = TonalityStream()
    for start in range(0, y.size, block or y.size):
        stream.push(y[start : start + (block or y.size)])
    return stream.result()


@pytest.mark.parametrize("up", range(-5, 7))
def test_every_key_is_found(up):
    assert tonality(play(C_MAJOR * 2, up=up)).key == f"{PITCH_NAMES[up % 12]} major"
    assert tonality(play(A_MINOR * 2, up=up)).key == f"{PITCH_NAMES[(9 + up) % 12]} minor"


@pytest.mark.parametrize("cents", [-40.0, -15.0, 0.0, 30.0])
def test_a_detuned_recording_keeps_its_key(cents):
    found = tonality(play(C_MAJOR * 2, cents=cents))
    assert found.key == "C major"
    assert found.tuning_cents == pytest.approx(cents, abs=4)


def test_a_tone_is_one_pitch_class():
    found = tonality((0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * SR) / SR)).astype(np.float32))
    assert np.argmax(found.chroma) == PITCH_NAMES.index("A")
    assert found.chroma[9] > 0.99
    assert found.chroma.sum() == pytest.approx(1)


def test_gain_changes_nothing():
    quiet, loud = tonality(play(A_MINOR, gain=0.001)), tonality(play(A_MINOR, gain=0.1))
    np.testing.assert_allclose(loud.chroma, quiet.chroma, atol=1e-4)
    assert (loud.key, loud.key_strength) == (quiet.key, pytest.approx(quiet.key_strength, abs=1e-3))


def test_blocks_make_no_difference():
    y = play(C_MAJOR)
    whole = tonality(y)
    for block in (777, SR):
        np.testing.assert_array_equal(tonality(y, block=block).chroma, whole.chroma)


@pytest.mark.parametrize("seconds", [0.5, 3, 20])
def test_noise_silence_and_drums_have_no_key(rng, seconds):
    n = int(seconds * SR)
    noise = (0.1 * rng.standard_normal(n)).astype(np.float32)
    assert tonality(noise) is None
    assert tonality(np.zeros(n, np.float32)) is None
    assert tonality(noise * (np.arange(n) % (SR // 2) < 800)) is None


def test_noise_over_chords_does_not_hide_the_key(rng):
    y = play(C_MAJOR * 2)
    assert tonality(y + (0.5 * y.std() * rng.standard_normal(y.size)).astype(np.float32)).key == "C major"


def test_profiles_find_their_own_key():
    for tonic in range(12):
        assert estimate_key(np.roll(MAJOR, tonic)) == (f"{PITCH_NAMES[tonic]} major", pytest.approx(1))
        assert estimate_key(np.roll(MINOR, tonic)) == (f"{PITCH_NAMES[tonic]} minor", pytest.approx(1))
    assert estimate_key(np.full(12, 1 / 12)) == (None, None)
    assert estimate_key(np.zeros(12)) == (None, None)
