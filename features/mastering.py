"""Finishing of music that was made: loudness, fades, and a limiter after which nothing clips.

Audio is mono, float32 with full scale at 1.0, and passes in blocks, so that an hour takes the memory of some seconds.
How it is cut into blocks changes no sample of the result.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from features.errors import FeatureError, InvalidSamples
from features.loudness import LoudnessMeter

TARGET_LUFS = -16.0
CEILING_DB = -1.0  # dBFS; what lossy coders add to a peak fits above it
MAX_GAIN_DB, MIN_GAIN_DB = 20.0, -60.0  # what is nearly silent is not blown up to noise
FADE_IN_S, FADE_OUT_S = 0.005, 0.08
LOOK_AHEAD_S = 0.005
RELEASE_S = 0.08  # in which a reduction falls to 1/e
NO_REDUCTION = 1e-6  # under it the limiter is at rest
CHUNK_SAMPLES = 2**16  # worked on at once


def loudness_of(blocks: Iterable[np.ndarray], sr: int) -> float | None:
    """Integrated loudness after ITU-R BS.1770 in LUFS; None for silence and for less than 400 ms.

    Parameters
    ----------
    blocks : iterable of np.ndarray, each (n,)
        Mono audio.
    sr : int
        Sampling rate in Hz.
    """
    meter = LoudnessMeter(sr, 1)
    for block in blocks:
        meter.push(_mono(block)[:, np.newaxis])
    return meter.integrated_lufs()


def gain_to_target(
    loudness_lufs: float | None, *, target_lufs: float = TARGET_LUFS, peak: float | None = None
) -> float:
    """Gain in dB that brings audio to a loudness, within `MIN_GAIN_DB` and `MAX_GAIN_DB`.

    Parameters
    ----------
    loudness_lufs : float, optional
        As measured; silence, None, is left as it is.
    target_lufs : float
        Loudness that is wanted, before limiting.
    peak : float, optional
        Largest magnitude of the audio. Where it is given, the gain is so low that the limiter has nothing to do. A loop
        needs that: a limiter would leave it with another gain than it began with.
    """
    gain_db = 0.0 if loudness_lufs is None else float(np.clip(target_lufs - loudness_lufs, MIN_GAIN_DB, MAX_GAIN_DB))
    if peak:
        gain_db = min(gain_db, CEILING_DB - 20 * float(np.log10(peak)))
    return gain_db


def master(
    blocks: Iterable[np.ndarray],
    *,
    sr: int,
    n_samples: int,
    gain_db: float = 0.0,
    fade_in_s: float = FADE_IN_S,
    fade_out_s: float = FADE_OUT_S,
) -> Iterator[np.ndarray]:
    """Bring audio to its level, fade its ends, and keep its peaks at or under `CEILING_DB`.

    Where nothing would exceed that, samples are only scaled and faded. The limiter knows `LOOK_AHEAD_S` of what comes,
    goes down smoothly before a peak and recovers within some `RELEASE_S`.

    Parameters
    ----------
    blocks : iterable of np.ndarray, each (n,)
        Mono audio, at least `n_samples` in all; what follows these is cut off.
    sr : int
        Sampling rate in Hz.
    n_samples : int
        Length of the result.
    gain_db : float
        As `gain_to_target` gives it.
    fade_in_s, fade_out_s : float
        Lengths of the fades, raised cosines; 0 leaves an end as it is.

    Yields
    ------
    np.ndarray, shape (n,)
        float32, `CHUNK_SAMPLES` or, at the end, fewer.

    Raises
    ------
    FeatureError
        If a setting is out of range, or the blocks end too early.
    InvalidSamples
        If a sample is not a finite number.
    """
    if n_samples < 1 or sr < 1:
        raise FeatureError(f"n_samples={n_samples}, sr={sr}: expected positive numbers")
    if not (np.isfinite(gain_db) and fade_in_s >= 0 and fade_out_s >= 0):
        raise FeatureError(
            f"gain_db={gain_db}, fade_in_s={fade_in_s}, fade_out_s={fade_out_s}: expected finite numbers, fades of 0 on"
        )
    return _master(blocks, sr=sr, n_samples=n_samples, gain_db=gain_db, fade_in_s=fade_in_s, fade_out_s=fade_out_s)


def _master(
    blocks: Iterable[np.ndarray], *, sr: int, n_samples: int, gain_db: float, fade_in_s: float, fade_out_s: float
) -> Iterator[np.ndarray]:
    limiter = _Limiter(sr)
    gain = 10 ** (gain_db / 20)
    position = 0
    for chunk in _chunks(blocks, n_samples):
        if not np.isfinite(chunk).all():
            raise InvalidSamples(f"samples that are no numbers after {position / sr:.2f} s")
        y = chunk.astype(np.float64) * gain
        at = position + np.arange(y.size)
        y *= _fade(at, round(fade_in_s * sr)) * _fade(n_samples - 1 - at, round(fade_out_s * sr))
        position += y.size
        yield from limiter.push(y)
    if position < n_samples:
        raise FeatureError(f"{position} samples of audio, n_samples={n_samples}: expected at least so many")
    yield from limiter.finish()


class _Limiter:
    """Peaks stay at or under the ceiling; what went in comes out again, a look-ahead later.

    Of each sample, the reduction that it needs is held over the look-ahead before it, decays after it, and is smoothed
    by a window of the length of the look-ahead: a mean of values that are each large enough is large enough.
    """

    def __init__(self, sr: int) -> None:
        self._n = max(1, round(LOOK_AHEAD_S * sr))
        self._ceiling = 10 ** (CEILING_DB / 20)
        self._log_decay = -1.0 / (RELEASE_S * sr)
        window = np.hanning(self._n + 3)[1:-1]  # n + 1 weights above 0
        self._window = window / window.sum()
        self._waiting = np.zeros(self._n)  # samples whose future is not known yet; before the first there is silence
        self._reduction = np.zeros(self._n)  # the latest ones that were held and decayed
        self._to_skip = self._n

    def push(self, y: np.ndarray) -> Iterator[np.ndarray]:
        """Take samples, and yield as many of those that are ready."""
        y = np.concatenate([self._waiting, y])
        ready, self._waiting = y[: -self._n], y[-self._n :].copy()
        # Sample k of `ready` and the n that follow it: what they need.
        with np.errstate(divide="ignore"):
            needed = np.maximum(0.0, 1.0 - self._ceiling / np.abs(y))
        if not needed.any() and not self._reduction.any():
            yield from self._out(ready)
            return
        held = np.lib.stride_tricks.sliding_window_view(needed, self._n + 1).max(axis=1)
        reduction = np.concatenate([self._reduction, self._decayed(held)])
        self._reduction = reduction[-self._n :].copy()
        yield from self._out(ready * (1.0 - np.convolve(reduction, self._window, mode="valid")))

    def finish(self) -> Iterator[np.ndarray]:
        """The samples that were waiting."""
        yield from self.push(np.zeros(self._n))

    def _decayed(self, held: np.ndarray) -> np.ndarray:
        """The largest of what is held now and of all that was held before, decayed since."""
        with np.errstate(divide="ignore"):
            fall = self._log_decay * np.arange(1, held.size + 1)
            kept = np.maximum.accumulate(np.log(np.append(self._reduction[-1:], held)) - np.append(0.0, fall))[1:]
        reduction = np.exp(kept + fall)
        return np.where(reduction < NO_REDUCTION, 0.0, reduction)

    def _out(self, y: np.ndarray) -> Iterator[np.ndarray]:
        skipped = min(self._to_skip, y.size)  # the silence before the first sample
        self._to_skip -= skipped
        if skipped < y.size:
            yield y[skipped:].astype(np.float32)


def _chunks(blocks: Iterable[np.ndarray], n_samples: int) -> Iterator[np.ndarray]:
    """The first samples of all blocks, cut anew: results do not depend on how they came."""
    held, left = np.empty(0, np.float32), n_samples
    for block in blocks:
        held = np.concatenate([held, _mono(block)])[:left]
        while held.size >= CHUNK_SAMPLES:
            yield held[:CHUNK_SAMPLES]
            held, left = held[CHUNK_SAMPLES:], left - CHUNK_SAMPLES
        if held.size == left:
            break
    if held.size:
        yield held


def _fade(distance: np.ndarray, length: int) -> np.ndarray:
    """Gain at these distances from an end, in samples: 0 there, 1 from `length` on."""
    if length == 0:
        return np.ones(distance.size)
    return 0.5 - 0.5 * np.cos(np.pi * np.minimum(distance, length) / length)


def _mono(block: np.ndarray) -> np.ndarray:
    if block.ndim != 1:
        raise FeatureError(f"expected mono audio of shape (n,), got {block.shape}")
    return block
