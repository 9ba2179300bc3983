"""GTZAN: 10 genres of 100 excerpts of 30 s, `genres/<genre>/<genre>.00000.wav` or `.au` [1]_.

The copy that most people have calls its folder `genres_original`. The corpus names no artists and has no split; two
things that others made for it are read where they lie in its folder:

- the lists of the fault-filtered split [2]_, `train_filtered.txt`, `valid_filtered.txt` and `test_filtered.txt`, with
  lines like `blues/blues.00029.wav`;
- the index of artists and titles [3]_, `GTZANindex.txt`, with lines like `blues.00002.wav ::: artist ::: title`.

References
----------
.. [1] Tzanetakis and Cook, "Musical genre classification of audio signals", IEEE Trans. SAP 10(5), 2002.
.. [2] Kereliuk, Sturm and Larsen, "Deep learning and music adversaries", IEEE Trans. Multimedia 17(11), 2015.
.. [3] Sturm, "An analysis of the GTZAN music genre dataset", ACM MIRUM, 2012.
"""

import re
from pathlib import Path

from datasets.errors import DatasetError
from datasets.manifest import Manifest, Recording
from datasets.readers.corpus_folder import audio_files, check_folder, lines_of, several
from datasets.readers.faults import UNREADABLE, fault_details
from datasets.readers.gtzan_faults import faults_of
from datasets.taggrams import GTZAN_GENRES

AUDIO_FOLDERS = ("genres", "genres_original", "Data/genres_original", ".")
SPLIT_LISTS = {"train": "train_filtered.txt", "validation": "valid_filtered.txt", "test": "test_filtered.txt"}
INDEX_FILE = "GTZANindex.txt"
EXPECTED = "expected genres/<genre>/<genre>.00000.wav with the genres " + ", ".join(GTZAN_GENRES)
_NAME = re.compile(rf"((?:{'|'.join(GTZAN_GENRES)})\.000\d\d)(?:\.[A-Za-z0-9]+)?")


def read_gtzan(folder: Path, *, fault_filtered: bool = False, lists: Path | None = None) -> Manifest:
    """Read GTZAN.

    Parameters
    ----------
    folder : Path
        The corpus, or its folder of genres.
    fault_filtered : bool
        Keep only the recordings of the fault-filtered split. Without it all are kept, and those that the lists do
        not name, where there are lists, have no split.
    lists : Path
        Folder with lists of the fault-filtered split, at least one; the folders of the corpus where it is not given.

    Returns
    -------
    Manifest
        By genre and number. Artist and details["title"] where the index lies in the folder, details["faults"] where
        a recording has known ones.

    Raises
    ------
    DatasetError
        If this is not GTZAN, a file has another name, a list is wrong, or a recording of a list is not there.
    """
    check_folder(folder)
    genres = _genres_folder(folder)
    recordings = _recordings(genres)
    places = (folder, genres, genres.parent)
    splits = _splits((lists,) if lists is not None else places)
    if not splits and (fault_filtered or lists is not None):
        names = ", ".join(SPLIT_LISTS.values())
        raise DatasetError(f"{lists or folder}: no list of the fault-filtered split, expected {names}")
    # Copies that lack what cannot be decoded anyway are whole.
    unreadable = {name for name in splits if any(fault.kind == UNREADABLE for fault in faults_of(name))}
    if missing := sorted(splits.keys() - recordings.keys() - unreadable):
        raise DatasetError(f"{several(missing)} in a list of the split but not in {genres}; restore the corpus")
    index = _index(places)
    return Manifest(
        "gtzan",
        tuple(
            _recording(path, name, split=splits.get(name, ""), index=index)
            for name, path in sorted(recordings.items())
            if name in splits or not fault_filtered
        ),
    )


def _genres_folder(folder: Path) -> Path:
    found = [folder / name for name in AUDIO_FOLDERS if any((folder / name / each).is_dir() for each in GTZAN_GENRES)]
    if not found:
        raise DatasetError(f"{folder}: not GTZAN, {EXPECTED}")
    genres = found[0]
    if missing := [genre for genre in GTZAN_GENRES if not (genres / genre).is_dir()]:
        raise DatasetError(f"{genres}: no folder {', '.join(missing)}; {EXPECTED}")
    return genres


def _recordings(genres: Path) -> dict[str, Path]:
    """Path of each recording by its name, such as "blues.00000"."""
    recordings: dict[str, Path] = {}
    for genre in GTZAN_GENRES:
        for path in audio_files(genres / genre):
            match = _NAME.fullmatch(path.name)
            if not match or not path.name.startswith(f"{genre}."):
                raise DatasetError(f"{path}: not a name of GTZAN, expected {genre}.00000.wav to {genre}.00099.wav")
            if match[1] in recordings:
                raise DatasetError(f"{path}: {match[1]} comes twice, as {recordings[match[1]].name} too; remove one")
            recordings[match[1]] = path
    if not recordings:
        raise DatasetError(f"{genres}: no recordings, {EXPECTED}")
    return recordings


def _splits(places: tuple[Path, ...]) -> dict[str, str]:
    """Split of each recording that a list names."""
    splits: dict[str, str] = {}
    for split, file in SPLIT_LISTS.items():
        path = next((place / file for place in places if (place / file).is_file()), None)
        if path is None:
            continue
        for number, line in lines_of(path):
            match = _NAME.fullmatch(line.strip().split("/")[-1])
            if not match:
                raise DatasetError(f"{path}, line {number}: {line[:80]!r}, expected a line like blues/blues.00029.wav")
            if match[1] in splits:
                raise DatasetError(f"{path}, line {number}: {match[1]} comes twice, first for {splits[match[1]]}")
            splits[match[1]] = split
    return splits


def _index(places: tuple[Path, ...]) -> dict[str, tuple[str, str]]:
    """Artist and title of each recording, where the index is there."""
    path = next((place / INDEX_FILE for place in places if (place / INDEX_FILE).is_file()), None)
    index = {}
    for number, line in lines_of(path) if path else ():
        if line.startswith("#"):
            continue
        name, *words = (part.strip() for part in line.split(":::"))
        match = _NAME.fullmatch(name)
        if not match or len(words) != 2:
            raise DatasetError(f"{path}, line {number}: {line[:80]!r}, expected <name>.wav ::: <artist> ::: <title>")
        index[match[1]] = (words[0], words[1])
    return index


def _recording(path: Path, name: str, *, split: str, index: dict[str, tuple[str, str]]) -> Recording:
    artist, title = index.get(name, ("", ""))
    details = ({"title": title} if title else {}) | fault_details(faults_of(name))
    return Recording(path, name.split(".")[0], artist=artist, split=split, details=details)
