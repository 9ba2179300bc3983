"""Ballroom: 698 excerpts of 30 s in eight dances, `BallroomData/<dance>/<name>.wav` [1]_.

Rumba lies in several folders, `Rumba-American`, `Rumba-International` and `Rumba-Misc`; folders that are no dance,
such as `nada`, are passed over. `allBallroomFiles`, where it is there, says which recordings must be. Tempo comes
from annotations that lie in the corpus' folder: `<name>.bpm`, a number [1]_, or else `<name>.beats`, whose lines
begin with the time of a beat [2]_. Recordings that repeat others are those that [3]_ found, as [2]_ lists them.

References
----------
.. [1] Gouyon et al., "An experimental comparison of audio tempo induction algorithms", IEEE Trans. ASLP 14(5), 2006.
.. [2] Krebs, Böck and Widmer, "Rhythmic pattern modeling for beat and downbeat tracking in musical audio", ISMIR
   2013; https://github.com/CPJKU/BallroomAnnotations.
.. [3] Sturm, "Ballroom dataset", http://media.aau.dk/null_space_pursuits/2014/01/ballroom-dataset.html, 2014.
"""

from pathlib import Path, PurePosixPath

import numpy as np

from datasets.errors import DatasetError
from datasets.manifest import Manifest, Recording
from datasets.readers.corpus_folder import audio_files, check_folder, folders_in, lines_of, several
from datasets.readers.faults import EXACT_REPETITION, RECORDING_REPETITION, Fault, fault_details

DANCES = ("ChaChaCha", "Jive", "Quickstep", "Rumba", "Samba", "Tango", "VienneseWaltz", "Waltz")
LIST_FILE = "allBallroomFiles"
EXPECTED = "expected BallroomData/<dance>/<name>.wav with the dances " + ", ".join(DANCES)
SLOWEST_BPM, FASTEST_BPM = 20.0, 400.0  # what can be a tempo at all
EXACT_REPETITIONS = (
    ("Albums-AnaBelen_Veneo-11", "Albums-Chrisanne2-12"),
    ("Albums-Fire-08", "Albums-Fire-09"),  # under two dances: ChaChaCha and Samba
    ("Albums-Latin_Jam2-05", "Albums-Latin_Jam2-13"),
    ("Albums-Secret_Garden-01", "Media-104705"),
)
RECORDING_REPETITIONS = (
    ("Albums-AnaBelen_Veneo-03", "Albums-AnaBelen_Veneo-15"),
    ("Albums-Ballroom_Magic-03", "Albums-Ballroom_Magic-18"),
    ("Albums-Latin_Jam-04", "Albums-Latin_Jam-13"),
    ("Albums-Latin_Jam-08", "Albums-Latin_Jam-14"),
    ("Albums-Latin_Jam-06", "Albums-Latin_Jam-15"),
    ("Albums-Latin_Jam2-02", "Albums-Latin_Jam2-14"),
    ("Albums-Latin_Jam2-07", "Albums-Latin_Jam2-15"),
    ("Albums-Latin_Jam3-02", "Media-103414"),
    ("Media-103402", "Media-103415"),
)


def read_ballroom(folder: Path, *, annotations: Path | None = None) -> Manifest:
    """Read Ballroom.

    Parameters
    ----------
    folder : Path
        The corpus, or its folder of dances.
    annotations : Path
        Folder with `.bpm` or `.beats` files at any depth; that of the corpus where it is not given.

    Returns
    -------
    Manifest
        By dance and name. In details: `tempo_bpm` where it is annotated, `variant` for the kinds of Rumba, `faults`
        for repetitions.

    Raises
    ------
    DatasetError
        If this is not Ballroom, a recording of its list is not there, or an annotation cannot be read.
    """
    check_folder(folder)
    data = folder / "BallroomData" if (folder / "BallroomData").is_dir() else folder
    folders = [path for path in folders_in(data) if _dance(path) in DANCES]
    if missing := [dance for dance in DANCES if dance not in map(_dance, folders)]:
        raise DatasetError(f"{data}: not Ballroom, no folder {', '.join(missing)}; {EXPECTED}")
    recordings = [(path, dance) for dance in folders for path in audio_files(dance)]
    if not recordings:
        raise DatasetError(f"{data}: no recordings, {EXPECTED}")
    _check_list(data, {path.relative_to(data).as_posix() for path, _ in recordings})
    if annotations is not None:
        check_folder(annotations)
    tempi = _tempi(annotations or folder)
    return Manifest("ballroom", tuple(_recording(path, dance, tempi=tempi) for path, dance in recordings))


def _dance(folder: Path) -> str:
    return folder.name.split("-")[0]


def _check_list(data: Path, there: set[str]) -> None:
    path = data / LIST_FILE
    if not path.is_file():
        return
    lines = [PurePosixPath(line.strip()) for _, line in lines_of(path)]
    listed = {line.as_posix() for line in lines if line.parent.name.split("-")[0] in DANCES}
    if missing := sorted(listed - there):
        raise DatasetError(f"{several(missing)} in {path} but not there; restore the corpus")


def _tempi(folder: Path) -> dict[str, Path]:
    """Annotation of each recording by its name; `.bpm` goes before `.beats`."""
    return {path.stem: path for ending in ("beats", "bpm") for path in sorted(folder.rglob(f"*.{ending}"))}


def _recording(path: Path, folder: Path, *, tempi: dict[str, Path]) -> Recording:
    details: dict[str, object] = {}
    if path.stem in tempi:
        details["tempo_bpm"] = _tempo_bpm(tempi[path.stem])
    if folder.name != _dance(folder):
        details["variant"] = folder.name
    return Recording(path, _dance(folder), details=details | fault_details(faults_of(path.stem)))


def _tempo_bpm(path: Path) -> float:
    annotated = path.suffix == ".bpm"
    wanted = "one number, the tempo in beats per minute" if annotated else "a line per beat, its time in seconds first"
    try:
        numbers = [float(line.split()[0]) for _, line in lines_of(path)]
    except ValueError as error:
        raise DatasetError(f"{path}: {error}, expected {wanted}") from error
    if len(numbers) != 1 if annotated else len(numbers) < 2:
        raise DatasetError(f"{path}: {len(numbers)} lines, expected {wanted}")
    with np.errstate(divide="ignore"):  # two beats at one time: an infinite tempo, which is refused
        tempo = numbers[0] if annotated else float(60.0 / np.median(np.diff(numbers)))
    if not SLOWEST_BPM <= tempo <= FASTEST_BPM:
        raise DatasetError(f"{path}: a tempo of {tempo:g} bpm, expected {wanted}")
    return round(tempo, 3)


def faults_of(name: str) -> tuple[Fault, ...]:
    """Faults of a recording by its name without the ending; none for names that are not of the corpus."""
    return tuple(
        Fault(kind, tuple(other for other in pair if other != name))
        for kind, pairs in ((EXACT_REPETITION, EXACT_REPETITIONS), (RECORDING_REPETITION, RECORDING_REPETITIONS))
        for pair in pairs
        if name in pair
    )
