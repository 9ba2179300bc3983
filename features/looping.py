"""Loops: clips that can be repeated without a click or a dip, and a measure of whether they can.

Audio is mono, full scale at 1.0. A loop of n samples is made from a few more: what would have followed the end is
blended into the beginning, so that the end goes over into it.
"""

from typing import NamedTuple

import numpy as np

from features.errors import FeatureError

FRAME_S = 0.023  # of the spectral flux
STEP_FLOOR = 1e-4  # -80 dBFS: steps under it are silence
FLUX_FLOOR = 1e-3
OPPOSED = -0.5  # below this correlation the blend is not raised any more


class SeamError(NamedTuple):
    """How the seam of a loop compares with the rest of it: 1 is ordinary, 10 is a click.

    Attributes
    ----------
    step : float
        From the last sample to the first, relative to the median step between neighbours.
    flux : float
        Spectral flux across the seam, relative to the median flux.
    """

    step: float
    flux: float


def close_loop(y: np.ndarray, *, overlap: int) -> np.ndarray:
    """Turn audio into a loop.

    Parameters
    ----------
    y : np.ndarray, shape (n + overlap,)
        Audio, with what follows the end of the loop as its last samples.
    overlap : int
        Length of the blend in samples, 1 to n.

    Returns
    -------
    np.ndarray, shape (n,)
        float32. Only its first `overlap` samples differ from those of `y`.

    Raises
    ------
    FeatureError
        If `y` is not mono, or too short for the overlap.
    """
    if y.ndim != 1:
        raise FeatureError(f"expected mono audio of shape (n,), got {y.shape}")
    if not 1 <= overlap <= y.size // 2:
        raise FeatureError(f"overlap={overlap}: expected 1 to half of the {y.size} samples")
    n = y.size - overlap
    return np.concatenate([crossfade(y[n:], y[:overlap]), y[overlap:n]]).astype(np.float32)


def crossfade(tail: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Blend from one piece of audio to another, without a bump or a dip.

    Unrelated sounds are blended at constant power; the more alike both are, the closer that is to constant amplitude.

    Parameters
    ----------
    tail, head : np.ndarray, shape (n,)
        What is heard first and last.

    Returns
    -------
    np.ndarray, shape (n,)
        It starts as `tail` does and ends as `head` does.

    Raises
    ------
    FeatureError
        If the lengths differ.
    """
    if tail.ndim != 1 or tail.shape != head.shape:
        raise FeatureError(f"expected two pieces of one length, got {tail.shape} and {head.shape}")
    energy = np.sqrt(np.dot(tail, tail) * np.dot(head, head))
    alike = max(OPPOSED, float(np.dot(tail, head) / energy)) if energy > 0 else 0.0
    angle = np.linspace(0.0, np.pi / 2, tail.size)
    power = 1.0 + alike * np.sin(2 * angle)  # of the blend, relative to that of each part
    return (np.cos(angle) * tail + np.sin(angle) * head) / np.sqrt(power)


def loop_samples(seconds: float, *, tempo_bpm: float, beats_per_bar: int, sr: int) -> int:
    """Length of a loop in samples: the number of whole bars, at least one, that is nearest to `seconds`.

    Raises
    ------
    FeatureError
        If a number is not positive.
    """
    if not (seconds > 0 and tempo_bpm > 0 and beats_per_bar > 0 and sr > 0):
        given = f"seconds={seconds}, tempo_bpm={tempo_bpm}, beats_per_bar={beats_per_bar}, sr={sr}"
        raise FeatureError(f"{given}: expected positive numbers")
    bar_s = beats_per_bar * 60 / tempo_bpm
    return round(max(1, round(seconds / bar_s)) * bar_s * sr)


def seam_error(y: np.ndarray, sr: int) -> SeamError:
    """Compare the seam of a loop with the rest of it.

    Parameters
    ----------
    y : np.ndarray, shape (n,)
        The loop, 0.2 s or more.
    sr : int
        Sampling rate in Hz.

    Raises
    ------
    FeatureError
        If `y` is not mono, or too short.
    """
    frame = max(2, round(FRAME_S * sr))
    if y.ndim != 1 or y.size < 8 * frame:
        raise FeatureError(f"expected mono audio of {8 * frame} samples or more, got {y.shape}")
    steps = np.abs(np.diff(y, append=y[:1]))
    step = float(steps[-1]) / max(float(np.median(steps)), STEP_FLOOR)
    # Half-overlapping frames, with the seam in the middle of one of them.
    around, seam, hop = np.roll(y, y.size // 2), y.size // 2, frame // 2
    first = (seam - hop) % hop
    levels = _levels(np.lib.stride_tricks.sliding_window_view(around, frame)[first::hop])
    flux = np.abs(np.diff(levels, axis=0)).mean(axis=1)
    at_seam = (seam - hop) // hop
    largest = float(flux[at_seam - 1 : at_seam + 1].max())
    return SeamError(step, largest / max(float(np.median(flux)), FLUX_FLOOR))


def _levels(frames: np.ndarray) -> np.ndarray:
    """Decimal logarithm of the magnitude spectrum of each frame."""
    window = np.hanning(frames.shape[1])
    return np.log10(np.abs(np.fft.rfft(frames * window, axis=1)) + 1e-4)
