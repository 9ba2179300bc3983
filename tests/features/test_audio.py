"""Decoding: known sounds in every format, and files that cannot be used."""

import io
import os
import socket
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import av
import mutagen.flac
import numpy as np
import pytest
import soundfile
import soxr
from mutagen.id3 import APIC
from mutagen.mp4 import MP4Cover
from PIL import Image

from features import audio
from features.audio import AudioInfo, load, open_audio, probe, read_blocks
from features.errors import (
    AudioError,
    CorruptAudio,
    EmptyFile,
    FeatureError,
    InvalidSamples,
    UnreadableFile,
    UnsupportedFormat,
)
from tests.support.audio_files import (
    GOOD,
    SR,
    aiff_with_length,
    au_with_length,
    flac_with_length,
    ogg_with_headers_twice,
    silent_video,
    sound_file,
    tone,
    wav_header,
    wav_with_length,
    with_bytes,
)

NOISE = np.random.default_rng(0)
LOSSY_PADDING_S = 0.06  # a coder adds up to two of its frames
EXACT = ("wav", "wav-24", "wav-float", "aiff", "aifc", "au", "caf", "caf-alac", "w64", "rf64", "flac", "flac-24")


def _rate(name: str) -> int:
    return 48_000 if name in ("opus", "webm") else SR


def _noise(seconds: float, channels: int = 2, sr: int = SR) -> np.ndarray:
    return NOISE.uniform(-0.5, 0.5, (round(seconds * sr), channels)).astype(np.float32)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_tone_keeps_its_pitch_level_and_length_in_every_format(name: str) -> None:
    data = GOOD[name](tone(1000.0, seconds=3.0, sr=_rate(name)), _rate(name))

    y = load(io.BytesIO(data), sr=16_000)

    assert y.dtype == np.float32
    assert y.size / 16_000 == pytest.approx(3.0, abs=LOSSY_PADDING_S)
    middle = y[16_000:32_000]
    assert np.abs(np.fft.rfft(middle)).argmax() == 1000
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("name", EXACT)
def test_lossless_formats_give_the_samples_that_were_written(name: str) -> None:
    y = _noise(0.5)

    with open_audio(io.BytesIO(GOOD[name](y, SR))) as stream:
        decoded = np.concatenate(list(stream))

    assert np.abs(decoded - y).max() <= 2**-15


@pytest.mark.parametrize(
    ("name", "format"),
    [
        *(("wav", "wav"), ("rf64", "wav"), ("wav-mp3", "wav"), ("flac", "flac"), ("ogg", "ogg"), ("opus", "opus")),
        *(("mp3", "mp3"), ("aiff", "aiff"), ("aifc", "aiff"), ("au", "au"), ("m4a", "m4a"), ("m4a-alac", "m4a")),
        *(("aac", "aac"), ("wma", "wma"), ("mp4", "mp4"), ("mov", "mov"), ("webm", "webm"), ("mkv", "mkv")),
    ],
)
def test_the_content_tells_the_format_whatever_the_name(name: str, format: str, tmp_path: Path) -> None:
    path = tmp_path / "recording.xyz"
    path.write_bytes(GOOD[name](tone(seconds=3.0, sr=_rate(name)), _rate(name)))
    misnamed = tmp_path / ("recording.mp3" if format != "mp3" else "recording.flac")
    misnamed.write_bytes(path.read_bytes())

    info = probe(path)

    assert probe(misnamed) == info
    assert (info.format, info.sample_rate, info.channels) == (format, _rate(name), 2)
    if info.duration_s is not None:
        assert info.duration_s == pytest.approx(3.0, abs=LOSSY_PADDING_S)


@pytest.mark.parametrize("name", ["wav", "flac", "ogg", "mp3", "m4a", "opus"])
@pytest.mark.parametrize("block_s", [0.007, 0.5, 10.0])
def test_blocks_are_the_whole(name: str, block_s: float) -> None:
    data = GOOD[name](_noise(1.5, sr=_rate(name)), _rate(name))
    with open_audio(io.BytesIO(data), block_s=block_s) as stream:
        native = list(stream)
    with open_audio(io.BytesIO(data), block_s=100.0) as stream:
        whole = np.concatenate(list(stream))

    blocks = list(read_blocks(io.BytesIO(data), sr=16_000, block_s=block_s))

    assert max(len(block) for block in native) <= block_s * _rate(name)
    np.testing.assert_array_equal(np.concatenate(native), whole)
    expected = soxr.resample(whole.mean(axis=1), _rate(name), 16_000, "HQ")
    np.testing.assert_allclose(np.concatenate(blocks), expected, atol=1e-6)


def test_mono_is_the_mean_of_the_channels() -> None:
    y = np.stack([np.full(SR, 0.5), np.full(SR, -0.25), np.full(SR, 0.125)], axis=1).astype(np.float32)

    mono = load(io.BytesIO(sound_file(y, format="WAV", subtype="FLOAT")), sr=SR)

    np.testing.assert_allclose(mono, 0.125, atol=1e-7)


def test_a_rate_that_is_the_wanted_one_changes_no_sample() -> None:
    y = _noise(0.3, channels=1)
    np.testing.assert_array_equal(load(io.BytesIO(sound_file(y, format="WAV", subtype="FLOAT")), sr=SR), y[:, 0])


@pytest.mark.parametrize("sr", [8_000, 16_000, 22_050, 48_000])
def test_resampling_scales_the_length(sr: int) -> None:
    y = load(io.BytesIO(sound_file(tone(seconds=2.0), format="FLAC")), sr=sr)
    assert abs(y.size - 2 * sr) <= 1


def test_eight_channels_at_96_khz_simply_work() -> None:
    y = np.zeros((96_000, 8), np.float32)
    y[:, 5] = tone(seconds=1.0, sr=96_000, channels=1)[:, 0]
    data = sound_file(y, 96_000, format="FLAC")

    mono = load(io.BytesIO(data), sr=16_000)

    assert probe(io.BytesIO(data)) == AudioInfo(1.0, 96_000, 8, "flac")
    assert np.abs(mono[2000:-2000]).max() == pytest.approx(0.5 / 8, rel=0.01)


@pytest.mark.parametrize("name", ["wav", "flac", "ogg", "mp3", "m4a", "webm"])
def test_a_part_is_what_lies_there_in_the_whole(name: str, tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_bytes(GOOD[name](_noise(3.0, sr=_rate(name)), _rate(name)))
    whole = load(path, sr=16_000)

    part = load(path, sr=16_000, offset_s=1.0, duration_s=0.5)

    assert part.size == 8_000
    # The resampler does not know what lay before and behind.
    np.testing.assert_allclose(part[200:-200], whole[16_200:23_800], atol=1e-5)


def test_a_part_behind_the_end_is_empty() -> None:
    assert load(io.BytesIO(GOOD["flac"](tone(seconds=1.0), SR)), sr=16_000, offset_s=9.0).size == 0


def test_an_upload_is_read_from_its_first_byte_and_stays_open() -> None:
    upload = io.BytesIO(GOOD["mp3"](tone(), SR))
    upload.seek(100)
    first = load(upload, sr=16_000)
    np.testing.assert_array_equal(load(upload, sr=16_000), first)
    assert not upload.closed


def test_vorbis_that_was_cut_out_of_a_longer_stream_is_read_as_the_reference_decoder_does(shared_data: Path) -> None:
    path = shared_data / "audio" / "frantic.ogg"  # its first sample lies 144 before time zero
    expected, _ = soundfile.read(path, dtype="float32")
    with open_audio(path) as stream:
        np.testing.assert_allclose(np.concatenate(list(stream)), expected, atol=1e-6)


def test_vorbis_is_what_the_reference_decoder_gives() -> None:
    data = GOOD["ogg"](_noise(2.0), SR)
    expected, _ = soundfile.read(io.BytesIO(data), dtype="float32")
    with open_audio(io.BytesIO(data)) as stream:
        np.testing.assert_allclose(np.concatenate(list(stream)), expected, atol=1e-6)


def test_vorbis_whose_headers_come_twice_is_fine() -> None:
    y = _noise(2.0)
    expected = load(io.BytesIO(GOOD["ogg"](y, SR)), sr=SR)
    np.testing.assert_allclose(load(io.BytesIO(ogg_with_headers_twice(y)), sr=SR), expected, atol=1e-6)


@pytest.mark.parametrize("data_bytes", [0, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF - 44, 0xFFFFFFFF])
def test_lengths_that_streaming_writers_leave_are_fine(data_bytes: int) -> None:
    assert load(io.BytesIO(wav_with_length(tone(seconds=2.0), data_bytes=data_bytes)), sr=SR).size == 2 * SR


def test_a_flac_of_unknown_length_is_fine() -> None:
    data = flac_with_length(tone(seconds=2.0), n_samples=0)
    assert probe(io.BytesIO(data)).duration_s is None
    assert load(io.BytesIO(data), sr=SR).size == 2 * SR


@pytest.mark.parametrize("tag", [b"LIST", b"id3 ", b"junk"])
def test_chunks_behind_the_sound_are_no_lie(tag: bytes) -> None:
    data = sound_file(tone(seconds=1.0), format="WAV") + tag + struct.pack("<I", 500_000) + NOISE.bytes(500_000)
    assert load(io.BytesIO(data), sr=SR).size == SR


def test_a_flac_behind_an_id3_tag_is_read() -> None:
    tag = b"ID3\x04\x00\x00\x00\x00\x10\x00" + bytes(2048)
    assert probe(io.BytesIO(tag + sound_file(tone(seconds=1.0), format="FLAC"))).format == "flac"


@pytest.mark.parametrize("picture", ["good", "broken"])
@pytest.mark.parametrize("name", ["m4a", "mp3", "flac"])
def test_cover_art_is_no_video_and_does_not_matter(name: str, picture: str, tmp_path: Path) -> None:
    path = tmp_path / f"recording.{name}"
    path.write_bytes(GOOD[name](tone(seconds=2.0), SR))
    plain = load(path, sr=SR)
    png = io.BytesIO()
    Image.new("RGB", (300, 300), "grey").save(png, "PNG")
    cover = png.getvalue() if picture == "good" else png.getvalue()[:40] + NOISE.bytes(20_000)
    tagged = mutagen.File(path)
    if name == "m4a":
        tagged["covr"] = [MP4Cover(cover, MP4Cover.FORMAT_PNG)]
    elif name == "mp3":
        tagged.add_tags()
        tagged.tags.add(APIC(mime="image/png", type=3, data=cover))
    else:
        art = mutagen.flac.Picture()
        art.data, art.mime, art.type = cover, "image/png", 3
        tagged.add_picture(art)
    tagged.save()

    assert probe(path).format == name
    np.testing.assert_array_equal(load(path, sr=SR), plain)


def _bad_files() -> dict[str, tuple[bytes, type[AudioError], str]]:
    y, noise = tone(seconds=10.0), _noise(10.0)
    flac, mp3, m4a, wav = (GOOD[name](noise, SR) for name in ("flac", "mp3", "m4a", "wav"))
    garbage = NOISE.bytes(100_000)
    second = 2 * 2 * SR
    spoilt = y.copy()
    spoilt[2 * SR, 1] = np.nan
    endless = y.copy()
    endless[3 * SR, 0] = -np.inf
    foreign = m4a.replace(b"mp4a", b"xyz1").replace(b"esds", b"free")
    return {
        "empty": (b"", EmptyFile, r"0 bytes"),
        "text": (b"I am no music.\n" * 50, UnsupportedFormat, "plain text: expected sound"),
        "web page": (b"<!DOCTYPE html><html>Not found</html>", UnsupportedFormat, "web page"),
        "picture": (b"\x89PNG\r\n\x1a\n" + garbage, UnsupportedFormat, "PNG picture"),
        "archive": (b"PK\x03\x04" + garbage, UnsupportedFormat, "ZIP archive"),
        "midi": (b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0" + garbage, UnsupportedFormat, "notes and no sound"),
        "noise bytes": (garbage, UnsupportedFormat, "no known format"),
        "zero bytes": (bytes(100_000), UnsupportedFormat, "no known format"),
        "one byte": (b"\x00", UnsupportedFormat, "no known format"),
        "flac cut off": (flac[: len(flac) // 2], CorruptAudio, r"read for 4\.\d s of 10\.0 s; copy or export"),
        "flac with a flipped byte": (with_bytes(flac, len(flac) // 2, b"\x5a\xa5"), CorruptAudio, r"for 4\.\d s of 10"),
        "flac of garbage": (flac[:8192] + garbage, CorruptAudio, r"for 0\.\d s of 10"),
        "flac header only": (flac[:100], CorruptAudio, r"for 0\.0 s of 10"),
        "flac promises more": (flac_with_length(noise, n_samples=60 * SR), CorruptAudio, r"of 60\.0 s"),
        "flac promises less": (flac_with_length(noise, n_samples=SR), CorruptAudio, r"promises 1\.0 s.*holds more"),
        "wav promises more": (wav_with_length(y, data_bytes=60 * second), CorruptAudio, r"60\.0 s.*after 10\.0 s"),
        "wav promises less": (wav_with_length(y, data_bytes=second), CorruptAudio, r"1\.0 s.*holds 10\.0 s"),
        "wav cut off": (wav[: 3 * second], CorruptAudio, r"promises 10\.0 s.*ends after 3\.0 s"),
        "aiff promises more": (aiff_with_length(y, frames=60 * SR), CorruptAudio, r"60\.0 s.*after 10\.0 s"),
        "aiff promises less": (aiff_with_length(y, frames=SR), CorruptAudio, r"1\.0 s.*holds 10\.0 s"),
        "aiff cut off": (GOOD["aiff"](y, SR)[: 3 * second], CorruptAudio, r"after 3\.0 s"),
        "au promises more": (au_with_length(y, data_bytes=60 * second), CorruptAudio, r"60\.0 s.*after 10\.0 s"),
        "au promises less": (au_with_length(y, data_bytes=second), CorruptAudio, r"1\.0 s.*holds 10\.0 s"),
        "wav without sound": (wav_header(data=b""), EmptyFile, "without any sound"),
        "wav of garbage": (b"RIFF\x00\x10\x00\x00WAVE" + garbage, UnsupportedFormat, "WAV file with a codec or header"),
        "wav without channels": (wav_header(channels=0), UnsupportedFormat, "header that is not read"),
        "wav at 0 Hz": (wav_header(sr=0), UnsupportedFormat, "header that is not read"),
        "wav at 1 Hz": (wav_header(sr=1), UnsupportedFormat, r"rate of 1 Hz: expected 1000 to"),
        "wav at 100 MHz": (wav_header(sr=100_000_000), UnsupportedFormat, r"rate of 100000000 Hz"),
        "wav in an unknown codec": (wav_header(tag=0x1234), UnsupportedFormat, "codec .*0x1234"),
        "mp4 in an unknown codec": (foreign, UnsupportedFormat, "codec xyz1"),
        "mp4 cut off": (m4a[: len(m4a) // 2], CorruptAudio, "MP4 data, but the rest is damaged"),
        "fragments cut off": (GOOD["m4a-fragments"](y, SR)[:60_000], CorruptAudio, r"read for 3\.\d s of 10"),
        "mp3 of garbage": (mp3[:400] + garbage, CorruptAudio, "begins like MPEG audio"),
        "tag without music": (
            b"ID3\x03\x00\x00\x00\x00\x00\x10" + bytes(16) + garbage,
            CorruptAudio,
            "after an ID3 tag",
        ),
        "ogg of garbage": (GOOD["ogg"](y, SR)[:3000] + garbage, CorruptAudio, "OGG data, but the rest"),
        "video without sound": (silent_video(), UnsupportedFormat, "video without sound"),
        "nan": (sound_file(spoilt, format="WAV", subtype="FLOAT"), InvalidSamples, r"first at 2\.00 s"),
        "infinity": (sound_file(endless, format="AIFF", subtype="FLOAT"), InvalidSamples, r"first at 3\.00 s"),
        "absurd loudness": (sound_file(y * 1e30, format="WAV", subtype="FLOAT"), InvalidSamples, "beyond all measure"),
    }


BAD = _bad_files()


@pytest.mark.parametrize("name", sorted(BAD))
@pytest.mark.parametrize("named", ["recording.mp3", "recording.wav"])
def test_bad_content_is_told(name: str, named: str, tmp_path: Path) -> None:
    data, error, message = BAD[name]
    path = tmp_path / named
    path.write_bytes(data)

    for source in (path, io.BytesIO(data)):
        with pytest.raises(error, match=message) as caught:
            load(source, sr=16_000)
        assert caught.type is error
        for slang in ("Errno", "libsnd", "LibsndfileError", "psf", "Invalid data found", "av.error"):
            assert slang not in str(caught.value)


def test_damage_leaves_no_file_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else pytest.skip("no /proc here")
    for name, (data, _, _) in BAD.items():
        path = tmp_path / name.replace(" ", "-")
        path.write_bytes(data)
        with pytest.raises(AudioError):
            load(path, sr=16_000)
    assert len(os.listdir("/proc/self/fd")) == before


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, message in (
        (tmp_path / "missing.wav", "does not exist"),
        (tmp_path, "is a folder"),
        (tmp_path / "pipe", "no regular file"),
        (tmp_path / ("x" * 300), "cannot be opened"),
        ("null\0byte.wav", "cannot be opened"),
    ):
        with pytest.raises(UnreadableFile, match=message):
            load(path, sr=16_000)


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.wav"
    path.write_bytes(GOOD["wav"](tone(seconds=0.1), SR))
    path.chmod(0)
    if os.access(path, os.R_OK):  # the superuser may read anything: have the call refused as for others
        monkeypatch.setattr(audio, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13)), raising=False)
    with pytest.raises(UnreadableFile, match=r"secret\.wav may not be read: change its permissions"):
        probe(path)


def test_a_stream_that_cannot_seek() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(UnreadableFile, match="cannot seek"):
        probe(Pipe(b"RIFF"))


@pytest.mark.parametrize("arguments", [{"offset_s": -1.0}, {"duration_s": -1.0}, {"sr": 0}])
def test_settings_that_make_no_sense(arguments: dict) -> None:
    with pytest.raises(FeatureError, match="expected"):
        load(io.BytesIO(GOOD["wav"](tone(seconds=0.1), SR)), **{"sr": 16_000, **arguments})


def test_a_stream_is_read_once() -> None:
    with open_audio(io.BytesIO(GOOD["wav"](tone(seconds=0.1), SR))) as stream:
        list(stream)
        with pytest.raises(FeatureError, match="open the recording again"):
            list(stream)


def _hostile(target: str) -> dict[str, bytes]:
    return {
        "playlist.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n".encode(),
        "list.ffconcat": f"ffconcat version 1.0\nfile {target}\n".encode(),
        "session.sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        "manifest.mpd": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet>'
        f"<Representation><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>".encode(),
    }


@pytest.mark.parametrize("name", sorted(_hostile("")))
@pytest.mark.parametrize("target", ["/etc/passwd", "{folder}/target.wav", "http://127.0.0.1:{port}/target.wav"])
def test_no_file_makes_the_decoder_open_another(name: str, target: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        (tmp_path / "target.wav").write_bytes(GOOD["wav"](tone(), SR))
        target = target.format(folder=tmp_path, port=server.getsockname()[1])
        path = tmp_path / name
        path.write_bytes(_hostile(target)[name])

        with pytest.raises(AudioError):
            load(path, sr=16_000)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_ffmpeg_itself_would_follow_a_list(tmp_path: Path) -> None:
    """What the whitelists protect from is real: without them the same list opens the other file."""
    (tmp_path / "target.wav").write_bytes(GOOD["wav"](tone(), SR))
    path = tmp_path / "list.ffconcat"
    path.write_bytes(b"ffconcat version 1.0\nfile target.wav\n")
    with av.open(str(path)) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == 3 * SR
    with pytest.raises(UnsupportedFormat):
        load(path, sr=16_000)


def test_libraries_say_nothing_on_standard_error(tmp_path: Path) -> None:
    for name, (data, _, _) in BAD.items():
        (tmp_path / name.replace(" ", "-")).write_bytes(data)
    program = (
        "import sys, pathlib\nfrom features.audio import load\nfrom features.errors import AudioError\n"
        "for path in pathlib.Path(sys.argv[1]).iterdir():\n"
        "    try:\n        load(path, sr=16000)\n    except AudioError:\n        pass\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, check=True, timeout=120)
    assert done.stdout + done.stderr == b""


@pytest.mark.parametrize("name", sorted(GOOD))
def test_no_damage_gives_another_error_or_impossible_samples(
    name: str, rng: np.random.Generator, tmp_path: Path
) -> None:
    path = tmp_path / "damaged"
    whole = GOOD[name](_noise(0.5, sr=_rate(name)), _rate(name))
    for _ in range(10):
        data = bytearray(whole)
        at = int(rng.integers(min(400, len(data)))) if rng.random() < 0.5 else int(rng.integers(len(data)))
        data[at : at + 8] = rng.bytes(int(rng.integers(16)))
        data = data[: int(rng.integers(len(data)))] if rng.random() < 0.2 else data
        path.write_bytes(data)
        for source in (path, io.BytesIO(bytes(data))):  # read by descriptor, and through callbacks
            try:
                y = load(source, sr=16_000)
            except AudioError:
                continue
            assert np.isfinite(y).all()


def test_a_disk_that_fails_is_told() -> None:
    class Scratched(io.BytesIO):
        def read(self, size: int = -1) -> bytes:
            if self.tell() > 5000:
                raise OSError(5, "Input/output error")
            return super().read(min(size, 1000))

    with pytest.raises(UnreadableFile, match=r"reading the file failed \(Input/output error\)"):
        load(Scratched(GOOD["mp3"](_noise(10.0), SR)), sr=16_000)


@pytest.mark.parametrize("format", ["FLAC", "OGG"])
def test_a_long_recording_never_lies_in_memory(format: str, tmp_path: Path) -> None:
    path = tmp_path / "long"
    minute = _noise(60.0, channels=1, sr=22_050) * 0.1
    with soundfile.SoundFile(path, "w", 22_050, 1, format=format) as file:
        for _ in range(8):
            file.write(minute)

    tracemalloc.start()
    n_samples = sum(block.size for block in read_blocks(path, sr=16_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert n_samples == pytest.approx(8 * 60 * 16_000, abs=2)
    assert peak < 10e6  # the whole is 42 MB


def test_importing_is_free() -> None:
    program = (
        "import sys, features.audio\n"
        "print([name for name in ('av', 'soundfile', 'librosa', 'scipy', 'tensorflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"
