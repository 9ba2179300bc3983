import os
from pathlib import Path

import pytest

from features.errors import UnreadableFile
from service.usecases.find_recordings import NothingFound, find_recordings


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def _names(folder: Path, *paths: Path) -> list[str]:
    return [os.path.relpath(found.path, folder) for found in find_recordings(paths or (folder,))]


def test_folders_are_searched_to_any_depth_in_order_of_names(tmp_path):
    _touch(tmp_path / "b.mp3", tmp_path / "a" / "z.flac", tmp_path / "a" / "y" / "x.ogg", tmp_path / "c.wav")
    assert _names(tmp_path) == ["a/y/x.ogg", "a/z.flac", "b.mp3", "c.wav"]


def test_endings_in_capitals_count_and_other_files_do_not(tmp_path):
    _touch(tmp_path / "A.MP3", tmp_path / "b.Flac", tmp_path / "cover.jpg", tmp_path / "notes.txt", tmp_path / "mp3")
    assert _names(tmp_path) == ["A.MP3", "b.Flac"]


def test_hidden_files_and_folders_are_left_out(tmp_path):
    _touch(tmp_path / ".hidden.mp3", tmp_path / ".trash" / "a.mp3", tmp_path / "b.mp3")
    assert _names(tmp_path) == ["b.mp3"]


def test_a_file_that_is_named_is_tried_whatever_it_is_called(tmp_path):
    _touch(tmp_path / ".odd", tmp_path / "a.mp3")
    assert _names(tmp_path, tmp_path / ".odd", tmp_path / "missing.mp3") == [".odd", "missing.mp3"]


def test_each_file_once_at_its_first_place(tmp_path):
    _touch(tmp_path / "a.mp3", tmp_path / "b.mp3")
    assert _names(tmp_path, tmp_path / "b.mp3", tmp_path, tmp_path / "a.mp3") == ["b.mp3", "a.mp3"]


def test_loops_of_links_end(tmp_path):
    _touch(tmp_path / "a" / "song.mp3")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    assert _names(tmp_path) == ["a/song.mp3"]


def test_linked_folders_outside_are_searched(tmp_path):
    _touch(tmp_path / "elsewhere" / "song.mp3")
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "more").symlink_to(tmp_path / "elsewhere")
    assert _names(tmp_path, tmp_path / "music") == ["music/more/song.mp3"]


def test_a_folder_without_recordings_says_so(tmp_path):
    (found,) = find_recordings([tmp_path])
    assert isinstance(found.error, NothingFound)


def test_a_folder_that_may_not_be_searched_is_reported_and_the_rest_is_found(tmp_path, monkeypatch):
    _touch(tmp_path / "closed" / "a.mp3", tmp_path / "open" / "b.mp3")
    allowed = os.scandir

    def scandir(folder):
        if Path(folder).name == "closed":  # the suite may run as root, whom permissions do not stop
            raise PermissionError(13, "Permission denied", str(folder))
        return allowed(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    closed, music = find_recordings([tmp_path])
    assert isinstance(closed.error, UnreadableFile)
    assert "Permission denied" in str(closed.error)
    assert music.path.name == "b.mp3"


@pytest.mark.skipif(os.name != "posix", reason="names of arbitrary bytes exist on POSIX only")
def test_names_that_are_no_unicode_are_found(tmp_path):
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.mp3")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    (found,) = find_recordings([tmp_path])
    assert os.fsencode(found.path.name) == b"caf\xe9.mp3"
