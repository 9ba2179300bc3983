"""Decoding: a file or an upload becomes blocks of float32 samples, full scale at 1.0.

The content decides the format, never the file's name. Native blocks have shape (n_samples, n_channels);
mono ones (n_samples,). A recording is never in memory whole unless `load` is asked for all of it.

Where the header of a WAV, AIFF, AU, FLAC or MP4 file states a length that the file does not keep, it is refused.
Formats that may be cut anywhere (MP3, Ogg, AAC without a container, Matroska) are read as far as they go.
"""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self

import numpy as np

from features.errors import CorruptAudio, EmptyFile, FeatureError, InvalidSamples, UnreadableFile, UnsupportedFormat
from features.resampling import MonoResampler

if TYPE_CHECKING:
    from features.containers import Content

__all__ = ["AudioInfo", "AudioStream", "MonoResampler", "Source", "load", "open_audio", "probe", "read_blocks"]

Source = str | os.PathLike[str] | BinaryIO
BLOCK_S = 10.0
SLOWEST_SR, FASTEST_SR = 1_000, 1_000_000  # Hz
LOUDEST = 2.0**31  # 32-bit integers that nobody scaled to 1.0
MAX_BLOCK_SAMPLES = 1 << 22  # of all channels together: 16 MB


@dataclass(frozen=True)
class AudioInfo:
    """What a recording is, by its content.

    `duration_s` is what the header says, and None where it says nothing; `format` is a name such as "wav", "flac",
    "mp3", "ogg", "opus", "m4a".
    """

    duration_s: float | None
    sample_rate: int
    channels: int
    format: str


class _Reader(Protocol):
    format: str
    sample_rate: int
    channels: int
    n_frames: int | None

    def blocks(self, size: int, *, start: int = 0) -> Iterator[np.ndarray]: ...

    def close(self) -> None: ...


class AudioStream:
    """A recording that is being read: a context manager, and an iterable of native blocks, to be run through once.

    Attributes
    ----------
    info : AudioInfo
        What the recording is.

    Yields
    ------
    np.ndarray, shape (n_samples, n_channels)
        float32, full scale at 1.0; at most `block_s` seconds.

    Raises
    ------
    CorruptAudio, InvalidSamples
        While iterating, at the first damage.
    """

    def __init__(self, source: Source, *, block_s: float = BLOCK_S) -> None:
        if not block_s > 0:
            raise FeatureError(f"block_s={block_s}: expected more than 0 seconds")
        with ExitStack() as stack:
            file = _open_file(source, stack)
            self._reader = _open_reader(file)
            stack.callback(self._reader.close)
            _check_format(self._reader)
            self.info = AudioInfo(
                duration_s=None if self._reader.n_frames is None else self._reader.n_frames / self._reader.sample_rate,
                sample_rate=self._reader.sample_rate,
                channels=self._reader.channels,
                format=self._reader.format,
            )
            self._stack = stack.pop_all()
        self._used = False
        frames = min(block_s * self.info.sample_rate, MAX_BLOCK_SAMPLES / self.info.channels)
        self._block_frames = max(1, int(frames))

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.blocks()

    def blocks(self, *, offset_s: float = 0.0) -> Iterator[np.ndarray]:
        """Yield the blocks from `offset_s` seconds on; FeatureError when that was done before."""
        if self._used:
            raise FeatureError("this stream was read already: open the recording again")
        self._used = True
        position = round(offset_s * self.info.sample_rate)
        for block in self._reader.blocks(self._block_frames, start=position):
            _check_samples(block, position, self.info.sample_rate)
            position += len(block)
            yield block

    def close(self) -> None:
        """Free the decoder, and the file where it was opened here."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_audio(source: Source, *, block_s: float = BLOCK_S) -> AudioStream:
    """Open a recording to read it in native blocks.

    Parameters
    ----------
    source : str, os.PathLike or BinaryIO
        A path, or a binary file that can seek; of that, everything from its first byte is read, and it stays open.
    block_s : float
        Longest block in seconds.

    Returns
    -------
    AudioStream
        To be used in a `with` statement.

    Raises
    ------
    UnreadableFile
        If the path is missing, a folder, or may not be read.
    EmptyFile, UnsupportedFormat, CorruptAudio
        If the content cannot be decoded.
    """
    return AudioStream(source, block_s=block_s)


def probe(source: Source) -> AudioInfo:
    """Tell what a recording is, by its header and first samples; errors are those of `open_audio`."""
    with open_audio(source) as stream:
        return stream.info


def read_blocks(source: Source, *, sr: int, block_s: float = BLOCK_S) -> Iterator[np.ndarray]:
    """Read a recording as mono at the wanted rate, never holding more than a block.

    Parameters
    ----------
    source : str, os.PathLike or BinaryIO
        As for `open_audio`.
    sr : int
        Wanted sampling rate in Hz.
    block_s : float
        Longest block in seconds, before resampling.

    Yields
    ------
    np.ndarray, shape (n_samples,)
        float32, mean of the channels. All blocks together are what resampling the whole gives.

    Raises
    ------
    AudioError
        As `open_audio`, and CorruptAudio or InvalidSamples where the damage lies.
    """
    with open_audio(source, block_s=block_s) as stream:
        resampler = MonoResampler(stream.info.sample_rate, sr)
        for block in stream:
            yield resampler.push(block)
        yield resampler.finish()


def load(source: Source, *, sr: int, offset_s: float = 0.0, duration_s: float | None = None) -> np.ndarray:
    """Read a recording, or a part of it, as one mono array.

    Parameters
    ----------
    source : str, os.PathLike or BinaryIO
        As for `open_audio`.
    sr : int
        Wanted sampling rate in Hz.
    offset_s, duration_s : float
        The part to read; shorter where the recording ends. None reads to the end.

    Returns
    -------
    np.ndarray, shape (n_samples,)
        float32, mean of the channels; empty where the recording ends before `offset_s`.

    Raises
    ------
    AudioError
        As `open_audio`, and CorruptAudio or InvalidSamples where the damage lies.
    """
    if offset_s < 0 or (duration_s is not None and duration_s < 0):
        raise FeatureError(f"offset_s={offset_s}, duration_s={duration_s}: expected 0 seconds or more")
    with open_audio(source) as stream:
        resampler = MonoResampler(stream.info.sample_rate, sr)
        wanted = None if duration_s is None else round(duration_s * stream.info.sample_rate)
        pieces = []
        for block in stream.blocks(offset_s=offset_s):
            pieces.append(resampler.push(block[:wanted]))
            if wanted is not None:
                wanted -= len(block)
                if wanted <= 0:
                    break
        return np.concatenate([*pieces, resampler.finish()])


def _open_file(source: Source, stack: ExitStack) -> BinaryIO:
    if not isinstance(source, (str, os.PathLike)):
        if not source.seekable():
            raise UnreadableFile("a stream that cannot seek: write it to a file first")
        return source
    try:
        mode = os.stat(source).st_mode
        if stat.S_ISDIR(mode):
            raise UnreadableFile(f"{os.fspath(source)} is a folder: give the path of a recording")
        if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
            raise UnreadableFile(f"{os.fspath(source)} is no regular file: give the path of a recording")
        return stack.enter_context(open(source, "rb", buffering=0))
    except FileNotFoundError as error:
        raise UnreadableFile(f"{os.fspath(source)} does not exist: check the path") from error
    except PermissionError as error:
        raise UnreadableFile(f"{os.fspath(source)} may not be read: change its permissions") from error
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"{os.fspath(source)!r} cannot be opened: {error}") from error


def _open_reader(file: BinaryIO) -> _Reader:
    # Imported when a file is opened: importing this module costs half as much without them.
    from features.containers import identify
    from features.header_length import check_length

    if file.seek(0, io.SEEK_END) == 0:
        raise EmptyFile("the file is empty (0 bytes): copy or export it again")
    content = identify(file)
    if content.pcm:
        check_length(file, format=content.format, start=content.start)
        return _open_pcm(file, content)
    if content.format == "ogg":
        return _open_ogg(file, content)
    from features.ffmpeg import FfmpegReader

    return FfmpegReader(file, content)


def _open_ogg(file: BinaryIO, content: "Content") -> _Reader:
    from features.ffmpeg import FfmpegReader

    try:
        reader = FfmpegReader(file, content)
    except CorruptAudio as error:
        from features.libsndfile import SndfileReader

        try:  # libvorbis passes over headers that come twice
            return SndfileReader(file, content.format)
        except (UnsupportedFormat, EmptyFile):
            raise error from None
    if reader.starts_before_zero:
        # Decoders disagree on what to cut there; libvorbis is the reference.
        reader.close()
        return _open_pcm(file, content)
    return reader


def _open_pcm(file: BinaryIO, content: "Content") -> _Reader:
    from features.libsndfile import SndfileReader

    try:
        return SndfileReader(file, content.format)
    except (UnsupportedFormat, EmptyFile) as error:
        # The codecs in WAV, AIFF and CAF are many, and a streaming writer may have left the length at 0.
        from features.ffmpeg import FfmpegReader

        try:
            return FfmpegReader(file, content)
        except (CorruptAudio, EmptyFile):
            raise error from None


def _check_format(reader: _Reader) -> None:
    if not SLOWEST_SR <= reader.sample_rate <= FASTEST_SR:
        raise UnsupportedFormat(
            f"a sampling rate of {reader.sample_rate} Hz: expected {SLOWEST_SR} to {FASTEST_SR} Hz; "
            "the header is wrong, or this is no sound that people hear"
        )


def _check_samples(block: np.ndarray, position: int, sample_rate: int) -> None:
    if block.min() >= -LOUDEST and block.max() <= LOUDEST:  # false for NaN too
        return
    bad = np.flatnonzero(~(np.abs(block) <= LOUDEST).all(axis=1))
    raise InvalidSamples(
        f"samples that are not a number, infinite or beyond all measure, first at "
        f"{(position + bad[0]) / sample_rate:.2f} s; full scale is 1.0: export the recording again"
    )
