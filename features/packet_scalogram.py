"""Packet scalogram: how loud each of 71 bands is, 31.25 times a second, by wavelet packets whose width follows the ear.

A discrete wavelet transform splits the signal into octaves; each octave is split further by wavelet packets, the
middle ones into 16 bands (a semitone or less), the outer ones into fewer, since low bands must keep their time
resolution and high ones carry little pitch. The transform is orthonormal, so the powers of the bands add up to that of
the signal (Parseval), but for what the overlapping filters move across the edges of a frame.

Samples are mono at 16 kHz, full scale at 1.0; time runs along the first axis, bands from low to high.

References
----------
Coifman and Wickerhauser, "Entropy-based algorithms for best basis selection", IEEE Trans. Inf. Theory 38(2), 1992.
"""

import numpy as np
import pywt

from features.errors import FeatureError

SR = 16000  # Hz
HOP_LENGTH = 512  # samples in a frame: 32 ms
FRAMES_PER_SECOND = SR / HOP_LENGTH
WAVELET = "db8"  # 16 taps: octaves separated well, transients still short
SPLITS = (1, 2, 3, 4, 4, 4, 3)  # of each octave, lowest first (62.5 to 125 Hz): 2**splits bands
N_BANDS = 1 + sum(2**splits for splits in SPLITS)  # and one below the lowest octave
BLOCK_SAMPLES = 2**17
MARGIN_SAMPLES = 2**12  # longer than every filter: a block is right where it is kept
KEPT_FRAMES = (BLOCK_SAMPLES - 2 * MARGIN_SAMPLES) // HOP_LENGTH


def packet_scalogram(y: np.ndarray) -> np.ndarray:
    """Root mean square of each band in each frame.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples,)
        Mono audio at 16 kHz. Before and after it is silence.

    Returns
    -------
    np.ndarray, shape (ceil(n_samples / 512), 71), float32
        A sine of amplitude A within a band reads A / sqrt(2) there.

    Raises
    ------
    FeatureError
        If `y` is not mono or is empty.
    """
    stream = PacketScalogramStream()
    stream.push(y)
    return stream.finish()


def band_edges_hz() -> np.ndarray:
    """Nominal edges of the bands in Hz, (72,): band k lies between edges k and k + 1."""
    lowest = SR / 2 ** (len(SPLITS) + 1)
    edges = [0.0]
    for octave, splits in enumerate(SPLITS):
        edges += np.linspace(lowest * 2**octave, lowest * 2 ** (octave + 1), 2**splits + 1)[:-1].tolist()
    return np.array([*edges, SR / 2])


class PacketScalogramStream:
    """`packet_scalogram` of a recording that arrives in blocks: the same numbers, whatever the blocks are."""

    def __init__(self) -> None:
        self._pending = [np.zeros(MARGIN_SAMPLES, np.float32)]
        self._n_pending = MARGIN_SAMPLES
        self._n_samples = 0
        self._frames: list[np.ndarray] = []

    def push(self, y: np.ndarray) -> None:
        """Take the next samples, (n,)."""
        if y.ndim != 1:
            raise FeatureError(f"expected mono audio of shape (n_samples,), got {y.shape}")
        self._n_samples += y.size
        self._append(y.astype(np.float32, copy=False))

    def finish(self) -> np.ndarray:
        """The scalogram of everything pushed, once. Raises FeatureError where no sample ever came."""
        if self._n_samples == 0:
            raise FeatureError("no samples: a scalogram needs at least one")
        n_frames = -(-self._n_samples // HOP_LENGTH)
        missing = n_frames - sum(map(len, self._frames))
        if missing > 0:
            self._append(np.zeros(BLOCK_SAMPLES + missing * HOP_LENGTH - self._n_pending + MARGIN_SAMPLES, np.float32))
        return np.concatenate(self._frames)[:n_frames]

    def _append(self, y: np.ndarray) -> None:
        self._pending.append(y)
        self._n_pending += y.size
        step = KEPT_FRAMES * HOP_LENGTH
        while self._n_pending >= BLOCK_SAMPLES:
            together = np.concatenate(self._pending)
            self._pending = [together[step:]]
            self._n_pending = together.size - step
            first = MARGIN_SAMPLES // HOP_LENGTH
            self._frames.append(_block_rms(together[:BLOCK_SAMPLES])[first : first + KEPT_FRAMES])


def _block_rms(y: np.ndarray) -> np.ndarray:
    """All frames of one block, taken as periodic: (n_frames, 71)."""
    bands: list[np.ndarray] = []
    for splits in reversed(SPLITS):
        y, detail = pywt.dwt(y, WAVELET, mode="periodization")
        bands = _packets(detail, splits, mirrored=True) + bands
    n_frames = BLOCK_SAMPLES // HOP_LENGTH
    return np.sqrt(np.stack([_frame_power(band, n_frames) for band in [y, *bands]], axis=1)).astype(np.float32)


def _packets(band: np.ndarray, splits: int, *, mirrored: bool) -> list[np.ndarray]:
    """2**splits bands of equal width, lowest first; a band that came out of a high pass has its spectrum mirrored."""
    if splits == 0:
        return [band]
    low, high = pywt.dwt(band, WAVELET, mode="periodization")
    if mirrored:
        low, high = high, low
    return _packets(low, splits - 1, mirrored=False) + _packets(high, splits - 1, mirrored=True)


def _frame_power(coefficients: np.ndarray, n_frames: int) -> np.ndarray:
    """Mean square of the samples that a band's coefficients stand for."""
    energy = np.square(coefficients, dtype=np.float64)
    if energy.size >= n_frames:
        return energy.reshape(n_frames, -1).sum(axis=1) / HOP_LENGTH
    frames_each = n_frames // energy.size
    return np.repeat(energy / frames_each, frames_each) / HOP_LENGTH
