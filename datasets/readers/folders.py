"""Any collection that is sorted into a folder per genre, perhaps below a folder per split.

`<genre>/…`, `<genre>/<artist>/…`, or either of them below `train/`, `validation/` (also `valid`, `val`) and `test/`.
"""

from pathlib import Path

from datasets.errors import DatasetError
from datasets.manifest import Manifest, Recording
from datasets.readers.corpus_folder import SPLIT_NAMES, audio_files, audio_files_in, check_folder, folders_in

EXPECTED = "expected <genre>/<recording>, <genre>/<artist>/<recording>, or these below train/, validation/ and test/"


def read_folders(folder: Path) -> Manifest:
    """Read a folder of genres.

    Parameters
    ----------
    folder : Path
        Holds a folder per genre, or a folder per split that holds them. Recordings may lie at any depth below their
        genre. Hidden files and folders, and files that are no audio by their ending, are passed over.

    Returns
    -------
    Manifest
        Named as the folder. A recording's artist is the folder directly below its genre, "" where it lies in the
        genre's folder itself.

    Raises
    ------
    DatasetError
        If there are no recordings, one lies in no genre's folder, or genres lie beside splits.
    """
    check_folder(folder)
    by_split = _split_folders(folder)
    if by_split:
        recordings = [each for path, split in by_split for each in _genres(path, split=split)]
    else:
        recordings = _genres(folder, split="")
    if not recordings:
        raise DatasetError(f"{folder}: no recordings, {EXPECTED}")
    return Manifest(folder.resolve().name, tuple(recordings))


def _split_folders(folder: Path) -> list[tuple[Path, str]]:
    """Folders of splits, each with its split; none where the folders are genres."""
    splits = [path for path in folders_in(folder) if path.name.lower() in SPLIT_NAMES]
    if not splits:
        return []
    if others := [path for path in folders_in(folder) if path not in splits and audio_files(path)]:
        raise DatasetError(
            f"{folder}: {others[0].name}/ lies beside {splits[0].name}/, expected genres only or splits only, that is: "
            f"{EXPECTED}"
        )
    return [(path, SPLIT_NAMES[path.name.lower()]) for path in splits]


def _genres(folder: Path, *, split: str) -> list[Recording]:
    if stray := audio_files_in(folder):
        raise DatasetError(f"{stray[0]}: lies in no genre's folder, {EXPECTED}")
    recordings = []
    for genre in folders_in(folder):
        for path in audio_files(genre):
            below = path.relative_to(genre).parts
            artist = below[0] if len(below) > 1 else ""
            recordings.append(Recording(path, genre.name, artist=artist, split=split))
    return recordings
