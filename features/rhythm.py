"""Onsets, tempo and beat strength of a recording, from the backbone's log-mel frames (62.5 a second).

The onset envelope is the spectral flux: how much the log-mel bands rise from a frame to the next, mean over the
bands. It is one number per frame, and all that is kept: an hour takes 225,000.

References
----------
Böck, Krebs and Schedl, "Evaluating the online capabilities of onset detection methods", ISMIR 2012 (onsets).
Davies and Plumbley, "Context-dependent beat tracking of musical audio", IEEE TASLP 15(3), 2007 (tempo by a comb
on the autocorrelation of the onset envelope).
Ellis, "Beat tracking by dynamic programming", J. of New Music Research 36(1), 2007 (log-normal weight of tempi).
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from features.spectrogram import MUSICNN_HOP, MUSICNN_N_MELS, MUSICNN_SR

FRAMES_PER_S = MUSICNN_SR / MUSICNN_HOP
SHORTEST_S = 4.0  # for a tempo: two bars' worth of beats at least
LOWEST_BPM, HIGHEST_BPM = 40.0, 240.0
USUAL_BPM = 105.0  # middle of the tempi that people tap
TEMPO_OCTAVES = 0.7  # standard deviation around it
COMB_BEATS = 8
WINDOW_FRAMES = 512  # 8.2 s, over which a tempo is taken to hold
LEAST_BEAT_STRENGTH = 0.06  # below it there is no beat to speak of: noise reaches 0.04, onsets at random 0.05


@dataclass(frozen=True)
class Rhythm:
    """Onset rate in Hz, tempo in beats per minute, beat strength 0 to 1; None where there is no beat."""

    onset_rate_hz: float
    tempo_bpm: float | None
    beat_strength: float | None


class RhythmStream:
    """`Rhythm` of a recording whose log-mel frames arrive in chunks."""

    def __init__(self) -> None:
        self._last = np.zeros((1, MUSICNN_N_MELS), np.float32)
        self._envelope: list[np.ndarray] = []

    def push(self, log_mel: np.ndarray) -> None:
        """Take the next frames, (k, 96), k >= 0."""
        if len(log_mel):
            rise = np.diff(np.concatenate([self._last, log_mel]), axis=0)
            self._envelope.append(np.maximum(rise, 0).mean(axis=1))
            self._last = log_mel[-1:].copy()

    def result(self) -> Rhythm:
        """The rhythm of everything pushed."""
        envelope = np.concatenate([np.empty(0, np.float32), *self._envelope]).astype(float)
        tempo_bpm, beat_strength = estimate_tempo(envelope)
        onset_rate = detect_onsets(envelope).size / (envelope.size / FRAMES_PER_S) if envelope.size else 0.0
        return Rhythm(onset_rate, tempo_bpm, beat_strength)


def detect_onsets(envelope: np.ndarray) -> np.ndarray:
    """Frames where something starts.

    Parameters
    ----------
    envelope : np.ndarray, shape (n_frames,)
        Onset envelope, 0 or more, 62.5 frames a second.

    Returns
    -------
    np.ndarray, shape (n_onsets,)
        Frame numbers: the largest within 30 ms before and after, above the mean of 100 ms around by 7 % of the
        envelope's maximum, and at least 30 ms apart.
    """
    if not envelope.size or envelope.max() <= 0:
        return np.empty(0, int)
    near, around = round(0.03 * FRAMES_PER_S), round(0.1 * FRAMES_PER_S)
    e = envelope / envelope.max()
    local_maximum = e == ndimage.maximum_filter1d(e, 2 * near + 1, mode="constant")
    mean = ndimage.uniform_filter1d(e, 2 * around + 1, mode="nearest")
    candidates = np.flatnonzero(local_maximum & (e > mean + 0.07))
    # two equal neighbours can both be the largest: the first counts
    return candidates[np.diff(candidates, prepend=-near - 1) > near]


def estimate_tempo(envelope: np.ndarray) -> tuple[float, float] | tuple[None, None]:
    """Tempo of an onset envelope and how strong its beat is.

    Parameters
    ----------
    envelope : np.ndarray, shape (n_frames,)
        Onset envelope, 0 or more, 62.5 frames a second.

    Returns
    -------
    tuple of float, or of None
        Beats per minute, 40 to 240, and the beat's strength: the mean autocorrelation one to eight beats later,
        0 to 1. None where the recording is shorter than 4 s or has no regular beat.
    """
    if envelope.size < SHORTEST_S * FRAMES_PER_S or envelope.max() <= 0:
        return None, None
    correlation = _autocorrelation(ndimage.gaussian_filter1d(envelope, 1.0))
    bpm = np.geomspace(LOWEST_BPM, HIGHEST_BPM, 500)
    prior = np.exp(-0.5 * (np.log2(bpm / USUAL_BPM) / TEMPO_OCTAVES) ** 2)
    best = bpm[np.argmax(np.maximum(_comb(correlation, bpm), 0) * prior)]
    fine = best * np.linspace(0.96, 1.04, 161)
    comb = _comb(correlation, fine)
    strength = float(min(comb.max(), 1.0))
    if strength < LEAST_BEAT_STRENGTH:
        return None, None
    return float(fine[np.argmax(comb)]), strength


def _autocorrelation(envelope: np.ndarray) -> np.ndarray:
    """Mean autocorrelation of overlapping windows, without bias, 1 at lag 0: (n_frames,) -> (lags,)."""
    window = min(WINDOW_FRAMES, envelope.size)
    starts = range(0, envelope.size - window + 1, max(1, window // 4))
    pieces = np.stack([envelope[start : start + window] for start in starts])
    pieces = pieces - pieces.mean(axis=1, keepdims=True)
    spectra = fft.rfft(pieces, 2 * window)
    correlation = fft.irfft((spectra.real**2 + spectra.imag**2).mean(axis=0))[: window * 3 // 4]
    correlation /= window - np.arange(correlation.size)
    return correlation / max(correlation[0], np.finfo(float).tiny)


def _comb(correlation: np.ndarray, bpm: np.ndarray) -> np.ndarray:
    """Mean autocorrelation at 1 to 8 beats of each tempo, as far as the lags reach."""
    lags = 60 * FRAMES_PER_S / bpm[:, None] * np.arange(1, COMB_BEATS + 1)
    within = lags <= correlation.size - 1
    values = np.interp(lags, np.arange(correlation.size), correlation)
    return (values * within).sum(axis=1) / within.sum(axis=1)
