"""Recordings that are a little like music: melodies of plucked strings over noise, another for each seed."""

import numpy as np

SR = 22050


def melody(seed: int, *, seconds: float = 12.0, sr: int = SR) -> np.ndarray:
    """Two voices of random notes of 0.1 to 0.5 s with decaying harmonics, (n_samples,) float32, peak at 0.5."""
    rng = np.random.default_rng(seed)
    y = 0.002 * rng.standard_normal(round(seconds * sr))
    for _ in range(2):
        start = 0
        while start < y.size:
            n = min(round(rng.uniform(0.1, 0.5) * sr), y.size - start)
            t = np.arange(n) / sr
            pitch_hz = 110 * 2 ** (rng.integers(36) / 12)
            for harmonic in range(1, 8):
                if harmonic * pitch_hz < 0.4 * sr:
                    y[start : start + n] += np.sin(2 * np.pi * harmonic * pitch_hz * t) * np.exp(-4 * t) / harmonic
            start += n
    return (0.5 * y / np.abs(y).max()).astype(np.float32)
