"""Musical attributes of a recording, ready for JSON: numbers that a person or a classifier reads.

Each comes from one module (`loudness`, `rhythm`, `tonality`, `spectral_shape`, `wavelet`), which says how it is
defined. Everything but loudness is taken from the mono signal at 16 kHz; loudness needs the native channels.
What is undefined is None: no tempo without a beat, no key in noise, nothing but zeros and None in silence.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from features.loudness import LoudnessMeter
from features.resampling import MonoResampler
from features.rhythm import RhythmStream
from features.spectral_shape import SpectralShapeStream
from features.spectrogram import MUSICNN_SR, LogMelStream
from features.tonality import TonalityStream
from features.wavelet import SubbandStream, subband_edges_hz

SIGNIFICANT_DIGITS = 6


def musical_attributes(y: np.ndarray, *, sr: int) -> dict[str, Any]:
    """Musical attributes of a recording that lies in memory.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples,) or (n_samples, n_channels)
        Audio, full scale at 1.0.
    sr : int
        Sampling rate in Hz.

    Returns
    -------
    dict
        tempo_bpm, beat_strength (0 to 1), onset_rate_hz; key ("A minor"), key_strength (up to 1), chroma (12 shares
        from C); loudness_lufs, dynamic_range_db (loudness range); spectral_centroid_hz, spectral_bandwidth_hz,
        spectral_rolloff_hz, spectral_flatness (0 to 1), spectral_contrast_db (7 bands), mfcc (20); wavelet_energy (8
        shares), wavelet_bands_hz (8 pairs). Floats, lists of floats, and None where undefined.

    Raises
    ------
    FeatureError
        If `y` has another shape or is empty.
    InvalidSamples
        If `y` holds NaN or infinity.
    """
    native = y[:, None] if y.ndim == 1 else y
    resampler = MonoResampler(sr, MUSICNN_SR)
    mono = np.concatenate([resampler.push(native), resampler.finish()])
    log_mel = LogMelStream()
    attributes = AttributeStream(sample_rate=sr, channels=native.shape[1])
    attributes.push_native(native)
    attributes.push(mono, log_mel.push(mono))
    attributes.push(mono[:0], log_mel.finish())
    return attributes.result()


class AttributeStream:
    """`musical_attributes` of a recording that arrives in blocks, in bounded memory (about 10 MB an hour).

    Parameters
    ----------
    sample_rate, channels : int
        Of the native blocks: Hz, and number.
    """

    def __init__(self, *, sample_rate: int, channels: int) -> None:
        self._loudness = LoudnessMeter(sample_rate, channels)
        self._shape = SpectralShapeStream()
        self._tonality = TonalityStream()
        self._rhythm = RhythmStream()
        self._subbands = SubbandStream()

    def push_native(self, block: np.ndarray) -> None:
        """Take the next samples at the native rate, (n, channels)."""
        self._loudness.push(block)

    def push(self, y: np.ndarray, log_mel: np.ndarray) -> None:
        """Take the next mono samples at 16 kHz, (n,), and log-mel frames, (k, 96), of `features.spectrogram`."""
        self._rhythm.push(log_mel)
        if y.size:
            self._shape.push(y)
            self._tonality.push(y)
            self._subbands.push(y)

    def result(self) -> dict[str, Any]:
        """The attributes of everything pushed, once. Raises FeatureError where no sample ever came."""
        shape, tonality, rhythm = self._shape.result(), self._tonality.result(), self._rhythm.result()
        edges = subband_edges_hz(MUSICNN_SR)
        return {
            "tempo_bpm": _number(rhythm.tempo_bpm),
            "beat_strength": _number(rhythm.beat_strength),
            "onset_rate_hz": _number(rhythm.onset_rate_hz),
            "key": tonality and tonality.key,
            "key_strength": _number(tonality and tonality.key_strength),
            "chroma": _numbers(tonality and tonality.chroma),
            "loudness_lufs": _number(self._loudness.integrated_lufs()),
            "dynamic_range_db": _number(self._loudness.range_lu()),
            "spectral_centroid_hz": _number(shape and shape.centroid_hz),
            "spectral_bandwidth_hz": _number(shape and shape.bandwidth_hz),
            "spectral_rolloff_hz": _number(shape and shape.rolloff_hz),
            "spectral_flatness": _number(shape and shape.flatness),
            "spectral_contrast_db": _numbers(shape and shape.contrast_db),
            "mfcc": _numbers(shape and shape.mfcc),
            "wavelet_energy": _numbers(self._subbands.result().energy),
            "wavelet_bands_hz": [[float(low), float(high)] for low, high in pairwise(edges)],
        }


def _number(value: float | None) -> float | None:
    """For JSON: as many digits as mean something, and no NaN or infinity (samples far beyond full scale)."""
    if value is None or not np.isfinite(value):
        return None
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def _numbers(values: Iterable[float] | None) -> list[float | None] | None:
    return None if values is None else [_number(value) for value in values]
