"""Audio files for tests, made from synthetic signals: one of every format, and those that are broken.

A file is bytes; sounds are float arrays of shape (n_samples, n_channels).
"""

import io
import struct
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import soundfile

SR = 44100


def tone(frequency: float = 1000.0, *, seconds: float = 3.0, sr: int = SR, channels: int = 2) -> np.ndarray:
    """A sine at half of full scale, the same in all channels."""
    y = 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * sr)) / sr)
    return np.repeat(y[:, None], channels, axis=1).astype(np.float32)


def sound_file(y: np.ndarray, sr: int = SR, *, format: str, subtype: str | None = None) -> bytes:
    """The file as libsndfile writes it."""
    file = io.BytesIO()
    soundfile.write(file, y, sr, format=format, subtype=subtype)
    return file.getvalue()


def media_file(
    y: np.ndarray | None,
    sr: int = SR,
    *,
    container: str,
    codec: str = "",
    video: str = "",
    options: dict[str, str] | None = None,
) -> bytes:
    """The file as FFmpeg writes it; with a video of three grey frames where `video` names a codec."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options or {}) as output:
        streams = []
        if video:
            picture = output.add_stream(video, rate=1)
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuvj420p" if video == "mjpeg" else "yuv420p"
            streams.append(picture)
        if y is not None:
            sound = output.add_stream(codec, rate=sr, layout="stereo" if y.shape[1] == 2 else "mono")
            sound.bit_rate = 128_000
            streams.append(sound)
        for stream in streams:
            stream.codec_context.open()
        for second in range(3 if video else 0):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8), format="rgb24")
            frame.pts, frame.time_base = second, Fraction(1)
            output.mux(picture.encode(frame.reformat(format=picture.pix_fmt)))
        if video:
            output.mux(picture.encode(None))
        if y is not None:
            for frame in _frames(y, sr, sound):
                output.mux(sound.encode(frame))
            output.mux(sound.encode(None))
    return file.getvalue()


def _frames(y: np.ndarray, sr: int, stream: av.AudioStream):
    layout = "stereo" if y.shape[1] == 2 else "mono"
    whole = av.AudioFrame.from_ndarray(np.ascontiguousarray(y.T), format="fltp", layout=layout)
    whole.sample_rate, whole.pts, whole.time_base = sr, 0, Fraction(1, sr)
    converter = av.AudioResampler(stream.codec_context.format, layout, sr, frame_size=stream.codec_context.frame_size)
    return converter.resample(whole) + converter.resample(None)


GOOD: dict[str, Callable[[np.ndarray, int], bytes]] = {
    "wav": lambda y, sr: sound_file(y, sr, format="WAV"),
    "wav-24": lambda y, sr: sound_file(y, sr, format="WAV", subtype="PCM_24"),
    "wav-float": lambda y, sr: sound_file(y, sr, format="WAV", subtype="FLOAT"),
    "wav-u8": lambda y, sr: sound_file(y, sr, format="WAV", subtype="PCM_U8"),
    "wav-extensible": lambda y, sr: sound_file(y, sr, format="WAVEX"),
    "wav-adpcm": lambda y, sr: sound_file(y, sr, format="WAV", subtype="IMA_ADPCM"),
    "wav-mp3": lambda y, sr: media_file(y, sr, container="wav", codec="libmp3lame"),
    "rf64": lambda y, sr: sound_file(y, sr, format="RF64"),
    "w64": lambda y, sr: sound_file(y, sr, format="W64"),
    "aiff": lambda y, sr: sound_file(y, sr, format="AIFF"),
    "aifc": lambda y, sr: sound_file(y, sr, format="AIFF", subtype="FLOAT"),
    "au": lambda y, sr: sound_file(y, sr, format="AU"),
    "caf": lambda y, sr: sound_file(y, sr, format="CAF"),
    "caf-alac": lambda y, sr: sound_file(y, sr, format="CAF", subtype="ALAC_16"),
    "flac": lambda y, sr: sound_file(y, sr, format="FLAC"),
    "flac-24": lambda y, sr: sound_file(y, sr, format="FLAC", subtype="PCM_24"),
    "ogg": lambda y, sr: sound_file(y, sr, format="OGG"),
    "ogg-flac": lambda y, sr: media_file(y, sr, container="ogg", codec="flac"),
    "opus": lambda y, sr: sound_file(y, sr, format="OGG", subtype="OPUS"),
    "mp3": lambda y, sr: sound_file(y, sr, format="MP3"),
    "mp3-lame": lambda y, sr: media_file(y, sr, container="mp3", codec="libmp3lame"),
    "m4a": lambda y, sr: media_file(y, sr, container="ipod", codec="aac"),
    "m4a-alac": lambda y, sr: media_file(y, sr, container="ipod", codec="alac"),
    "m4a-fragments": lambda y, sr: media_file(
        y, sr, container="mp4", codec="aac", options={"movflags": "frag_keyframe+empty_moov"}
    ),
    "aac": lambda y, sr: media_file(y, sr, container="adts", codec="aac"),
    "ac3": lambda y, sr: media_file(y, sr, container="ac3", codec="ac3"),
    "wma": lambda y, sr: media_file(y, sr, container="asf", codec="wmav2"),
    "mp4": lambda y, sr: media_file(y, sr, container="mp4", codec="aac", video="mpeg4"),
    "mov": lambda y, sr: media_file(y, sr, container="mov", codec="pcm_s16le", video="mpeg4"),
    "webm": lambda y, sr: media_file(y, sr, container="webm", codec="libopus", video="libvpx"),
    "mkv": lambda y, sr: media_file(y, sr, container="matroska", codec="flac", video="mpeg4"),
    "avi": lambda y, sr: media_file(y, sr, container="avi", codec="libmp3lame", video="mpeg4"),
    "mpegts": lambda y, sr: media_file(y, sr, container="mpegts", codec="aac", video="mpeg4"),
    "wv": lambda y, sr: media_file(y, sr, container="wv", codec="wavpack"),
    "tta": lambda y, sr: media_file(y, sr, container="tta", codec="tta"),
}


def with_bytes(data: bytes, at: int, replacement: bytes) -> bytes:
    """The file with some bytes overwritten."""
    return data[:at] + replacement + data[at + len(replacement) :]


def wav_with_length(y: np.ndarray, sr: int = SR, *, data_bytes: int) -> bytes:
    """A 16-bit WAV file whose header says that its sound takes `data_bytes` bytes."""
    data = sound_file(y, sr, format="WAV")
    at = data.index(b"data") + 4
    return with_bytes(data, at, struct.pack("<I", data_bytes))


def aiff_with_length(y: np.ndarray, sr: int = SR, *, frames: int) -> bytes:
    """A 16-bit AIFF file whose header says that it has so many frames, in both places."""
    data = sound_file(y, sr, format="AIFF")
    data = with_bytes(data, data.index(b"COMM") + 10, struct.pack(">I", frames))
    return with_bytes(data, data.index(b"SSND") + 4, struct.pack(">I", 8 + frames * 2 * y.shape[1]))


def au_with_length(y: np.ndarray, sr: int = SR, *, data_bytes: int) -> bytes:
    """A 16-bit AU file whose header says that its sound takes `data_bytes` bytes."""
    return with_bytes(sound_file(y, sr, format="AU"), 8, struct.pack(">I", data_bytes))


def wav_header(*, tag: int = 1, channels: int = 2, sr: int = SR, bits: int = 16, data: bytes = bytes(4000)) -> bytes:
    """A WAV file with any header, however absurd."""
    align = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels, sr, min(sr * align, 2**32 - 1), min(align, 65535), bits)
    chunks = b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def silent_video(container: str = "mp4") -> bytes:
    """A video without a sound track."""
    return media_file(None, container=container, video="mpeg4")


def flac_with_length(y: np.ndarray, sr: int = SR, *, n_samples: int) -> bytes:
    """A FLAC file whose header says that it has so many samples in each channel."""
    data = sound_file(y, sr, format="FLAC")
    (packed,) = struct.unpack(">Q", data[18:26])  # rate, channels, bits, and 36 bits of samples
    return with_bytes(data, 18, struct.pack(">Q", packed & ~0xFFFFFFFFF | n_samples))


def ogg_with_headers_twice(y: np.ndarray, sr: int = SR) -> bytes:
    """A Vorbis file whose header packets come again before the sound, as some editors leave them."""
    pages = _ogg_pages(sound_file(y, sr, format="OGG"))
    n_headers = next(i for i, page in enumerate(pages) if struct.unpack("<q", page[6:14])[0] > 0)
    pages = pages[:n_headers] + [with_bytes(page, 5, b"\0") for page in pages[:n_headers]] + pages[n_headers:]
    for sequence, page in enumerate(pages):
        page = with_bytes(page, 18, struct.pack("<II", sequence, 0))
        pages[sequence] = with_bytes(page, 22, struct.pack("<I", _ogg_checksum(page)))
    return b"".join(pages)


def _ogg_pages(data: bytes) -> list[bytes]:
    pages = []
    while data:
        end = 27 + data[26] + sum(data[27 : 27 + data[26]])
        pages.append(data[:end])
        data = data[end:]
    return pages


def _ogg_checksum(page: bytes) -> int:
    """CRC-32 as RFC 3533 has it: polynomial 0x04c11db7, nothing reflected."""
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1) ^ (0x04C11DB7 if checksum & 0x80000000 else 0)
        checksum &= 0xFFFFFFFF
    return checksum
