"""The sound of a recording after its instruments: amplifier, equaliser, compressor, loudness, limiter.

Samples are float32 of shape (n_samples, 2), full scale at 1.0.
"""

import numpy as np
from scipy import signal

from datasets.composers.song import Mix
from features.loudness import LoudnessMeter

LOW_SHELF_HZ, HIGH_SHELF_HZ = 150.0, 4000.0
CABINET_HZ = (90.0, 4800.0)  # what a guitar loudspeaker lets through
HIGHEST_CORNER = 0.45  # of the sampling rate; a filter's corner must lie below half of it
MAX_DRIVE = 60.0  # gain into the amplifier at full drive
CEILING = 0.89  # -1 dBFS
FRAME_S = 0.005  # in which the compressor looks at the level
RELEASE_S = 0.15
FADE_S = 0.02
SILENT_LUFS = -70.0


def amplify(y: np.ndarray, drive: float, *, sr: int) -> np.ndarray:
    """An overdriven amplifier and its loudspeaker, in mono as a guitar is.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples, 2)
        A clean instrument.
    drive : float
        0 (a clean amplifier) to 1.
    """
    mono = y.mean(axis=1)
    level = np.sqrt(np.mean(mono**2)) + 1e-9
    gain = MAX_DRIVE**drive
    tight = signal.sosfilt(signal.butter(2, 120.0, "highpass", fs=sr, output="sos"), mono / level * 0.2)
    clipped = np.tanh(gain * tight + 0.1 * drive) - np.tanh(0.1 * drive)  # asymmetric: even harmonics too
    low, high = CABINET_HZ
    sos = signal.butter(2, (low, _corner(high, sr)), "bandpass", fs=sr, output="sos")
    spoken = signal.sosfilt(sos, clipped)
    spoken *= level / (np.sqrt(np.mean(spoken**2)) + 1e-9)
    return np.repeat(spoken[:, np.newaxis], 2, axis=1).astype(np.float32)


def panned(y: np.ndarray, pan: float) -> np.ndarray:
    """Mono in both channels to a place between them, at equal power: -1 left to 1 right."""
    angle = (pan + 1) * np.pi / 4
    return y * (np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)], dtype=np.float32))


def reverberant(y: np.ndarray, room: float, share: float, *, sr: int, rng: np.random.Generator) -> np.ndarray:
    """The sound and its diffuse reverberation: noise that dies away, sooner in a small room, other in each channel.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples, 2)
        Dry.
    room : float
        0 to 1: by 60 dB in 0.3 to 2.3 s.
    share : float
        Of the reverberation, 0 to 1, at which its energy equals the dry sound's.
    """
    decay_s = 0.3 + 2.0 * room
    times = np.arange(int(decay_s * sr)) / sr
    tail = rng.standard_normal((len(times), 2)) * (10 ** (-3 * times / decay_s))[:, np.newaxis]
    tail = signal.lfilter([0.4], [1, -0.6], tail, axis=0)  # walls swallow the treble
    tail *= share / np.sqrt(np.square(tail).sum(axis=0))
    wet = signal.oaconvolve(y, tail.astype(np.float32), axes=0)[: len(y)]
    return (y + wet).astype(np.float32)


def master(y: np.ndarray, mix: Mix, *, sr: int, rng: np.random.Generator) -> np.ndarray:
    """What a studio does to the finished mix.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples, 2)
        Sum of the parts.
    mix : Mix
        Its settings.
    sr : int
        Sampling rate in Hz.
    rng : np.random.Generator
        For the hiss.

    Returns
    -------
    np.ndarray, shape (n_samples, 2), float32
        At the loudness that `mix` names, or below where peaks would pass -1 dBFS by too much; digital silence stays.
    """
    if not y.any():
        return y.astype(np.float32)
    y = _shelves(y, mix, sr)
    y = _compressed(y, mix.compression, sr)
    if mix.bandwidth_hz < sr / 2:
        y = signal.sosfilt(signal.butter(4, mix.bandwidth_hz, fs=sr, output="sos"), y, axis=0)
    y = _at_loudness(y, mix.loudness_lufs, sr)
    if mix.hiss_db > -110:
        hiss = signal.lfilter([1, -0.85], [1], rng.standard_normal(y.shape), axis=0)
        y = y + 10 ** (mix.hiss_db / 20) * hiss
    return _faded(_limited(y), sr).astype(np.float32)


def _corner(hz: float, sr: int) -> float:
    """A corner frequency, or the highest that a filter can have at a low sampling rate."""
    return min(hz, HIGHEST_CORNER * sr)


def _shelves(y: np.ndarray, mix: Mix, sr: int) -> np.ndarray:
    low = signal.sosfilt(signal.butter(1, LOW_SHELF_HZ, fs=sr, output="sos"), y, axis=0)
    corner = _corner(HIGH_SHELF_HZ, sr)
    high = signal.sosfilt(signal.butter(1, corner, "highpass", fs=sr, output="sos"), y, axis=0)
    return y + (10 ** (mix.low_db / 20) - 1) * low + (10 ** (mix.high_db / 20) - 1) * high


def _compressed(y: np.ndarray, amount: float, sr: int) -> np.ndarray:
    """Loud passages come down towards the mean level; `amount` 1 evens them out."""
    if amount <= 0:
        return y
    hop = int(FRAME_S * sr)
    n_frames = -(-len(y) // hop)
    power = np.add.reduceat(np.square(y).mean(axis=1), np.arange(n_frames) * hop) / hop
    smooth = signal.lfilter([1 - np.exp(-FRAME_S / RELEASE_S)], [1, -np.exp(-FRAME_S / RELEASE_S)], power)
    level = np.sqrt(np.maximum(smooth, power * 0.5)) + 1e-6
    reference = np.sqrt(power.mean()) + 1e-6
    gain = np.minimum((level / reference) ** (-0.7 * amount), 4.0)
    return y * np.interp(np.arange(len(y)), (np.arange(n_frames) + 0.5) * hop, gain)[:, np.newaxis]


def _at_loudness(y: np.ndarray, loudness_lufs: float, sr: int) -> np.ndarray:
    meter = LoudnessMeter(sr, y.shape[1])
    meter.push(y)
    measured = meter.integrated_lufs()
    if measured is None or measured < SILENT_LUFS:
        return y
    return y * 10 ** ((loudness_lufs - measured) / 20)


def _limited(y: np.ndarray) -> np.ndarray:
    """Peaks above half the ceiling bend towards it and never reach full scale."""
    knee = CEILING / 2
    over = np.abs(y) - knee
    bent = knee + (CEILING - knee) * np.tanh(np.maximum(over, 0) / (CEILING - knee))
    return np.where(over > 0, np.sign(y) * bent, y)


def _faded(y: np.ndarray, sr: int) -> np.ndarray:
    n = min(int(FADE_S * sr), len(y) // 2)
    y = y.copy()
    y[len(y) - n :] *= np.linspace(1, 0, n)[:, np.newaxis]
    return y
