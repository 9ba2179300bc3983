"""The log-mel is librosa's and the original backbone's, finite, and the same from a stream."""

import numpy as np
import pytest

from features.errors import FeatureError, InvalidSamples
from features.spectrogram import (
    FrameStream,
    LogMelStream,
    hz_to_mel,
    mel_filters,
    mel_spectrogram,
    mel_to_hz,
    musicnn_log_mel,
    stft,
)

SR = 16000


def sine(hz: float, seconds: float, *, sr: int = SR, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * sr)) / sr)).astype(np.float32)


def noise(rng: np.random.Generator, seconds: float) -> np.ndarray:
    return (0.1 * rng.standard_normal(int(seconds * SR))).astype(np.float32)


def slow_stft(y: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    padded = np.pad(y.astype(float), n_fft // 2)
    window = np.hanning(n_fft + 1)[:-1]
    frames = [padded[t * hop_length : t * hop_length + n_fft] * window for t in range(1 + y.size // hop_length)]
    basis = np.exp(-2j * np.pi * np.outer(np.arange(n_fft), np.arange(1 + n_fft // 2)) / n_fft)
    return np.array(frames) @ basis


@pytest.mark.parametrize(("n_fft", "hop_length"), [(512, 256), (512, 100), (64, 64), (510, 7)])
def test_stft_equals_a_slow_loop(rng, n_fft, hop_length):
    y = noise(rng, 0.3)
    np.testing.assert_allclose(stft(y, n_fft=n_fft, hop_length=hop_length), slow_stft(y, n_fft, hop_length), atol=1e-4)


def test_a_sine_peaks_at_a_quarter_of_n_fft():
    S = np.abs(stft(sine(1000, 1.0, amplitude=1.0), n_fft=512, hop_length=256))
    assert np.argmax(S[30]) == 1000 * 512 / SR
    assert S[30].max() == pytest.approx(512 / 4, rel=1e-3)


@pytest.mark.parametrize(("sr", "n_fft", "n_mels"), [(16000, 512, 96), (22050, 2048, 128), (44100, 4096, 40)])
def test_mel_filters_are_librosas(sr, n_fft, n_mels):
    librosa = pytest.importorskip("librosa")
    expected = librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=n_mels)
    np.testing.assert_allclose(mel_filters(sr=sr, n_fft=n_fft, n_mels=n_mels), expected, atol=1e-8)


def test_mel_scale_round_trips():
    hz = np.array([0.0, 60.0, 999.0, 1000.0, 1001.0, 8000.0])
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz)), hz, rtol=1e-12)
    assert hz_to_mel(1000) == 15
    assert hz_to_mel(6400) == pytest.approx(42)


def test_mel_spectrogram_is_librosas(rng):
    librosa = pytest.importorskip("librosa")
    y = noise(rng, 2.0) + sine(440, 2.0)
    expected = librosa.feature.melspectrogram(y=y, sr=SR, n_fft=1024, hop_length=300, n_mels=64).T
    got = mel_spectrogram(y, sr=SR, n_fft=1024, hop_length=300, n_mels=64)
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-5)


def original_log_mel(y: np.ndarray) -> np.ndarray:
    """What musicnn 0.1.0 computes under NumPy 1.26: float16 mel power, and the rest in float32."""
    librosa = pytest.importorskip("librosa")
    S = librosa.feature.melspectrogram(y=y, sr=SR, n_fft=512, hop_length=256, n_mels=96).T
    return np.log10(np.float32(10000) * S.astype(np.float16).astype(np.float32) + np.float32(1))


def test_log_mel_is_the_originals(rng):
    y = noise(rng, 3.0) * np.linspace(0, 1, 3 * SR, dtype=np.float32) + sine(200, 3.0, amplitude=0.9)
    expected, got = original_log_mel(y), musicnn_log_mel(y)
    assert got.shape == expected.shape
    assert got.dtype == np.float32
    # one step of float16 apart, where the transforms round differently: 2**-11 of mel power
    np.testing.assert_allclose(got, expected, atol=1e-3)
    assert np.mean(got != expected) < 0.01


@pytest.mark.shared
def test_log_mel_is_the_originals_for_music(shared_data):
    from features.audio import load

    for path in sorted((shared_data / "audio").glob("*.ogg"))[:3]:
        y = load(path, sr=SR)
        expected, got = original_log_mel(y), musicnn_log_mel(y)
        np.testing.assert_allclose(got, expected, atol=1e-3)
        assert np.mean(got != expected) < 0.01


def test_a_tone_lands_in_its_band():
    for hz in (110.0, 440.0, 3000.0, 7000.0):
        edges = mel_to_hz(np.linspace(0, hz_to_mel(SR / 2), 98))
        band = np.argmax(musicnn_log_mel(sine(hz, 1.0)).mean(axis=0))
        assert edges[band] - 16 < hz < edges[band + 2] + 16  # half a bin beyond the triangle


def test_silence_is_zero():
    assert not musicnn_log_mel(np.zeros(SR, np.float32)).any()


@pytest.mark.parametrize("n_samples", [1, 255, 256, 257, 512, 65535, 65536, 65537])
def test_number_of_frames(n_samples):
    assert musicnn_log_mel(np.ones(n_samples, np.float32)).shape == (1 + n_samples // 256, 96)


@pytest.mark.parametrize("gain", [1.0, 30.0, 1e3, 1e10, 1e20, 3e38])
def test_loud_sound_stays_finite(gain):
    y = (sine(100, 1.0, amplitude=1.0).astype(float) * gain).astype(np.float32)
    log_mel = musicnn_log_mel(y)
    assert np.isfinite(log_mel).all()
    assert log_mel.max() < 8.9
    assert log_mel.max() >= musicnn_log_mel(sine(100, 1.0, amplitude=1.0)).max()


def cut(y: np.ndarray, lengths: list[int]) -> list[np.ndarray]:
    return np.split(y, np.cumsum(lengths))


@pytest.mark.parametrize("lengths", [[1] * 300, [100_000], [256] * 20, [0, 5, 0, 70_000, 1], [65_536, 65_536]])
def test_a_stream_is_the_whole_bit_for_bit(rng, lengths):
    y = noise(rng, 9.3)
    stream = LogMelStream()
    parts = [stream.push(block) for block in cut(y, lengths)]
    parts.append(stream.finish())
    assert all(part.ndim == 2 and part.shape[1] == 96 for part in parts)
    np.testing.assert_array_equal(np.concatenate(parts), musicnn_log_mel(y))


def test_a_stream_forgets_what_it_gave_out(rng):
    stream = FrameStream(lambda frames: frames[:, :1], n_fft=512, hop_length=256)
    for _ in range(20):
        stream.push(noise(rng, 5.0))
    assert sum(block.size for block in stream._pending) < 2 * 256 * 256


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: musicnn_log_mel(np.zeros((100, 2), np.float32)), FeatureError, "expected mono"),
        (lambda: musicnn_log_mel(np.zeros(100, np.int16)), FeatureError, "int16"),
        (lambda: musicnn_log_mel(np.zeros(0, np.float32)), FeatureError, "no samples"),
        (lambda: musicnn_log_mel(np.array([0, np.nan], np.float32)), InvalidSamples, "NaN"),
        (lambda: musicnn_log_mel(np.array([np.inf], np.float32)), InvalidSamples, "infinity"),
        (lambda: stft(np.zeros(9, np.float32), n_fft=511, hop_length=1), FeatureError, "n_fft=511"),
        (lambda: stft(np.zeros(9, np.float32), n_fft=512, hop_length=0), FeatureError, "hop_length=0"),
        (lambda: stft(np.zeros(9, np.float32), n_fft=512, hop_length=513), FeatureError, "hop_length=513"),
        (lambda: mel_filters(sr=0, n_fft=512, n_mels=96), FeatureError, "sr=0"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call()
