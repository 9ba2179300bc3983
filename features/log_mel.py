"""The log-mel spectrogram that the generator makes music in: 43.07 frames a second, 96 bands from 30 Hz to 11,025 Hz.

Time runs along the first axis. Frame k is centred at sample k * HOP_LENGTH and covers N_FFT samples under a periodic
Hann window; before the start and after the end the signal is mirrored, so that n samples give 1 + n // HOP_LENGTH
frames. Values are natural logarithms of mel power, from LOG_FLOOR (silence) to about 9 (a sine at full scale).
"""

from functools import cache

import numpy as np
from scipy import fft, sparse

from features.errors import FeatureError, InvalidSamples
from features.spectrogram import LARGEST_SAMPLE, apply_filters, hz_to_mel, mel_to_hz, power, spectrum

SR = 22050  # Hz
N_FFT = 2048  # samples, 93 ms
HOP_LENGTH = 512  # samples, 23 ms
FRAMES_PER_S = SR / HOP_LENGTH
N_MELS = 96
LOWEST_HZ, HIGHEST_HZ = 30.0, SR / 2
POWER_FLOOR = 1e-5  # mel power: 90 dB under a sine at full scale
LOG_FLOOR = float(np.log(POWER_FLOOR))  # -11.51
LOG_DB = 10 / np.log(10)  # decibels in one natural logarithm of power
CENTRE, SPREAD = -2.6, 3.4  # mean and standard deviation over all bands of the rendered corpus
BLOCK_FRAMES = 256  # transformed at once: bounds the memory of a long recording


def log_mel(y: np.ndarray) -> np.ndarray:
    """Log-mel spectrogram of a recording.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples,)
        Mono audio at `SR`, full scale at 1.0, at least one sample.

    Returns
    -------
    np.ndarray, shape (1 + n_samples // HOP_LENGTH, N_MELS), float32
        Natural logarithm of mel power, never under `LOG_FLOOR`; lowest band first.

    Raises
    ------
    FeatureError
        If `y` is not mono floating-point audio, or empty.
    InvalidSamples
        If `y` holds NaN or infinity.
    """
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.floating):
        raise FeatureError(f"expected mono floating-point audio of shape (n_samples,), got {y.dtype} {y.shape}")
    if y.size == 0:
        raise FeatureError("no samples: a spectrogram needs at least one")
    if not np.isfinite(y).all():
        raise InvalidSamples("the samples hold NaN or infinity: decode the recording again")
    y = np.clip(y.astype(np.float32, copy=False), -LARGEST_SAMPLE, LARGEST_SAMPLE)
    mirrored = np.pad(y, N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(mirrored, N_FFT)[::HOP_LENGTH]
    filters = _sparse_filters()
    mel = [
        apply_filters(filters, power(spectrum(frames[start : start + BLOCK_FRAMES])))
        for start in range(0, len(frames), BLOCK_FRAMES)
    ]
    return np.log(np.maximum(np.concatenate(mel), np.float32(POWER_FLOOR)))


def scaled(S: np.ndarray) -> np.ndarray:
    """Log-mel as networks take it, about zero mean and unit variance.

    One constant for all bands: a decibel counts the same in each.
    """
    return (S - np.float32(CENTRE)) / np.float32(SPREAD)


def unscaled(S: np.ndarray) -> np.ndarray:
    """Inverse of `scaled`, never under `LOG_FLOOR`."""
    return np.maximum(S * np.float32(SPREAD) + np.float32(CENTRE), np.float32(LOG_FLOOR))


def frames_of(seconds: float) -> int:
    """Number of frames of a recording of that length."""
    if not (np.isfinite(seconds) and seconds >= 0):
        raise FeatureError(f"seconds={seconds}: expected 0 or more")
    return 1 + round(seconds * SR) // HOP_LENGTH


@cache
def mel_filter_bank() -> np.ndarray:
    """Triangular filters of area 1 on Slaney's mel scale, (N_MELS, 1 + N_FFT // 2) float32, read-only.

    The numbers are those of `librosa.filters.mel` with `fmin=LOWEST_HZ, fmax=HIGHEST_HZ`; see
    `features.spectrogram.mel_filters`, whose bands begin at 0 Hz.
    """
    corners = mel_to_hz(np.linspace(hz_to_mel(LOWEST_HZ), hz_to_mel(HIGHEST_HZ), N_MELS + 2))[:, np.newaxis]
    lower, centre, upper = corners[:-2], corners[1:-1], corners[2:]
    bins = fft.rfftfreq(N_FFT, 1 / SR)
    triangles = np.minimum((bins - lower) / (centre - lower), (upper - bins) / (upper - centre))
    filters = (np.maximum(triangles, 0) * 2 / (upper - lower)).astype(np.float32)
    filters.setflags(write=False)
    return filters


@cache
def _sparse_filters() -> sparse.csr_array:
    return sparse.csr_array(mel_filter_bank())
