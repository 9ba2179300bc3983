"""Files become tracks once, and their tags say whose they are."""

import shutil
from pathlib import Path

import av
import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.id3 import ID3, TPE1

from service.usecases.find_recordings import find_recordings
from service.usecases.labelling import files
from service.usecases.labelling.files import artist_of, take_in_files

SR = 48000
KINDS = ("song.mp3", "song.flac", "song.ogg", "song.wav", "song.m4a", "song.wma")
FIELDS = {"song.m4a": "\xa9ART", "song.wma": "Author"}


@pytest.fixture
def folder(tmp_path, rng) -> Path:
    for number in range(3):
        (tmp_path / "Cesária Évora").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "Cesária Évora" / f"{number}.flac", rng.uniform(-0.3, 0.3, 8000), 8000)
    return tmp_path / "Cesária Évora"


def taken(paths, parts, artist_from="none"):
    return list(take_in_files(find_recordings(paths), artist_from=artist_from, services=parts))


def song(path: Path) -> Path:
    """A second of noise in a file of this kind."""
    y = np.random.default_rng(0).uniform(-0.3, 0.3, SR).astype(np.float32)
    container, codec = {".m4a": ("ipod", "aac"), ".wma": ("asf", "wmav2")}.get(path.suffix, ("", ""))
    if not codec:
        soundfile.write(path, y, SR)
        return path
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=SR, layout="mono", format="fltp", bit_rate=96000)
        for start in range(0, SR - 1024, 1024):
            frame = av.AudioFrame.from_ndarray(y[None, start : start + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = SR, start
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", KINDS)
def test_the_artist_that_tags_name(tmp_path, name):
    path = song(tmp_path / name)
    assert artist_of(path) == ""
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, ID3):
        file.tags.add(TPE1(encoding=3, text=["Cesária  Évora", "Tito Paris"]))
    else:
        file[FIELDS.get(name, "artist")] = ["Cesária  Évora", "Tito Paris"]
    file.save()
    assert artist_of(path) == "Cesária Évora, Tito Paris"


@pytest.mark.parametrize("content", [b"", b"no audio", b"fLaC" + bytes(40), b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f"])
def test_where_tags_cannot_be_read_no_artist_is_known(tmp_path, content):
    path = tmp_path / "song.flac"
    path.write_bytes(content)
    assert artist_of(path) == ""
    assert artist_of(tmp_path / "missing.flac") == ""


def test_each_content_is_copied_once(parts, folder, tmp_path):
    shutil.copy(folder / "0.flac", tmp_path / "again.flac")
    first = taken([folder, tmp_path / "again.flac"], parts)
    assert [each.copied for each in first] == [True, True, True, False]
    assert first[3].track_id == first[0].track_id
    again = taken([folder], parts)
    assert [each.track_id for each in again] == [each.track_id for each in first[:3]]
    assert not any(each.copied for each in again)
    assert parts.tracks.totals().tracks == 3


def test_a_whole_library_is_known(parts, folder):
    taken([folder], parts)
    assert not any(each.copied for each in taken([folder], parts))


def test_where_the_artist_comes_from(parts, folder):
    file = mutagen.File(folder / "1.flac")
    file["artist"] = ["Tito Paris"]
    file.save()
    assert [each.artist for each in taken([folder], parts, "tag")] == ["", "Tito Paris", ""]
    assert [each.artist for each in taken([folder], parts, "folder")] == ["Cesária Évora"] * 3
    assert [each.artist for each in taken([folder], parts, "none")] == [""] * 3


def test_what_cannot_be_used_stops_nothing(make_parts, folder, tmp_path):
    parts = make_parts(max_upload_mb=1)
    soundfile.write(tmp_path / "large.wav", np.zeros(600_000), 8000)
    (folder / "1.flac").write_bytes(b"fLaC, or so it says")
    found = taken([tmp_path / "missing.flac", tmp_path / "large.wav", folder], parts)
    assert [each.track_id is None for each in found] == [True, True, False, True, False]
    assert "missing.flac" in found[0].problem
    assert "limit of 1 MB" in found[1].problem
    assert found[3].problem.startswith("FLAC file ")
    assert parts.tracks.totals().tracks == 2


def test_a_place_that_could_not_be_searched_is_passed_on(parts, tmp_path):
    (tmp_path / "empty").mkdir()
    (only,) = taken([tmp_path / "empty"], parts)
    assert only == files.TakenIn(tmp_path / "empty", None, only.problem)
    assert "no recording" in only.problem
