"""What one pass over a recording says of its fitness for training: level, clipping, offset, bandwidth, fingerprint.

`inspect` works in this process; `InspectorPool` does the same in separate ones, under limits, for files that nobody
vouches for. Levels have full scale at 1.0, in dB relative to it; everything but the fingerprint is taken at the
native sampling rate and from the native channels.
"""

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from scipy import fft

from features.audio import AudioInfo, Source, open_audio
from features.errors import CorruptAudio, EmptyFile
from features.fingerprint import FINGERPRINT_SR, FingerprintStream
from features.isolation import AnalyserPool
from features.resampling import MonoResampler, to_mono
from features.spectrogram import power, spectrum

FULL_SCALE = 0.9999  # the three largest numbers of 16 bits, and what a decoder puts beyond them
FULL_SCALE_RUN = 3  # neighbouring samples; the crest of a sine above 100 Hz has fewer there
FLAT_TOP_RUN = 5  # equal neighbours at an extreme; the crest of a sine above 50 Hz has fewer, with 16 bits
LOWEST_FLAT_TOP = 0.1  # a quiet recording has flat crests because its steps are coarse
N_FFT = 4096
BANDWIDTH_DB = -80.0  # relative to the strongest bin of the mean spectrum; the steps of 16 bits lie lower
LEVEL_WINDOW_S = 0.1
LEVEL_PERCENTILES = (10, 95)
LEVEL_FLOOR = 1e-10  # mean square: -100 dB
WORKER_MODULE = "features.inspection_worker"


@dataclass(frozen=True)
class Inspection:
    """What one pass over a recording found.

    Attributes
    ----------
    info : AudioInfo
        As decoded: `duration_s` counts the samples, whatever the header says.
    peak : float
        Largest |y|.
    full_scale_share : float
        Share of samples in runs of 3 or more at full scale, 0 to 1.
    flat_top_share : float
        Share of samples in runs of 5 or more that equal the highest or lowest of their channel, 0 to 1: sound that was
        clipped, and may have been made quieter then.
    dc_offset : float
        Mean of the channel that is farthest from 0.
    level_range_db : float
        From the 10th to the 95th percentile of the level in windows of 100 ms; 0 for less than two windows.
    bandwidth_hz : float
        Highest frequency within 80 dB of the strongest in the mean spectrum; 0 for silence.
    fingerprint : np.ndarray, shape (n_frames,), uint32
        Of `features.fingerprint`.
    """

    info: AudioInfo
    peak: float
    full_scale_share: float
    flat_top_share: float
    dc_offset: float
    level_range_db: float
    bandwidth_hz: float
    fingerprint: np.ndarray

    def to_message(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The inspection as a JSON-ready header and named arrays, to send to another process."""
        header = asdict(self)
        codes = header.pop("fingerprint")
        return header, {"fingerprint": codes.astype("<u4").view(np.uint8)}

    @classmethod
    def from_message(cls, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """The inspection that `to_message` took apart."""
        codes = arrays["fingerprint"].view("<u4").astype(np.uint32)
        fields: dict[str, Any] = header | {"info": AudioInfo(**header["info"]), "fingerprint": codes}
        return cls(**fields)


def inspect(source: Source) -> Inspection:
    """Inspect a recording in this process, in bounded memory.

    Parameters
    ----------
    source : path or binary file
        A recording in any format that `features.audio` decodes.

    Returns
    -------
    Inspection
        What was found.

    Raises
    ------
    AudioError
        The recording cannot be read or decoded (`features.errors`).
    """
    with open_audio(source) as stream:
        info = stream.info
        clipping = _Clipping(info.channels)
        levels = _Levels(info.sample_rate)
        mean_spectrum = _MeanSpectrum(info.sample_rate)
        resampler = MonoResampler(info.sample_rate, FINGERPRINT_SR)
        codes = FingerprintStream()
        total, n_samples = np.zeros(info.channels), 0
        for block in stream:
            total += block.sum(axis=0, dtype=float)
            n_samples += len(block)
            clipping.push(block)
            levels.push(block)
            mean_spectrum.push(to_mono(block))
            codes.push(resampler.push(block))
    if n_samples == 0:
        raise EmptyFile("the file holds no audio sample: is it the right file?")
    codes.push(resampler.finish())
    offsets = total / n_samples
    return Inspection(
        info=replace(info, duration_s=n_samples / info.sample_rate),
        peak=clipping.peak,
        full_scale_share=clipping.n_full_scale / (n_samples * info.channels),
        flat_top_share=clipping.n_flat_top / (n_samples * info.channels),
        dc_offset=float(offsets[np.argmax(np.abs(offsets))]),
        level_range_db=levels.range_db(),
        bandwidth_hz=mean_spectrum.bandwidth_hz(),
        fingerprint=codes.result(),
    )


class InspectorPool(AnalyserPool):
    """Processes that inspect recordings under limits: an `AnalyserPool` that is asked for `inspect` alone.

    Parameters
    ----------
    workers : int
        Number of processes, at least 1.
    worker_module : str
        Module that the processes run.
    **limits
        Those of `AnalyserPool`.

    Raises
    ------
    FeatureError
        If a setting is out of range.
    """

    def __init__(self, workers: int = 2, *, worker_module: str = WORKER_MODULE, **limits: Any) -> None:
        super().__init__(workers, worker_module=worker_module, **limits)

    def inspect(self, path: str | os.PathLike[str]) -> Inspection:
        """Inspect a recording: `inspect` of this module in another process, with the errors of `analyse`."""
        header, arrays = next(self._converse(path, "inspect", {}))
        try:
            return Inspection.from_message(header["result"], arrays)
        except (KeyError, TypeError, ValueError) as error:  # a process that a file has taken over says anything
            raise CorruptAudio(f"{Path(path).name}: the decoder broke down on it; export or copy it again") from error


class _Clipping:
    """Samples in runs at full scale and at the extremes of their channel. A run that two blocks share counts as two."""

    def __init__(self, channels: int) -> None:
        self.n_full_scale = 0
        self._extremes = np.zeros((channels, 2), np.float32)  # so far: highest sample, and lowest with its sign changed
        self._n_flat = np.zeros((channels, 2), np.int64)  # at these

    @property
    def peak(self) -> float:
        return float(self._extremes.max())

    @property
    def n_flat_top(self) -> int:
        return int(self._n_flat[self._extremes >= LOWEST_FLAT_TOP].sum())

    def push(self, block: np.ndarray) -> None:
        for channel in range(block.shape[1]):
            self._push_side(block[:, channel], (channel, 0))
            self._push_side(-block[:, channel], (channel, 1))

    def _push_side(self, y: np.ndarray, side: tuple[int, int]) -> None:
        highest = y.max()
        if highest >= FULL_SCALE:
            self.n_full_scale += _in_runs(y >= FULL_SCALE, FULL_SCALE_RUN)
        if highest > self._extremes[side]:
            self._extremes[side], self._n_flat[side] = highest, 0
        if highest == self._extremes[side]:
            self._n_flat[side] += _in_runs(y == highest, FLAT_TOP_RUN)


def _in_runs(marked: np.ndarray, shortest: int) -> int:
    """How many marks stand in runs of at least `shortest`."""
    edges = np.flatnonzero(np.diff(marked, prepend=False, append=False))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= shortest].sum())


class _Levels:
    """Mean squares of windows of 100 ms over all channels."""

    def __init__(self, sample_rate: int) -> None:
        self._window = max(1, round(LEVEL_WINDOW_S * sample_rate))
        self._rest = np.empty(0)
        self._mean_squares: list[np.ndarray] = []

    def push(self, block: np.ndarray) -> None:
        squares = np.concatenate([self._rest, np.square(block, dtype=float).mean(axis=1)])
        n_full = squares.size // self._window
        self._mean_squares.append(squares[: n_full * self._window].reshape(n_full, self._window).mean(axis=1))
        self._rest = squares[n_full * self._window :].copy()

    def range_db(self) -> float:
        mean_squares = np.concatenate(self._mean_squares)
        if mean_squares.size < 2:
            return 0.0
        low, high = np.percentile(10 * np.log10(np.maximum(mean_squares, LEVEL_FLOOR)), LEVEL_PERCENTILES)
        return float(high - low)


class _MeanSpectrum:
    """Mean power spectrum over frames that do not overlap; what is left of a block is left out."""

    def __init__(self, sample_rate: int) -> None:
        self._frequencies = fft.rfftfreq(N_FFT, 1 / sample_rate)
        self._power = np.zeros(self._frequencies.size)

    def push(self, y: np.ndarray) -> None:
        if y.size < N_FFT:
            y = np.pad(y, (0, N_FFT - y.size))
        n_frames = y.size // N_FFT
        self._power += power(spectrum(y[: n_frames * N_FFT].reshape(n_frames, N_FFT))).sum(axis=0, dtype=float)

    def bandwidth_hz(self) -> float:
        strongest = self._power.max()
        if strongest == 0:
            return 0.0
        return float(self._frequencies[self._power >= strongest * 10 ** (BANDWIDTH_DB / 10)].max())
