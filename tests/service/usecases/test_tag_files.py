"""Tags on files of every kind that we can make here; the sound is compared sample by sample."""

import os
import shutil
import time
from pathlib import Path

import av
import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.id3 import ID3, TIT2, TPE1, TXXX, TYER

from service.usecases.tag_files import ABANDONED_S, TagError, TagSettings, read_genres, tag_file

SR = 48000
SOUNDFILE = {
    "song.mp3": {},
    "song.flac": {},
    "song.ogg": {},
    "song.opus": {"format": "OGG", "subtype": "OPUS"},
    "song.wav": {},
    "song.aiff": {},
}
PYAV = {"song.m4a": ("ipod", "aac"), "song.wma": ("asf", "wmav2"), "song.wv": ("wv", "wavpack")}
KINDS = [*SOUNDFILE, *PYAV]


def answer(genre: str | None = "reggae", *, probability: float = 0.9, abstained: bool = False) -> dict:
    probabilities = {} if genre is None else {genre: probability}
    return {"genre": genre, "probabilities": probabilities, "abstained": abstained, "reason": "too many genres"}


@pytest.fixture(scope="session")
def songs(tmp_path_factory) -> Path:
    """A folder with one second of noise in every kind of file."""
    folder = tmp_path_factory.mktemp("songs")
    y = np.random.default_rng(0).uniform(-0.3, 0.3, SR).astype(np.float32)
    for name, form in SOUNDFILE.items():
        soundfile.write(folder / name, y, SR, **form)
    for name, (container, codec) in PYAV.items():
        with av.open(str(folder / name), "w", format=container) as file:
            stream = file.add_stream(codec, rate=SR, layout="mono", format="fltp", bit_rate=96000)
            for start in range(0, SR - 1024, 1024):
                frame = av.AudioFrame.from_ndarray(y[None, start : start + 1024], format="fltp", layout="mono")
                frame.sample_rate, frame.pts = SR, start
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
    return folder


@pytest.fixture
def song(songs, tmp_path):
    """A copy of one of the files, by name."""

    def copy(name: str = "song.mp3") -> Path:
        return Path(shutil.copy(songs / name, tmp_path / name))

    return copy


def decoded(path: Path) -> np.ndarray:
    with av.open(str(path)) as file:
        return np.concatenate([frame.to_ndarray().ravel() for frame in file.decode(audio=0)])


@pytest.mark.parametrize("name", KINDS)
def test_the_genre_reads_back_and_the_sound_is_the_same_bit_by_bit(song, name):
    path = song(name)
    before = decoded(path)
    assert tag_file(path, answer()).state == "written"
    assert read_genres(path) == ("reggae",)
    assert np.array_equal(decoded(path), before)
    assert [file.name for file in path.parent.iterdir()] == [name]


@pytest.mark.parametrize("name", KINDS)
def test_other_players_find_it_under_the_usual_name(song, name):
    path = song(name)
    tag_file(path, answer())
    with av.open(str(path)) as file:
        found = {key.lower(): value for key, value in [*file.metadata.items(), *file.streams.audio[0].metadata.items()]}
    if name == "song.wav":  # FFmpeg reads another chunk of WAV files than taggers write
        found = {"genre": mutagen.File(path).tags["TCON"].text[0]}
    assert found["genre"] == "reggae"


@pytest.mark.parametrize("name", [name for name in KINDS if name != "song.wv"])
def test_other_tags_are_kept(song, name):
    path = song(name)
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, ID3):
        file.tags.add(TIT2(encoding=3, text=["Título"]))
        file.tags.add(TXXX(encoding=3, desc="mood", text=["calm"]))
    else:
        file["\xa9nam" if name.endswith("m4a") else "title"] = ["Título"]
    file.save()
    before = {key: str(value) for key, value in mutagen.File(path).tags.items()}
    tag_file(path, answer())
    after = {key: str(value) for key, value in mutagen.File(path).tags.items()}
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()


def test_an_id3v23_tag_stays_one_with_its_old_frames(song):
    path = song()
    tags = ID3()
    tags.add(TPE1(encoding=1, text=["Artist"]))
    tags.add(TYER(encoding=0, text=["1977"]))
    tags.save(path, v2_version=3)
    tag_file(path, answer())
    after = ID3(path, translate=False)
    assert after.version == (2, 3, 0)
    assert (str(after["TYER"]), str(after["TPE1"]), str(after["TCON"])) == ("1977", "Artist", "reggae")


def test_a_numbered_genre_of_id3v1_times_is_understood_and_replaced(song):
    path = song()
    tags = ID3()
    tags.add(mutagen.id3.TCON(encoding=0, text=["(17)"]))
    tags.save(path, v2_version=3)
    assert read_genres(path) == ("Rock",)
    outcome = tag_file(path, answer())
    assert (outcome.state, outcome.previous) == ("written", ("Rock",))
    assert read_genres(path) == ("reggae",)


@pytest.mark.parametrize(
    ("given", "settings", "state"),
    [
        (answer(None, abstained=True), TagSettings(), "unsure"),
        (answer(abstained=True), TagSettings(), "unsure"),
        (answer(probability=0.69), TagSettings(), "unsure"),
        (answer(probability=0.69), TagSettings(min_probability=0.5), "written"),
        (answer(), TagSettings(dry_run=True), "planned"),
    ],
)
def test_only_what_is_sure_and_asked_for_is_written(song, given, settings, state):
    path = song()
    before = path.read_bytes()
    assert tag_file(path, given, settings).state == state
    assert (path.read_bytes() == before) == (state != "written")


def test_a_genre_that_is_there_stays_where_that_is_asked(song):
    path = song()
    tag_file(path, answer("jazz"))
    outcome = tag_file(path, answer(), TagSettings(only_empty=True))
    assert (outcome.state, outcome.previous) == ("kept", ("jazz",))
    assert read_genres(path) == ("jazz",)


def test_the_same_genre_is_not_written_again(song):
    path = song()
    tag_file(path, answer())
    before = path.stat()
    assert tag_file(path, answer()).state == "unchanged"
    assert path.stat() == before


def test_permissions_stay_and_links_are_followed(song, tmp_path):
    path = song()
    path.chmod(0o640)
    link = tmp_path / "link.mp3"
    link.symlink_to(path)
    tag_file(link, answer())
    assert link.is_symlink()
    assert read_genres(path) == ("reggae",)
    assert path.stat().st_mode & 0o777 == 0o640


def _text(path: Path) -> Path:
    path.write_text("no music")
    return path


def _read_only(path: Path) -> Path:
    path.chmod(0o444)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda song: song().with_name("missing.mp3"), "No such file"),
        (lambda song: _text(song().with_name("notes.txt")), "tags are written into MP3, FLAC"),
        (lambda song: _text(song("song.flac")), "cannot be handled|tags are written into"),
        (lambda song: _read_only(song()), "read-only"),
    ],
)
def test_what_cannot_be_tagged_says_why(song, make, message):
    path = make(song)
    with pytest.raises(TagError, match=message):
        tag_file(path, answer())


def test_a_full_disk_leaves_the_file_as_it_was(song, monkeypatch):
    path = song("song.flac")
    before = path.read_bytes()

    def full(source, destination):
        Path(destination).write_bytes(before[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(TagError, match="No space left on device; the file is left as it was"):
        tag_file(path, answer())
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["song.flac"]


@pytest.mark.parametrize(
    ("riff_size", "data_size"),
    [
        (2**32 - 1, 2**32 - 1),
        (0, 0),
        (36, 0),
        (2**32 - 1, 0),
        (10**6, 10**6),
        (0, None),
        (40, None),
        (None, 0),
        (None, 10**6),
    ],
)
def test_a_wav_whose_header_lies_is_left_alone_or_sounds_the_same(song, riff_size, data_size):
    """A recorder that was switched off, or a program that wrote into a pipe, leaves wrong sizes in the header."""
    path = song("song.wav")
    content = bytearray(path.read_bytes())
    for at, size in ((4, riff_size), (content.index(b"data") + 4, data_size)):
        if size is not None:
            content[at : at + 4] = size.to_bytes(4, "little")
    path.write_bytes(content)
    before = decoded(path)
    try:
        tag_file(path, answer())
    except TagError:
        assert path.read_bytes() == content
    assert np.array_equal(decoded(path), before)


def test_what_a_killed_run_left_is_cleared_away_later(song, monkeypatch):
    path = song()
    tag_file(path, answer("jazz"))
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    monkeypatch.setattr(os, "unlink", lambda *_: None)  # as if killed: nothing is cleared away
    with pytest.raises(KeyboardInterrupt):
        tag_file(path, answer())
    monkeypatch.undo()
    (abandoned,) = path.parent.glob(".*.genrelab-*")
    assert read_genres(path) == ("jazz",)
    tag_file(path, answer())
    assert abandoned.exists()  # perhaps another process is at work on it
    later = time.time() + ABANDONED_S + 60
    monkeypatch.setattr(time, "time", lambda: later)
    tag_file(path, answer("blues"))
    assert not abandoned.exists()
