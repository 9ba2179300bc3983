from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from features.audio import AudioInfo
from features.errors import ClipTooShort, CorruptAudio
from models.errors import ModelError
from service.usecases.embed import distinct_names, embed_files
from service.usecases.find_recordings import Found, NothingFound
from tests.support.stand_in_models import StandInBackbone


@dataclass
class Result:
    info: AudioInfo


class Run:
    """Log-mel of as many frames as the file's text says, 100 at a time, all of the value 2.5."""

    def __init__(self, n_frames: int) -> None:
        self.result = Result(AudioInfo(duration_s=n_frames / 62.5, sample_rate=16000, channels=1, format="wav"))
        self._n_frames = n_frames

    def __iter__(self):
        for start in range(0, self._n_frames, 100):
            yield np.full((min(100, self._n_frames - start), 96), 2.5, np.float32)


class Pool:
    @contextmanager
    def analyse(self, path: Path, settings):
        assert not settings.attributes
        text = path.read_text()
        if text == "corrupt":
            raise CorruptAudio("the stream ends early")
        if text == "model":
            raise ModelError("no weights: run `make setup`")
        yield Run(int(text))


@pytest.fixture
def recordings(tmp_path):
    def make(**texts: str) -> list[Found]:
        for name, text in texts.items():
            (tmp_path / f"{name}.mp3").write_text(text)
        return [Found(tmp_path / f"{name}.mp3") for name in texts]

    return make


def embed(found, out):
    return list(embed_files(found, out=out, backbone=StandInBackbone(), pool=Pool(), jobs=2))


def test_each_file_has_three_arrays(recordings, tmp_path):
    out = tmp_path / "out.npz"
    results = embed(recordings(one="187", two="400"), out)
    assert [(r.key, r.error, r.duration_s) for r in results] == [
        ("one.mp3", None, pytest.approx(2.992)),
        ("two.mp3", None, pytest.approx(6.4)),
    ]
    with np.load(out, allow_pickle=False) as arrays:
        assert set(arrays) == {f"{n}.mp3/{a}" for n in ("one", "two") for a in ("taggram", "embedding", "times")}
        assert arrays["one.mp3/taggram"].shape == (1, 50)
        assert arrays["two.mp3/embedding"].shape == (2, 200)
        assert arrays["two.mp3/times"].tolist() == [0.0, pytest.approx(187 / 62.5)]
        assert arrays["two.mp3/taggram"][:, 0] == pytest.approx([0.5, 0.5])


def test_files_that_fail_are_left_out_and_told(recordings, tmp_path):
    found = [*recordings(good="200", bad="corrupt", short="186"), Found(tmp_path, NothingFound("nothing"))]
    results = embed(found, tmp_path / "out.npz")
    assert [type(r.error) for r in results] == [type(None), CorruptAudio, ClipTooShort, NothingFound]
    assert "3.0 s or more" in str(results[2].error)
    with np.load(tmp_path / "out.npz") as arrays:
        assert {name.split("/")[0] for name in arrays} == {"good.mp3"}


def test_nothing_is_written_where_nothing_succeeded(recordings, tmp_path):
    (tmp_path / "out.npz").write_text("from before")
    embed(recordings(bad="corrupt"), tmp_path / "out.npz")
    assert (tmp_path / "out.npz").read_text() == "from before"
    assert not list(tmp_path.glob(".genrelab-*"))


def test_a_run_that_is_stopped_leaves_nothing_behind(recordings, tmp_path):
    results = embed_files(
        recordings(one="200", two="200"), out=tmp_path / "out.npz", backbone=StandInBackbone(), pool=Pool(), jobs=1
    )
    next(results)
    results.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.mp3", "two.mp3"]


def test_a_fault_of_the_model_ends_the_run(recordings, tmp_path):
    with pytest.raises(ModelError, match="make setup"):
        embed(recordings(one="200", two="model"), tmp_path / "out.npz")
    assert not list(tmp_path.glob("*.npz"))


def test_a_folder_that_cannot_be_written_says_so_first(recordings, tmp_path):
    with pytest.raises(FileNotFoundError):
        embed(recordings(one="200"), tmp_path / "missing" / "out.npz")


def test_a_full_disk_is_told_with_the_file_and_leaves_nothing(recordings, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OSError, match=r"No space left on device.*out\.npz"):
        embed(recordings(one="200"), tmp_path / "out.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["one.mp3"]


def test_a_folder_in_place_of_the_file_is_refused_before_anything_is_heard(recordings, tmp_path):
    with pytest.raises(IsADirectoryError):
        embed(recordings(one="200"), tmp_path)


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/m/a.mp3", "/m/b.mp3"], ["a.mp3", "b.mp3"]),
        (["/m/x/a.mp3", "/m/y/a.mp3", "/m/b.mp3"], ["x/a.mp3", "y/a.mp3", "b.mp3"]),
        (["/m/1/x/a.mp3", "/m/2/x/a.mp3"], ["1/x/a.mp3", "2/x/a.mp3"]),
        (["/a.mp3", "/x/a.mp3"], ["a.mp3", "x/a.mp3"]),
        (["/x/a.mp3", "/x/a.mp3"], ["x/a.mp3", "x/a.mp3"]),
    ],
)
def test_names_are_as_short_as_they_can_be(paths, names):
    assert distinct_names([Path(path) for path in paths]) == names
