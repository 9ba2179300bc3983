"""One pass over a recording: everything that needs its samples, for any length, in bounded memory.

`analyse` decodes once, hands out the log-mel frames that the backbone takes while it goes, and has the rest
(statistics, musical attributes, waveform) when the last frame is out. The mono signal at 16 kHz is cut into
blocks of one size counted from the start, so that the answer does not depend on how the decoder cut it.
"""

from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import Any, Self

import numpy as np

from features.attributes import AttributeStream
from features.audio import AudioInfo, MonoResampler, Source, open_audio
from features.errors import AudioTooLong, ClipTooShort, EmptyFile
from features.packet_scalogram import N_BANDS, PacketScalogramStream
from features.spectrogram import MUSICNN_N_MELS, MUSICNN_SR, LogMelStream

BLOCK_SAMPLES = 2**17  # at 16 kHz: 8.2 s, 512 frames of log-mel
WAVEFORM_SLICES = 2000
FIRST_SLICE_SAMPLES = 16  # at 16 kHz: 1 ms
NO_SCALOGRAM = np.empty((0, N_BANDS), np.float16)


@dataclass(frozen=True)
class AnalysisSettings:
    """What is computed, and how long a recording may be (seconds; None: as long as it likes)."""

    attributes: bool = True
    scalogram: bool = False
    max_duration_s: float | None = None
    min_duration_s: float = 0.5


@dataclass(frozen=True)
class Analysis:
    """What one pass over a recording found.

    Attributes
    ----------
    info : AudioInfo
        As decoded: `duration_s` counts the samples, whatever the header says.
    peak : float
        Largest |y| of the mono signal at 16 kHz; 1.0 is full scale.
    log_mel_mean, log_mel_std : np.ndarray, shape (96,), float32
        Of each log-mel band over all frames.
    log_mel_flux : float
        Mean absolute difference between a frame and the next, over frames and bands; 0 for one frame.
    waveform : np.ndarray, shape (n_slices,), float32
        Largest |y| in each of at most 2000 slices of equal length (the last may be cut), for drawing.
    scalogram : np.ndarray, shape (n_frames, 71), float16
        Of `features.packet_scalogram`; no frames where the settings leave it out.
    attributes : dict
        Musical attributes, ready for JSON (`features.attributes`); {} where the settings leave them out.
    """

    info: AudioInfo
    peak: float
    log_mel_mean: np.ndarray
    log_mel_std: np.ndarray
    log_mel_flux: float
    waveform: np.ndarray
    scalogram: np.ndarray
    attributes: dict[str, Any]

    def to_message(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The analysis as a JSON-ready header and named arrays, to send to another process."""
        header = {
            "info": asdict(self.info),
            "peak": self.peak,
            "log_mel_flux": self.log_mel_flux,
            "attributes": self.attributes,
        }
        arrays = {name: getattr(self, name) for name in ("log_mel_mean", "log_mel_std", "waveform", "scalogram")}
        return header, arrays

    @classmethod
    def from_message(cls, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """The analysis that `to_message` took apart."""
        fields: dict[str, Any] = header | arrays | {"info": AudioInfo(**header["info"])}
        return cls(**fields)


class AnalysisRun:
    """Log-mel chunks of a recording, in order: iterate, then read `result`.

    Close it, or use it as a context manager, to stop early without leaving the file open.

    Attributes
    ----------
    progress : float
        Share of the recording that is done, 0 to 1; NaN while its length is unknown.
    """

    def __init__(self, source: Source, settings: AnalysisSettings) -> None:
        self._settings = settings
        self._stream = open_audio(source)
        info = self._stream.info
        self._attributes: AttributeStream | None = None
        if settings.attributes:
            self._attributes = AttributeStream(sample_rate=info.sample_rate, channels=info.channels)
        self._result: Analysis | None = None
        self.progress = 0.0 if info.duration_s else float("nan")
        self._chunks = self._run()

    @property
    def result(self) -> Analysis:
        """The analysis. Raises RuntimeError before the last chunk was taken."""
        if self._result is None:
            raise RuntimeError("the analysis is not done: take every chunk first")
        return self._result

    def __iter__(self) -> Iterator[np.ndarray]:
        return self

    def __next__(self) -> np.ndarray:
        return next(self._chunks)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop and close the file. Safe to call twice."""
        self._chunks.close()
        self._stream.close()

    def _run(self) -> Generator[np.ndarray, None, None]:
        log_mel = LogMelStream()
        statistics = LogMelStatistics()
        waveform = WaveformPeaks()
        scalogram = PacketScalogramStream() if self._settings.scalogram else None
        with self._stream:
            for block in _equal_blocks(self._mono()):
                waveform.push(block)
                if scalogram is not None:
                    scalogram.push(block)
                frames = log_mel.push(block)
                statistics.push(frames)
                if self._attributes:
                    self._attributes.push(block, frames)
                if len(frames):
                    yield frames
        frames = log_mel.finish()
        statistics.push(frames)
        if self._attributes:
            self._attributes.push(np.empty(0, np.float32), frames)
        mean, std, flux = statistics.result()
        self._result = Analysis(
            info=self._info,
            peak=float(waveform.result().max()),
            log_mel_mean=mean,
            log_mel_std=std,
            log_mel_flux=flux,
            waveform=waveform.result(),
            scalogram=NO_SCALOGRAM if scalogram is None else scalogram.finish().astype(np.float16),
            attributes=self._attributes.result() if self._attributes else {},
        )
        self.progress = 1.0
        if len(frames):
            yield frames

    def _mono(self) -> Iterator[np.ndarray]:
        """The recording as mono blocks at 16 kHz, its length held to the limits."""
        info = self._stream.info
        shortest, longest = self._settings.min_duration_s, self._settings.max_duration_s
        if longest is not None and info.duration_s is not None and info.duration_s > longest:
            raise _too_long(info.duration_s, longest)
        resampler = MonoResampler(info.sample_rate, MUSICNN_SR)
        n_samples = 0
        for block in self._stream:
            n_samples += len(block)
            duration_s = n_samples / info.sample_rate
            if longest is not None and duration_s > longest:
                raise _too_long(duration_s, longest)
            if info.duration_s:
                self.progress = min(1.0, duration_s / info.duration_s)
            if self._attributes:
                self._attributes.push_native(block)
            yield resampler.push(block)
        if n_samples == 0:
            raise EmptyFile("the file holds no audio sample: is it the right file?")
        duration_s = n_samples / info.sample_rate
        if duration_s < shortest:
            raise ClipTooShort(f"{duration_s:.2f} s of audio, {shortest:g} s or more are needed: give a longer clip")
        self._info = replace(info, duration_s=duration_s)
        yield resampler.finish()


def analyse(source: Source, settings: AnalysisSettings = AnalysisSettings()) -> AnalysisRun:
    """Analyse a recording in this process.

    Parameters
    ----------
    source : path or binary file
        A recording in any format that `features.audio` decodes.
    settings : AnalysisSettings
        What to compute, and the limits of its length.

    Returns
    -------
    AnalysisRun
        Iterator over log-mel chunks, (k, 96) float32, whose `result` is the `Analysis`.

    Raises
    ------
    AudioError
        Here or while iterating: the recording cannot be read, decoded or used (`features.errors`), among them
        ClipTooShort and AudioTooLong for the limits of `settings`.
    """
    return AnalysisRun(source, settings)


class LogMelStatistics:
    """Mean, standard deviation and flux of log-mel frames that arrive in chunks."""

    def __init__(self) -> None:
        self._n_frames = 0
        self._sum = np.zeros(MUSICNN_N_MELS)
        self._sum_of_squares = np.zeros(MUSICNN_N_MELS)
        self._sum_of_differences = 0.0
        self._last = np.empty((0, MUSICNN_N_MELS), np.float32)

    def push(self, frames: np.ndarray) -> None:
        """Take the next frames, (k, 96), k >= 0."""
        if not len(frames):
            return
        wide = frames.astype(np.float64)
        self._n_frames += len(frames)
        self._sum += wide.sum(axis=0)
        self._sum_of_squares += np.square(wide).sum(axis=0)
        self._sum_of_differences += float(
            np.abs(np.diff(np.concatenate([self._last, frames]), axis=0)).sum(dtype=float)
        )
        self._last = frames[-1:].copy()

    def result(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Mean and standard deviation, (96,) float32 each, and mean absolute difference of neighbours."""
        mean = self._sum / self._n_frames
        variance = np.maximum(self._sum_of_squares / self._n_frames - mean**2, 0)
        flux = self._sum_of_differences / (max(self._n_frames - 1, 1) * MUSICNN_N_MELS)
        return mean.astype(np.float32), np.sqrt(variance).astype(np.float32), flux


class WaveformPeaks:
    """Largest |y| in slices of equal length, at most 2000: when there are more, neighbours are merged."""

    def __init__(self) -> None:
        self._slice = FIRST_SLICE_SAMPLES
        self._peaks = np.empty(0, np.float32)
        self._rest = np.empty(0, np.float32)

    def push(self, y: np.ndarray) -> None:
        """Take the next samples, (n,)."""
        y = np.concatenate([self._rest, np.abs(y)])
        n_slices = y.size // self._slice
        self._rest = y[n_slices * self._slice :].copy()
        self._peaks = np.concatenate(
            [self._peaks, y[: y.size - self._rest.size].reshape(n_slices, self._slice).max(axis=1)]
        )
        while self._peaks.size >= WAVEFORM_SLICES:
            if self._peaks.size % 2:  # half of a pair: back to the rest, as its peak and silence
                self._rest = np.concatenate([self._peaks[-1:], np.zeros(self._slice - 1, np.float32), self._rest])
                self._peaks = self._peaks[:-1]
            self._slice *= 2
            self._peaks = self._peaks.reshape(-1, 2).max(axis=1)

    def result(self) -> np.ndarray:
        """The peaks so far, (n_slices,) float32."""
        if not self._rest.size:
            return self._peaks
        return np.append(self._peaks, self._rest.max())


def _too_long(duration_s: float, longest: float) -> AudioTooLong:
    return AudioTooLong(
        f"{duration_s:.1f} s of audio or more, the limit is {longest:g} s: cut the recording into parts"
    )


def _equal_blocks(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """The same samples in blocks of `BLOCK_SAMPLES`, the last one shorter."""
    pending: list[np.ndarray] = []
    n_pending = 0
    for block in blocks:
        pending.append(block)
        n_pending += block.size
        if n_pending < BLOCK_SAMPLES:
            continue
        y = np.concatenate(pending)
        n_full = n_pending // BLOCK_SAMPLES * BLOCK_SAMPLES
        yield from y[:n_full].reshape(-1, BLOCK_SAMPLES)
        pending, n_pending = [y[n_full:].copy()], n_pending - n_full
    y = np.concatenate([np.empty(0, np.float32), *pending])
    if y.size:
        yield y
