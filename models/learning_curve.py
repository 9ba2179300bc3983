"""How accuracy grows with labels, and when to stop.

Accuracies are shares, 0 to 1, of evaluation items answered rightly; a point of accuracy is 0.01. The curve is
modelled as a power law, a - b * n**-c: it rises towards a ceiling `a`, ever more slowly.

References
----------
Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22(158), 1927.
Figueroa, Zeng-Treitler, Kandula and Ngo, "Predicting sample size required for classification performance", BMC
Medical Informatics and Decision Making 12:8, 2012.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from models.errors import ModelError

NEXT_LABELS = 50  # what a decision is about: an hour or so of one annotator
WORTH_IT = 0.01  # accuracy that the next labels should be able to bring
MIN_POINTS = 3  # a power law has as many parameters
MIN_EVALUATED = 20
MIN_LABELS = 100  # before that, a curve that seems flat has often just not begun to rise
GAIN_LEVEL = 0.8  # of the interval around the expected gain
EXPONENTS = (0.05, 3.0)  # range of c
N_RESAMPLES = 200


@dataclass(frozen=True)
class CurvePoint:
    """Accuracy with so many labels, over `n_eval` items, and its 95 % interval (Wilson)."""

    labels: int
    accuracy: float
    low: float
    high: float
    n_eval: int

    @classmethod
    def of(cls, labels: int, right: np.ndarray) -> "CurvePoint":
        """Point of the evaluation items (bool, shape (n_eval >= 1,)) that were answered rightly."""
        low, high = wilson_interval(int(right.sum()), len(right))
        return cls(labels, float(right.mean()), low, high, len(right))


@dataclass(frozen=True)
class Gain:
    """Accuracy that the next `labels` labels are expected to bring, with an 80 % interval."""

    labels: int
    expected: float
    low: float
    high: float


@dataclass(frozen=True)
class Advice:
    """Whether to stop labelling, and why, in words."""

    stop: bool
    text: str


@dataclass(frozen=True)
class PowerLaw:
    """Accuracy with n labels: `a` - `b` * n**-`c`."""

    a: float
    b: float
    c: float

    def __call__(self, labels: float) -> float:
        """Accuracy with so many labels."""
        return self.a - self.b * float(labels) ** -self.c


def wilson_interval(right: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share of which `right` of `n` were seen; honest for few items and for shares near 0 and 1.

    Raises
    ------
    ModelError
        If there are no items.
    """
    if n < 1:
        raise ModelError("no evaluation items: an interval needs at least one")
    from scipy.stats import binomtest

    interval = binomtest(right, n).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def fit_power_law(labels: Sequence[int] | np.ndarray, accuracies: Sequence[float] | np.ndarray) -> PowerLaw:
    """Power law through the points of a curve, by least squares.

    Parameters
    ----------
    labels : sequence, shape (n_points,)
        Different numbers of labels, at least 1 each; three points or more.
    accuracies : sequence, shape (n_points,)
        Accuracy with each.

    Returns
    -------
    PowerLaw
        It never falls and stays within 0 and 1: where the points fall, it is flat.

    Raises
    ------
    ModelError
        If there are fewer than three points.
    """
    n, y = np.asarray(labels, dtype=float), np.asarray(accuracies, dtype=float)
    if n.shape != y.shape or len(np.unique(n)) < MIN_POINTS or n.min() < 1:
        raise ModelError(
            f"{len(np.unique(n))} numbers of labels and {y.size} accuracies: a power law needs {MIN_POINTS} or more "
            "points with different numbers of labels"
        )
    # Counted in units of the first point, the unknowns are of one size: `gap` is what the first point lacks of `a`.
    first = n.min()
    start = (y.max(), max(y.max() - y[n.argmin()], 1e-3), 0.5)
    found = least_squares(
        lambda unknowns: _lacking(n / first, *unknowns) - y,
        start,
        jac=lambda unknowns: _slopes(n / first, *unknowns),
        bounds=([0.0, 0.0, EXPONENTS[0]], [1.0, 1.0, EXPONENTS[1]]),
        ftol=1e-10,
        xtol=1e-10,
        gtol=1e-10,
    )
    a, gap, c = found.x
    return PowerLaw(float(a), float(gap * first**c), float(c))


def _lacking(n: np.ndarray, a: float, gap: float, c: float) -> np.ndarray:
    return a - gap * n**-c


def _slopes(n: np.ndarray, _a: float, gap: float, c: float) -> np.ndarray:
    """Derivatives of `_lacking` by its three unknowns."""
    return np.stack([np.ones_like(n), -(n**-c), gap * np.log(n) * n**-c], axis=1)


def expected_gain(labels: Sequence[int], right: np.ndarray, *, more: int = NEXT_LABELS, seed: int = 0) -> Gain:
    """What the next labels are expected to bring, by the power law through the curve.

    Parameters
    ----------
    labels : sequence of int, shape (n_points,)
        Labels of each point, three or more.
    right : np.ndarray of bool, shape (n_points, n_eval)
        Which of the same evaluation items were answered rightly with so many labels.
    more : int
        Labels to come.
    seed : int
        Of the items that are drawn again.

    Returns
    -------
    Gain
        The interval is that of a bootstrap over evaluation items; that other labels could have been given in their
        place is not in it.
    """
    n_points, n_eval = right.shape
    if n_points != len(labels) or n_eval == 0:
        raise ModelError(f"{len(labels)} numbers of labels, answers {right.shape}: expected (n_points, n_eval >= 1)")
    last = max(labels)

    def gain(accuracies: np.ndarray) -> float:
        law = fit_power_law(labels, accuracies)
        return law(last + more) - law(last)

    draws = np.random.default_rng(seed).multinomial(n_eval, np.full(n_eval, 1 / n_eval), size=N_RESAMPLES)
    drawn = [gain(accuracies) for accuracies in draws @ right.T / n_eval]
    expected = gain(right.mean(axis=1))
    tail = (1 - GAIN_LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Gain(more, expected, min(float(low), expected), max(float(high), expected))


def advise(points: Sequence[CurvePoint], gain: Gain | None, *, ceiling: float | None = None) -> Advice:
    """Say whether more labels are worth it.

    Parameters
    ----------
    points : sequence of CurvePoint
        What was measured, fewest labels first.
    gain : Gain or None
        What is expected; None where nothing can be.
    ceiling : float, optional
        Share of answers in which people agree with each other.
    """
    people = "" if ceiling is None else f" People agree with each other in {100 * ceiling:.0f} % of their answers."
    missing = _too_early(points)
    if missing or gain is None:
        return Advice(False, f"Too early to say: {missing or 'no gain has been worked out'}.{people}")
    stop = gain.high < WORTH_IT
    expected = f"{gain.labels} more labels are expected to bring {_points(gain.expected)}"
    interval = f"80 % interval {_points(gain.low, unit='')} to {_points(gain.high, unit='')}"
    verdict = "You can stop" if stop else "Go on"
    if people:
        people = f"{people[:-1]}, the model is right in {100 * points[-1].accuracy:.0f} %."
    return Advice(stop, f"{verdict}: {expected} ({interval}).{people}")


def _too_early(points: Sequence[CurvePoint]) -> str:
    """What is lacking before anything can be said, "" if nothing."""
    n_eval, n_labels = (points[-1].n_eval, points[-1].labels) if points else (0, 0)
    if n_eval < MIN_EVALUATED:
        recordings = "1 recording" if n_eval == 1 else f"{n_eval} recordings"
        return f"accuracy is measured on {recordings} of the random slice, {MIN_EVALUATED} are needed"
    if len(points) < MIN_POINTS:
        return f"the learning curve has {len(points)} of the {MIN_POINTS} points that are needed"
    return f"there are {n_labels} labels, {MIN_LABELS} are needed" if n_labels < MIN_LABELS else ""


def _points(share: float, *, unit: str = " points of accuracy") -> str:
    return f"{max(100 * share, 0.0):+.1f}{unit}"
