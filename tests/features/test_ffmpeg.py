"""Reading by FFmpeg: what is promised and held, what is skipped, and what a container is called."""

import io
import re
import struct
from pathlib import Path

import av
import numpy as np
import pytest

from features import ffmpeg
from features.containers import identify
from features.errors import CorruptAudio, DecoderLimitExceeded, EmptyFile, UnreadableFile, UnsupportedFormat
from features.ffmpeg import FfmpegReader
from tests.support.audio_files import GOOD, SR, _ogg_checksum, _ogg_pages, media_file, silent_video, tone, with_bytes

SECONDS = 10
M4A = GOOD["m4a"](tone(seconds=1.0), SR)


@pytest.fixture
def noise(rng) -> np.ndarray:
    return rng.uniform(-0.5, 0.5, (SECONDS * SR, 2)).astype(np.float32)


def reader(data: bytes) -> FfmpegReader:
    file = io.BytesIO(data)
    return FfmpegReader(file, identify(file))


def read(data: bytes, *, size: int = SR) -> np.ndarray:
    return np.concatenate(list(reader(data).blocks(size)))


def streamable(y: np.ndarray, folder: Path) -> bytes:
    """An MP4 whose table of contents comes first, so that a part of the file can be played."""
    path = folder / "streamable.m4a"
    with (
        av.open(io.BytesIO(GOOD["m4a"](y, SR))) as whole,
        av.open(str(path), "w", format="ipod", options={"movflags": "faststart"}) as output,
    ):
        stream = output.add_stream_from_template(whole.streams.audio[0])
        for packet in whole.demux(audio=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    return path.read_bytes()


def without_packets() -> bytes:
    """A sound file whose track has nothing in it."""
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as output:
        output.add_stream("pcm_s16le", rate=SR, layout="stereo").codec_context.open()
        output.start_encoding()
    return file.getvalue()


def earlier(data: bytes, *, n_samples: int) -> bytes:
    """The Ogg file with the time of each page so much earlier: as if it was cut out of a longer stream."""
    pages = _ogg_pages(data)
    for number, page in enumerate(pages):
        (end,) = struct.unpack("<q", page[6:14])
        if end > 0:
            page = with_bytes(with_bytes(page, 6, struct.pack("<q", end - n_samples)), 22, bytes(4))
            pages[number] = with_bytes(page, 22, struct.pack("<I", _ogg_checksum(page)))
    return b"".join(pages)


def spoilt(data: bytes, rng: np.random.Generator, *, places: int) -> bytes:
    """The file with 60 other bytes in so many places behind its header."""
    bad = bytearray(data)
    for at in rng.integers(2000, len(data) - 100, places):
        bad[at : at + 60] = rng.bytes(60)
    return bytes(bad)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.75])
def test_an_mp4_that_states_more_than_it_holds_is_refused(noise, tmp_path, share):
    data = streamable(noise, tmp_path)
    assert len(read(data)) == pytest.approx(SECONDS * SR, rel=0.01)
    with pytest.raises(CorruptAudio, match=r"can be read for \d\.\d s of 10\.0 s; copy or export") as caught:
        read(data[: int(share * len(data))])
    read_s = float(re.findall(r"[\d.]+", str(caught.value))[0])
    assert read_s == pytest.approx(share * SECONDS, abs=0.3)


@pytest.mark.parametrize("codec", ["aac", "flac", "libopus"])
def test_a_matroska_file_that_states_more_than_it_holds_is_refused(codec):
    y = tone(seconds=SECONDS, sr=48_000)
    data = media_file(y, 48_000, container="matroska", codec=codec)
    assert len(read(data)) == pytest.approx(len(y), rel=0.01)
    with pytest.raises(CorruptAudio, match=r"can be read for [45]\.\d s of 10\.0 s"):
        read(data[: len(data) // 2])


@pytest.mark.parametrize("name", ["mp3-lame", "aac", "ac3", "ogg", "mpegts"])
def test_a_stream_that_may_be_cut_anywhere_is_read_as_far_as_it_goes(noise, name):
    data = GOOD[name](noise, SR)
    assert len(read(data[: len(data) // 2])) == pytest.approx(SECONDS * SR / 2, rel=0.1)


def test_a_few_bad_packets_are_skipped_as_players_do(noise, rng):
    data = GOOD["mp3-lame"](noise, SR)
    assert len(read(spoilt(data, rng, places=3))) == pytest.approx(len(read(data)), rel=0.03)


def test_many_bad_packets_are_damage(noise, rng):
    data = GOOD["mp3-lame"](noise, SR)
    with pytest.raises(CorruptAudio, match=r"damaged MP3: \d+ of \d+ packets cannot be decoded; copy or export"):
        read(spoilt(data, rng, places=400))


@pytest.mark.parametrize(("sr", "channels"), [(22_050, 2), (SR, 1)])
def test_a_recording_that_becomes_another_half_way_says_when(sr, channels):
    parts = [tone(seconds=2.0), tone(seconds=2.0, sr=sr, channels=channels)]
    data = b"".join(GOOD["aac"](part, rate) for part, rate in zip(parts, (SR, sr), strict=True))
    blocks = reader(data).blocks(SR)
    assert len(next(blocks)) > SR / 2  # what came before it was good
    with pytest.raises(
        UnsupportedFormat,
        match=rf"from 44100 Hz, 2 channels to {sr} Hz, {channels} channels after 2\.0 s: convert it to one",
    ):
        list(blocks)


def test_two_recordings_of_one_kind_in_a_file_are_one(noise):
    data = GOOD["aac"](noise[:SR], SR)
    assert len(read(data + data)) == pytest.approx(2 * len(read(data)), abs=2048)


@pytest.mark.parametrize("size", [1, 100, 1024, 1025, 5000, 10**6])
@pytest.mark.parametrize("name", ["mp3-lame", "m4a", "mov", "tta"])
def test_blocks_of_any_size_are_the_whole(noise, name, size):
    data = GOOD[name](noise[: 3000 if size == 1 else SR], SR)
    whole = read(data, size=10 * SR)
    blocks = list(reader(data).blocks(size))
    assert max(map(len, blocks)) <= size
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    assert whole.shape[1] == 2


@pytest.mark.parametrize("start", [1, 1023, 1024, 5000, SR, 10**9])
def test_blocks_from_anywhere_are_the_rest(noise, start):
    data = GOOD["m4a"](noise[: 2 * SR], SR)
    whole = read(data)
    blocks = list(reader(data).blocks(3000, start=start))
    found = np.concatenate(blocks) if blocks else np.empty((0, 2), np.float32)
    np.testing.assert_array_equal(found[:, 0], whole[start:, 0])


def test_blocks_are_not_overwritten_by_the_next_ones(noise):
    blocks = list(reader(GOOD["mp3-lame"](noise[:SR], SR)).blocks(2000))
    again = reader(GOOD["mp3-lame"](noise[:SR], SR)).blocks(2000)
    for block in blocks:
        np.testing.assert_array_equal(block, next(again))


@pytest.mark.parametrize(
    ("container", "codec", "video", "name"),
    [
        ("ipod", "aac", "", "m4a"),
        ("mp4", "aac", "", "m4a"),
        ("mp4", "aac", "mpeg4", "mp4"),
        ("mov", "pcm_s16le", "mpeg4", "mov"),
        ("mov", "aac", "", "m4a"),
        ("asf", "wmav2", "", "wma"),
        ("asf", "wmav2", "mpeg4", "wmv"),
        ("matroska", "flac", "", "mkv"),
        ("webm", "libopus", "", "webm"),
        ("ogg", "libopus", "", "opus"),
        ("ogg", "flac", "", "ogg"),
        ("mp3", "libmp3lame", "", "mp3"),
        ("adts", "aac", "", "aac"),
        ("avi", "libmp3lame", "mpeg4", "avi"),
    ],
)
def test_containers_are_called_as_people_call_them(container, codec, video, name):
    found = reader(media_file(tone(seconds=1.0, sr=48_000), 48_000, container=container, codec=codec, video=video))
    assert (found.format, found.sample_rate, found.channels) == (name, 48_000, 2)


@pytest.mark.parametrize("name", ["aac", "mpegts"])
def test_a_length_that_would_be_a_guess_is_not_told(name):
    quiet = tone(seconds=SECONDS) * np.linspace(0, 1, SECONDS * SR, dtype=np.float32)[:, np.newaxis] ** 8
    n_frames = reader(GOOD[name](quiet, SR)).n_frames
    assert n_frames is None or n_frames == pytest.approx(SECONDS * SR, rel=0.05)


def test_a_recording_that_starts_before_time_zero_is_known(noise):
    data = GOOD["ogg"](noise, SR)
    assert not reader(data).starts_before_zero
    assert not reader(GOOD["m4a"](noise, SR)).starts_before_zero
    assert reader(earlier(data, n_samples=144)).starts_before_zero


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"\x01" * 5000, UnsupportedFormat, "data in no known format: expected sound, or a video with sound"),
        (b"OggS" + b"\x01" * 5000, CorruptAudio, "OGG data, but the rest is damaged or cut off"),
        (silent_video(), UnsupportedFormat, "a file of video without sound: give one with a sound track"),
        (M4A[:40], CorruptAudio, "MP4 data, but the rest is damaged or cut off"),
        (
            M4A.replace(b"mp4a", b"abcd").replace(b"esds", b"free"),
            UnsupportedFormat,
            "sound in the codec abcd .*, which is not decoded here: convert it to FLAC or MP3",
        ),
        (without_packets(), EmptyFile, "a media file without any sound"),
    ],
    ids=["nothing known", "garbage", "silent video", "header only", "unknown codec", "no packet"],
)
def test_what_cannot_be_read_is_told(data, error, words):
    with pytest.raises(error, match=words):
        reader(data)


def test_too_little_memory_is_the_file_s_fault_and_not_ours(monkeypatch):
    def too_much(*_arguments, **_settings):
        raise MemoryError

    monkeypatch.setattr(ffmpeg.av, "open", too_much)
    with pytest.raises(DecoderLimitExceeded, match="more memory than there is"):
        reader(GOOD["mp3"](tone(seconds=1.0), SR))


def test_a_disk_that_fails_at_once_is_told():
    class Scratched(io.BytesIO):
        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    data = GOOD["mp3-lame"](tone(seconds=1.0), SR)
    with pytest.raises(UnreadableFile, match=r"reading the file failed \(Input/output error\): check the disk"):
        FfmpegReader(Scratched(data), identify(io.BytesIO(data)))


def test_the_file_stays_open_whatever_happens():
    for data in (GOOD["mp3-lame"](tone(seconds=1.0), SR), b"OggS" + bytes(100)):
        file = io.BytesIO(data)
        try:
            FfmpegReader(file, identify(file)).close()
        except CorruptAudio:
            assert data.startswith(b"OggS")
        assert not file.closed
