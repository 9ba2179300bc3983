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

from features.spectrogram import MUSICNN_SR, FrameStream, power, spectrum

N_FFT = 8192
HOP_LENGTH = 4096
LOWEST_HZ, HIGHEST_HZ = 65.0, 2000.0
PEAK_FLOOR = 0.01  # of the frame's largest magnitude: -40 dB
SILENCE = 1e-5  # RMS of a silent frame: -100 dB of full scale
BINS_PER_SEMITONE = 10
N_PITCHES = 12
PITCH_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
LEAST_CONTRAST = 0.35  # coefficient of variation of a chroma that has a key: noise has 0.2, chords 0.7 and more

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
    """`Tonality` of a recording that arrives in blocks; keeps 120 numbers."""

    def __init__(self) -> None:
        self._stream = FrameStream(_pitch_circle, n_fft=N_FFT, hop_length=HOP_LENGTH, block_frames=16)
        self._circle = np.zeros(N_PITCHES * BINS_PER_SEMITONE)

    def push(self, y: np.ndarray) -> None:
        """Take the next samples, (n,) at 16 kHz."""
        self._add(self._stream.push(y))

    def result(self) -> Tonality | None:
        """The tonality of everything pushed, once; None where no peak was found."""
        self._add(self._stream.finish())
        total = self._circle.sum()
        if total == 0:
            return None
        tuning_cents = _tuning_cents(self._circle)
        chroma = _fold(self._circle, tuning_cents) / total
        key, strength = estimate_key(chroma)
        return Tonality(chroma, key, strength, tuning_cents)

    def _add(self, blocks: list[np.ndarray]) -> None:
        for circles in blocks:
            for circle in circles:
                self._circle += circle


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


def _pitch_circle(frames: np.ndarray) -> np.ndarray:
    """Weight of the peaks of each frame on the circle of pitch: (n_frames, 8192) -> (n_frames, 120)."""
    bin_hz = MUSICNN_SR / N_FFT
    first, last = int(LOWEST_HZ / bin_hz), int(HIGHEST_HZ / bin_hz)
    S = np.sqrt(power(spectrum(frames))[:, first - 1 : last + 2]).astype(float)
    left, centre, right = S[:, :-2], S[:, 1:-1], S[:, 2:]
    loudest = centre.max(axis=1, keepdims=True)
    audible = np.sqrt(np.square(frames).mean(axis=1, keepdims=True)) > SILENCE
    frame, column = np.nonzero((centre > left) & (centre >= right) & (centre > PEAK_FLOOR * loudest) & audible)
    a, b, c = (np.log(np.maximum(side[frame, column], 1e-30)) for side in (left, centre, right))
    offset = 0.5 * (a - c) / (a - 2 * b + c)  # the top of the parabola through the three
    hz = (first + column + offset) * bin_hz
    position = 12 * np.log2(hz / 440) + 9  # semitones above the C below A4
    circle = np.round(position * BINS_PER_SEMITONE).astype(int) % (N_PITCHES * BINS_PER_SEMITONE)
    # a loud frame counts more than a soft one, but as its root
    weight = np.exp(b) / np.sqrt(loudest[frame, 0])
    n_bins = N_PITCHES * BINS_PER_SEMITONE
    counts = np.bincount(frame * n_bins + circle, weight, minlength=len(frames) * n_bins)
    return counts.reshape(len(frames), n_bins)


def _tuning_cents(circle: np.ndarray) -> float:
    """Circular mean of the offsets from the nearest semitone, weighted."""
    turn = np.exp(2j * np.pi * np.arange(circle.size) / BINS_PER_SEMITONE)
    return float(np.angle((circle * turn).sum()) / (2 * np.pi) * 100)


def _fold(circle: np.ndarray, tuning_cents: float) -> np.ndarray:
    """Sum over the bins that are nearest to each semitone, after tuning: (120,) -> (12,)."""
    semitones = np.arange(circle.size) / BINS_PER_SEMITONE - tuning_cents / 100
    return np.bincount(np.round(semitones).astype(int) % N_PITCHES, circle, minlength=N_PITCHES)
