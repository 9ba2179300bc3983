"""Musical attributes of a recording, ready for JSON: numbers that a person or a classifier reads.

Each comes from one module (`loudness`, `rhythm`, `tonality`, `spectral_shape`, `wavelet`), which says how it is
defined. Everything but loudness is taken from the mono signal at 16 kHz; loudness needs the native channels.
What is undefined is None: no tempo without a beat, no key in noise, nothing but zeros and None in silence.
"""

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
ATTRIBUTES = (
    "tempo_bpm",
    "beat_strength",
    "onset_rate_hz",
    "key",
    "key_strength",
    "chroma",
    "loudness_lufs",
    "dynamic_range_db",
    "spectral_centroid_hz",
    "spectral_bandwidth_hz",
    "spectral_rolloff_hz",
    "spectral_flatness",
    "spectral_contrast_db",
    "mfcc",
    "wavelet_energy",
    "wavelet_bands_hz",
)


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
        found: dict[str, Any] = {
            "tempo_bpm": rhythm.tempo_bpm,
            "beat_strength": rhythm.beat_strength,
            "onset_rate_hz": rhythm.onset_rate_hz,
            "loudness_lufs": self._loudness.integrated_lufs(),
            "dynamic_range_db": self._loudness.range_lu(),
            "wavelet_energy": self._subbands.result().energy,
            "wavelet_bands_hz": np.stack([edges[:-1], edges[1:]], axis=1),
        }
        if tonality:
            found |= {"key": tonality.key, "key_strength": tonality.key_strength, "chroma": tonality.chroma}
        if shape:
            found |= {
                "spectral_centroid_hz": shape.centroid_hz,
                "spectral_bandwidth_hz": shape.bandwidth_hz,
                "spectral_rolloff_hz": shape.rolloff_hz,
                "spectral_flatness": shape.flatness,
                "spectral_contrast_db": shape.contrast_db,
                "mfcc": shape.mfcc,
            }
        return {name: _plain(found.get(name)) for name in ATTRIBUTES}


def _plain(value: Any) -> Any:
    """For JSON: lists, as many digits as mean something, and None for NaN or infinity (sound far beyond full scale)."""
    if value is None or isinstance(value, str):
        return value
    if np.ndim(value):
        return [_plain(item) for item in value]
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if np.isfinite(value) else None
