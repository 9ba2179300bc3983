"""Levels, fades and the limiter, on tones and noise whose answers are known."""

import numpy as np
import pytest

from features.errors import FeatureError, InvalidSamples
from features.mastering import (
    CEILING_DB,
    CHUNK_SAMPLES,
    FADE_IN_S,
    FADE_OUT_S,
    MAX_GAIN_DB,
    TARGET_LUFS,
    gain_to_target,
    loudness_of,
    master,
)

SR = 22050
CEILING = 10 ** (CEILING_DB / 20)
AS_IT_IS = {"fade_in_s": 0.0, "fade_out_s": 0.0}


def tone(seconds: float, *, frequency: float = 997.0, peak: float = 0.5) -> np.ndarray:
    return (peak * np.sin(2 * np.pi * frequency * np.arange(round(seconds * SR)) / SR)).astype(np.float32)


def bursts(seconds: float, seed: int = 0) -> np.ndarray:
    """Noise whose peaks are far above full scale now and then."""
    rng = np.random.default_rng(seed)
    y = 0.3 * rng.standard_normal(round(seconds * SR))
    y[rng.integers(0, y.size, 50)] *= 30
    return y.astype(np.float32)


def cut(y: np.ndarray, size: int) -> list[np.ndarray]:
    return [y[start : start + size] for start in range(0, y.size, size)]


def mastered(y: np.ndarray, size: int = 10_000, **settings) -> np.ndarray:
    return np.concatenate(list(master(cut(y, size), sr=SR, **{"n_samples": y.size, **settings})))


def test_a_tone_comes_to_the_target_loudness():
    y = tone(3.0, peak=0.05)
    measured = loudness_of(cut(y, 5000), SR)
    assert measured == pytest.approx(-26.02 - 3.01, abs=0.05)  # BS.1770: a sine at full scale has -3.01 LUFS
    z = mastered(y, gain_db=gain_to_target(measured), **AS_IT_IS)
    assert loudness_of([z], SR) == pytest.approx(TARGET_LUFS, abs=0.01)


def test_silence_is_left_and_what_is_nearly_silent_is_not_blown_up():
    assert loudness_of([np.zeros(SR, np.float32)], SR) is None
    assert gain_to_target(None) == 0.0
    assert gain_to_target(-68.0) == MAX_GAIN_DB
    assert not mastered(np.zeros(SR, np.float32), gain_db=MAX_GAIN_DB).any()


def test_with_its_peak_given_a_loop_is_kept_under_the_ceiling_by_gain_alone():
    y = tone(1.0, peak=1.0) ** 9  # peaky
    gain_db = gain_to_target(-40.0, peak=float(np.abs(y).max()))
    assert gain_db == pytest.approx(CEILING_DB, abs=0.01)
    assert gain_to_target(-10.0, peak=0.5) == -6.0  # the target counts where it is lower
    assert gain_to_target(None, peak=0.0) == 0.0


def test_what_stays_under_the_ceiling_is_not_touched():
    y = tone(4.0, peak=0.89)
    np.testing.assert_array_equal(mastered(y, **AS_IT_IS), y)


def test_nothing_exceeds_the_ceiling_whatever_comes():
    for y in (bursts(8.0), tone(1.0, peak=50.0), np.full(1000, -3.0, np.float32), np.array([9.0], np.float32)):
        z = mastered(y, **AS_IT_IS)
        assert z.shape == y.shape
        assert z.dtype == np.float32
        assert np.abs(z).max() <= CEILING * (1 + 1e-6)
        assert np.abs(z).max() > 0.8 * CEILING


def test_the_limiter_sees_a_peak_coming_and_recovers_from_it():
    y = np.full(SR, 0.5, np.float32)
    y[SR // 2] = 2.0
    gain = mastered(y, **AS_IT_IS) / y
    peak = SR // 2
    assert gain[peak] == pytest.approx(CEILING / 2)
    np.testing.assert_array_equal(gain[: peak - 2 * round(0.005 * SR)], 1.0)
    assert np.abs(np.diff(gain)).max() < 0.02  # no click: it goes down over 5 ms
    assert np.all(np.diff(gain[: peak + 1]) <= 1e-7)
    assert gain[peak + round(0.08 * SR)] == pytest.approx(1 - (1 - CEILING / 2) / np.e, abs=0.02)
    assert gain[-1] == pytest.approx(1.0, abs=2e-3)


def test_a_loud_tone_stays_a_tone():
    z = mastered(tone(2.0, frequency=100.0, peak=2.0), **AS_IT_IS)[SR // 2 : SR // 2 + SR]
    S = np.abs(np.fft.rfft(z * np.hanning(SR))) ** 2
    assert S[150:].sum() < 1e-6 * S[90:110].sum()  # distortion under -60 dB


def test_fades_are_as_long_as_asked_for_and_the_middle_is_left():
    y = np.full(SR, 0.5, np.float32)
    z = mastered(y)
    n_in, n_out = round(FADE_IN_S * SR), round(FADE_OUT_S * SR)
    assert z[0] == z[-1] == 0.0
    np.testing.assert_array_equal(z[n_in : SR - n_out], 0.5)
    assert z[n_in // 2] == pytest.approx(0.25, abs=0.01)
    assert z[-1 - n_out // 2] == pytest.approx(0.25, abs=0.01)
    assert np.all(np.diff(z[:n_in]) > 0)
    assert np.all(np.diff(z[-n_out:]) < 0)


def test_the_cut_into_blocks_changes_no_sample():
    y = bursts(7.0)
    assert y.size > 2 * CHUNK_SAMPLES
    whole = mastered(y, y.size, gain_db=3.0)
    for size in (977, CHUNK_SAMPLES, CHUNK_SAMPLES + 1):
        np.testing.assert_array_equal(mastered(y, size, gain_db=3.0), whole)
    assert loudness_of(cut(y, 977), SR) == loudness_of([y], SR)


@pytest.mark.parametrize("n_samples", [1, 50, CHUNK_SAMPLES, 2 * CHUNK_SAMPLES, 2 * CHUNK_SAMPLES + 5])
def test_the_result_is_as_long_as_asked_for(n_samples):
    y = tone(7.0)
    z = mastered(y, n_samples=n_samples, **AS_IT_IS)
    np.testing.assert_array_equal(z, y[:n_samples])


def test_no_more_is_read_than_is_needed():
    def endless():
        while True:
            yield tone(1.0)

    assert sum(block.size for block in master(endless(), sr=SR, n_samples=5 * SR)) == 5 * SR


@pytest.mark.parametrize(
    ("y", "settings", "error", "words"),
    [
        (tone(1.0), {"n_samples": 0}, FeatureError, "n_samples=0"),
        (tone(1.0), {"n_samples": 2 * SR}, FeatureError, "22050 samples of audio"),
        (tone(1.0), {"gain_db": np.nan}, FeatureError, "gain_db=nan"),
        (tone(1.0), {"fade_in_s": -1.0}, FeatureError, "fade_in_s=-1.0"),
        (np.array([0.0, np.nan], np.float32), {}, InvalidSamples, "no numbers"),
        (np.zeros((10, 2), np.float32), {}, FeatureError, "mono"),
    ],
)
def test_what_cannot_be_mastered(y, settings, error, words):
    with pytest.raises(error, match=words):
        mastered(y, **settings)
