"""What a loader of the library mirdata has loaded, as a manifest.

mirdata [1]_ knows some sixty corpora. It is no requirement: who has it makes and initialises its object, and this
module asks that object for no more than its tracks.

References
----------
.. [1] Bittner et al., "mirdata: software for reproducible usage of datasets", ISMIR 2019.
"""

from pathlib import Path
from typing import Any, Protocol

from datasets.errors import DatasetError
from datasets.manifest import Manifest, Recording
from datasets.readers.corpus_folder import check_present


class MirdataDataset(Protocol):
    """What is asked of a `mirdata.core.Dataset`."""

    name: str

    @property
    def track_ids(self) -> list[str]:
        """Names of the tracks."""

    def track(self, track_id: str, /) -> Any:
        """One track, with `audio_path` and what the corpus knows of it as attributes."""


def read_mirdata(
    dataset: MirdataDataset, *, label: str = "genre", artist: str = "artist", licence: str = ""
) -> Manifest:
    """Turn an initialised dataset of mirdata into a manifest.

    Parameters
    ----------
    dataset : mirdata.core.Dataset
        Such as `mirdata.initialize("gtzan_genre")`, with its index and audio downloaded.
    label : str
        Attribute of a track that is its label; it must be there. None means unlabelled.
    artist : str
        Attribute of a track that names its artist; corpora that know no artists lack it.
    licence : str
        Licence of the corpus: mirdata gives it as prose only.

    Returns
    -------
    Manifest
        In the order of `track_ids`, each with its details["track_id"].

    Raises
    ------
    DatasetError
        If the object is none of mirdata, a track lacks the label or its audio, or metadata was not downloaded.
    """
    for name in ("name", "track_ids", "track"):
        if not hasattr(dataset, name):
            raise DatasetError(f"{type(dataset).__name__} has no {name}, expected an object of mirdata.initialize()")
    try:
        recordings = tuple(
            _recording(track_id, dataset.track(track_id), label=label, artist=artist, licence=licence)
            for track_id in dataset.track_ids
        )
    except OSError as error:
        raise DatasetError(f"{dataset.name}: {error}; call its download() first") from error
    if not recordings:
        raise DatasetError(f"{dataset.name}: no tracks")
    check_present((each.path for each in recordings), way_out="call the dataset's download() or validate()")
    return Manifest(dataset.name, recordings)


def _recording(track_id: str, track: Any, *, label: str, artist: str, licence: str) -> Recording:
    if not hasattr(track, label):
        raise DatasetError(f"track {track_id}: no attribute {label}; name the one that is its label")
    if not getattr(track, "audio_path", None):
        raise DatasetError(f"track {track_id}: no audio_path, expected a corpus with audio in its index")
    return Recording(
        Path(track.audio_path),
        _text(track_id, label, getattr(track, label)),
        artist=_text(track_id, artist, getattr(track, artist, None)),
        licence=licence,
        details={"track_id": str(track_id)},
    )


def _text(track_id: str, attribute: str, words: Any) -> str:
    if isinstance(words, list | tuple) and len(words) == 1:
        (words,) = words
    if not isinstance(words, str | int | None):
        raise DatasetError(f"track {track_id}: {attribute} is {words!r}, expected one text")
    return "" if words is None else str(words)
