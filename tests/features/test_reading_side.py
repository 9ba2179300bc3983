"""A file as decoders see it: bytes without a name, and seeks that never raise."""

import io
import os
from pathlib import Path

import pytest

from features.reading_side import ReadingSide

DATA = bytes(range(100))


@pytest.fixture(params=["memory", "disk"])
def file(request, tmp_path: Path):
    (tmp_path / "secret name.mp3").write_bytes(DATA)
    if request.param == "memory":
        yield io.BytesIO(DATA)
    else:
        with open(tmp_path / "secret name.mp3", "rb", buffering=0) as opened:
            yield opened


def test_it_reads_like_the_file(file):
    side = ReadingSide(file)
    assert side.seekable()
    assert (side.read(3), side.tell()) == (DATA[:3], 3)
    assert (side.seek(10), side.read(2)) == (10, DATA[10:12])
    assert (side.seek(-5, os.SEEK_END), side.read()) == (95, DATA[95:])
    assert (side.seek(5), side.seek(2, os.SEEK_CUR), side.tell()) == (5, 7, 7)


@pytest.mark.parametrize("offset", [-1, -(2**40), 2**63, 2**200])
def test_a_seek_to_where_no_file_goes_moves_nothing(file, offset):
    side = ReadingSide(file)
    side.seek(7)
    assert side.seek(offset) == -1
    assert side.tell() == 7


@pytest.mark.parametrize("whence", [os.SEEK_CUR, os.SEEK_END])
def test_a_seek_before_the_beginning_moves_nothing_whatever_it_counts_from(tmp_path, whence):
    (tmp_path / "file").write_bytes(DATA)
    with open(tmp_path / "file", "rb", buffering=0) as opened:
        side = ReadingSide(opened)
        side.seek(7)
        assert side.seek(-101, whence) == -1
        assert side.tell() == 7


def test_a_seek_in_a_file_that_is_closed_is_no_exception_in_a_callback(file):
    side = ReadingSide(file)
    file.close()
    assert side.seek(0) == -1


@pytest.mark.parametrize("what", ["name", "fileno", "write", "truncate", "close"])
def test_there_is_no_name_and_no_other_way_to_the_file(file, what):
    assert not hasattr(ReadingSide(file), what)
