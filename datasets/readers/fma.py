"""FMA, the Free Music Archive dataset: `fma_metadata/tracks.csv` and clips such as `fma_small/000/000002.mp3` [1]_.

The subsets lie in each other: every track of small is in medium, every one of medium in large. fma_full holds the
same tracks as fma_large, untrimmed.

References
----------
.. [1] Defferrard, Benzi, Vandergheynst and Bresson, "FMA: a dataset for music analysis", ISMIR 2017.
.. [2] "Files (much) shorter than 30s", https://github.com/mdeff/fma/issues/8.
"""

import csv
import os
import re
from itertools import islice
from pathlib import Path

from datasets.errors import DatasetError
from datasets.manifest import Manifest, Recording
from datasets.readers.corpus_folder import SPLIT_NAMES, check_folder, check_present
from datasets.readers.faults import NO_AUDIO, SHORT, Fault, fault_details

TRACKS_FILE = "fma_metadata/tracks.csv"
SUBSETS = ("small", "medium", "large")  # each with those before it
SIZES = (*SUBSETS, "full")
HEADER_LINES = 3
COLUMNS = {
    ("set", "split"): "split",
    ("set", "subset"): "subset",
    ("track", "genre_top"): "genre",
    ("track", "license"): "licence",
    ("track", "title"): "title",
    ("artist", "id"): "artist_id",
    ("artist", "name"): "artist_name",
}
CELLS = {"track_id": r"[0-9]{1,9}", "subset": "|".join(SUBSETS), "split": "training|validation|test"}
# Clips that were cut beyond the end of their track, or too near to it [2].
CLIPS_WITHOUT_AUDIO = frozenset(
    {1486, 5574, 65753, 80391, 98558, 98559, 98560, 98571, 99134, 105247, 108925, 126981, 127336, 133297, 143992}
)
SHORT_CLIPS = frozenset({98565, 98566, 98567, 98568, 98569, 108924})


def read_fma(folder: Path, *, size: str = "", missing_ok: bool = False) -> Manifest:
    """Read FMA.

    Parameters
    ----------
    folder : Path
        Holds `fma_metadata` and at least one of `fma_small`, `fma_medium`, `fma_large` and `fma_full`.
    size : str
        "small", "medium", "large" or "full"; the largest whose folder is there if it is not given. The clips of a
        smaller size are found in the folder of a larger one too.
    missing_ok : bool
        Leave tracks out whose audio is not there, instead of raising an error.

    Returns
    -------
    Manifest
        In the order of the table. Label is the top genre, "" where a track has none or several; artist is the
        artist's number. In details: `title`, `artist_name`, and `faults` of the clips.

    Raises
    ------
    DatasetError
        If the table or the audio is missing, or the table is not laid out as the original.
    """
    check_folder(folder)
    if size and size not in SIZES:
        raise DatasetError(f"size {size!r}: expected one of {', '.join(SIZES)}")
    there = [each for each in SIZES if (folder / f"fma_{each}").is_dir()]
    if not [each for each in there if not size or SIZES.index(each) >= SIZES.index(size)]:
        wanted = f"fma_{size} or a larger one" if size else ", ".join(f"fma_{each}" for each in SIZES)
        raise DatasetError(f"{folder}: no folder of audio, expected {wanted} with clips like 000/000002.mp3")
    size = size or there[-1]
    audio = next(each for each in there if SIZES.index(each) >= SIZES.index(size))

    wanted_subsets = SUBSETS[: SIZES.index(size) + 1]
    table = folder / TRACKS_FILE
    rows = [row for row in _rows(table) if row["subset"] in wanted_subsets]
    recordings = [_recording(row, folder / f"fma_{audio}", trimmed=audio != "full") for row in rows]
    if missing_ok:
        recordings = [each for each in recordings if os.path.isfile(each.path)]
    if not recordings:
        raise DatasetError(f"{table}: no tracks of the size {size} with audio in fma_{audio}")
    check_present((each.path for each in recordings), way_out="unpack them again, or leave them out with missing_ok")
    return Manifest(f"fma_{size}", tuple(recordings))


def _rows(path: Path) -> list[dict[str, str]]:
    """Rows of the table with the columns that matter here, checked."""
    import pandas as pd  # the table has 260 MB: its parser takes the columns apart as it reads

    columns = _columns(path)
    try:
        frame = pd.read_csv(
            path, header=None, skiprows=HEADER_LINES, usecols=list(columns), dtype=str, keep_default_na=False
        )
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # of the parser, and of UTF-8
        raise DatasetError(f"{path}: damaged ({error}); unpack fma_metadata.zip again") from error
    rows: list[dict[str, str]] = frame.fillna("").rename(columns=columns).to_dict("records")
    for number, row in enumerate(rows, start=1):  # not lines: texts in the table run over several
        for column, wanted in CELLS.items():
            if not re.fullmatch(wanted, row[column]):
                raise DatasetError(f"{path}, row {number}, column {column}: {row[column]!r}, expected {wanted}")
    return rows


def _columns(path: Path) -> dict[int, str]:
    """Names of the columns that matter here, by their places."""
    try:
        with path.open(encoding="utf-8") as file:
            lines = [next(csv.reader([line]), []) for line in islice(file, HEADER_LINES)]
    except OSError as error:
        raise DatasetError(f"{path}: no table can be read there ({error.strerror}); unpack fma_metadata.zip") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: damaged ({error}); unpack fma_metadata.zip again") from error
    if len(lines) < HEADER_LINES:
        raise DatasetError(f"{path}: {len(lines)} lines, expected {HEADER_LINES} header lines and a row per track")
    groups, names, first = lines
    places = {pair: place for place, pair in enumerate(zip(groups, names, strict=False)) if pair in COLUMNS}
    missing = [".".join(pair) for pair in COLUMNS if pair not in places] + ["track_id"] * (first[:1] != ["track_id"])
    if missing:
        raise DatasetError(
            f"{path}: no column {', '.join(missing)}; expected the {HEADER_LINES} header lines of the original"
        )
    return {0: "track_id"} | {places[pair]: name for pair, name in COLUMNS.items()}


def _recording(row: dict[str, str], audio: Path, *, trimmed: bool) -> Recording:
    track = int(row["track_id"])
    details = {name: row[name] for name in ("title", "artist_name") if row[name]}
    return Recording(
        audio / f"{track:06d}"[:3] / f"{track:06d}.mp3",
        row["genre"],
        artist=row["artist_id"],
        licence=row["licence"],
        split=SPLIT_NAMES[row["split"]],
        details=details | fault_details(faults_of(track) if trimmed else ()),
    )


def faults_of(track: int) -> tuple[Fault, ...]:
    """Faults of a clip, by the number of its track."""
    if track in CLIPS_WITHOUT_AUDIO:
        return (Fault(NO_AUDIO),)
    return (Fault(SHORT),) if track in SHORT_CLIPS else ()
