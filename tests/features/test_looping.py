"""Loops of tones and noise, before and after they were closed."""

import numpy as np
import pytest

from features.errors import FeatureError
from features.looping import close_loop, crossfade, loop_samples, seam_error

SR = 22050
OVERLAP = 2000


def tones(n: int) -> np.ndarray:
    """Three tones, none of which goes evenly into four seconds."""
    t = np.arange(n) / SR
    return sum(0.1 * np.sin(2 * np.pi * frequency * t) for frequency in (220.3, 554.77, 1333.1))


def noise(n: int, seed: int = 0) -> np.ndarray:
    return 0.1 * np.convolve(np.random.default_rng(seed).standard_normal(n), np.ones(8) / 8, mode="same")


def test_a_closed_loop_has_no_click():
    y = tones(4 * SR + OVERLAP)
    broken, closed = seam_error(y[: 4 * SR], SR), seam_error(close_loop(y, overlap=OVERLAP), SR)
    assert broken.flux > 50
    assert broken.step > 5
    assert closed.step < 3
    assert closed.flux < broken.flux / 5


def test_only_the_beginning_differs_and_the_end_goes_over_into_it():
    y = noise(SR)
    z = close_loop(y, overlap=OVERLAP)
    n = SR - OVERLAP
    assert z.shape == (n,)
    np.testing.assert_array_equal(z[OVERLAP:], y[OVERLAP:n].astype(np.float32))
    assert z[0] == np.float32(y[n])  # what followed the last sample


def test_neither_bump_nor_dip_in_noise():
    z = close_loop(noise(4 * SR + SR // 2), overlap=SR // 2)
    assert np.std(z[: SR // 2]) == pytest.approx(np.std(z), rel=0.05)
    assert np.std(z[SR // 8 : 3 * SR // 8]) == pytest.approx(np.std(z), rel=0.05)


def test_what_is_the_same_already_stays_the_same():
    y = tones(500)
    np.testing.assert_allclose(crossfade(y, y), y, atol=1e-12)
    np.testing.assert_array_equal(crossfade(np.zeros(5), np.zeros(5)), 0.0)


def test_what_is_opposed_is_not_blown_up():
    y = tones(500)
    assert np.abs(crossfade(y, -y)).max() <= 1.5 * np.abs(y).max()


@pytest.mark.parametrize(
    ("seconds", "tempo_bpm", "beats_per_bar", "expected_s"),
    [(10.0, 120.0, 4, 10.0), (9.2, 120.0, 4, 10.0), (8.9, 120.0, 4, 8.0), (0.1, 60.0, 3, 3.0), (7.0, 90.0, 3, 8.0)],
)
def test_whole_bars_nearest_to_the_wish(seconds, tempo_bpm, beats_per_bar, expected_s):
    assert loop_samples(seconds, tempo_bpm=tempo_bpm, beats_per_bar=beats_per_bar, sr=SR) == round(expected_s * SR)


def test_the_seam_of_a_whole_number_of_periods_is_like_any_other_place():
    t = np.arange(2 * SR) / SR
    whole = 0.3 * np.sin(2 * np.pi * 441 * t)
    clicking = whole.copy()
    clicking[-300:] *= 0.2
    assert seam_error(whole, SR).step < 2
    assert seam_error(whole, SR).flux < 2
    assert seam_error(clicking, SR).flux > 10
    assert seam_error(np.zeros(SR), SR) == (0.0, 0.0)


def test_a_click_at_the_seam_of_noise_is_found():
    y = noise(2 * SR)
    assert seam_error(y, SR).step < 10
    y[0] = 0.9
    assert seam_error(y, SR).step > 10


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: close_loop(np.zeros((9, 2)), overlap=1), "mono"),
        (lambda: close_loop(np.zeros(9), overlap=5), "overlap=5: expected 1 to half"),
        (lambda: close_loop(np.zeros(9), overlap=0), "overlap=0"),
        (lambda: crossfade(np.zeros(3), np.zeros(4)), "one length"),
        (lambda: loop_samples(1.0, tempo_bpm=0.0, beats_per_bar=4, sr=SR), "tempo_bpm=0.0"),
        (lambda: seam_error(np.zeros(100), SR), "or more, got"),
    ],
)
def test_what_makes_no_loop(call, words):
    with pytest.raises(FeatureError, match=words):
        call()
