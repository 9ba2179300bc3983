import hashlib
import os
import shutil
from pathlib import Path

import mutagen
import pytest
from mutagen.apev2 import BINARY, APEv2, APEValue
from mutagen.id3 import ID3, TCON

from datasets.errors import DatasetError
from datasets.labels.record import LabelRecord
from datasets.labels.tagged_files import read
from tests.support.audio_files import media_file, sound_file, tone

CLIP = tone(seconds=0.25, sr=48000, channels=1)
KINDS = ["song.mp3", "song.flac", "song.ogg", "song.opus", "song.wav", "song.aiff", "song.m4a", "song.wma", "song.wv"]
MEDIA = {"song.m4a": ("ipod", "aac"), "song.wma": ("asf", "wmav2"), "song.wv": ("wv", "wavpack")}
FIELDS = {"song.m4a": "\xa9gen", "song.wma": "WM/Genre"}


@pytest.fixture(scope="session")
def songs(tmp_path_factory) -> Path:
    """A quarter of a second in every kind of file."""
    folder = tmp_path_factory.mktemp("songs")
    for name in KINDS:
        if name in MEDIA:
            container, codec = MEDIA[name]
            content = media_file(CLIP, 48000, container=container, codec=codec)
        else:
            format, subtype = {"opus": ("OGG", "OPUS")}.get(name[5:], (name[5:].upper(), None))
            content = sound_file(CLIP, 48000, format=format, subtype=subtype)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def song(songs, tmp_path):
    """A copy of one of the files, tagged with texts."""

    def copy(name: str, *texts: str) -> Path:
        path = Path(shutil.copy(songs / name, tmp_path / name))
        file = mutagen.File(path)
        if texts:
            if file.tags is None:
                file.add_tags()
            if isinstance(file.tags, ID3):
                file.tags.add(TCON(encoding=3, text=list(texts)))
            else:
                file[FIELDS.get(name, "genre")] = list(texts)
            file.save()
        return path

    return copy


@pytest.mark.parametrize("name", KINDS)
def test_the_genres_of_every_kind_of_file_are_read(song, name):
    path = song(name, "Fado", "Morna; Coladeira")
    (record,) = read(path)
    assert (record.path, record.filename, record.annotator) == (str(path), name, "tags")
    assert record.genres == ("Fado", "Morna", "Coladeira")
    assert record.duration_s == pytest.approx(0.25, abs=0.1)


@pytest.mark.parametrize("name", KINDS)
def test_files_without_genres_have_no_label(song, name):
    (record,) = read(song(name))
    assert (record.genres, record.annotator, record.note, record.answered) == ((), "", "", False)


@pytest.mark.parametrize("name", ["song.mp3", "song.flac"])
@pytest.mark.parametrize(
    ("text", "genres"),
    [
        ("(17)", ("Rock",)),
        ("17", ("Rock",)),
        ("(4)(17)Synthpunk", ("Disco", "Rock", "Synthpunk")),
        ("(RX)", ("Remix",)),
        ("255", ()),  # ID3's number for none
        ("Rock/Pop", ("Rock", "Pop")),
        ("Jazz; Blues,Funk|Soul\\Latin", ("Jazz", "Blues", "Funk", "Soul", "Latin")),
        ("Drum & Bass", ("Drum & Bass",)),
        (" fado \t vadio ; ;fado vadio", ("fado vadio",)),
        ("Unknown", ()),
        ("1984", ("1984",)),
    ],
)
def test_texts_are_cut_and_numbers_are_names(song, name, text, genres):
    assert read(song(name, text))[0].genres == genres


def test_genres_of_a_project_are_not_cut(song):
    path = song("song.mp3", "HIP-HOP/RAP", "jazz/hip-hop/rap")
    assert read(path, genres=["Hip-Hop/Rap", "Jazz"])[0].genres == ("Hip-Hop/Rap", "Jazz", "hip-hop", "rap")


def test_old_id3_tags_hold_a_number(song):
    path = song("song.mp3")
    path.write_bytes(path.read_bytes() + b"TAG" + bytes(124) + bytes([8]))
    assert read(path)[0].genres == ("Jazz",)


def test_folders_and_lists_of_files_are_read_in_order(song, tmp_path):
    b, a = song("song.wav", "Fado"), song("song.flac", "Morna")
    (tmp_path / "cover.jpg").write_bytes(b"x")
    assert [record.genres for record in read(tmp_path)] == [("Morna",), ("Fado",)]
    assert [record.genres for record in read([b, a])] == [("Fado",), ("Morna",)]


def test_the_content_identifies_a_file_where_asked(song):
    path = song("song.mp3", "Fado")
    assert read(path, hashed=True)[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read(path)[0].sha256 == ""


def test_names_that_are_no_text_are_replaced(song, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mp3")
    os.rename(song("song.mp3", "Fado"), path)
    assert read(tmp_path)[0] == LabelRecord(
        path=f"{tmp_path}/\ufffd.mp3", genres=("Fado",), annotator="tags", duration_s=mutagen.File(path).info.length
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.wav", b"", "tags are damaged"),
        ("a.wav", b"RIFF\x04\0\0\0WAVE", "tags are damaged"),
        ("a.mp3", b"fLaC" + bytes(40), "tags are damaged"),
        ("a.au", b"words", "no kind of file"),
    ],
)
def test_a_file_whose_tags_cannot_be_read_says_so_among_others(song, tmp_path, name, content, words):
    song("song.flac", "Fado")
    (tmp_path / name).write_bytes(content)
    bad, good = read(tmp_path)
    assert words in bad.note
    assert (bad.genres, bad.answered, good.genres) == ((), False, ("Fado",))


@pytest.mark.parametrize("text", ["x" * 300, "a\x07b"])
def test_a_tag_that_is_no_name_is_told(song, text):
    (record,) = read(song("song.flac", text))
    assert (record.genres, record.note) == ((), "the genre is no name")


def test_bytes_in_a_field_of_text_are_no_genre(song):
    path = song("song.wv", "Fado")
    tags = APEv2(path)
    tags["genre"] = APEValue(b"\x11\x08", BINARY)
    tags.save()
    assert read(path)[0].genres == ()


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DatasetError, match="no such file"):
        read(tmp_path / "gone.mp3")
