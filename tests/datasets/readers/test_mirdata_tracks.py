from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from datasets.errors import DatasetError
from datasets.readers.mirdata_tracks import read_mirdata


@dataclass
class Track:
    """What loaders of mirdata give: some attributes of their own beside `audio_path`."""

    audio_path: str | None
    genre: Any = "rock"
    artist: Any = "Ann"


@dataclass
class AnonymousTrack:
    audio_path: str
    style: list[str]


class NotDownloaded:
    audio_path = "a.wav"

    @property
    def genre(self) -> str:
        raise FileNotFoundError("metadata.csv not found")


class Dataset:
    name = "miniature"

    def __init__(self, **tracks: Any) -> None:
        self._tracks = tracks

    @property
    def track_ids(self) -> list[str]:
        return list(self._tracks)

    def track(self, track_id: str) -> Any:
        return self._tracks[track_id]


def test_tracks_become_recordings_in_their_order(put):
    folder = put("a.wav", "b.wav")
    tracks = {"b": Track(str(folder / "b.wav"), artist=17), "a": Track(str(folder / "a.wav"), None, None)}
    manifest = read_mirdata(Dataset(**tracks), licence="CC-BY-4.0")
    assert manifest.name == "miniature"
    assert [(r.path.name, r.label, r.artist, r.licence, r.details) for r in manifest] == [
        ("b.wav", "rock", "17", "CC-BY-4.0", {"track_id": "b"}),
        ("a.wav", "", "", "CC-BY-4.0", {"track_id": "a"}),
    ]


def test_the_label_may_be_another_attribute_and_the_artist_unknown(put):
    folder = put("a.wav")
    (recording,) = read_mirdata(Dataset(a=AnonymousTrack(str(folder / "a.wav"), ["Samba"])), label="style")
    assert (recording.path, recording.label, recording.artist) == (Path(folder / "a.wav"), "Samba", "")


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (object(), r"object has no name, expected an object of mirdata\.initialize"),
        (Dataset(), "miniature: no tracks"),
        (Dataset(a=AnonymousTrack("a.wav", [])), "track a: no attribute genre; name the one that is its label"),
        (Dataset(a=Track(None)), "track a: no audio_path"),
        (Dataset(a=Track("a.wav", ["rock", "pop"])), r"track a: genre is \['rock', 'pop'\], expected one text"),
        (Dataset(a=Track("a.wav", artist={"name": "Ann"})), "track a: artist is"),
        (Dataset(a=Track("gone/a.wav")), r"1 recording \(gone/a\.wav\) is listed but not there; call the dataset's"),
        (Dataset(a=NotDownloaded()), r"miniature: metadata\.csv not found; call its download\(\) first"),
    ],
)
def test_what_is_missing_is_named(dataset, words):
    with pytest.raises(DatasetError, match=words):
        read_mirdata(dataset)
