"""What a header states against what the file holds, up to the tolerances; `test_audio.py` has the lies people meet."""

import io
import struct

import numpy as np
import pytest
import soundfile

from features.containers import identify
from features.errors import CorruptAudio
from features.header_length import HIDDEN_S, MISSING_S, check_length
from tests.support.audio_files import (
    GOOD,
    SR,
    aiff_with_length,
    au_with_length,
    flac_with_length,
    sound_file,
    tone,
    wav_with_length,
    with_bytes,
)

SECONDS = 4
Y = tone(seconds=SECONDS)
SECOND_BYTES = 2 * 2 * SR
WHOLE_BYTES = SECONDS * SECOND_BYTES
LINE = {"wav": "WAV", "aiff": "AIFF", "au": "AU"}


def stating(format: str, n_bytes: int, y: np.ndarray = Y) -> bytes:
    """A file whose header says that its sound takes so many bytes."""
    match format:
        case "wav":
            return wav_with_length(y, data_bytes=n_bytes)
        case "aiff":
            return aiff_with_length(y, frames=n_bytes // 4)
    return au_with_length(y, data_bytes=n_bytes)


def other_byte_order(format: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, Y, SR, format=format, subtype="PCM_16", endian="BIG" if format == "WAV" else "LITTLE")
    return file.getvalue()


def check(data: bytes, format: str, start: int = 0) -> None:
    check_length(io.BytesIO(data), format=format, start=start)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_an_honest_file_passes(name):
    data = GOOD[name](tone(seconds=1.0, sr=48_000), 48_000)
    check(data, identify(io.BytesIO(data)).format)


def test_a_format_without_such_a_header_is_not_looked_at():
    check(wav_with_length(Y, data_bytes=60 * SECOND_BYTES), "ogg")


@pytest.mark.parametrize("format", ["wav", "aiff", "au"])
def test_so_much_may_be_missing_and_no_more(format):
    little = int(MISSING_S * SECOND_BYTES)
    check(stating(format, WHOLE_BYTES + little - 4), format)
    with pytest.raises(CorruptAudio, match=rf"the {LINE[format]} header promises 4\.1 s .* ends after 4\.0 s"):
        check(stating(format, WHOLE_BYTES + little + 4), format)


@pytest.mark.parametrize("format", ["wav", "aiff", "au"])
def test_so_much_may_lie_behind_and_no_more(format):
    much = int(HIDDEN_S * SECOND_BYTES)
    noisy = np.random.default_rng(0).uniform(-1, 1, (SECONDS * SR, 2))  # nothing in it looks like a tag or padding
    check(stating(format, WHOLE_BYTES - much + 4, noisy), format)
    with pytest.raises(CorruptAudio, match=rf"the {LINE[format]} header promises 3\.0 s .* holds 4\.0 s: its length"):
        check(stating(format, WHOLE_BYTES - much - 4, noisy), format)


@pytest.mark.parametrize("format", ["wav", "aiff", "au"])
@pytest.mark.parametrize("n_bytes", [0, 0x7FFF0000, 0x80000000, 0xFFFFFFFF])
def test_a_length_that_a_streaming_writer_leaves_promises_nothing(format, n_bytes):
    if format == "aiff":
        data = sound_file(Y, format="AIFF")
        for at in (data.index(b"COMM") + 10, data.index(b"SSND") + 4):
            data = with_bytes(data, at, struct.pack(">I", n_bytes))
    else:
        data = stating(format, n_bytes)
    check(data, format)


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (other_byte_order("WAV"), "wav"),
        (other_byte_order("AU"), "au"),
        (sound_file(Y, format="RF64"), "wav"),
        (sound_file(Y, format="WAVEX"), "wav"),
        (sound_file(Y, format="WAV", subtype="PCM_24"), "wav"),
        (sound_file(Y, format="WAV", subtype="DOUBLE"), "wav"),
        (sound_file(Y, format="WAV", subtype="IMA_ADPCM"), "wav"),
        (sound_file(Y, format="AIFF", subtype="FLOAT"), "aiff"),
        (sound_file(Y, format="AU", subtype="ULAW"), "au"),
    ],
    ids=["RIFX", "little-endian AU", "RF64", "WAVEX", "24 bits", "double", "ADPCM", "AIFC", "mu-law"],
)
def test_a_file_that_breaks_off_half_way_is_told_in_every_kind_of_these_formats(data, format):
    check(data, format)
    with pytest.raises(CorruptAudio, match=r"header promises 4\.0 s of sound, the file ends after 2\.0 s"):
        check(data[: len(data) // 2], format)


def test_a_header_behind_a_tag_is_found_where_it_begins():
    tag = b"ID3\x04\x00\x00\x00\x00\x00\x40" + bytes(64)
    data = tag + sound_file(Y, format="WAV")
    check(data, "wav", start=len(tag))
    with pytest.raises(CorruptAudio, match=r"promises 4\.0 s"):
        check(data[: len(data) // 2], "wav", start=len(tag))


@pytest.mark.parametrize("tag", [b"TAG", b"ID3\x03\x00", b"APETAGEX"])
def test_a_tag_that_no_chunk_holds_is_no_hidden_sound(tag, rng):
    check(sound_file(Y, format="WAV") + tag + rng.bytes(2 * SECOND_BYTES), "wav")


def test_padding_is_no_hidden_sound():
    check(sound_file(Y, format="WAV") + bytes(3 * SECOND_BYTES), "wav")


def test_other_bytes_behind_are_hidden_sound(rng):
    with pytest.raises(CorruptAudio, match=r"promises 4\.0 s of sound, the file holds 6\.0 s"):
        check(sound_file(Y, format="WAV") + b"\x01" + rng.bytes(2 * SECOND_BYTES - 1), "wav")


@pytest.mark.parametrize("name", [b"LIST", b"bext", b"id3 "])
def test_a_chunk_of_odd_length_before_the_sound_is_passed_over(name):
    data = sound_file(Y, format="WAV")
    at = data.index(b"data")
    data = data[:at] + name + struct.pack("<I", 5) + b"12345\0" + data[at:]
    check(data, "wav")
    with pytest.raises(CorruptAudio, match=r"promises 4\.0 s"):
        check(data[:-SECOND_BYTES], "wav")


def test_frames_that_contradict_the_sound_chunk_of_an_aiff_are_told():
    data = sound_file(Y, format="AIFF")
    more = with_bytes(data, data.index(b"COMM") + 10, struct.pack(">I", 60 * SR))
    with pytest.raises(CorruptAudio, match=r"AIFF header promises 60\.0 s .* after 4\.0 s"):
        check(more, "aiff")
    less = with_bytes(data, data.index(b"COMM") + 10, struct.pack(">I", SR))
    with pytest.raises(CorruptAudio, match=r"AIFF header promises 1\.0 s .* holds 4\.0 s"):
        check(less, "aiff")


def test_a_flac_is_only_told_here_when_it_hides_sound(rng):
    noise = rng.uniform(-0.5, 0.5, (SECONDS * SR, 2))
    for n_samples in (0, SECONDS * SR, 60 * SR):  # a missing end shows when it is decoded
        check(flac_with_length(noise, n_samples=n_samples), "flac")
    with pytest.raises(CorruptAudio, match=r"the FLAC header promises 1\.0 s of sound, the file holds more"):
        check(flac_with_length(noise, n_samples=SR), "flac")


@pytest.mark.parametrize("format", ["wav", "aiff", "au", "flac"])
def test_a_header_that_ends_too_soon_promises_nothing(format):
    data = sound_file(Y, format=format.upper())
    for n_bytes in range(24):
        check(data[:n_bytes], format)


@pytest.mark.parametrize("format", ["wav", "aiff", "au", "flac"])
def test_whatever_a_header_says_it_passes_or_is_told(format, rng):
    whole = sound_file(rng.uniform(-0.5, 0.5, (2 * SR, 2)), format=format.upper())
    outcomes = set()
    for _ in range(300):
        data = bytearray(whole)
        for at in rng.integers(0, 60, 3):
            data[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF])
        try:
            check(bytes(data), format)
            outcomes.add("passes")
        except CorruptAudio:
            outcomes.add("told")
    assert outcomes == {"passes", "told"}
