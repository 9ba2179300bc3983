"""Files of clips: their sound, their account, the same bytes again, and nothing left where writing fails."""

import io
import os

import av
import mutagen
import numpy as np
import pytest
import soundfile

import features.clip_file
from features.clip_file import FORMATS, LOSSLESS, format_of, pcm16, read_provenance, write_clip
from features.errors import CorruptAudio, FeatureError, InvalidSamples, NoProvenance, UnsupportedFormat

SR = 22050
PROVENANCE = {
    "generated": True,
    "software": "genrelab 0.0",
    "wish": {"genre": {"jazz": 0.7, "blues": 0.3}, "key": "A minor", "words": 'é "quoted" \\ 猫'},
    "long": list(range(2000)),
}
BLOCKS = [
    (0.8 * np.sin(2 * np.pi * 440 * np.arange(start, start + 20_000) / SR)).astype(np.float32)
    for start in range(0, 60_000, 20_000)
]
Y = np.concatenate(BLOCKS)


@pytest.fixture(params=FORMATS)
def format(request) -> str:
    return request.param


@pytest.fixture
def path(tmp_path, format):
    return tmp_path / f"clip.{format}"


def write(path, **changes) -> None:
    write_clip(path, changes.pop("blocks", BLOCKS), **{"sr": SR, "provenance": PROVENANCE, **changes})


def test_what_is_written_is_read_again(path, format):
    write(path)
    y, sr = soundfile.read(path)
    assert (sr, len(y)) == (SR, Y.size)
    if format in LOSSLESS:
        np.testing.assert_array_equal(y * 2**15, pcm16(Y))
        assert np.abs(y * 2**15 / 32767 - Y).max() <= 0.501 / 32767
    else:
        assert np.abs(y - Y)[1000:-1000].max() < 0.05
    assert read_provenance(path) == PROVENANCE


def test_common_tools_show_the_account(path, format):
    write(path)
    with av.open(str(path)) as container:
        shown = {**container.metadata, **container.streams[0].metadata}
    comment = {name.lower(): text for name, text in shown.items()}["comment"]
    assert comment.startswith('{"generated":true,"software":"genrelab 0.0"')
    if format == "wav":
        assert b"ICMT" in path.read_bytes()
        assert b"ISFT" in path.read_bytes()
    else:
        assert '"key":"A minor"' in str(mutagen.File(path).tags)


def test_the_same_bytes_again_and_through_an_open_file(path, format):
    write(path)
    first = path.read_bytes()
    write(path, blocks=iter([Y[:1], Y[1:]]))  # however it is cut into blocks
    assert path.read_bytes() == first
    file = io.BytesIO()
    write(file, format=format)
    assert file.getvalue() == first


def test_a_file_is_replaced_in_one_step_or_stays(path):
    path.write_bytes(b"before")

    def stopped():
        yield BLOCKS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(path, blocks=stopped())
    assert [path.name] == os.listdir(path.parent)
    assert path.read_bytes() == b"before"
    write(path)
    assert [path.name] == os.listdir(path.parent)
    assert read_provenance(path) == PROVENANCE


def test_permissions_are_those_of_any_new_file(path):
    before = os.umask(0o027)
    try:
        write(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


class SmallDisk(io.BytesIO):
    def write(self, data):
        if self.tell() + len(data) > 6000:
            raise OSError(28, "No space left on device")
        return super().write(data)


def test_a_full_disk_is_an_error_and_leaves_nothing(path, format, monkeypatch):
    with pytest.raises(OSError, match="No space left"):
        write(SmallDisk(), format=format)

    monkeypatch.setattr(features.clip_file.os, "fsync", lambda _: SmallDisk().write(bytes(6001)))
    with pytest.raises(OSError, match="No space left") as caught:
        write(path)
    assert caught.value.filename == str(path)
    assert os.listdir(path.parent) == []


def test_ctrl_c_in_a_callback_is_not_lost(format):
    class Stopped(io.BytesIO):
        def write(self, data):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(Stopped(), format=format)


def test_full_scale_is_kept_and_rounded_to_the_nearest():
    assert pcm16(np.array([1.0, -1.0, 0.0, 0.4 / 32767, 0.6 / 32767], np.float32)).tolist() == [32767, -32767, 0, 0, 1]


def test_the_suffix_says_the_format_in_any_case(tmp_path):
    write(tmp_path / "CLIP.FLAC")
    assert soundfile.info(tmp_path / "CLIP.FLAC").format == "FLAC"
    assert format_of("a.b.Mp3") == "mp3"


@pytest.mark.parametrize(
    ("target", "changes", "error", "words"),
    [
        ("clip.aac", {}, UnsupportedFormat, r"\.wav, \.flac, \.ogg or \.mp3"),
        ("clip", {}, UnsupportedFormat, r"\.wav, \.flac"),
        (None, {}, UnsupportedFormat, "format=None: expected wav, flac, ogg or mp3"),
        (None, {"format": "aac"}, UnsupportedFormat, "format='aac'"),
        ("clip.wav", {"format": "wav"}, FeatureError, "the suffix of"),
        ("clip.mp3", {"sr": 12345}, UnsupportedFormat, "12345 Hz cannot be written as MP3"),
        ("clip.wav", {"blocks": []}, FeatureError, "without any sample"),
        ("clip.wav", {"blocks": [np.zeros((3, 2))]}, FeatureError, "mono"),
        ("clip.flac", {"blocks": [np.array([1.01])]}, InvalidSamples, "a sample of 1.01"),
        ("clip.ogg", {"blocks": [np.array([np.nan])]}, InvalidSamples, "nan"),
        ("clip.wav", {"provenance": {"software": "x"}}, FeatureError, "without `generated`"),
        ("clip.wav", {"provenance": {"generated": True, "software": "x", "a": np.nan}}, FeatureError, "no JSON"),
        ("clip.wav", {"provenance": {"generated": True, "software": "x" * 2**20}}, FeatureError, "at most"),
        ("missing/clip.wav", {}, FileNotFoundError, "missing/clip.wav"),
    ],
)
def test_what_cannot_be_written(tmp_path, target, changes, error, words):
    with pytest.raises(error, match=words):
        write(io.BytesIO() if target is None else tmp_path / target, **changes)
    assert os.listdir(tmp_path) == []


def other_sound(path):
    soundfile.write(path, Y, SR)


def other_comment(path):
    with soundfile.SoundFile(path, "w", SR, 1, format="WAV") as file:
        file.comment = "my summer hit"
        file.write(Y)


def damaged_account(path):
    write(path)
    path.write_bytes(path.read_bytes().replace(b'"key":"A minor"', b'"key":"A mi"or"'))


def nested_account(path):
    with soundfile.SoundFile(path, "w", SR, 1, format="FLAC") as file:
        file.comment = '{"generated":' + "[" * 100_000
        file.write(Y)


@pytest.mark.parametrize(
    ("name", "make", "error", "words"),
    [
        ("other.wav", other_sound, NoProvenance, "no clip that was made here"),
        ("other.mp3", other_sound, NoProvenance, "no clip that was made here"),
        ("other.wav", other_comment, NoProvenance, "no clip that was made here"),
        ("clip.flac", damaged_account, CorruptAudio, "account of how it was made is damaged"),
        ("clip.flac", nested_account, CorruptAudio, "account of how it was made is damaged"),
        ("clip.flac", lambda path: path.write_bytes(b"fLaC" + bytes(50)), CorruptAudio, "damaged"),
        ("clip.ogg", lambda path: path.write_bytes(b"%PDF-1.4"), CorruptAudio, "a PDF document, damaged or no sound"),
        ("clip.ogg", lambda path: path.write_bytes(b""), CorruptAudio, "no sound"),
        ("clip.ogg", lambda path: None, FileNotFoundError, r"clip\.ogg"),
    ],
)
def test_what_says_nothing_of_how_it_was_made(tmp_path, name, make, error, words):
    make(tmp_path / name)
    with pytest.raises(error, match=words):
        read_provenance(tmp_path / name)
