"""What the first bytes tell, without decoding anything; `test_audio.py` asks the same through `probe`."""

import io

import pytest

from features.containers import HEAD_BYTES, UNKNOWN, identify
from tests.support.audio_files import GOOD, SR, tone, wav_header

PCM = ("wav", "aiff", "aifc", "au", "caf", "w64", "rf64", "flac")


def of(data: bytes):
    return identify(io.BytesIO(data))


def id3(n_bytes: int, *, footer: bool = False) -> bytes:
    """An ID3v2 tag: its length is stated in four bytes of seven bits."""
    size = bytes(n_bytes >> shift & 0x7F for shift in (21, 14, 7, 0))
    end = b"3DI\x04\x00\x10" + size if footer else b""
    return b"ID3\x04\x00" + (b"\x10" if footer else b"\x00") + size + bytes(n_bytes) + end


@pytest.mark.parametrize("name", sorted(GOOD))
def test_every_format_that_is_decoded_is_known_by_its_first_bytes(name):
    data = GOOD[name](tone(seconds=0.5, sr=48_000), 48_000)
    found = of(data)
    assert (found.format != "") == (name not in ("aac", "mpegts"))  # these two have no magic number
    assert found.pcm == (name in PCM or (name.startswith(("wav-", "caf-", "flac-")) and name != "wav-mp3"))
    assert (found.start > 0) == (name == "mp3-lame")  # this one begins with a tag
    assert found.head == data[found.start :][:HEAD_BYTES]


@pytest.mark.parametrize(
    ("head", "format", "pcm"),
    [
        (b"RIFF\0\0\0\0WAVE", "wav", True),
        (b"RIFX\0\0\0\0WAVE", "wav", True),
        (b"RF64\0\0\0\0WAVE", "wav", True),
        (b"FORM\0\0\0\0AIFF", "aiff", True),
        (b"FORM\0\0\0\0AIFC", "aiff", True),
        (b"FORM\0\0\0\x008SVX", "svx", True),
        (b"dns.", "au", True),
        (b"Creative Voice File\x1a", "voc", True),
        (b"NIST_1A\n", "nist", True),
        (b"RIFF\0\0\0\0AVI ", "avi", False),
        (b"\0\0\0\x20ftypM4A ", "mp4", False),
        (b"\0\0\0\x20moov", "mp4", False),
        (b"#!AMR\n", "amr", False),
        (b"MAC \x96\x0f", "ape", False),
        (b"MPCK", "mpc", False),
        (b"MP+\x07", "mpc", False),
        (b"DSD ", "dsf", False),
        (b"FLV\x01", "flv", False),
        (b"\x00\x00\x01\xba", "mpg", False),
    ],
)
def test_a_magic_number_is_enough(head, format, pcm):
    found = of(head + b"\x01" * 100)
    assert (found.format, found.pcm, found.description) == (format, pcm, f"{format.upper()} data")


@pytest.mark.parametrize("head", [b"LIST\0\0\0\0WAVE", b"RIFF\0\0\0\0AIFF", b"FORM\0\0\0\0WAVE", b"OggX", b"fLaX"])
def test_half_a_magic_number_is_none(head):
    assert of(head + bytes(100)).format == ""


@pytest.mark.parametrize(
    ("head", "pcm"),
    [
        (wav_header(tag=1), True),
        (wav_header(tag=3, bits=32), True),
        (wav_header(tag=0x50), False),
        (wav_header(tag=0x55), False),
        (wav_header(tag=0x55).replace(b"RIFF", b"RIFX"), True),
        (b"RIFF\0\0\0\0WAVEfmt \x28\0\0\0\xfe\xff" + bytes(22) + b"\x55\0" + bytes(50), False),
        (b"RIFF\0\0\0\0WAVEfmt \x28\0\0\0\xfe\xff" + bytes(22) + b"\x01\0" + bytes(50), True),
        (b"RIFF\0\0\0\0WAVE", True),
    ],
    ids=["PCM", "float", "layer II", "layer III", "big-endian", "extensible layer III", "extensible PCM", "no chunk"],
)
def test_mpeg_audio_in_a_wav_file_is_not_read_as_pcm(head, pcm):
    assert (of(head).format, of(head).pcm) == ("wav", pcm)


@pytest.mark.parametrize("tags", [[id3(0)], [id3(5000)], [id3(300_000)], [id3(100, footer=True)], [id3(50), id3(7000)]])
def test_what_lies_behind_tags_counts(tags):
    tag = b"".join(tags)
    flac = GOOD["flac"](tone(seconds=0.5), SR)
    found = of(tag + flac)
    assert (found.format, found.pcm, found.start) == ("flac", True, len(tag))
    assert found.head == flac[:HEAD_BYTES]


@pytest.mark.parametrize("behind", [b"", b"\xff\xfb\x90\x00", bytes(5000), b"no magic number"])
def test_a_tag_before_anything_else_is_taken_for_mpeg_audio(behind):
    found = of(id3(100) + behind)
    assert (found.format, found.pcm, found.description) == ("mp3", False, "data after an ID3 tag")


def test_tags_without_end_are_not_followed_for_ever():
    assert of(id3(10) * 1000).format == "mp3"


@pytest.mark.parametrize(
    ("head", "is_frame"),
    [
        (b"\xff\xfb\x90\x00", True),  # version 1, layer III, 128 kbit/s, 44.1 kHz
        (b"\xff\xf3\x40\xc0", True),  # version 2
        (b"\xff\xe3\x40\xc0", True),  # version 2.5
        (b"\xff\xfd\x90\x00", True),  # layer II
        (b"\xff\xeb\x90\x00", False),  # no version
        (b"\xff\xf9\x50\x80", False),  # no layer: this is AAC
        (b"\xff\xfb\x00\x00", False),  # free bit rate
        (b"\xff\xfb\xf0\x00", False),  # no bit rate
        (b"\xff\xfb\x9c\x00", False),  # no sampling rate
        (b"\xff\xdb\x90\x00", False),  # no sync
        (b"\xff\xfb\x90", False),
    ],
)
def test_the_header_of_a_frame_is_known_as_mpeg_audio(head, is_frame):
    found = of(head + b"\x80\x01" * 50 if len(head) == 4 else head)
    assert found.format == ("mp3" if is_frame else "")
    assert found.description == ("data that begins like MPEG audio" if is_frame else UNKNOWN)


@pytest.mark.parametrize(
    ("head", "description"),
    [
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive or office document"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\xff\xd8\xff\xe0", "a JPEG picture"),
        (b"GIF89a", "a GIF picture"),
        (b"RIFF\0\0\0\0WEBP", "a WebP picture"),
        (b"MThd\0\0\0\x06", "a MIDI file, which holds notes and no sound"),
        (b"\x7fELF", "a program"),
        (b"MZ\x90", "a program"),
        (b"SQLite format 3\0", "a database"),
        (b"hello", "plain text"),
        ("naïve ♫\n".encode(), "plain text"),
        ("naïve ♫\n".encode("utf-16"), "plain text"),
        (b"  \n<!DOCTYPE HTML><p>", "a web page"),
        (b"<HTML>", "a web page"),
        (b"\x00\x01\x02\x03", UNKNOWN),
        (b"\xff\xfe\x00\xd8", UNKNOWN),  # half a character of UTF-16
    ],
)
def test_what_is_sent_by_mistake_is_named(head, description):
    found = of(head)
    assert (found.format, found.pcm, found.start, found.description) == ("", False, 0, description)


@pytest.mark.parametrize("letter", ["e", "ж", "語"])
def test_a_long_text_in_any_script_is_text(letter):
    text = "x" + letter * HEAD_BYTES
    assert of(text.encode()).description == "plain text"


@pytest.mark.parametrize("n_bytes", range(16))
def test_files_of_a_few_bytes_are_no_trouble(n_bytes):
    for name in ("wav", "flac", "mp3", "m4a", "ogg"):
        head = GOOD[name](tone(seconds=0.1), SR)[:n_bytes]
        assert of(head).head == head
