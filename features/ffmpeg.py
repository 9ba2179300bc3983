"""Reading coded formats (MP3, Ogg, AAC, Opus, WMA, sound of videos) through FFmpeg's libraries.

Untrusted files arrive here. FFmpeg gets an open file and never a name, no protocol through which a play list or
a reference inside the file could open another, and no demuxer but those of real media containers.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

import av
import av.logging
import numpy as np

from features.errors import CorruptAudio, EmptyFile, UnsupportedFormat

DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,matroska,mov,mp3,mpc,mpc8,mpeg,mpegts,ogg,rm,tak,tta,"
    "voc,w64,wav,webm,wv"
)
OPTIONS = {"protocol_whitelist": "", "format_whitelist": DEMUXERS}
READ_BYTES = 1 << 18
MAX_BAD_PACKETS = 100  # in a row, before the rest counts as damaged

av.logging.set_level(av.logging.PANIC)  # FFmpeg's remarks on damaged files are no business of stderr


class FfmpegReader:
    """Float32 blocks of the sound in a media container.

    Parameters
    ----------
    file : BinaryIO
        Readable and seekable, at any position; it stays open.
    description : str
        What the content looks like, for messages.
    """

    def __init__(self, file: BinaryIO, description: str) -> None:
        file.seek(0)
        try:
            self._container = av.open(file, options=OPTIONS, buffer_size=READ_BYTES)
        except (av.error.FFmpegError, ValueError) as error:
            raise UnsupportedFormat(f"{description}: expected sound or a video with sound") from error
        streams = self._container.streams.audio
        if not streams:
            raise UnsupportedFormat("a file without an audio track")
        self._stream: Any = streams[0]
        self._frames = self._decode()
        self._first = next(self._frames, None)
        if self._first is None:
            raise EmptyFile("no sound in the file")
        self.format = self._container.format.name.split(",")[0]
        self.sample_rate: int = self._first.sample_rate
        self.channels: int = len(self._first.layout.channels)
        duration = self._stream.duration
        self.n_frames = None if duration is None else int(duration * self._stream.time_base * self.sample_rate)

    def _decode(self) -> Iterator[Any]:
        bad = 0
        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except av.error.FFmpegError as error:
                bad += 1
                if bad > MAX_BAD_PACKETS:
                    raise CorruptAudio("damaged") from error
                continue
            for frame in frames:
                bad = 0
                yield frame

    def blocks(self, size: int, *, start: int = 0) -> Iterator[np.ndarray]:
        """Yield float32 blocks of shape (n <= size, channels) from frame `start` to the end."""
        pending: list[np.ndarray] = []
        n = 0
        skip = start
        frame = self._first
        while frame is not None:
            y = frame.to_ndarray()
            if not frame.format.is_planar:
                y = y.reshape(-1, self.channels).T
            if y.dtype.kind in "iu":
                y = (y.astype(np.float32) - (128 if y.dtype == np.uint8 else 0)) / float(
                    128 if y.dtype == np.uint8 else -np.iinfo(y.dtype).min
                )
            frame = next(self._frames, None)
            if skip:
                skip, y = max(0, skip - y.shape[1]), y[:, skip:]
            pending.append(y.astype(np.float32, copy=False))
            n += y.shape[1]
            if n >= size or frame is None:
                whole = np.concatenate(pending, axis=1).T
                pending, n = [], 0
                for i in range(0, len(whole), size):
                    yield whole[i : i + size]

    def close(self) -> None:
        """Free demuxer and decoder; the file stays open."""
        self._container.close()
