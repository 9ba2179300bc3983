"""The report of a trained classifier: what it learned from, how right it is, what to expect, what to beware of.

Built from plain data and written as `report.json` and `report.html` beside the model. The page needs nothing but
itself: pictures and styles are inside, there is no script, and what comes from the data is escaped.
"""

import dataclasses
import json
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import ModelError
from models.evaluation.pictures import (
    ReliabilityBin,
    Variant,
    ablation_chart,
    confusion_matrix,
    learning_curves,
    reliability_diagram,
)
from models.evaluation.text import FIGURES

JSON_FILE, HTML_FILE = "report.json", "report.html"
TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = "training_report.html.j2"

FEW_RECORDINGS = 20  # of a genre
MAX_IMBALANCE = 5.0  # recordings of the largest genre for one of the smallest
WIDE_INTERVAL = 0.10  # of the accuracy, from end to end
MAX_ECE = 0.08
LOW_RECALL = 0.5
PROBLEMS_SHOWN = 50  # in the page; the JSON has all
FINITE_FIGURES = (
    "accuracy",
    "accuracy_interval",
    "log_loss",
    "ece",
    "coverage",
    "mean_set_size",
    "abstention_rate",
    "confusion",
)
REQUIRED_FIGURES = (*FINITE_FIGURES, "n_tracks", "selective_accuracy", "genres", "per_class")


@dataclass(frozen=True)
class DataSummary:
    """What a model was trained and tried on."""

    n_recordings: dict[str, dict[str, int]]  # genre: split: recordings
    hours: float | None = None
    n_artists: int | None = None
    licences: dict[str, int] = field(default_factory=dict)  # licence: recordings
    problems: tuple[str, ...] = ()  # found when the recordings were checked


@dataclass(frozen=True)
class ReportWarning:
    """One thing to beware of: `code` for programs, `text` for people."""

    code: str
    text: str


@dataclass(frozen=True)
class TrainingReport:
    """What is known of a trained classifier.

    Attributes
    ----------
    name, created : str
        Of the model, and when it was trained (ISO 8601).
    genres : tuple of str
        In the order of the classes.
    settings : dict
        With which it was trained; values as in JSON, nested as need be.
    data : DataSummary
        Recordings of each of the genres.
    figures : dict
        Of `models.evaluation.report.report`, on recordings that training never saw.
    reliability : tuple of ReliabilityBin
        Of the same recordings (`models.evaluation.pictures.reliability_bins`); empty where probabilities are gone.
    history : dict
        A value per epoch of `loss`, `val_loss`, `accuracy` and so on; empty for a model that is fitted at once.
    best_epoch : int, optional
        Whose weights were kept, from 1. By default that of the lowest `val_loss`, or `loss` without validation.
    cross_validation : dict, optional
        Of `models.evaluation.cross_validation.cross_validate`.
    ablation : tuple of Variant
        The model as it is first, then what it is without its parts.
    comparison : dict
        Figures, as above, of other models on the same held-out recordings, by name.

    Raises
    ------
    ModelError
        If the parts are not of the same genres, or figures are missing or not finite.
    """

    name: str
    created: str
    genres: tuple[str, ...]
    settings: dict[str, Any]
    data: DataSummary
    figures: dict[str, Any]
    reliability: tuple[ReliabilityBin, ...] = ()
    history: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int | None = None
    cross_validation: dict[str, Any] | None = None
    ablation: tuple[Variant, ...] = ()
    comparison: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_figures(self.figures, self.genres)
        if set(self.data.n_recordings) != set(self.genres):
            raise ModelError(
                f"recordings of {sorted(self.data.n_recordings)}: expected those of the genres {sorted(self.genres)}"
            )
        if self.history and self.best_epoch is None:
            object.__setattr__(self, "best_epoch", _best_epoch(self.history))

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy on the held-out recordings.

        That of the figures, which is of no width where all answers are right or all are wrong: there it is Wilson's.

        References
        ----------
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
        """
        low, high = self.figures["accuracy_interval"]
        return (low, high) if low < high else _wilson(_n_right(self.figures), self.figures["n_tracks"])

    @property
    def expectation(self) -> tuple[str, ...]:
        """What to expect of the model, in sentences."""
        return tuple(_expectation(self))

    @property
    def warnings(self) -> tuple[ReportWarning, ...]:
        """What to beware of, computed from the data and the figures."""
        return tuple(_warnings(self))

    def to_dict(self) -> dict[str, Any]:
        """Everything in the report, ready for strict JSON: what is not a finite number is null.

        Raises
        ------
        ModelError
            If the settings hold what JSON cannot.
        """
        found = {
            "name": self.name,
            "created": self.created,
            "genres": self.genres,
            "accuracy_interval": self.accuracy_interval,
            "expectation": self.expectation,
            "warnings": self.warnings,
            "figures": self.figures,
            "reliability": self.reliability,
            "history": self.history,
            "best_epoch": self.best_epoch,
            "cross_validation": self.cross_validation,
            "ablation": self.ablation,
            "comparison": self.comparison,
            "data": self.data,
            "settings": self.settings,
        }
        return {name: _json_ready(value, name) for name, value in found.items()}

    def to_html(self) -> str:
        """The report as a page of its own."""
        import jinja2
        from markupsafe import Markup

        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters |= {"percent": _percent, "decimals": _decimals}
        # The one thing that is not escaped: pictures, which escape the names in them.
        pictures = {name: Markup(picture) for name, picture in _pictures(self).items()}
        return environment.get_template(TEMPLATE).render(_page(self), report=self, pictures=pictures)

    def write(self, folder: Path) -> Path:
        """Write `report.json` and `report.html` to a folder, each whole or not at all.

        Returns
        -------
        Path
            The page.
        """
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        files = {JSON_FILE: text, HTML_FILE: self.to_html()}
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".report-", dir=folder) as drafts:
            for name, text in files.items():
                # Names of files that are no UTF-8 reach us as lone surrogates, which are written as their escapes.
                (Path(drafts) / name).write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
            for name in files:
                (Path(drafts) / name).replace(folder / name)
        return folder / HTML_FILE


def _check_figures(figures: dict[str, Any], genres: tuple[str, ...]) -> None:
    if missing := [name for name in REQUIRED_FIGURES if name not in figures]:
        raise ModelError(f"figures without {', '.join(missing)}: expected those of models.evaluation.report.report")
    if len(set(genres)) != len(genres) or len(genres) < 2:
        raise ModelError(f"genres {list(genres)}: expected two or more, each once")
    if tuple(figures["genres"]) != tuple(genres):
        raise ModelError(f"figures of the genres {list(figures['genres'])}: expected {list(genres)}")
    counts, n, n_tracks = np.asarray(figures["confusion"]), len(genres), figures["n_tracks"]
    if counts.shape != (n, n) or counts.sum() != n_tracks or n_tracks < 1:
        raise ModelError(
            f"confusion of shape {counts.shape} with {counts.sum()} recordings: expected ({n}, {n}) with {n_tracks}, "
            "at least 1"
        )
    for name in FINITE_FIGURES:
        if not np.isfinite(np.asarray(figures[name], dtype=float)).all():
            raise ModelError(f"figure {name!r} is {figures[name]}: expected what is finite")


def _best_epoch(history: dict[str, list[float]]) -> int:
    curve = np.asarray(history.get("val_loss", history.get("loss", ())), dtype=float)
    if curve.size == 0:
        raise ModelError(f"history of {sorted(history)}: expected 'loss', with one value per epoch")
    return int(np.where(np.isfinite(curve), curve, np.inf).argmin()) + 1


def _n_right(figures: dict[str, Any]) -> int:
    return int(np.trace(np.asarray(figures["confusion"])))


def _wilson(n_right: int, n: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    interval = binomtest(n_right, n).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _expectation(report: TrainingReport) -> Iterator[str]:
    figures = report.figures
    # Rounded outwards; the inner rounding keeps 0.57 * 100 at 57.
    low = math.floor(round(100 * report.accuracy_interval[0], 6))
    high = math.ceil(round(100 * report.accuracy_interval[1], 6))
    span = f"{low} to {high}" if low < high else f"{low}"
    yield (
        f"Of 100 new recordings like these, expect {span} to be named rightly on average: of the "
        f"{figures['n_tracks']} that were held out, {_n_right(figures)} were."
    )
    yield (
        f"The set of likely genres, {figures['mean_set_size']:.1f} of them on average, held the truth for "
        f"{_percent(figures['coverage'])}; {_percent(figures['abstention_rate'])} got no answer."
    )
    mistakes = np.asarray(figures["confusion"]) * (1 - np.eye(len(report.genres), dtype=int))
    if mistakes.max() > 1:
        true, answered = np.unravel_index(mistakes.argmax(), mistakes.shape)
        of_genre = np.asarray(figures["confusion"])[true].sum()
        yield (
            f"The most frequent mistake was to take {report.genres[true]} for {report.genres[answered]} "
            f"({mistakes.max()} of {of_genre})."
        )
    yield (
        "Recordings that differ from these, in sound, age or region, will come out worse, and a genre that is not on "
        "the list is named as one that is."
    )


def _warnings(report: TrainingReport) -> Iterator[ReportWarning]:
    figures, genres = report.figures, report.genres
    if lost := _epochs_without_loss(report.history):
        yield ReportWarning(
            "loss_not_finite",
            f"The loss was no number in {_plural(len(lost), 'epoch')}, first in epoch {lost[0]}: training came apart. "
            "Lower the learning rate and look for broken recordings.",
        )
    counts = np.asarray(figures["confusion"])
    true = counts.sum(axis=1)
    if figures["accuracy"] <= true.max() / true.sum():
        yield ReportWarning(
            "no_better_than_majority",
            f"An accuracy of {_percent(figures['accuracy'])} is not better than always answering "
            f"{genres[true.argmax()]} ({_percent(true.max() / true.sum())}): as it is, the model is of no use.",
        )
    n_of = {genre: sum(report.data.n_recordings[genre].values()) for genre in genres}
    if few := [f"{genre} ({n})" for genre, n in n_of.items() if n < FEW_RECORDINGS]:
        yield ReportWarning(
            "few_recordings",
            f"Fewer than {FEW_RECORDINGS} recordings: {', '.join(few)}. What is learned and measured of so few rests "
            "on chance; add recordings.",
        )
    least, most = min(genres, key=n_of.__getitem__), max(genres, key=n_of.__getitem__)
    if n_of[most] > MAX_IMBALANCE * n_of[least]:
        times = f", {n_of[most] / n_of[least]:.1f} times as many" if n_of[least] else ""
        yield ReportWarning(
            "imbalanced",
            f"Genres are uneven: {n_of[least]} recordings of {least}, {n_of[most]} of {most}{times}. The model leans "
            f"towards what it heard most; add recordings of {least}.",
        )
    low, high = report.accuracy_interval
    if high - low > WIDE_INTERVAL:
        yield ReportWarning(
            "wide_interval",
            f"With {_plural(figures['n_tracks'], 'recording')} held out, all that is known of the accuracy is that it "
            f"lies between {_percent(low)} and {_percent(high)}. Differences smaller than that may be chance.",
        )
    if figures["ece"] > MAX_ECE:
        yield ReportWarning(
            "miscalibrated",
            f"The calibration error is {figures['ece']:.3f}, over {MAX_ECE:.2f}: what the model calls 80 % sure is not "
            "right in 80 of 100 cases. Don't take its probabilities at their word.",
        )
    if untested := [genre for genre, n in zip(genres, true, strict=True) if n == 0]:
        yield ReportWarning(
            "untested_genre",
            f"None of the held-out recordings is {' or '.join(untested)}: how well the model knows "
            f"{'it' if len(untested) == 1 else 'them'} is not known.",
        )
    if missed := [
        f"{genre} ({counts[i, i]} of {true[i]})"
        for i, genre in enumerate(genres)
        if true[i] and counts[i, i] / true[i] < LOW_RECALL
    ]:
        yield ReportWarning("low_recall", f"Recognised less than half of the time: {', '.join(missed)}.")


def _epochs_without_loss(history: dict[str, list[float]]) -> list[int]:
    curves = [history[name] for name in ("loss", "val_loss") if name in history]
    return sorted({epoch + 1 for curve in curves for epoch, value in enumerate(curve) if not math.isfinite(value)})


def _plural(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _json_ready(value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Path():
            return str(value)
        case list() | tuple():
            return [_json_ready(each, f"{where}[{i}]") for i, each in enumerate(value)]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: _json_ready(each, f"{where}.{key}") for key, each in value.items()}
    raise ModelError(f"{where}: JSON cannot hold a {type(value).__name__} ({value!r:.80})")


def _percent(share: float | None, digits: int = 1) -> str:
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def _decimals(number: float | None, digits: int = 3) -> str:
    # Adding 0.0 turns a rounded -0.0 into 0.
    return "–" if number is None or not math.isfinite(number) else f"{round(number, digits) + 0.0:.{digits}f}"


def _pictures(report: TrainingReport) -> dict[str, str]:
    pictures = {"confusion": confusion_matrix(report.figures["confusion"], report.genres)}
    if report.reliability:
        pictures["reliability"] = reliability_diagram(report.reliability, ece=report.figures["ece"])
    if report.history and report.best_epoch is not None:
        pictures["history"] = learning_curves(report.history, best_epoch=report.best_epoch)
    if report.ablation:
        pictures["ablation"] = ablation_chart(report.ablation)
    return pictures


def _page(report: TrainingReport) -> dict[str, Any]:
    """What the template shows beside the report itself, as rows of tables."""
    n_recordings = report.data.n_recordings
    splits = list(dict.fromkeys(split for genre in report.genres for split in n_recordings[genre]))
    rows = [(genre, [n_recordings[genre].get(split, 0) for split in splits]) for genre in report.genres]
    return {
        "figure_titles": FIGURES,
        "chance": math.log(len(report.genres)),
        "splits": splits,
        "recordings": rows,
        "recordings_in_all": [sum(column) for column in zip(*(counts for _, counts in rows), strict=True)],
        "n_recordings": sum(sum(counts) for _, counts in rows),
        "classes": [_of_class(report, index) for index in range(len(report.genres))],
        "epochs": _epochs(report.history),
        "models": [(report.name, report.figures), *report.comparison.items()],
        "settings": list(_flat(_json_ready(report.settings, "settings"))),
        "problems_shown": PROBLEMS_SHOWN,
    }


def _of_class(report: TrainingReport, index: int) -> dict[str, Any]:
    row = np.asarray(report.figures["confusion"])[index]
    mistakes = [
        (int(n), genre) for i, (n, genre) in enumerate(zip(row, report.genres, strict=True)) if n and i != index
    ]
    mistakes.sort(key=lambda mistake: -mistake[0])
    genre = report.genres[index]
    return {
        "genre": genre,
        "figures": report.figures["per_class"].get(genre),
        "interval": _wilson(int(row[index]), int(row.sum())) if row.any() else None,
        "taken_for": ", ".join(f"{other} ({n})" for n, other in mistakes[:2]),
    }


def _epochs(history: dict[str, list[float]]) -> tuple[list[str], list[tuple[float, ...]]]:
    n_epochs = max(map(len, history.values()), default=0)
    columns = [name for name, curve in history.items() if len(curve) == n_epochs]
    return columns, list(zip(*(history[name] for name in columns), strict=True))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Settings as rows: the keys on the way, joined by dots, and the value."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _flat(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for place, each in enumerate(value, start=1):
            yield from _flat(each, f"{path}.{place}")
    elif path:
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
