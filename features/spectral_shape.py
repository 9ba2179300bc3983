"""Shape of the short-time spectrum: centroid, bandwidth, roll-off, flatness, contrast, MFCC.

Frames of 128 ms every 64 ms at 16 kHz, librosa's definitions and numbers. Frequencies in Hz, levels in dB
relative to a power of 1. The summary of a recording is the mean over the frames that are not silent: within
60 dB of the loudest and above -100 dB of full scale.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from scipy import fft, sparse

from features.spectrogram import MUSICNN_SR, FrameStream, apply_filters, mel_filters, power, spectrum

N_FFT = 2048
HOP_LENGTH = 1024
ROLLOFF_SHARE = 0.85
N_MELS = 128
N_MFCC = 20
POWER_FLOOR = 1e-10
CONTRAST_LOWEST_HZ = 200.0
CONTRAST_BANDS = 6  # octaves above the lowest band
CONTRAST_QUANTILE = 0.02
CONTRAST_LIMIT_DB = 80.0  # a band that a codec or a filter emptied says nothing beyond this
GATE = 1e-6  # of the loudest frame's energy: -60 dB
SILENCE = 1e-10  # mean square of a silent frame: -100 dB


@dataclass(frozen=True)
class SpectralShape:
    """Means over the frames that are not silent; scalars in Hz, flatness 0 to 1, contrast in dB."""

    centroid_hz: float
    bandwidth_hz: float
    rolloff_hz: float
    flatness: float
    contrast_db: np.ndarray  # (7,), lowest band first: below 200 Hz, then octaves
    mfcc: np.ndarray  # (20,)


class SpectralShapeStream:
    """`SpectralShape` of a recording at 16 kHz that arrives in blocks; keeps 32 numbers per frame."""

    def __init__(self) -> None:
        self._stream = FrameStream(_describe, n_fft=N_FFT, hop_length=HOP_LENGTH, block_frames=64)
        self._rows: list[np.ndarray] = []

    def push(self, y: np.ndarray) -> None:
        """Take the next samples, (n,) at 16 kHz."""
        self._rows += self._stream.push(y)

    def result(self) -> SpectralShape | None:
        """The summary of everything pushed, once; None where every frame is silent."""
        rows = np.concatenate([*self._rows, *self._stream.finish()]).astype(float)
        energy = rows[:, 0]
        rows = rows[energy > max(SILENCE, GATE * energy.max())]
        if not len(rows):
            return None
        _, centroid, bandwidth, rolloff, flatness, *rest = rows.mean(axis=0)
        contrast, mfcc = np.split(np.array(rest), [CONTRAST_BANDS + 1])
        return SpectralShape(float(centroid), float(bandwidth), float(rolloff), float(flatness), contrast, mfcc)


def _describe(frames: np.ndarray) -> np.ndarray:
    """One row per frame, (n_frames, 32) float32: mean square, the four scalars, contrast, MFCC."""
    S_power = power(spectrum(frames))
    S = np.sqrt(S_power)
    bins = _bins()
    cumulative = np.cumsum(S, axis=1)
    total = np.maximum(cumulative[:, -1], np.finfo(np.float32).tiny)
    centroid = np.einsum("tf,f->t", S, bins) / total  # no threads of a matrix library
    bandwidth = np.sqrt((S * (bins - centroid[:, None]) ** 2).sum(axis=1) / total)
    rolloff = bins[np.argmax(cumulative >= ROLLOFF_SHARE * cumulative[:, -1:], axis=1)]
    floored = np.maximum(S_power, POWER_FLOOR)
    flatness = np.exp(np.log(floored).mean(axis=1)) / floored.mean(axis=1)
    columns = [np.square(frames).mean(axis=1), centroid, bandwidth, rolloff, flatness]
    return np.concatenate([np.stack(columns, axis=1), contrast_db(S_power), mfcc(S_power)], axis=1)


def contrast_db(S_power: np.ndarray) -> np.ndarray:
    """Distance between peaks and valleys in each octave: (n_frames, 1025) power -> (n_frames, 7) dB.

    Peaks and valleys are the means of the highest and lowest 2 % of a band's bins; at most 80 dB apart.

    References
    ----------
    Jiang et al., "Music type classification by spectral contrast feature", ICME 2002.
    """
    contrast = []
    for band, n_extreme in _contrast_bands():
        ordered = np.sort(S_power[:, band], axis=1)
        valley, peak = ordered[:, :n_extreme].mean(axis=1), ordered[:, -n_extreme:].mean(axis=1)
        contrast.append(np.minimum(_db(peak) - _db(valley), CONTRAST_LIMIT_DB))
    return np.stack(contrast, axis=1)


def mfcc(S_power: np.ndarray) -> np.ndarray:
    """Mel-frequency cepstral coefficients: (n_frames, 1025) power -> (n_frames, 20).

    Orthonormal cosine transform (type 2) of 128 mel bands in dB.
    """
    return fft.dct(_db(apply_filters(_mel_filters(), S_power)), norm="ortho")[:, :N_MFCC]


def _db(S_power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(S_power, np.float32(POWER_FLOOR)))


@cache
def _bins() -> np.ndarray:
    return fft.rfftfreq(N_FFT, 1 / MUSICNN_SR).astype(np.float32)


@cache
def _mel_filters() -> sparse.csr_array:
    return sparse.csr_array(mel_filters(sr=MUSICNN_SR, n_fft=N_FFT, n_mels=N_MELS))


@cache
def _contrast_bands() -> tuple[tuple[slice, int], ...]:
    """Bins of each band and how many of them are its peak or valley, as librosa counts them."""
    edges = [0.0, *(CONTRAST_LOWEST_HZ * 2.0 ** np.arange(CONTRAST_BANDS + 1))]
    bands = []
    for k, (low, high) in enumerate(pairwise(edges)):
        inside = np.flatnonzero((_bins() >= low) & (_bins() <= high))
        first = inside[0] - (k > 0)  # from the second band on, the bin before belongs to it
        last = inside[-1] + 1
        n_extreme = max(1, round(CONTRAST_QUANTILE * (last - first)))
        bands.append((slice(first, last - (k < CONTRAST_BANDS)), n_extreme))
    return tuple(bands)
