"""Groove MIDI: 1,150 drum performances by ten drummers on an electronic kit, played to a metronome [1]_.

The folder holds `info.csv`, a row a performance, and `drummerN/<session>/<performance>.mid`; the licence is CC BY
4.0. `python -m datasets.groove_midi --data FOLDER --out FILE` counts the card of `datasets.composers.groove` on it.

References
----------
.. [1] Gillick et al., "Learning to groove with inverse sequence transformations", ICML 2019;
   https://magenta.tensorflow.org/datasets/groove.
"""

import argparse
import csv
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.composers.groove import GROUP_OF, GROUPS, STEP_BEATS, STEPS
from datasets.composers.song import Note
from datasets.errors import DatasetError
from datasets.midi import read_midi

TABLE = "info.csv"
COLUMNS = ("drummer", "session", "id", "style", "bpm", "beat_type", "time_signature", "midi_filename", "split")
SPLITS = ("train", "validation", "test")
BEAT_TYPES = ("beat", "fill")
SOURCE = "Groove MIDI Dataset 1.0.0, https://magenta.tensorflow.org/datasets/groove"
LICENCE = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
ATTRIBUTION = (
    "Jon Gillick, Adam Roberts, Jesse Engel, Douglas Eck and David Bamman, "
    '"Learning to Groove with Inverse Sequence Transformations", ICML 2019'
)
# Styles of the data set by the family whose feel they share; what is not here is too rare to be counted.
FAMILIES = {
    "rock": ("rock", "punk", "country"),
    "pop": ("pop", "dance"),
    "funk": ("funk",),
    "soul": ("soul", "gospel"),
    "hiphop": ("hiphop",),
    "jazz": ("jazz",),
    "blues": ("blues",),
    "reggae": ("reggae",),
    "latin": ("latin", "afrocuban"),
    "afrobeat": ("afrobeat", "highlife"),
    "new_orleans": ("neworleans",),
}
COUNTED_SPLITS = ("train",)
LOUD = 64  # velocity from which a stroke is no ghost note
PRIOR_STROKES = 20.0  # strokes of all styles together that a step starts from: a rare one is not taken at its word


@dataclass(frozen=True)
class Performance:
    """One recording of the data set.

    Attributes
    ----------
    id : str
        Such as "drummer1/session1/12".
    path : Path
        The MIDI file.
    style : str
        As the data set names it, such as "funk" or "latin/samba".
    tempo_bpm : float
        Of the metronome.
    beat_type : "beat" or "fill"
        A groove of many bars, or a fill.
    time_signature : str
        Such as "4-4".
    drummer : str
        Such as "drummer1".
    split : "train", "validation" or "test"
        Where the data set puts it.
    """

    id: str
    path: Path
    style: str
    tempo_bpm: float
    beat_type: str
    time_signature: str
    drummer: str
    split: str

    @property
    def family(self) -> str | None:
        """The one of `FAMILIES` that its style belongs to."""
        primary = self.style.partition("/")[0]
        return next((family for family, members in FAMILIES.items() if primary in members), None)


def read_performances(folder: Path) -> list[Performance]:
    """Performances of the data set, in the order of its table.

    Parameters
    ----------
    folder : Path
        Holds `info.csv` and a folder for each drummer.

    Raises
    ------
    DatasetError
        If the folder is not laid out as the data set is; the message says what was expected.
    """
    folder = Path(folder)
    table = folder / TABLE
    try:
        lines = table.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{table}: expected the table of Groove MIDI beside drummer1/, drummer2/ … ({error})"
        ) from None
    rows = csv.DictReader(lines)
    if missing := set(COLUMNS) - set(rows.fieldnames or ()):
        raise DatasetError(f"{table}: no column {', '.join(sorted(missing))}; expected those of Groove MIDI")
    performances = [_performance(folder, row, f"{table}, line {rows.line_num}") for row in rows]
    if not performances:
        raise DatasetError(f"{table}: no performances; expected a row for each")
    return performances


def read_strokes(path: Path) -> list[Note]:
    """Strokes of a performance in order of time, in beats from the first beat of the metronome.

    Raises
    ------
    DatasetError
        If the file is missing, no sound MIDI file, or changes its tempo, which a metronome does not.
    """
    score = read_midi(path)
    if len(score.tempos) > 1:
        raise DatasetError(f"{path}: {len(score.tempos)} tempos, expected that of one metronome")
    beats_per_s = score.tempos[0].bpm / 60
    return [
        Note(note.start_s * beats_per_s, note.duration_s * beats_per_s, note.pitch, note.velocity)
        for note in score.notes
        if note.is_drum
    ]


def count_feel(folder: Path) -> dict[str, Any]:
    """The card of `datasets.composers.groove`, ready for JSON.

    Grooves in 4/4 of `COUNTED_SPLITS` are counted; each stroke belongs to the sixteenth nearest to it. Shifts are
    relative to the mean of their bar: neither the latency of a kit nor a drift of all drums together is feel. A
    step's statistics are drawn towards those of all styles by `PRIOR_STROKES`; deviations are those from a
    performance's own mean, for velocities that of its soft or of its loud strokes.

    Raises
    ------
    DatasetError
        If the folder is not laid out as the data set is, or has nothing to count.
    """
    wanted = [
        performance
        for performance in read_performances(folder)
        if performance.beat_type == "beat"
        and performance.time_signature == "4-4"
        and performance.split in COUNTED_SPLITS
        and performance.family is not None
    ]
    counts: dict[str, list[dict[str, np.ndarray]]] = defaultdict(list)
    for performance in wanted:
        counts[str(performance.family)].append(_measured(read_strokes(performance.path)))
    if not counts:
        raise DatasetError(f"{folder}: no grooves in 4/4 of the split {', '.join(COUNTED_SPLITS)} to count")
    everything = _pooled([each for family in counts.values() for each in family])
    return {
        "what": "Where drummers play and how hard, by family of styles, group of drums and sixteenth of a 4/4 bar",
        "source": SOURCE,
        "licence": LICENCE,
        "attribution": ATTRIBUTION,
        "changes": "Statistics only; no performance is contained",
        "info_csv_sha256": hashlib.sha256((Path(folder) / TABLE).read_bytes()).hexdigest(),
        "settings": {
            "splits": list(COUNTED_SPLITS),
            "beat_type": "beat",
            "time_signature": "4-4",
            "steps": STEPS,
            "prior_strokes": PRIOR_STROKES,
            "loud": LOUD,
            "groups": {group: list(pitches) for group, pitches in GROUPS.items()},
        },
        "units": {
            "shift": "mean share of a step, relative to the mean of the bar, above 0 is late",
            "shift_deviation": "share of a step",
            "velocity": "mean MIDI velocity",
            "velocity_deviation": "MIDI velocity",
            "strokes": "number counted",
        },
        "performances": {family: len(counts[family]) for family in FAMILIES if family in counts},
        "feel": {
            family: _rounded(_pooled(counts[family], prior=everything)) for family in FAMILIES if family in counts
        },
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the card of `datasets.composers.groove`."""
    parser = argparse.ArgumentParser(description="Count how drummers play on the Groove MIDI data set.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set, with info.csv")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    options = parser.parse_args(arguments)
    text = json.dumps(count_feel(options.data), indent=1, ensure_ascii=False)
    options.out.write_text(_lists_on_one_line(text) + "\n", encoding="utf-8")


def _performance(folder: Path, row: dict[str, str], where: str) -> Performance:
    if None in row.values():
        raise DatasetError(f"{where}: expected {len(COLUMNS)} or more columns")
    try:
        tempo_bpm = float(row["bpm"])
    except ValueError:
        raise DatasetError(f"{where}: bpm {row['bpm']!r}, expected a number") from None
    if not 20 <= tempo_bpm <= 400:
        raise DatasetError(f"{where}: bpm {row['bpm']!r}, expected 20 to 400")
    for column, expected in (("split", SPLITS), ("beat_type", BEAT_TYPES)):
        if row[column] not in expected:
            raise DatasetError(f"{where}: {column} {row[column]!r}, expected one of {', '.join(expected)}")
    path = folder / row["midi_filename"]
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DatasetError(f"{where}: {row['midi_filename']!r} leads out of the folder")
    if not path.is_file():
        raise DatasetError(f"{where}: there is no file {path}")
    return Performance(
        id=row["id"],
        path=path,
        style=row["style"],
        tempo_bpm=tempo_bpm,
        beat_type=row["beat_type"],
        time_signature=row["time_signature"],
        drummer=row["drummer"],
        split=row["split"],
    )


def _measured(strokes: Iterable[Note]) -> dict[str, np.ndarray]:
    """Cell (group of drums and step), shift and velocity of each stroke of one performance, and their residuals."""
    known = [stroke for stroke in strokes if stroke.pitch in GROUP_OF]
    names = list(GROUPS)
    positions = np.array([stroke.start / STEP_BEATS for stroke in known])
    nearest = np.round(positions).astype(int)
    shift = _residual(positions - nearest, nearest // STEPS)
    velocity = np.array([stroke.velocity for stroke in known], dtype=float)
    cell = np.array([names.index(GROUP_OF[stroke.pitch]) for stroke in known], dtype=int) * STEPS + nearest % STEPS
    return {
        "cell": cell,
        "shift": shift,
        "shift_residual": _residual(shift, cell),
        "velocity": velocity,
        "velocity_residual": _residual(velocity, 2 * cell + (velocity >= LOUD)),
    }


def _residual(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What is left of each value without the mean of all with its label."""
    _, index, n = np.unique(labels, return_inverse=True, return_counts=True)
    return values - (np.bincount(index, values, minlength=len(n)) / n)[index]


def _pooled(performances: Sequence[dict[str, np.ndarray]], prior: np.ndarray | None = None) -> np.ndarray:
    """Strokes, mean and deviation of shift and of velocity: shape (groups, steps, 5), `prior` of the same shape."""
    strokes = {name: np.concatenate([each[name] for each in performances]) for name in performances[0]}

    def total(values: np.ndarray) -> np.ndarray:
        sums = np.bincount(strokes["cell"], values, minlength=len(GROUPS) * STEPS)
        return sums.reshape(len(GROUPS), STEPS)

    n = total(np.ones(len(strokes["cell"])))
    weight, known = (0.0, np.zeros((*n.shape, 5))) if prior is None else (PRIOR_STROKES, prior)
    pooled = [n]
    for column, quantity in ((1, "shift"), (3, "velocity")):
        squares = total(strokes[f"{quantity}_residual"] ** 2)
        pooled.append((total(strokes[quantity]) + weight * known[..., column]) / np.maximum(n + weight, 1))
        pooled.append(np.sqrt((squares + weight * known[..., column + 1] ** 2) / np.maximum(n + weight, 1)))
    return np.stack(pooled, axis=-1)


def _rounded(pooled: np.ndarray) -> dict[str, dict[str, list[float]]]:
    columns = ("strokes", "shift", "shift_deviation", "velocity", "velocity_deviation")
    digits = (0, 3, 3, 1, 1)
    return {
        group: {
            name: [int(value) if places == 0 else round(float(value), places) for value in pooled[index, :, column]]
            for column, (name, places) in enumerate(zip(columns, digits, strict=True))
        }
        for index, group in enumerate(GROUPS)
    }


def _lists_on_one_line(text: str) -> str:
    return re.sub(
        r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\s+", " ", found[0]).replace("[ ", "[").replace(" ]", "]"), text
    )


if __name__ == "__main__":
    main()
