"""The generator's log-mel: tones lie in their bands, frames where they should, and nothing leaves the range."""

import numpy as np
import pytest

from features.errors import FeatureError, InvalidSamples
from features.log_mel import (
    HIGHEST_HZ,
    HOP_LENGTH,
    LOG_FLOOR,
    LOWEST_HZ,
    N_FFT,
    N_MELS,
    SR,
    frames_of,
    log_mel,
    mel_filter_bank,
    scaled,
    unscaled,
)
from features.spectrogram import hz_to_mel, mel_to_hz


def sine(hz: float, *, seconds: float = 1.0, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * SR)) / SR)).astype(np.float32)


@pytest.mark.parametrize("band", [0, 10, 47, 80, 95])
def test_a_tone_lands_in_its_band(band):
    centres_hz = mel_to_hz(np.linspace(hz_to_mel(LOWEST_HZ), hz_to_mel(HIGHEST_HZ), N_MELS + 2))[1:-1]
    S = log_mel(sine(centres_hz[band]))
    assert (S.argmax(axis=1) == band).all()


@pytest.mark.parametrize("n_samples", [1, 2, 511, 512, 1023, 1024, 5000, SR, 200 * HOP_LENGTH + 1, 300 * HOP_LENGTH])
def test_frames_are_counted_from_the_first_sample_on(n_samples):
    S = log_mel(np.zeros(n_samples, np.float32))
    assert S.shape == (1 + n_samples // HOP_LENGTH, N_MELS)
    assert S.dtype == np.float32


@pytest.mark.parametrize(("seconds", "frames"), [(0, 1), (1, 44), (10, 431), (30, 1292)])
def test_frames_of_a_length(seconds, frames):
    assert frames_of(seconds) == frames
    assert len(log_mel(np.zeros(max(1, round(seconds * SR)), np.float32))) == frames


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_length_that_none_has_is_refused(seconds):
    with pytest.raises(FeatureError, match="expected 0 or more"):
        frames_of(seconds)


@pytest.mark.parametrize("frame", [3, 8, 20])
def test_a_frame_is_centred_at_its_multiple_of_the_hop(frame):
    y = np.zeros(30 * HOP_LENGTH, np.float32)
    y[frame * HOP_LENGTH] = 1.0
    power = np.exp(log_mel(y)).sum(axis=1)
    assert power.argmax() == frame
    near = N_FFT // 2 // HOP_LENGTH
    np.testing.assert_allclose(power[frame - near : frame], power[frame + near : frame : -1], rtol=1e-4)


def test_the_edges_are_mirrored():
    """A cosine about the first sample is its own mirror image: its first frame is like any other."""
    hz = 40 * SR / N_FFT
    S = log_mel(np.cos(2 * np.pi * hz * np.arange(20 * HOP_LENGTH + 1) / SR).astype(np.float32))
    loud = S[10] > 0
    np.testing.assert_allclose(S[0, loud], S[10, loud], atol=1e-3)
    np.testing.assert_allclose(S[-1, loud], S[10, loud], atol=1e-3)


def test_many_frames_are_what_few_are(rng):
    y = rng.normal(size=600 * HOP_LENGTH).astype(np.float32) * 0.1
    whole = log_mel(y)
    part = log_mel(y[290 * HOP_LENGTH : 310 * HOP_LENGTH])
    np.testing.assert_allclose(part[4:16], whole[294:306], atol=1e-4)


def test_twice_the_amplitude_is_four_times_the_power(rng):
    y = 0.1 * rng.normal(size=SR).astype(np.float32)
    np.testing.assert_allclose(log_mel(2 * y) - log_mel(y), np.log(4), atol=1e-4)


def test_silence_lies_on_the_floor_and_full_scale_below_ten():
    np.testing.assert_allclose(log_mel(np.zeros(SR, np.float32)), LOG_FLOOR, rtol=1e-6)
    assert log_mel(sine(440, amplitude=1.0)).max() < 10
    assert np.isfinite(log_mel(np.full(4096, 3e38, np.float32))).all()


def test_the_filters_are_those_of_librosa():
    librosa = pytest.importorskip("librosa")
    expected = librosa.filters.mel(sr=SR, n_fft=N_FFT, n_mels=N_MELS, fmin=LOWEST_HZ, fmax=HIGHEST_HZ)
    np.testing.assert_allclose(mel_filter_bank(), expected, atol=1e-7)
    assert (mel_filter_bank().sum(axis=1) > 0).all()


def test_the_spectrogram_is_that_of_librosa(rng):
    """Golden: librosa's own frames, windows and padding."""
    librosa = pytest.importorskip("librosa")
    y = 0.1 * rng.normal(size=SR).astype(np.float32)
    spectrum = np.abs(librosa.stft(y, n_fft=N_FFT, hop_length=HOP_LENGTH, pad_mode="reflect")) ** 2
    np.testing.assert_allclose(log_mel(y), np.log(mel_filter_bank() @ spectrum).T, atol=1e-3)


def test_scaling_goes_back_and_stops_at_the_floor(rng):
    S = rng.uniform(LOG_FLOOR, 9, size=(50, N_MELS)).astype(np.float32)
    np.testing.assert_allclose(unscaled(scaled(S)), S, atol=1e-5)
    assert unscaled(np.float32([-100.0])) == pytest.approx(LOG_FLOOR)


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        (np.zeros(0, np.float32), FeatureError, "needs at least one"),
        (np.zeros((2, 100), np.float32), FeatureError, "expected mono"),
        (np.zeros(100, np.int16), FeatureError, "floating-point"),
        (np.array([0, np.nan], np.float32), InvalidSamples, "NaN or infinity"),
        (np.array([0, np.inf], np.float32), InvalidSamples, "NaN or infinity"),
    ],
)
def test_what_is_no_audio_is_refused(y, error, words):
    with pytest.raises(error, match=words):
        log_mel(y)
