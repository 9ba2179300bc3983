"""Reading coded formats (MP3, Ogg, AAC, Opus, WMA, sound of videos) through FFmpeg's libraries.

Untrusted files arrive here. FFmpeg gets an open file and never a name, no protocol through which a play list or
a reference inside the file could open another, and no demuxers but those of real media containers.

It decodes Vorbis in two thirds and Opus in one third of the time that libsndfile takes, to the same samples, and
unlike libsndfile's MP3 decoder writes nothing to standard error.
"""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import av
import av.logging
import numpy as np

from features.containers import Content
from features.errors import CorruptAudio, DecoderLimitExceeded, EmptyFile, UnreadableFile, UnsupportedFormat
from features.reading_side import ReadingSide

DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,matroska,mov,mp3,mpc,mpc8,mpeg,mpegts,ogg,rm,tak,tta,"
    "voc,w64,wav,webm,wv"
)
OPTIONS = {"protocol_whitelist": "", "format_whitelist": DEMUXERS}
READ_BYTES = 1 << 18
MAX_BAD_IN_A_ROW = 100  # packets; MP3 files that were cut or joined have a few bad ones, and players skip them
MAX_BAD_SHARE = 0.1
MAX_MISSING_SHARE = 0.1  # of the promised sound; writers of containers are careless about the last second
MAX_MISSING_S = 1.0
# Containers whose duration is an estimate by bit rate, or follows from the last packet that is there.
PROMISE_NOTHING = {"aac", "ac3", "eac3", "mp3", "mpeg", "mpegts", "ogg"}
STILL_PICTURES = {"bmp", "gif", "mjpeg", "png", "tiff", "webp"}  # cover art comes as a video stream

av.logging.set_level(av.logging.PANIC)  # FFmpeg's remarks on damaged files are no business of standard error


class FfmpegReader:
    """Float32 blocks of the sound in a media container.

    Parameters
    ----------
    file : BinaryIO
        Readable and seekable, at any position; it stays open.
    content : Content
        What `features.containers.identify` said about the file.

    Raises
    ------
    UnsupportedFormat
        If this is no media container, or it has no sound in a known codec.
    CorruptAudio
        If the container is damaged, or nothing in it can be decoded.
    EmptyFile
        If the sound track has no sound.
    """

    def __init__(self, file: BinaryIO, content: Content) -> None:
        file.seek(0)
        try:
            self._container: Any = av.open(ReadingSide(file), options=OPTIONS, buffer_size=READ_BYTES)
        except MemoryError as error:
            raise _too_much_memory() from error
        except (av.error.FFmpegError, ValueError) as error:
            if content.format:
                raise CorruptAudio(
                    f"{content.description}, but the rest is damaged or cut off: copy or export the file again"
                ) from error
            raise UnsupportedFormat(f"{content.description}: expected sound, or a video with sound") from error
        except OSError as error:
            raise _reading_failed(error) from error
        try:
            self._stream = self._sound_track()
            self._n_packets = self._n_bad = self._n_decoded = 0
            self._frames = self._decode()
            self._first = next(self._frames, None)
            if self._first is None:
                raise self._nothing_decoded()
        except BaseException:
            self._container.close()
            raise
        self.format = self._name(content.head)
        self.sample_rate: int = self._first.sample_rate
        self.channels: int = self._first.layout.nb_channels
        duration_s = self._duration_s()
        self.n_frames = None if duration_s is None else round(duration_s * self.sample_rate)

    @property
    def starts_before_zero(self) -> bool:
        """Whether the first sample lies before time zero, as in Vorbis that was cut out of a longer stream."""
        return self._first is not None and (self._first.pts or 0) < 0

    def blocks(self, size: int, *, start: int = 0) -> Iterator[np.ndarray]:
        """Yield float32 blocks of shape (n <= size, channels) from frame `start` to the end; once only.

        Raises
        ------
        CorruptAudio
            At the first damage that cannot be skipped; the message says after how many seconds.
        """
        block = np.empty((self.channels, size), np.float32)
        filled = 0
        for frame in self._same_frames():
            n = frame.samples
            if filled and filled + n > size:
                yield block[:, :filled].T
                block, filled = np.empty_like(block), 0
            if start or n > size:
                y = _samples(frame)[:, start:]
                start = max(0, start - n)
                for begin in range(0, y.shape[1], size):
                    yield y[:, begin : begin + size].T
                continue
            if frame.format.name == "fltp":  # what most decoders give: thousands of frames, so without a detour
                for row, plane in zip(block, frame.planes, strict=True):
                    row[filled : filled + n] = np.frombuffer(plane, np.float32, n)
            else:
                block[:, filled : filled + n] = _samples(frame)
            filled += n
        if filled:
            yield block[:, :filled].T
        self._check_end()

    def close(self) -> None:
        """Free demuxer and decoder; the file stays open."""
        self._container.close()

    def _sound_track(self) -> Any:
        tracks = self._container.streams.audio
        known = [track for track in tracks if track.codec_context is not None]
        if not tracks:
            kinds = " and ".join(sorted({str(stream.type) for stream in self._container.streams}))
            what = f"a file of {kinds}" if kinds else "an empty container"
            raise UnsupportedFormat(f"{what} without sound: give one with a sound track")
        if not known:
            raise UnsupportedFormat(
                f"sound in the codec {self._codec_names()}, which is not decoded here: convert it to FLAC or MP3"
            )
        known[0].codec_context.thread_count = 1
        return known[0]

    def _codec_names(self) -> str:
        """What FFmpeg calls the codecs that it has no decoder for; it only says so in its log."""
        av.logging.set_level(av.logging.INFO)
        try:
            names = re.findall(r"Audio: (?:none \()?([\w .\[\]/]+)", self._container.dumps_format())
        finally:
            av.logging.set_level(av.logging.PANIC)
        return ", ".join(name.strip() for name in names) or "of its sound track"

    def _decode(self) -> Iterator[Any]:
        bad_in_a_row = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except MemoryError as error:
                raise _too_much_memory() from error
            except av.error.FFmpegError as error:
                raise self._damaged() from error
            except OSError as error:
                raise _reading_failed(error) from error
            self._n_packets += packet.size > 0
            try:
                frames = packet.decode()
            except MemoryError as error:
                raise _too_much_memory() from error
            except (av.error.FFmpegError, ValueError) as error:
                self._n_bad += 1
                bad_in_a_row += 1
                if bad_in_a_row > MAX_BAD_IN_A_ROW:
                    raise self._damaged() from error
                continue
            for frame in frames:
                bad_in_a_row = 0
                yield frame

    def _same_frames(self) -> Iterator[Any]:
        """The decoded frames, as long as they are of one kind."""
        frame, self._first = self._first, None
        while frame is not None:
            if frame.sample_rate != self.sample_rate or frame.layout.nb_channels != self.channels:
                raise UnsupportedFormat(
                    f"a recording that changes from {self.sample_rate} Hz, {self.channels} channels to "
                    f"{frame.sample_rate} Hz, {frame.layout.nb_channels} channels after {self._decoded_s():.1f} s: "
                    "convert it to one of them"
                )
            self._n_decoded += frame.samples
            yield frame
            frame = next(self._frames, None)

    def _check_end(self) -> None:
        if self._n_bad > MAX_BAD_SHARE * self._n_packets:
            raise CorruptAudio(
                f"damaged {self.format.upper()}: {self._n_bad} of {self._n_packets} packets cannot be decoded; "
                "copy or export the file again"
            )
        if self.n_frames is None or self._container.format.name in PROMISE_NOTHING:
            return
        if self._stream.duration is None and len(self._container.streams) > 1:
            return  # what is promised is the video
        promised_s = self.n_frames / self.sample_rate
        if self._decoded_s() < promised_s * (1 - MAX_MISSING_SHARE) - MAX_MISSING_S:
            raise self._damaged()

    def _damaged(self) -> CorruptAudio:
        n_frames = getattr(self, "n_frames", None)
        promised = f" of {n_frames / self.sample_rate:.1f} s" if n_frames else ""
        read = f"can be read for {self._decoded_s():.1f} s{promised}" if self._n_decoded else "cannot be decoded"
        return CorruptAudio(f"a damaged or cut-off recording: it {read}; copy or export the file again")

    def _nothing_decoded(self) -> Exception:
        if self._n_packets:
            return self._damaged()
        return EmptyFile("a media file without any sound: record or export the file again")

    def _decoded_s(self) -> float:
        return self._n_decoded / self.sample_rate if self._n_decoded else 0.0

    def _duration_s(self) -> float | None:
        if self._container.format.name == "aac":
            return None  # guessed from the first packets' bit rate, and many times too long after a quiet start
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        if self._container.duration is not None:
            return self._container.duration / av.time_base
        return None

    def _name(self, head: bytes) -> str:
        container = self._container.format.name.split(",")[0]
        has_video = any(
            stream.codec_context is None or stream.codec_context.name not in STILL_PICTURES
            for stream in self._container.streams.video
        )
        match container:
            case "mov":
                return ("mov" if head[8:12] == b"qt  " else "mp4") if has_video else "m4a"
            case "asf":
                return "wmv" if has_video else "wma"
            case "matroska":
                return "webm" if b"webm" in head[:64] else "mkv"
            case "ogg":
                return "opus" if self._stream.codec_context.name in ("opus", "libopus") else "ogg"
            case "mpc8":
                return "mpc"
        return container


def _too_much_memory() -> DecoderLimitExceeded:
    return DecoderLimitExceeded(
        "decoding asks for more memory than there is: the file is damaged, or no recording; copy or export it again"
    )


def _reading_failed(error: OSError) -> UnreadableFile:
    return UnreadableFile(f"reading the file failed ({error.strerror}): check the disk, or copy the file again")


def _samples(frame: Any) -> np.ndarray:
    """Samples of a decoded frame, float32 of shape (channels, n), full scale at 1.0."""
    y = frame.to_ndarray()
    if not frame.format.is_planar:
        y = y.reshape(frame.samples, -1).T
    if y.dtype == np.uint8:
        return (y.astype(np.float32) - 128) / 128
    if y.dtype.kind == "i":
        return y.astype(np.float32) / -float(np.iinfo(y.dtype).min)
    return y.astype(np.float32, copy=False)
