"""Mean of the channels and change of rate: in blocks as at once, and nothing folded back from above half the rate."""

import numpy as np
import pytest
import soxr

from features.errors import FeatureError
from features.resampling import QUALITY, MonoResampler, to_mono


def in_blocks(y: np.ndarray, sr_in: int, sr_out: int, sizes: list[int]) -> np.ndarray:
    """`y` resampled in blocks of these sizes, over and over."""
    resampler, pieces, start = MonoResampler(sr_in, sr_out), [], 0
    while start < len(y):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(resampler.push(y[start : start + size]))
        start += size
    return np.concatenate([*pieces, resampler.finish()])


def sine(frequency: float, sr: int, *, seconds: float = 1.0) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(round(seconds * sr)) / sr).astype(np.float32)


@pytest.mark.parametrize("n_channels", [2, 3, 6, 8])
def test_mono_is_the_mean_of_any_number_of_channels(rng, n_channels):
    y = rng.uniform(-1, 1, (1000, n_channels)).astype(np.float32)
    mono = to_mono(y)
    assert (mono.dtype, mono.shape) == (np.float32, (1000,))
    np.testing.assert_allclose(mono, y.mean(axis=1), atol=1e-6)


def test_mono_sound_is_left_as_it_is(rng):
    y = rng.uniform(-1, 1, 1000).astype(np.float32)
    assert to_mono(y) is y
    np.testing.assert_array_equal(to_mono(y[:, np.newaxis]), y)


def test_the_channels_are_not_written_to(rng):
    y = rng.uniform(-1, 1, (100, 3)).astype(np.float32)
    before = y.copy()
    to_mono(y)
    np.testing.assert_array_equal(y, before)


def test_double_precision_becomes_single(rng):
    y = rng.uniform(-1, 1, (1000, 2))
    mono = to_mono(y)
    assert mono.dtype == np.float32
    np.testing.assert_allclose(mono, y.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("shape", [(), (0, 0), (10, 0), (2, 3, 4)])
def test_what_has_no_channels_is_refused(shape):
    with pytest.raises(FeatureError, match=r"expected sound of shape \(n_samples,\) or"):
        to_mono(np.zeros(shape, np.float32))


@pytest.mark.parametrize("sizes", [[1, 7, 0, 1000], [4410], [100_000], [0, 0, 333]])
@pytest.mark.parametrize(("sr_in", "sr_out"), [(44100, 16000), (8000, 16000), (48000, 44100), (16000, 16000)])
def test_blocks_of_any_size_give_what_the_whole_gives(rng, sr_in, sr_out, sizes):
    y = rng.uniform(-1, 1, (sr_in // 2, 2)).astype(np.float32)
    expected = soxr.resample(y.mean(axis=1), sr_in, sr_out, QUALITY)
    found = in_blocks(y, sr_in, sr_out, sizes)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("sr_out", [8000, 16000, 48000])
def test_a_tone_keeps_its_level_and_its_place_in_time(sr_out):
    y = in_blocks(sine(1000, 44100), 44100, sr_out, [4096])
    middle = slice(sr_out // 4, 3 * sr_out // 4)
    np.testing.assert_allclose(y[middle], sine(1000, sr_out)[middle], atol=1e-3)


def test_a_tone_above_half_the_new_rate_is_gone_and_not_folded_back():
    y = in_blocks(sine(9000, 44100), 44100, 16000, [4096])  # without a filter it would be heard at 7000 Hz
    assert np.abs(y[1000:-1000]).max() < 1e-4


def test_mean_and_resampling_may_change_places(rng):
    y = rng.uniform(-1, 1, (22050, 2)).astype(np.float32)
    left, right = (in_blocks(y[:, channel], 44100, 16000, [4096]) for channel in (0, 1))
    np.testing.assert_allclose(in_blocks(y, 44100, 16000, [4096]), (left + right) / 2, atol=1e-6)


def test_silence_stays_silence():
    assert not in_blocks(np.zeros((44100, 2), np.float32), 44100, 16000, [1000]).any()


def test_nothing_gives_nothing():
    assert MonoResampler(44100, 16000).finish().shape == (0,)
    assert MonoResampler(16000, 16000).finish().shape == (0,)


@pytest.mark.parametrize(("sr_in", "sr_out"), [(0, 16000), (44100, 0), (-44100, 16000)])
def test_a_rate_that_is_none_is_refused(sr_in, sr_out):
    with pytest.raises(FeatureError, match=f"1 Hz or more, got {sr_in} and {sr_out}"):
        MonoResampler(sr_in, sr_out)
