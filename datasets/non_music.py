"""Sounds that are no music, synthesised: noises, tones, hum, clicks, applause, wind, alarms.

Each kind is a function of a seeded generator that gives mono samples with peak 1 before the level is drawn; no clip
is like another.
"""

from collections.abc import Callable

import numpy as np

from datasets.errors import DatasetError

SHORTEST_S = 0.5


def non_music(kind: str, rng: np.random.Generator, *, duration_s: float, sr: int) -> np.ndarray:
    """One clip.

    Parameters
    ----------
    kind : str
        A key of `KINDS`.
    rng : np.random.Generator
        Draws everything that is left open.
    duration_s : float
        At least 0.5 s.
    sr : int
        Sampling rate in Hz.

    Returns
    -------
    np.ndarray, shape (n_samples,), float32
        Peak between 0.003 and 1.

    Raises
    ------
    DatasetError
        If there is no such kind, or the clip would be shorter than 0.5 s.
    """
    if kind not in KINDS:
        raise DatasetError(f"no kind {kind!r} of non-music, expected one of {', '.join(KINDS)}")
    if duration_s < SHORTEST_S:
        raise DatasetError(f"{duration_s} s of {kind}, expected {SHORTEST_S} s or more")
    y = KINDS[kind](rng, round(duration_s * sr), sr)
    y = y - y.mean()
    return (y / np.abs(y).max() * 10 ** rng.uniform(-2.5, 0)).astype(np.float32)


def _coloured(rng: np.random.Generator, n: int, exponent: float) -> np.ndarray:
    """Noise whose power falls with frequency to this exponent: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    frequency = np.maximum(np.arange(spectrum.size), 1)
    return np.fft.irfft(spectrum * frequency ** (-exponent / 2), n)


def _slow(rng: np.random.Generator, n: int, sr: int, rate_hz: float) -> np.ndarray:
    """A smooth random curve from 0 to 1 that changes about `rate_hz` times a second."""
    knots = rng.uniform(0, 1, max(int(n / sr * rate_hz) + 2, 2))
    return np.interp(np.linspace(0, knots.size - 1, n), np.arange(knots.size), knots)


def _noise(rng: np.random.Generator, n: int, sr: int) -> np.ndarray:  # noqa: ARG001
    return _coloured(rng, n, rng.choice([0.0, 1.0, 2.0, rng.uniform(-1, 2.5)]))


def _band_noise(rng: np.random.Generator, n: int, sr: int) -> np.ndarray:
    low = np.exp(rng.uniform(np.log(50), np.log(4000)))
    high = low * rng.uniform(1.2, 4)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    frequency = np.fft.rfftfreq(n, 1 / sr)
    floor = 10 ** rng.uniform(-4, -2)
    return np.fft.irfft(spectrum * np.where((frequency > low) & (frequency < high), 1.0, floor), n)


def _tone(rng: np.random.Generator, n: int, sr: int) -> np.ndarray:
    t = np.arange(n) / sr
    y = np.zeros(n)
    for _ in range(rng.integers(1, 3)):
        y += rng.uniform(0.2, 1) * np.sin(2 * np.pi * np.exp(rng.uniform(np.log(40), np.log(7000))) * t)
    return y + 10 ** rng.uniform(-5, -2) * rng.standard_normal(n)


def _sweep(rng: np.random.Generator, n: int, sr: int) -> np.ndarray:
    turns = np.exp(np.log(60) + _slow(rng, n, sr, rng.uniform(0.05, 1)) * np.log(100))
    return np.sin(2 * np.pi * np.cumsum(turns) / sr)


def _hum(rng: np.random.Generator, n: int, sr: int) -> np.ndarray:
    t = np.arange(n) / sr
    mains = rng.choice([50.0, 60.0, rng.uniform(25, 120)])
    y = sum(
        rng.uniform(0, 1) / k * np.sin(2 * np.pi * k * mains * t + rng.uniform(0, 6.3))
        for k in range(1, rng.integers(3, 20))
    )
    return y + 10 ** rng.uniform(-4, -1) * _coloured(rng, n, 1.0) * np.sqrt(n)


def _clicks(rng: np.random.Generator, n: int, sr: int) -> np.ndarray:
    y = np.zeros(n)
    rate_hz = np.exp(rng.uniform(np.log(0.5), np.log(60)))
    if rng.random() < 0.5:
        at = np.arange(0, n, max(int(sr / rate_hz), 1))
    else:
        at = np.flatnonzero(rng.random(n) < rate_hz / sr)
    y[at] = rng.uniform(0.3, 1, at.size) * rng.choice([-1, 1], at.size)
    y[0] = 1.0
    ring = np.exp(-np.arange(int(0.01 * sr)) / sr / rng.uniform(0.0002, 0.003))
    return np.convolve(y, ring)[:n] + 10 ** rng.uniform(-5, -2.5) * rng.standard_normal(n)


def _applause(rng: np.random.Generator, n: int, sr: int) -> np.ndarray:
    y = np.zeros(n)
    for _ in range(rng.integers(20, 200)):  # people, each with a pace and a clap of their own
        pace = rng.uniform(2.5, 5)
        at = np.cumsum(rng.normal(1 / pace, 0.03 / pace, int(n / sr * pace) + 2)) + rng.uniform(0, 1)
        claps = (at[at < n / sr] * sr).astype(int)
        np.add.at(y, claps[(claps >= 0) & (claps < n)], rng.uniform(0.1, 1))
    if not y.any():  # a short clip may end before the first clap
        y[0] = 1.0
    length = int(0.02 * sr)
    clap = rng.standard_normal(length) * np.exp(-np.arange(length) / sr / rng.uniform(0.002, 0.006))
    return np.convolve(y, clap)[:n] * (0.4 + 0.6 * _slow(rng, n, sr, 0.3))


def _wind(rng: np.random.Generator, n: int, sr: int) -> np.ndarray:
    return _coloured(rng, n, rng.uniform(1, 2.5)) * (0.1 + _slow(rng, n, sr, rng.uniform(0.2, 3)) ** 2)


def _rain(rng: np.random.Generator, n: int, sr: int) -> np.ndarray:
    drops = (rng.random(n) < rng.uniform(50, 2000) / sr) * rng.exponential(1, n)
    length = int(0.005 * sr)
    drop = rng.standard_normal(length) * np.exp(-np.arange(length) / sr / 0.001)
    return np.convolve(drops, drop)[:n] + rng.uniform(0, 0.5) * _coloured(rng, n, 0.5)


def _engine(rng: np.random.Generator, n: int, sr: int) -> np.ndarray:
    speed = rng.uniform(10, 60) * (1 + rng.uniform(0, 1) * _slow(rng, n, sr, 0.5))
    phase = np.cumsum(speed) / sr
    pulse = np.exp(-(phase % 1) * rng.uniform(4, 20))
    return pulse * (1 + rng.uniform(0, 1) * rng.standard_normal(n))


def _alarm(rng: np.random.Generator, n: int, sr: int) -> np.ndarray:
    t = np.arange(n) / sr
    pitch = rng.uniform(400, 3500)
    rate_hz = rng.uniform(0.5, 6)
    on = ((t * rate_hz) % 1) < rng.uniform(0.2, 0.8)
    if rng.random() < 0.5:
        turns = np.where(on, pitch, pitch * rng.uniform(1.1, 1.6))
        return np.sin(2 * np.pi * np.cumsum(turns) / sr)
    return on * np.sign(np.sin(2 * np.pi * pitch * t)) + 10 ** rng.uniform(-5, -3) * rng.standard_normal(n)


KINDS: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "noise": _noise,
    "band_noise": _band_noise,
    "tone": _tone,
    "sweep": _sweep,
    "hum": _hum,
    "clicks": _clicks,
    "applause": _applause,
    "wind": _wind,
    "rain": _rain,
    "engine": _engine,
    "alarm": _alarm,
}
