"""Chroma and key of a recording at 16 kHz, from the peaks of long spectra.

Peaks between 65 Hz and 2 kHz in frames of 0.5 s are counted on a circle of pitch, 10 cents a bin, where their
common offset from the nearest semitones tells how the recording is tuned. Chroma starts at C.

References
----------
Gómez, "Tonal description of polyphonic audio for music content processing", INFORMS J. on Computing 18(3), 2006
(chroma from spectral peaks, tuning).
Temperley, "Music and Probability", MIT Press, 2007 (key profiles from the Kostka-Payne corpus).
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from features.spectrogram import MUSICNN_SR, FrameStream, power, spectrum

N_FFT = 8192
HOP_LENGTH = 4096
LOWEST_HZ, HIGHEST_HZ = 65.0, 2000.0
PEAK_FLOOR = 0.03  # of the frame's largest magnitude: -30 dB
PEAK_PROMINENCE = 5.5  # times the geometric mean of the bins around: noise stays below
AROUND_BINS = 61  # 120 Hz
SILENCE = 1e-5  # RMS of a silent frame: -100 dB of full scale
BINS_PER_SEMITONE = 10
N_PITCHES = 12
PITCH_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
LEAST_PEAKS = 0.5  # per audible frame: below it the recording has no pitch
LEAST_CONTRAST = 0.3  # coefficient of variation of a chroma that has a key

MAJOR = np.array([0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400])
MINOR = np.array([0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330])


@dataclass(frozen=True)
class Tonality:
    """Chroma, key and tuning.

    Attributes
    ----------
    chroma : np.ndarray, shape (12,)
        Share of each pitch class, from C; sums to 1.
    key : str or None
        "A minor", "Eb major"; None where no key stands out.
    key_strength : float or None
        Correlation of the chroma with the profile of the key, up to 1.
    tuning_cents : float
        Offset from A4 = 440 Hz, -50 to 50.
    """

    chroma: np.ndarray
    key: str | None
    key_strength: float | None
    tuning_cents: float


class TonalityStream:
    """`Tonality` of a recording that arrives in blocks; keeps 122 numbers."""

    def __init__(self) -> None:
        self._stream = FrameStream(_describe, n_fft=N_FFT, hop_length=HOP_LENGTH, block_frames=16)
        self._sums = np.zeros(2 + N_PITCHES * BINS_PER_SEMITONE)

    def push(self, y: np.ndarray) -> None:
        """Take the next samples, (n,) at 16 kHz."""
        self._add(self._stream.push(y))

    def result(self) -> Tonality | None:
        """The tonality of everything pushed, once; None for silence, noise and drums, which have no pitch."""
        self._add(self._stream.finish())
        (n_audible, n_peaks), circle = np.split(self._sums, [2])
        if n_audible == 0 or n_peaks < LEAST_PEAKS * n_audible:
            return None
        tuning_cents = _tuning_cents(circle)
        chroma = _fold(circle, tuning_cents) / circle.sum()
        key, strength = estimate_key(chroma)
        return Tonality(chroma, key, strength, tuning_cents)

    def _add(self, blocks: list[np.ndarray]) -> None:
        for rows in blocks:
            for row in rows:
                self._sums += row


def estimate_key(chroma: np.ndarray) -> tuple[str, float] | tuple[None, None]:
    """Key whose profile correlates best with a chroma.

    Parameters
    ----------
    chroma : np.ndarray, shape (12,)
        Weight of each pitch class from C, 0 or more.

    Returns
    -------
    tuple of str and float, or of None and None
        Name of the key and the correlation; None for a chroma that is nearly flat, as that of noise.
    """
    if chroma.mean() == 0 or chroma.std() < LEAST_CONTRAST * chroma.mean():
        return None, None
    profiles = np.array([np.roll(profile, tonic) for profile in (MAJOR, MINOR) for tonic in range(N_PITCHES)])
    correlations = np.corrcoef(chroma, profiles)[0, 1:]
    best = int(np.argmax(correlations))
    mode = ("major", "minor")[best // N_PITCHES]
    return f"{PITCH_NAMES[best % N_PITCHES]} {mode}", float(correlations[best])


def _describe(frames: np.ndarray) -> np.ndarray:
    """One row per frame: whether it is audible, the number of its peaks, their weights on the circle of pitch.

    (n_frames, 8192) -> (n_frames, 122)
    """
    bin_hz = MUSICNN_SR / N_FFT
    first, last = int(LOWEST_HZ / bin_hz), int(HIGHEST_HZ / bin_hz)
    S_log = 0.5 * np.log(np.maximum(power(spectrum(frames))[:, : last + AROUND_BINS], np.finfo(np.float32).tiny))
    around = ndimage.uniform_filter1d(S_log, AROUND_BINS, mode="nearest")[:, first : last + 1]
    left, centre, right = (S_log[:, first + shift : last + 1 + shift] for shift in (-1, 0, 1))
    loudest = centre.max(axis=1, keepdims=True)
    audible = np.sqrt(np.square(frames).mean(axis=1, keepdims=True)) > SILENCE
    is_peak = (centre > left) & (centre >= right) & audible
    is_peak &= (centre > loudest + np.log(PEAK_FLOOR)) & (centre > around + np.log(PEAK_PROMINENCE))
    frame, column = np.nonzero(is_peak)
    a, b, c = (side[frame, column].astype(float) for side in (left, centre, right))
    offset = 0.5 * (a - c) / (a - 2 * b + c)  # the top of the parabola through the three
    hz = (first + column + offset) * bin_hz
    semitones = 12 * np.log2(hz / 440) + 9  # above the C below A4
    n_bins = N_PITCHES * BINS_PER_SEMITONE
    circle = np.round(semitones * BINS_PER_SEMITONE).astype(int) % n_bins
    # a loud frame counts more than a soft one, but as its root
    weight = np.exp(b - 0.5 * loudest[frame, 0])
    weights = np.bincount(frame * n_bins + circle, weight, minlength=len(frames) * n_bins).reshape(-1, n_bins)
    return np.concatenate([audible, is_peak.sum(axis=1, keepdims=True), weights], axis=1)


def _tuning_cents(circle: np.ndarray) -> float:
    """Circular mean of the offsets from the nearest semitone, weighted."""
    turn = np.exp(2j * np.pi * np.arange(circle.size) / BINS_PER_SEMITONE)
    return float(np.angle((circle * turn).sum()) / (2 * np.pi) * 100)


def _fold(circle: np.ndarray, tuning_cents: float) -> np.ndarray:
    """Sum over the bins that are nearest to each semitone, after tuning: (120,) -> (12,)."""
    semitones = np.arange(circle.size) / BINS_PER_SEMITONE - tuning_cents / 100
    return np.bincount(np.round(semitones).astype(int) % N_PITCHES, circle, minlength=N_PITCHES)
