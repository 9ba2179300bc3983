"""One retraining: from the labels of a project to a head, what it is worth, and whether it should take over.

Labels come in two kinds. Those of the random slice measure: their recordings were not chosen by any strategy. All of
them are learned from. Accuracy is always that of heads that learned neither from the recording's label nor from its
artist; a recording with several genres, or with a tie between annotators, is answered rightly by any of them.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import ModelError
from models.evaluation.metrics import confusion, expected_calibration_error
from models.label_cross_fit import Fit, Predictor, label_folds, out_of_fold
from models.learning_curve import MIN_POINTS, Advice, CurvePoint, Gain, advise, expected_gain
from models.suspicious_labels import NO_LABEL, SuspiciousLabel, find_suspicious_labels

if TYPE_CHECKING:
    from models.label_pool import LabelPool

CURVE_SIZES = 6  # points of the learning curve, if time allows
CURVE_START = 10  # labels of its first point
MIN_COMPARED = 10  # evaluation items before a head is refused
BUDGET_S = 120.0
ROUNDING = 1e-9  # points
NOT_MEASURED = "not measured yet"


@dataclass(frozen=True)
class LabelTraining:
    """What came of a retraining.

    Attributes
    ----------
    genres : tuple of str
        Names.
    n_labels, n_evaluated : int
        Labels that were learned from; those of the random slice on which accuracy is measured.
    accuracy, low, high : float or None
        Share of evaluation items answered rightly and its 95 % interval (Wilson); None without such items.
    accuracy_before : float or None
        The same with the labels of the active version alone; None where it was not measured.
    activate : bool
        Whether the head should take over.
    reason : str
        Why, in words.
    curve : tuple of CurvePoint
        Accuracy of heads that know only the first labels, fewest first.
    gain : Gain or None
        What the next labels are expected to bring; None while the curve has fewer than three points.
    advice : Advice
        Whether to stop labelling.
    confusion : np.ndarray of int, shape (k, k)
        Labelled recordings of one genre: row is the label, column the answer.
    ece : float or None
        Expected calibration error over the same recordings; None without any.
    per_class : dict
        `labels`, `recall` and `precision` of each genre over the same recordings; None where there is no such label
        or answer.
    suspicious : tuple of SuspiciousLabel
        Likely wrong labels, `row` counts in the order of the labels.
    out_of_fold : np.ndarray, shape (m, k)
        Probabilities by heads that did not learn from the recording; NaN where nothing could be held out.
    predictor : Predictor
        The head, fitted on everything.
    """

    genres: tuple[str, ...]
    n_labels: int
    n_evaluated: int
    accuracy: float | None
    low: float | None
    high: float | None
    accuracy_before: float | None
    activate: bool
    reason: str
    curve: tuple[CurvePoint, ...]
    gain: Gain | None
    advice: Advice
    confusion: np.ndarray = field(repr=False)
    ece: float | None
    per_class: dict[str, dict[str, float | int | None]] = field(repr=False)
    suspicious: tuple[SuspiciousLabel, ...] = field(repr=False)
    out_of_fold: np.ndarray = field(repr=False)
    predictor: Predictor = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """All but the probabilities and the head, ready for JSON; suspicious labels with names of genres."""
        plain = ("n_labels", "n_evaluated", "accuracy", "low", "high", "accuracy_before", "activate", "reason", "ece")
        return {
            "genres": list(self.genres),
            **{name: getattr(self, name) for name in plain},
            "curve": {
                "points": [asdict(point) for point in self.curve],
                "gain": None if self.gain is None else asdict(self.gain),
                "advice": asdict(self.advice),
            },
            "confusion": {"genres": list(self.genres), "matrix": self.confusion.tolist()},
            "per_class": {genre: dict(figures) for genre, figures in self.per_class.items()},
            "suspicious": [
                asdict(each) | {"label": self.genres[each.label], "likely": self.genres[each.likely]}
                for each in self.suspicious
            ],
        }


def train_from_labels(
    pool: "LabelPool",
    labelled: np.ndarray,
    targets: np.ndarray,
    *,
    genres: Sequence[str],
    on_random_slice: np.ndarray,
    fit: Fit,
    known_before: np.ndarray | None = None,
    agreement: float | None = None,
    n_folds: int = 5,
    seed: int = 0,
    budget_s: float = BUDGET_S,
    progress: Callable[[float], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> LabelTraining:
    """Fit a head on labels, measure it, and compare it with what was known before.

    Parameters
    ----------
    pool : LabelPool
        All recordings of the project.
    labelled : np.ndarray of int, shape (m,)
        Rows that have a label, in the order in which they were labelled; each once.
    targets : np.ndarray, shape (m, k)
        Soft labels, at least 0. "None of these" is no label.
    genres : sequence of str
        Names of the k genres.
    on_random_slice : np.ndarray of bool, shape (m,)
        Labels that measure.
    fit : Fit
        Fits a head, as `models.few_label_head.fit_few_label_head` with its names filled in.
    known_before : np.ndarray of bool, shape (m,), optional
        Labels that the active version was fitted on; None if there is no such version.
    agreement : float, optional
        Share of answers in which annotators agree, mentioned in the advice.
    n_folds : int
        Heads that are cross-fitted, at least 2.
    seed : int
        Of folds and intervals.
    budget_s : float
        Where heads take long, the learning curve gets fewer points to keep within these seconds.
    progress : callable, optional
        Called with the share that is done, 0 to 1, after each head. What it raises ends the work.
    clock : callable
        Seconds, for the budget.

    Raises
    ------
    ModelError
        If the arrays do not fit together, or fewer than two genres are labelled.
    """
    _check(pool, labelled, targets, genres, on_random_slice, known_before, n_folds)
    started = clock()
    folds = label_folds([pool.groups[row] for row in labelled], targets.argmax(axis=1), n_folds=n_folds, seed=seed)
    measured = on_random_slice & (folds.max() > 0)
    compares = known_before is not None and bool(known_before.any()) and int(measured.sum()) >= MIN_COMPARED
    steps = _Steps(
        progress, n_folds=int(folds.max()) + 1, n_rounds=1 + compares + (CURVE_SIZES - 1) * bool(measured.any())
    )

    def answers(learned: np.ndarray | None = None) -> np.ndarray:
        return out_of_fold(pool, labelled, targets, folds, fit, learned=learned, after_fit=steps.one_more)

    def right(probabilities: np.ndarray) -> np.ndarray:
        return _right(probabilities, targets)[measured]

    held_out = answers()
    round_s = clock() - started
    before = right(answers(known_before)) if compares else None
    n_sizes = int(np.clip((budget_s - (2 + compares) * round_s) / max(round_s, 1e-6), 0, CURVE_SIZES - 1)) + 1
    sizes = _curve_sizes(targets, n_sizes) if measured.any() else []
    steps.n_rounds = 1 + compares + max(len(sizes) - 1, 0)
    order = np.arange(len(labelled))
    curve = np.array([right(answers(order < size)) for size in sizes[:-1]] + [right(held_out)] * bool(sizes))
    predictor = fit(pool, labelled, targets)
    steps.finished()

    points = tuple(CurvePoint.of(size, row) for size, row in zip(sizes, curve, strict=True))
    gain = expected_gain(sizes, curve, seed=seed) if len(sizes) >= MIN_POINTS else None
    activate, reason = _verdict(right(held_out), before)
    labels = _single_genre(targets)
    judged = labels if folds.max() else np.full_like(labels, NO_LABEL)
    counts, ece, per_class = _figures(held_out, judged, tuple(genres))
    return LabelTraining(
        genres=tuple(genres),
        n_labels=len(labelled),
        n_evaluated=int(measured.sum()),
        accuracy=points[-1].accuracy if points else None,
        low=points[-1].low if points else None,
        high=points[-1].high if points else None,
        accuracy_before=None if before is None else float(before.mean()),
        activate=activate,
        reason=reason,
        curve=points,
        gain=gain,
        advice=advise(points, gain, ceiling=agreement),
        confusion=counts,
        ece=ece,
        per_class=per_class,
        suspicious=find_suspicious_labels(held_out, _heard_elsewhere(judged, folds)),
        out_of_fold=held_out,
        predictor=predictor,
    )


def _check(
    pool: "LabelPool",
    labelled: np.ndarray,
    targets: np.ndarray,
    genres: Sequence[str],
    on_random_slice: np.ndarray,
    known_before: np.ndarray | None,
    n_folds: int,
) -> None:
    m = len(labelled)
    masks = [on_random_slice] if known_before is None else [on_random_slice, known_before]
    if targets.shape != (m, len(genres)) or any(mask.shape != (m,) or mask.dtype != bool for mask in masks):
        raise ModelError(
            f"{m} labels, targets {targets.shape}, {len(genres)} genres, masks {[mask.shape for mask in masks]}: "
            "expected targets (m, k) and masks (m,) of bool"
        )
    if n_folds < 2:
        raise ModelError(f"n_folds={n_folds}: expected 2 or more")
    if m and (labelled.min() < 0 or labelled.max() >= len(pool) or len(np.unique(labelled)) < m):
        raise ModelError(f"labelled rows {labelled.min()} to {labelled.max()}: expected each row of the pool once")
    if not np.isfinite(targets).all() or (targets < 0).any() or (targets.sum(axis=1) <= 0).any():
        raise ModelError("targets: expected numbers of at least 0 with a sum above 0; leave out items of no genre")
    if (targets.sum(axis=0) > 0).sum() < 2:
        raise ModelError("all labels are of one genre: label at least two genres before a model can learn")


class _Steps:
    """Tells how much is done, in heads."""

    def __init__(self, progress: Callable[[float], None] | None, *, n_folds: int, n_rounds: int) -> None:
        self.progress, self.n_folds, self.n_rounds, self.done = progress, n_folds, n_rounds, 0
        self._tell(0.0)

    def one_more(self) -> None:
        self.done += 1
        self._tell(self.done / (self.n_rounds * self.n_folds + 1))

    def finished(self) -> None:
        self._tell(1.0)

    def _tell(self, share: float) -> None:
        if self.progress is not None:
            self.progress(share)


def _right(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Whether the likeliest genre is one of the label's, bool (m,); without an answer it is not."""
    answered = np.isfinite(probabilities).all(axis=1)
    predicted = np.where(answered[:, np.newaxis], probabilities, 0.0).argmax(axis=1)
    return answered & _foremost(targets)[np.arange(len(targets)), predicted]


def _foremost(targets: np.ndarray) -> np.ndarray:
    """The genres that no other of the row exceeds, bool (m, k)."""
    return np.isclose(targets, targets.max(axis=1, keepdims=True))


def _single_genre(targets: np.ndarray) -> np.ndarray:
    """Genre of each label, -1 where several are foremost."""
    foremost = _foremost(targets)
    return np.where(foremost.sum(axis=1) == 1, foremost.argmax(axis=1), NO_LABEL)


def _curve_sizes(targets: np.ndarray, n_sizes: int) -> list[int]:
    """Numbers of labels, geometrically spaced, from the first ten (or the first that know two genres) to all."""
    m = len(targets)
    n_known = (np.cumsum(targets, axis=0) > 0).sum(axis=1)
    first = min(m, max(CURVE_START, int(np.argmax(n_known >= 2)) + 1))
    sizes = np.geomspace(first, m, n_sizes).round() if n_sizes > 1 else np.array([m])
    return sorted({int(size) for size in sizes})


def _verdict(right: np.ndarray, before: np.ndarray | None) -> tuple[bool, str]:
    """Take over unless the answers are worse than before by more than one standard error of the paired difference."""
    n = len(right)
    if n < MIN_COMPARED:
        return True, f"{NOT_MEASURED}: {n} labels of the random slice can measure, {MIN_COMPARED} are needed"
    now = f"{right.sum()} of {n} recordings of the random slice are answered rightly"
    if before is None:
        return True, f"the first version: {now}"
    differences = right.astype(float) - before
    points, error = 100 * differences.mean(), 100 * differences.std(ddof=1) / np.sqrt(n)
    compared = f"{now}, {before.sum()} with the labels before ({points:+.1f} points, standard error {error:.1f})"
    if points < -error - ROUNDING:  # one lost answer is one standard error, whatever n
        return False, f"worse than before: {compared}"
    return True, f"{'better than before' if points > error else 'as good as before'}: {compared}"


def _figures(
    probabilities: np.ndarray, labels: np.ndarray, genres: tuple[str, ...]
) -> tuple[np.ndarray, float | None, dict[str, dict[str, float | int | None]]]:
    """Confusion, calibration error and figures of each genre, over the rows with a label."""
    rows = labels != NO_LABEL
    p, truth = probabilities[rows], labels[rows]
    counts = confusion(p.argmax(axis=1), truth, n_classes=len(genres))
    n_true, n_answered = counts.sum(axis=1), counts.sum(axis=0)
    per_class: dict[str, dict[str, float | int | None]] = {
        genre: {
            "labels": int(n_true[i]),
            "recall": float(counts[i, i] / n_true[i]) if n_true[i] else None,
            "precision": float(counts[i, i] / n_answered[i]) if n_answered[i] else None,
        }
        for i, genre in enumerate(genres)
    }
    return counts, expected_calibration_error(p, truth) if len(truth) else None, per_class


def _heard_elsewhere(labels: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """The labels of genres that lie in two folds or more, else -1: a head that never met a genre cannot doubt it."""
    spread = [genre for genre in np.unique(labels) if len(np.unique(folds[labels == genre])) >= 2]
    return np.where(np.isin(labels, spread), labels, NO_LABEL)
