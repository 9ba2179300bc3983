"""Spectral shape is librosa's frame by frame, and what thought says of tones and noise."""

import numpy as np
import pytest

from features.spectral_shape import HOP_LENGTH, N_FFT, SpectralShape, SpectralShapeStream, contrast_db, mfcc
from features.spectrogram import power, stft

SR = 16000


def sine(hz: float, seconds: float = 2.0, amplitude: float = 0.5) -> np.ndarray:
    """A tone that swells and fades for a quarter of a second: its edges are no clicks."""
    t = np.arange(int(seconds * SR)) / SR
    fade = np.minimum(1, np.minimum(t, seconds - t) * 4)
    return (amplitude * np.sin(np.pi / 2 * fade) ** 2 * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def shape(y: np.ndarray, *, block: int | None = None) -> SpectralShape | None:
    stream = SpectralShapeStream()
    for start in range(0, y.size, block or y.size):
        stream.push(y[start : start + (block or y.size)])
    return stream.result()


def test_means_are_librosas(rng):
    feature = pytest.importorskip("librosa").feature
    # steady, so that no frame is silent and librosa's limit of 80 dB is not met
    y = (0.1 * rng.standard_normal(4 * SR)).astype(np.float32) + sine(440, 4.0) + sine(1760, 4.0, 0.2)
    S = np.abs(stft(y, n_fft=N_FFT, hop_length=HOP_LENGTH)).T
    found = shape(y)
    settings = {"S": S, "sr": SR, "n_fft": N_FFT}
    assert found.centroid_hz == pytest.approx(feature.spectral_centroid(**settings).mean(), rel=1e-5)
    assert found.bandwidth_hz == pytest.approx(feature.spectral_bandwidth(**settings).mean(), rel=1e-5)
    assert found.rolloff_hz == pytest.approx(feature.spectral_rolloff(**settings).mean(), rel=1e-5)
    assert found.flatness == pytest.approx(feature.spectral_flatness(S=S).mean(), rel=1e-4)
    # in true dB: librosa's own default takes the dB of magnitudes as if they were powers
    expected = feature.spectral_contrast(S=S**2, sr=SR, n_fft=N_FFT).mean(axis=1)
    np.testing.assert_allclose(found.contrast_db, expected, atol=1e-3)
    from librosa import power_to_db

    mel = feature.melspectrogram(S=S**2, sr=SR, n_fft=N_FFT)
    expected = feature.mfcc(S=power_to_db(mel, top_db=None), n_mfcc=20).mean(axis=1)
    np.testing.assert_allclose(found.mfcc, expected, atol=1e-3)


@pytest.mark.parametrize("hz", [250.0, 1000.0, 5000.0])
def test_a_tone_is_where_it_is(hz):
    found = shape(sine(hz))
    assert found.rolloff_hz == pytest.approx(hz, abs=2 * SR / N_FFT)
    assert found.flatness < 1e-4
    assert np.argmax(found.contrast_db) == int(np.log2(hz / 200)) + 1


def test_centroid_lies_between_two_equal_tones():
    assert shape(sine(1000) + sine(3000)).centroid_hz == pytest.approx(2000, rel=0.02)
    assert shape(sine(1000) + sine(3000)).bandwidth_hz == pytest.approx(1000, rel=0.05)


def test_white_noise_is_flat(rng):
    found = shape((0.1 * rng.standard_normal(20 * SR)).astype(np.float32))
    # the power of one bin of noise is exponentially distributed: exp(E ln x) / E x = exp(-Euler's constant)
    assert found.flatness == pytest.approx(np.exp(-np.euler_gamma), rel=0.01)
    assert found.centroid_hz == pytest.approx(4000, rel=0.01)
    assert found.rolloff_hz == pytest.approx(0.85 * 8000, rel=0.01)
    assert found.bandwidth_hz == pytest.approx(8000 / np.sqrt(12), rel=0.01)


def test_gain_moves_only_the_first_cepstral_coefficient(rng):
    y = (0.01 * rng.standard_normal(3 * SR)).astype(np.float32)
    quiet, loud = shape(y), shape(10 * y)
    for name in ("centroid_hz", "bandwidth_hz", "rolloff_hz", "flatness"):
        assert getattr(loud, name) == pytest.approx(getattr(quiet, name), rel=1e-5)
    np.testing.assert_allclose(loud.contrast_db, quiet.contrast_db, atol=1e-3)
    np.testing.assert_allclose(loud.mfcc[1:], quiet.mfcc[1:], atol=1e-3)
    assert loud.mfcc[0] - quiet.mfcc[0] == pytest.approx(20 * np.sqrt(128), rel=1e-5)  # 20 dB in each of 128 bands


def test_silence_around_changes_little(rng):
    y = sine(1000, 4.0)
    padded = np.concatenate([np.zeros(4 * SR, np.float32), y, np.zeros(4 * SR, np.float32)])
    assert shape(padded).centroid_hz == pytest.approx(shape(y).centroid_hz, rel=0.02)


def test_blocks_make_no_difference(rng):
    y = (0.1 * rng.standard_normal(7 * SR)).astype(np.float32)
    whole = shape(y)
    for block in (999, SR):
        for name, value in vars(shape(y, block=block)).items():
            np.testing.assert_array_equal(value, getattr(whole, name))


def test_silence_has_no_shape():
    assert shape(np.zeros(SR, np.float32)) is None


def test_an_empty_band_is_no_more_than_80_db(rng):
    S_power = power(stft(sine(500), n_fft=N_FFT, hop_length=HOP_LENGTH))
    S_power[:, 500:] = 0
    assert contrast_db(S_power).max() <= 80
    assert contrast_db(np.zeros((1, 1025), np.float32)).max() == 0


def test_a_flat_spectrum_has_one_cepstral_coefficient():
    # mel filters of area 1 give every band the same power
    coefficients = mfcc(np.ones((1, 1025), np.float32))[0]
    assert np.abs(coefficients[1:]).max() < 0.1 * abs(coefficients[0])
