"""Reading by libsndfile: where blocks begin and end, and where damage is said to be."""

import io
import os

import numpy as np
import pytest

from features.errors import CorruptAudio, EmptyFile, UnsupportedFormat
from features.libsndfile import SndfileReader
from tests.support.audio_files import GOOD, SR, flac_with_length, sound_file, wav_header, with_bytes

N = 2 * SR


@pytest.fixture
def y(rng) -> np.ndarray:
    return rng.uniform(-0.5, 0.5, (N, 2)).astype(np.float32)


def reader(data: bytes, format: str) -> SndfileReader:
    return SndfileReader(io.BytesIO(data), format)


@pytest.mark.parametrize("size", [1, 1000, N - 1, N, N + 1])
@pytest.mark.parametrize("start", [0, 1, N // 2, N - 1])
@pytest.mark.parametrize("format", ["WAV", "FLAC"])
def test_blocks_from_anywhere_are_the_rest_of_the_file(y, format, start, size):
    if size == 1:
        y = y[: 2000 + start]
    blocks = list(reader(sound_file(y, format=format), format.lower()).blocks(size, start=start))
    assert [len(block) for block in blocks[:-1]] == [size] * (len(blocks) - 1)
    assert 0 < len(blocks[-1]) <= size
    found = np.concatenate(blocks)
    assert (found.dtype, found.shape) == (np.float32, (len(y) - start, 2))
    np.testing.assert_allclose(found, y[start:], atol=2**-15)


@pytest.mark.parametrize("start", [N, N + 1, 10 * N])
@pytest.mark.parametrize("format", ["WAV", "FLAC"])
def test_behind_the_end_there_is_nothing(y, format, start):
    assert list(reader(sound_file(y, format=format), format.lower()).blocks(1000, start=start)) == []


def test_blocks_are_not_overwritten_by_the_next_ones(y):
    blocks = reader(sound_file(y, format="WAV", subtype="FLOAT"), "wav").blocks(1000)
    first = next(blocks)
    next(blocks)
    np.testing.assert_array_equal(first, y[:1000])


def test_the_file_is_read_from_its_first_byte_and_stays_open(y, tmp_path):
    path = tmp_path / "song.wav"
    path.write_bytes(sound_file(y, format="WAV"))
    for file in (io.BytesIO(path.read_bytes()), path.open("rb", buffering=0)):
        with file:
            file.seek(1234)
            first = reader_of = SndfileReader(file, "wav")
            assert (first.sample_rate, first.channels, first.n_frames) == (SR, 2, N)
            reader_of.close()
            assert not file.closed
            assert SndfileReader(file, "wav").n_frames == N


def test_no_name_reaches_the_library(tmp_path, y):
    """A headerless file is what its name says to libsndfile, so it must not hear the name."""
    path = tmp_path / "noise.raw"
    path.write_bytes(y.tobytes())
    with path.open("rb", buffering=0) as file, pytest.raises(UnsupportedFormat, match="codec or header"):
        SndfileReader(file, "wav")


@pytest.mark.parametrize("on_disk", [True, False])
@pytest.mark.parametrize("start", [0, SR // 2])
def test_damage_is_told_with_the_second_up_to_which_it_can_be_read(y, tmp_path, start, on_disk):
    data = sound_file(y, format="FLAC")
    (tmp_path / "song.flac").write_bytes(with_bytes(data, len(data) * 3 // 4, b"\x5a\xa5\x5a\xa5"))
    damaged = (tmp_path / "song.flac").read_bytes()
    with (tmp_path / "song.flac").open("rb", buffering=0) if on_disk else io.BytesIO(damaged) as file:
        blocks = SndfileReader(file, "flac").blocks(SR // 10, start=start)
        first = next(blocks)
        np.testing.assert_allclose(first, y[start : start + SR // 10], atol=2**-15)
        with pytest.raises(CorruptAudio, match=r"FLAC file: it can be read for 1\.[3-5] s of 2\.0 s; copy or export"):
            list(blocks)


def test_a_start_behind_the_damage_is_told_the_same(y):
    data = sound_file(y, format="FLAC")
    with pytest.raises(CorruptAudio, match=r"can be read for 1\.\d s of 2\.0 s"):
        list(reader(data[: len(data) * 3 // 4], "flac").blocks(1000, start=N - 10))


def test_a_file_that_ends_before_its_header_says_is_damaged(y):
    with pytest.raises(CorruptAudio, match=r"can be read for 2\.0 s of 4\.0 s"):
        list(reader(flac_with_length(y, n_samples=2 * N), "flac").blocks(1000))


@pytest.mark.parametrize(
    ("data", "format", "error", "words"),
    [
        (b"", "wav", UnsupportedFormat, "WAV file with a codec or header that is not read here: export it as FLAC"),
        (b"\x01" * 1000, "au", UnsupportedFormat, "AU file with a codec or header"),
        (wav_header(tag=0x1234), "wav", UnsupportedFormat, "WAV file with a codec or header"),
        (wav_header(channels=0), "wav", UnsupportedFormat, "WAV file with a codec or header"),
        (wav_header(data=b""), "wav", EmptyFile, "WAV header without any sound: record or export the file again"),
    ],
    ids=["empty", "no header", "unknown codec", "no channels", "no sound"],
)
def test_what_cannot_be_opened_is_told(data, format, error, words):
    with pytest.raises(error, match=words):
        reader(data, format)


def test_a_flac_of_unknown_length_is_left_to_the_other_decoder(y):
    with pytest.raises(UnsupportedFormat, match="FLAC of unknown length"):
        reader(flac_with_length(y, n_samples=0), "flac")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files in /proc")
def test_what_is_refused_leaves_nothing_open(tmp_path, y):
    before = len(os.listdir("/proc/self/fd"))
    for name, data in {"empty": wav_header(data=b""), "flac": flac_with_length(y, n_samples=0), "none": b"x"}.items():
        (tmp_path / name).write_bytes(data)
        with (tmp_path / name).open("rb", buffering=0) as file, pytest.raises((EmptyFile, UnsupportedFormat)):
            SndfileReader(file, "flac" if name == "flac" else "wav")
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("name", ["wav-24", "wav-u8", "wav-float", "aifc", "caf-alac", "flac-24"])
def test_full_scale_is_one_whatever_the_width_of_a_sample(name):
    y = np.repeat([[-1.0, -1.0], [0.5, 0.5], [0.0, 0.0]], 1000, axis=0).astype(np.float32)
    found = np.concatenate(list(reader(GOOD[name](y, SR), name.split("-")[0]).blocks(N)))
    np.testing.assert_allclose(found, y, atol=2**-7)
