"""Subbands hold the energy they should, packets come in order of frequency, and a chirp is a ridge."""

import numpy as np
import pytest
import pywt
from scipy import stats

from features.errors import FeatureError
from features.wavelet import (
    ScalogramStream,
    SubbandStream,
    log_frequencies,
    packet_energies,
    scalogram,
    subband_edges_hz,
    subband_statistics,
)

SR = 16000


def sine(hz: float, seconds: float, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * SR)) / SR)).astype(np.float32)


def test_band_edges_are_octaves():
    np.testing.assert_array_equal(subband_edges_hz(SR, level=3), [0, 1000, 2000, 4000, 8000])


@pytest.mark.parametrize("n_samples", [1, 2, 3, 17, 1000, 4097])
@pytest.mark.parametrize("wavelet", ["haar", "db8", "sym5"])
def test_energy_is_kept(rng, n_samples, wavelet):
    y = rng.standard_normal(n_samples)
    stream = SubbandStream(wavelet=wavelet, level=5)
    stream.push(y)
    assert stream.result().energy.sum() == pytest.approx(1)
    assert stream._sums[:, 2].sum() == pytest.approx(np.sum(y**2))  # Parseval


@pytest.mark.parametrize(
    ("hz", "band"), [(30, 0), (90, 1), (180, 2), (360, 3), (700, 4), (1400, 5), (2800, 6), (6000, 7)]
)
def test_a_tone_lies_in_its_octave(hz, band):
    energy = subband_statistics(sine(hz, 2.0)).energy
    assert np.argmax(energy) == band
    assert energy[band] > 0.9


def test_statistics_are_those_of_pywts_coefficients(rng):
    y = rng.laplace(size=20_001)
    found = subband_statistics(y, wavelet="db4", level=4)
    bands = pywt.wavedec(y, "db4", mode="zero", level=4)
    np.testing.assert_allclose(found.energy, [np.sum(c**2) / np.sum(y**2) for c in bands])
    np.testing.assert_allclose(found.mean, [c.mean() for c in bands], atol=1e-12)
    np.testing.assert_allclose(found.std, [c.std() for c in bands])
    np.testing.assert_allclose(found.skewness, [stats.skew(c) for c in bands], atol=1e-9)
    np.testing.assert_allclose(found.kurtosis, [stats.kurtosis(c, fisher=False) for c in bands])
    shares = [c**2 / np.sum(c**2) for c in bands]
    np.testing.assert_allclose(found.entropy, [stats.entropy(p) / np.log(p.size) for p in shares])


def test_noise_is_normal_and_even_and_a_click_is_not(rng):
    normal = subband_statistics(rng.standard_normal(200_000))
    np.testing.assert_allclose(normal.kurtosis[4:], 3, atol=0.15)
    np.testing.assert_allclose(normal.skewness[4:], 0, atol=0.1)
    # an octave has half the bandwidth of the next one
    np.testing.assert_allclose(normal.energy[4:] * 2.0 ** np.arange(4, 0, -1), 1, atol=0.05)
    click = np.zeros(200_000)
    click[100_000] = 1
    assert subband_statistics(click).kurtosis[-1] > 1000
    assert subband_statistics(click).entropy[-1] < 0.3 < 0.9 < normal.entropy[-1]


def test_gain_changes_no_share(rng):
    y = rng.standard_normal(5000)
    quiet, loud = subband_statistics(y), subband_statistics(100 * y)
    for name in ("energy", "skewness", "kurtosis", "entropy"):
        np.testing.assert_allclose(getattr(loud, name), getattr(quiet, name), atol=1e-9)
    np.testing.assert_allclose(loud.std, 100 * quiet.std)


def test_silence_is_zero():
    found = subband_statistics(np.zeros(4000, np.float32))
    for values in vars(found).values():
        assert not values.any()


@pytest.mark.parametrize("lengths", [[1] * 100, [0, 3, 4000], [777] * 20])
def test_blocks_make_no_difference_to_subbands(rng, lengths):
    y = rng.standard_normal(20_000)
    stream = SubbandStream()
    for block in np.split(y, np.cumsum(lengths)):
        stream.push(block)
    found, expected = stream.result(), subband_statistics(y)
    for name, values in vars(expected).items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-9, atol=1e-12)


def test_packets_come_in_order_of_frequency():
    level = 4
    width = SR / 2 / 2**level
    for band in range(2**level):
        energy = packet_energies(sine((band + 0.5) * width, 1.024), level=level)
        assert energy.shape == (1, 2**level)
        assert np.argmax(energy) == band
        assert energy[0, band] > 0.6 * energy.sum()  # neighbours overlap


def test_packets_keep_energy_and_tell_time(rng):
    y = rng.standard_normal(64 * 256)
    y[: y.size // 2] = 0
    energy = packet_energies(y, n_frames=4, level=6)
    assert energy.shape == (4, 64)
    assert energy.sum() == pytest.approx(np.sum(y**2))
    assert energy[1:3].sum() == pytest.approx(energy[2:].sum() / 2, rel=0.2)
    assert energy[2:].sum() > 0.95 * energy.sum()


def slow_scalogram(y: np.ndarray, frequencies_hz: np.ndarray, hop_length: int) -> np.ndarray:
    """Convolution with the wavelet's formula, sample by sample: B = 8, C = 1."""
    rows = []
    for hz in frequencies_hz:
        t = np.arange(-int(9 * SR / hz), int(9 * SR / hz) + 1) * hz / SR
        wavelet = np.exp(-(t**2) / 8) * np.exp(2j * np.pi * t) / np.sqrt(8 * np.pi) * hz / SR
        magnitude = 2 * np.abs(np.convolve(y, wavelet, "same"))
        rows.append(np.sqrt((magnitude**2).reshape(-1, hop_length).mean(axis=1)))
    return np.array(rows).T


def test_scalogram_equals_a_slow_loop(rng):
    y = 0.1 * rng.standard_normal(20_000)
    hz = log_frequencies(100, 6000, 8)
    got, expected = scalogram(y, sr=SR, frequencies_hz=hz, hop_length=400), slow_scalogram(y, hz, 400)
    np.testing.assert_allclose(got, expected, atol=0.02 * expected.max())
    assert np.sqrt(np.mean((got - expected) ** 2)) < 0.004 * expected.max()


def test_scalogram_is_pywts(rng):
    y = 0.1 * rng.standard_normal(20_000)
    hz = log_frequencies(100, 1000, 6)  # above, pywt's tables of the wavelet are too coarse: 4 % off at 2 kHz
    scales = SR / hz
    coefficients, _ = pywt.cwt(y, scales, "cmor8.0-1.0", method="fft", precision=14)
    magnitude = np.abs(coefficients) * 2 / np.sqrt(scales)[:, None]
    expected = np.sqrt((magnitude**2).reshape(len(hz), -1, 400).mean(axis=2)).T
    got = scalogram(y, sr=SR, frequencies_hz=hz, hop_length=400)
    np.testing.assert_allclose(got, expected, atol=0.02 * expected.max())


def test_a_sine_reads_its_amplitude_at_its_frequency():
    hz = log_frequencies(100, 6400, 73)  # 12 an octave
    for centre in (24, 48):
        S = scalogram(sine(hz[centre], 1.0, amplitude=0.3), sr=SR, frequencies_hz=hz, hop_length=256)
        assert S.shape == (63, 73)
        assert np.argmax(S[31]) == centre
        assert S[31, centre] == pytest.approx(0.3, rel=1e-3)


def test_a_chirp_is_a_ridge():
    seconds, low, high = 4.0, 100.0, 6400.0
    t = np.arange(int(seconds * SR)) / SR
    rate = np.log(high / low) / seconds
    y = np.sin(2 * np.pi * low * (np.exp(rate * t) - 1) / rate)
    hz = log_frequencies(low, high, 73)
    S = scalogram(y, sr=SR, frequencies_hz=hz, hop_length=160)
    middle = (np.arange(len(S)) + 0.5) * 160 / SR
    ridge = hz[np.argmax(S, axis=1)]
    inside = slice(20, -20)
    np.testing.assert_allclose(np.log2(ridge / (low * np.exp(rate * middle)))[inside], 0, atol=1 / 12)


def test_blocks_make_no_difference_to_the_scalogram(rng):
    y = rng.standard_normal(50_000).astype(np.float32)
    settings = {"sr": SR, "frequencies_hz": log_frequencies(60, 7000, 9), "hop_length": 128}
    stream = ScalogramStream(**settings)
    parts = [frames for block in np.split(y, [1, 1, 30_000]) for frames in stream.push(block)]
    parts += stream.finish()
    np.testing.assert_array_equal(np.concatenate(parts), scalogram(y, **settings))
    # short stretches give what one long stretch gives, but for the wavelets' far tails
    stream = ScalogramStream(**settings, block_s=0.5)
    parts = [*stream.push(y), *stream.finish()]
    assert len(parts) > 3
    np.testing.assert_allclose(np.concatenate(parts), scalogram(y, **settings), atol=0.01)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: subband_statistics(np.zeros((9, 2))), "expected mono"),
        (lambda: subband_statistics(np.zeros(0)), "no samples"),
        (lambda: subband_statistics(np.zeros(9), level=0), "level=0"),
        (lambda: subband_statistics(np.zeros(9), wavelet="nonsense"), "no orthogonal wavelet"),
        (lambda: subband_statistics(np.zeros(9), wavelet="bior2.2"), "no orthogonal wavelet"),
        (lambda: packet_energies(np.zeros(64), level=6), "too few"),
        (lambda: packet_energies(np.zeros((9, 2))), "expected mono"),
        (lambda: packet_energies(np.zeros(4096), n_frames=0), "n_frames=0"),
        (lambda: scalogram(np.zeros(9), sr=SR, frequencies_hz=np.array([9000.0]), hop_length=4), "at most 8000"),
        (lambda: scalogram(np.zeros(9), sr=SR, frequencies_hz=np.array([]), hop_length=4), "centre frequencies"),
        (lambda: scalogram(np.zeros(9), sr=SR, frequencies_hz=np.array([100.0]), hop_length=0), "hop_length=0"),
        (lambda: scalogram(np.zeros(0), sr=SR, frequencies_hz=np.array([100.0]), hop_length=4), "no samples"),
        (
            lambda: scalogram(np.zeros(9), sr=SR, frequencies_hz=np.array([100.0]), hop_length=4, wavelet="mexh"),
            "no complex Morlet",
        ),
    ],
)
def test_bad_input(call, match):
    with pytest.raises(FeatureError, match=match):
        call()
