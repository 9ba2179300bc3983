import zipfile
from pathlib import Path

import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.taggrams import GTZAN_GENRES, load_taggrams
from tests.support.taggrams import synthetic_tracks, write_npz

NAMES = np.array(["b", "b", "a", "b", "a"])  # rows of one track need not be neighbours
LABELS = np.array([3, 3, 0, 3, 0])


def activations(n: int = 5) -> np.ndarray:
    """Row r holds r / 10 in every column."""
    return np.repeat(np.arange(n) / 10, 50).reshape(n, 50)


def test_rows_are_put_together_by_track_in_their_order(tmp_path):
    np.savez(tmp_path / "five.npz", X=activations(), Y=LABELS, IDS=NAMES)
    found = load_taggrams(tmp_path / "five.npz")
    assert found.ids == ("b", "a")  # as they first appear
    assert found.labels.tolist() == [3, 0]
    assert found.genres == GTZAN_GENRES
    assert [track[:, 0].tolist() for track in found.tracks] == [
        pytest.approx([0.0, 0.1, 0.3]),
        pytest.approx([0.2, 0.4]),
    ]
    assert {(track.dtype, track.shape[1]) for track in found.tracks} == {(np.dtype(np.float32), 50)}


def test_a_set_is_walked_through_track_by_track(tmp_path):
    np.savez(tmp_path / "five.npz", X=activations(), Y=LABELS, IDS=NAMES)
    found = load_taggrams(tmp_path / "five.npz")
    assert len(found) == 2
    assert [(len(track), label) for track, label in found] == [(3, 3), (2, 0)]


def test_what_was_written_is_read(tmp_path, rng):
    tracks = synthetic_tracks(rng, per_genre=4)
    found = load_taggrams(write_npz(tmp_path / "set.npz", tracks), genres=tracks.genres)
    assert (found.ids, found.genres) == (tracks.ids, tracks.genres)
    np.testing.assert_array_equal(found.labels, tracks.labels)
    np.testing.assert_array_equal(found.tracks, tracks.tracks)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_any_integer_type_will_do_for_labels(dtype, tmp_path):
    np.savez_compressed(tmp_path / "five.npz", X=activations(), Y=LABELS.astype(dtype), IDS=NAMES)
    found = load_taggrams(tmp_path / "five.npz")
    assert (found.labels.dtype, found.labels.tolist()) == (np.int64, [3, 0])


@pytest.mark.shared
def test_the_training_tracks_are_443_of_ten_genres(shared_data: Path) -> None:
    found = load_taggrams(shared_data / "gtzan_taggrams" / "train.npz")
    assert len(found) == 443
    assert {len(track) for track in found.tracks} == {28, 29}
    assert sum(len(track) for track in found.tracks) == 12415
    assert all(name.startswith(found.genres[label]) for name, label in zip(found.ids, found.labels, strict=True))


DAMAGED = r"no \.npz archive of plain arrays, or a damaged one; expected X, Y and IDS"
GOOD = {"X": activations(), "Y": LABELS, "IDS": NAMES}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"X": activations()[:, :49]}, r"X is float64 \(5, 49\), expected float activations \(n_patches, 50\)"),
        ({"X": activations()[0]}, r"X is float64 \(50,\)"),
        ({"X": np.zeros((5, 50), int)}, "X is int64"),
        ({"X": np.zeros((0, 50)), "Y": LABELS[:0], "IDS": NAMES[:0]}, "no patches"),
        ({"Y": LABELS[:4]}, r"Y is int64 \(4,\)"),
        ({"Y": LABELS.astype(float)}, "Y is float64"),
        ({"IDS": NAMES[:4]}, r"IDS is <U1 \(4,\)"),
        ({"IDS": np.arange(5)}, "IDS is int64"),
        ({"IDS": NAMES.astype(bytes)}, r"IDS is \|S1"),
        ({"IDS": NAMES.astype(object)}, DAMAGED),  # would have to be unpickled
        ({"X": np.where(activations() == 0, np.nan, 0.5)}, "NaN or values outside 0 to 1"),
        ({"X": np.where(activations() == 0, np.inf, 0.5)}, "NaN or values outside 0 to 1"),
        ({"X": activations() - 0.01}, "NaN or values outside 0 to 1"),
        ({"X": activations() * 3}, "NaN or values outside 0 to 1"),
        ({"Y": LABELS + 7}, "labels 7 to 10, expected 0 to 9 "),
        ({"Y": LABELS - 1}, "labels -1 to 2, expected 0 to 9 "),
        ({"Y": np.array([3, 3, 0, 3, 1])}, "track 'a' has rows of more than one label"),
    ],
)
def test_bad_arrays_are_refused_by_name(changed, words, tmp_path):
    np.savez(tmp_path / "bad.npz", **GOOD | changed)
    with pytest.raises(DatasetError, match=words):
        load_taggrams(tmp_path / "bad.npz")


def _is_missing(path: Path) -> None:
    """Nothing is written."""


def _is_text(path: Path) -> None:
    path.write_text("blues, 0.1, 0.2")


def _is_empty(path: Path) -> None:
    path.touch()


def _is_one_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, activations())


def _lacks_labels(path: Path) -> None:
    np.savez(path, X=activations(), IDS=NAMES)


def _holds_nothing(path: Path) -> None:
    np.savez(path)


def _ends_early(path: Path) -> None:
    np.savez(path, **GOOD)
    path.write_bytes(path.read_bytes()[:-200])


def _is_overwritten(path: Path) -> None:
    """The middle of the compressed activations is gone; the archive's directory is whole."""
    np.savez_compressed(path, **GOOD | {"X": np.random.default_rng(0).random((5, 50))})
    content = bytearray(path.read_bytes())
    content[500:1000] = b"\xff" * 500
    path.write_bytes(content)


def _holds_texts(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("X", "Y", "IDS"):
            archive.writestr(name, "0.1 0.2")


def _has_a_broken_header(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("X", "Y", "IDS"):
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00\x16\x00{'descr': '<f8', (((((\n")


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (_is_missing, "No such file"),
        (_is_text, DAMAGED),
        (_is_empty, DAMAGED),
        (_is_one_array, DAMAGED),
        (_lacks_labels, "lacks Y; it has X, IDS"),
        (_holds_nothing, "lacks X, Y, IDS; it has nothing"),
        (_ends_early, DAMAGED),
        (_is_overwritten, DAMAGED),
        (_holds_texts, DAMAGED),
        (_has_a_broken_header, DAMAGED),
    ],
)
def test_a_file_that_is_no_set_of_taggrams_is_refused_by_name(write, words, tmp_path):
    write(tmp_path / "bad.npz")
    with pytest.raises(DatasetError, match=words):
        load_taggrams(tmp_path / "bad.npz")


def test_a_folder_is_refused_by_name(tmp_path):
    with pytest.raises(DatasetError, match=r"Is a directory|Permission denied"):
        load_taggrams(tmp_path)
