"""Seeded changes of a recording that leave its genre as it is: level, noise, filters, tempo, pitch, other recordings.

A transform is a frozen dataclass of settings, called as `transform(y, sr, rng)`. `y` is float audio of shape
(n_samples,) or (n_samples, n_channels), full scale at 1.0, at `sr` Hz; it is not changed. The answer is float32 of the
same number of dimensions and channels, and the same for the same state of `rng`. A setting that is a pair is a range
from which each call draws uniformly.

Nothing is clipped: an answer that would be louder than full scale, or than the recording was where that is more, is
scaled down as a whole to that peak. Silence stays silence.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import fft

from datasets.errors import DatasetError

Range = tuple[float, float]
WIDEST_DB = 120.0
FILTER_KINDS = ("low_pass", "high_pass", "band_pass", "low_shelf", "high_shelf")
FILTER_ORDER = 4  # Butterworth: 24 dB per octave
SHELF_Q = 0.7071  # the steepest that does not overshoot
HIGHEST_OF_SR = 0.45  # a filter's highest frequency
STRETCH_LIMITS = (0.25, 4.0)  # beyond them a phase vocoder leaves no music
PITCH_LIMITS = (-24.0, 24.0)  # semitones
VOCODER_SAMPLES = 2048  # a frame of librosa's phase vocoder


class Transform(ABC):
    """A change of a recording; the settings are the fields of the subclass."""

    def __call__(self, y: np.ndarray, sr: int, rng: np.random.Generator) -> np.ndarray:
        """Change a recording.

        Parameters
        ----------
        y : np.ndarray, shape (n_samples,) or (n_samples, n_channels)
            Audio, at least one sample.
        sr : int
            Sampling rate in Hz.
        rng : np.random.Generator
            Draws what the settings leave open.

        Returns
        -------
        np.ndarray, float32
            As this module says; only `TimeStretch` changes the number of samples.

        Raises
        ------
        DatasetError
            If `y` is no such audio, too short for a phase vocoder (2048 samples), or the rate not positive.
        """
        _check_audio(y, sr)
        samples = y.astype(float).reshape(len(y), -1)
        loudest = max(1.0, float(np.abs(samples).max()))
        changed = self._change(samples, sr, rng)
        peak = float(np.abs(changed).max())
        if peak > loudest:
            changed = changed * (loudest / peak)
        return changed.reshape(len(changed), *y.shape[1:]).astype(np.float32)

    @abstractmethod
    def _change(self, y: np.ndarray, sr: int, rng: np.random.Generator) -> np.ndarray:
        """The change itself, (n_samples, n_channels) float64 to the same, at any level."""


@dataclass(frozen=True)
class Chain(Transform):
    """Transforms one after the other, each with a probability; a chain may hold chains.

    Attributes
    ----------
    transforms : sequence of Transform
        In the order in which they are applied.
    p : float or sequence of float
        Probability with which each is applied, 0 to 1: one for all, or one for each.
    """

    transforms: Sequence[Transform]
    p: float | Sequence[float] = 1.0

    def __post_init__(self) -> None:
        if not all(isinstance(transform, Transform) for transform in self.transforms):
            raise DatasetError("a chain is of transforms: expected instances, such as Gain((-6, 6))")
        each = self._probabilities()
        if len(each) != len(self.transforms) or not all(0 <= p <= 1 for p in each):
            raise DatasetError(f"p={self.p}: expected a probability from 0 to 1, or {len(self.transforms)} of them")

    def _change(self, y: np.ndarray, sr: int, rng: np.random.Generator) -> np.ndarray:
        for transform, p in zip(self.transforms, self._probabilities(), strict=True):
            if rng.random() < p:
                y = transform(y, sr, rng)
        return y

    def _probabilities(self) -> tuple[float, ...]:
        return (self.p,) * len(self.transforms) if isinstance(self.p, (int, float)) else tuple(self.p)


@dataclass(frozen=True)
class Gain(Transform):
    """Another level.

    Attributes
    ----------
    gain_db : pair of float
        -120 to 120 dB; 6.02 doubles the samples.
    """

    gain_db: Range = (-12.0, 6.0)

    def __post_init__(self) -> None:
        _check_range("gain_db", self.gain_db, -WIDEST_DB, WIDEST_DB)

    def _change(self, y: np.ndarray, sr: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG002
        return y * _amplitude(rng.uniform(*self.gain_db))


@dataclass(frozen=True)
class AddNoise(Transform):
    """Gaussian noise behind the recording, another in each channel.

    Attributes
    ----------
    snr_db : pair of float
        Power of the recording over that of the noise, -120 to 120 dB; over the whole and all channels.
    exponent : pair of float
        The noise's power falls with frequency to this exponent, -2 to 3: 0 white, 1 pink, 2 brown.
    """

    snr_db: Range = (10.0, 40.0)
    exponent: Range = (0.0, 2.0)

    def __post_init__(self) -> None:
        _check_range("snr_db", self.snr_db, -WIDEST_DB, WIDEST_DB)
        _check_range("exponent", self.exponent, -2.0, 3.0)

    def _change(self, y: np.ndarray, sr: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG002
        noise = _coloured_noise(rng, y.shape, rng.uniform(*self.exponent))
        return y + noise * (_rms(y) / _rms(noise) * _amplitude(-rng.uniform(*self.snr_db)))


@dataclass(frozen=True)
class Filter(Transform):
    """One filter, as a loudspeaker, a room or an equaliser would be.

    Attributes
    ----------
    kinds : tuple of str
        Of `FILTER_KINDS`; each call draws one.
    cutoff_hz : pair of float
        Corner of a pass or shelf, upper corner of a band; drawn by octaves. Never above 0.45 of the sampling rate.
    octaves : pair of float
        Width of a band, 0.1 to 10.
    shelf_db : pair of float
        Gain of a shelf far from its corner, -40 to 40 dB.
    """

    kinds: tuple[str, ...] = FILTER_KINDS
    cutoff_hz: Range = (200.0, 8000.0)
    octaves: Range = (2.0, 5.0)
    shelf_db: Range = (-12.0, 12.0)

    def __post_init__(self) -> None:
        if not self.kinds or not set(self.kinds) <= set(FILTER_KINDS):
            raise DatasetError(f"kinds={self.kinds}: expected some of {', '.join(FILTER_KINDS)}")
        _check_range("cutoff_hz", self.cutoff_hz, 10.0, 100_000.0)
        _check_range("octaves", self.octaves, 0.1, 10.0)
        _check_range("shelf_db", self.shelf_db, -40.0, 40.0)

    def _change(self, y: np.ndarray, sr: int, rng: np.random.Generator) -> np.ndarray:
        from scipy import signal  # slow to import

        kind = self.kinds[rng.integers(len(self.kinds))]
        cutoff = min(math.exp(rng.uniform(*np.log(self.cutoff_hz))), HIGHEST_OF_SR * sr)
        if kind.endswith("shelf"):
            return signal.sosfilt(_shelf(kind, cutoff, rng.uniform(*self.shelf_db), sr), y, axis=0)
        corners = [cutoff / 2 ** rng.uniform(*self.octaves), cutoff] if kind == "band_pass" else cutoff
        sos = signal.butter(FILTER_ORDER, corners, kind.replace("_", ""), fs=sr, output="sos")
        return signal.sosfilt(sos, y, axis=0)


@dataclass(frozen=True)
class TimeStretch(Transform):
    """Another tempo at the same pitch, by librosa's phase vocoder.

    Attributes
    ----------
    rate : pair of float
        0.25 to 4: at 2, the recording is twice as fast and takes half the time, to the nearest sample.
    """

    rate: Range = (0.85, 1.18)

    def __post_init__(self) -> None:
        _check_range("rate", self.rate, *STRETCH_LIMITS)

    def _change(self, y: np.ndarray, sr: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG002
        from librosa.effects import time_stretch  # slow to import

        _check_vocoder(y)
        return time_stretch(y.T, rate=rng.uniform(*self.rate)).T


@dataclass(frozen=True)
class PitchShift(Transform):
    """Another pitch at the same tempo, by librosa's phase vocoder and a change of sampling rate.

    Attributes
    ----------
    semitones : pair of float
        -24 to 24; 12 is an octave up.
    """

    semitones: Range = (-2.0, 2.0)

    def __post_init__(self) -> None:
        _check_range("semitones", self.semitones, *PITCH_LIMITS)

    def _change(self, y: np.ndarray, sr: int, rng: np.random.Generator) -> np.ndarray:
        from librosa.effects import pitch_shift  # slow to import

        _check_vocoder(y)
        return pitch_shift(y.T, sr=sr, n_steps=rng.uniform(*self.semitones)).T


@dataclass(frozen=True, eq=False)
class Mix(Transform):
    """Another recording behind this one: its part from a drawn moment on, repeated where it is too short.

    Attributes
    ----------
    others : sequence of np.ndarray, each (n_samples,) or (n_samples, n_channels)
        Each call draws one. Their mean over channels is added to every channel.
    sr : int
        Sampling rate of the others in Hz, and of what they are mixed into.
    level_db : pair of float
        Power of the other over that of the recording, -120 to 120 dB; below 0 it stays behind.
    """

    others: Sequence[np.ndarray]
    sr: int
    level_db: Range = (-20.0, -6.0)

    def __post_init__(self) -> None:
        if not len(self.others):
            raise DatasetError("no other recordings to mix with: expected at least one")
        for other in self.others:
            _check_audio(other, self.sr)
        _check_range("level_db", self.level_db, -WIDEST_DB, WIDEST_DB)

    def _change(self, y: np.ndarray, sr: int, rng: np.random.Generator) -> np.ndarray:
        if sr != self.sr:
            raise DatasetError(f"a recording at {sr} Hz, the others are at {self.sr} Hz: resample one of them")
        other = self.others[int(rng.integers(len(self.others)))]
        mono = other.astype(float).reshape(len(other), -1).mean(axis=1)
        part = np.take(mono, np.arange(len(y)) + rng.integers(mono.size), mode="wrap")[:, np.newaxis]
        level = _amplitude(rng.uniform(*self.level_db))
        loudness = _rms(part)
        return y + part * (_rms(y) / loudness * level) if loudness > 0 else y


def _check_audio(y: np.ndarray, sr: int) -> None:
    if sr < 1:
        raise DatasetError(f"sr={sr}: expected a sampling rate of 1 Hz or more")
    if y.ndim not in (1, 2) or y.size == 0 or not np.issubdtype(y.dtype, np.floating):
        raise DatasetError(
            f"{y.dtype} {y.shape}: expected floating-point audio (n_samples,) or (n_samples, n_channels), not empty"
        )
    if not np.isfinite(y).all():
        raise DatasetError("the samples hold NaN or infinity: decode the recording again")


def _check_range(name: str, pair: Range, lowest: float, highest: float) -> None:
    if np.shape(pair) != (2,) or not lowest <= pair[0] <= pair[1] <= highest:
        raise DatasetError(f"{name}={pair}: expected (low, high) with {lowest:g} <= low <= high <= {highest:g}")


def _check_vocoder(y: np.ndarray) -> None:
    if len(y) < VOCODER_SAMPLES:
        raise DatasetError(f"{len(y)} samples: a phase vocoder needs {VOCODER_SAMPLES} or more")


def _amplitude(db: float) -> float:
    return 10 ** (db / 20)


def _rms(y: np.ndarray) -> float:
    return math.sqrt(np.square(y).mean())


def _coloured_noise(rng: np.random.Generator, shape: tuple[int, ...], exponent: float) -> np.ndarray:
    n_fft = fft.next_fast_len(shape[0], real=True)
    spectrum = fft.rfft(rng.standard_normal((n_fft, shape[1])), axis=0)
    bins = np.maximum(np.arange(len(spectrum)), 1)
    return fft.irfft(spectrum * bins[:, np.newaxis] ** (-exponent / 2), n_fft, axis=0)[: shape[0]]


def _shelf(kind: str, cutoff_hz: float, gain_db: float, sr: int) -> np.ndarray:
    """The shelf of Bristow-Johnson's cookbook as second-order sections, (1, 6)."""
    from pyloudnorm.iirfilter import IIRfilter  # slow to import

    section = IIRfilter(gain_db, SHELF_Q, cutoff_hz, sr, kind)
    return np.array([[*section.b, *section.a]])
