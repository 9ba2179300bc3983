import numpy as np
import pytest

from models.errors import ModelError
from models.learning_curve import (
    MIN_EVALUATED,
    MIN_LABELS,
    CurvePoint,
    Gain,
    PowerLaw,
    advise,
    expected_gain,
    fit_power_law,
    wilson_interval,
)

SIZES = [10, 24, 56, 133, 316, 750]


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (50, 100, 0.4038, 0.5962)],
)
def test_wilson_intervals_as_the_formula_gives_them(right, n, low, high):
    """(p + z2/2n -+ z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n) with z = 1.96."""
    assert wilson_interval(right, n) == pytest.approx((low, high), abs=1e-4)


def test_an_interval_needs_an_item():
    with pytest.raises(ModelError, match="no evaluation items"):
        wilson_interval(0, 0)


def test_a_point_counts_what_was_right():
    point = CurvePoint.of(40, np.array([True] * 8 + [False] * 2))
    assert (point.labels, point.accuracy, point.n_eval) == (40, 0.8, 10)
    assert (point.low, point.high) == wilson_interval(8, 10)


@pytest.mark.parametrize("law", [PowerLaw(0.9, 1.5, 0.5), PowerLaw(0.7, 0.5, 0.2), PowerLaw(1.0, 3.0, 1.0)])
def test_points_on_a_power_law_are_recovered(law):
    found = fit_power_law(SIZES, [law(n) for n in SIZES])
    assert (found.a, found.b, found.c) == pytest.approx((law.a, law.b, law.c), rel=1e-3)
    assert found(800) == pytest.approx(law(800), abs=1e-5)


def test_the_order_of_points_does_not_matter():
    law = PowerLaw(0.9, 1.5, 0.5)
    found = fit_power_law(SIZES[::-1], [law(n) for n in SIZES[::-1]])
    assert found(800) == pytest.approx(law(800), abs=1e-5)


@pytest.mark.parametrize("accuracies", [[0.7] * 6, [0.8, 0.75, 0.7, 0.65, 0.6, 0.55]], ids=["flat", "falling"])
def test_a_law_never_falls(accuracies):
    found = fit_power_law(SIZES, accuracies)
    assert found(800) - found(750) == pytest.approx(0.0, abs=1e-4)
    assert found(750) == pytest.approx(np.mean(accuracies), abs=0.01)


def test_a_law_stays_below_one():
    found = fit_power_law(SIZES, [0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert found(10_000_000) <= 1.0


@pytest.mark.parametrize(
    ("labels", "accuracies"),
    [([10, 20], [0.5, 0.6]), ([10, 10, 20], [0.5, 0.5, 0.6]), ([10, 20, 30], [0.5, 0.6]), ([0, 1, 2], [0.1, 0.2, 0.3])],
)
def test_too_few_points_are_refused(labels, accuracies):
    with pytest.raises(ModelError, match="a power law needs 3 or more"):
        fit_power_law(labels, accuracies)


def answers(law: PowerLaw, sizes: list[int], n_eval: int) -> np.ndarray:
    """Items from the easiest to the hardest: the share of the law is answered rightly."""
    return np.array([np.arange(n_eval) < round(n_eval * law(size)) for size in sizes])


def test_the_gain_of_a_steep_curve_is_that_of_its_law():
    """From 100 to 150 labels, 0.9 - 1.5 / sqrt(n) rises from 0.75 to 0.7775."""
    sizes = [10, 20, 40, 70, 100]
    gain = expected_gain(sizes, answers(PowerLaw(0.9, 1.5, 0.5), sizes, 2000))
    assert gain.labels == 50
    assert gain.expected == pytest.approx(0.0275, abs=1e-3)
    assert 0.02 < gain.low < gain.expected < gain.high < 0.035


def test_fewer_items_make_the_interval_wider():
    sizes = [10, 20, 40, 70, 100]
    few, many = (expected_gain(sizes, answers(PowerLaw(0.9, 1.5, 0.5), sizes, n)) for n in (40, 1000))
    assert few.high - few.low > 2 * (many.high - many.low)


def test_a_flat_curve_promises_nothing():
    gain = expected_gain(SIZES, np.tile(np.arange(100) < 70, (6, 1)))
    assert (gain.expected, gain.low, gain.high) == pytest.approx((0.0, 0.0, 0.0), abs=1e-4)


def test_the_same_answers_give_the_same_gain():
    right = answers(PowerLaw(0.9, 1.5, 0.5), SIZES, 60)
    assert expected_gain(SIZES, right, seed=4) == expected_gain(SIZES, right, seed=4)


@pytest.mark.parametrize("right", [np.ones((2, 9), bool), np.ones((3, 0), bool)])
def test_answers_must_fit_the_points(right):
    with pytest.raises(ModelError, match=r"3 numbers of labels, answers \("):
        expected_gain([10, 20, 30], right)


def curve(*, sizes=(25, 50, 100), accuracy=0.7, n_eval=100) -> list[CurvePoint]:
    return [CurvePoint.of(size, np.arange(n_eval) < accuracy * n_eval) for size in sizes]


def test_stop_when_the_next_labels_cannot_bring_a_point():
    found = advise(curve(), Gain(50, 0.002, 0.0, 0.0099))
    assert found.stop
    assert found.text == (
        "You can stop: 50 more labels are expected to bring +0.2 points of accuracy (80 % interval +0.0 to +1.0)."
    )


def test_go_on_when_they_may():
    found = advise(curve(), Gain(50, 0.031, 0.0, 0.05))
    assert not found.stop
    assert found.text == (
        "Go on: 50 more labels are expected to bring +3.1 points of accuracy (80 % interval +0.0 to +5.0)."
    )


def test_go_on_when_little_is_expected_but_more_is_possible():
    assert not advise(curve(), Gain(50, 0.002, 0.0, 0.0101)).stop


def test_the_agreement_of_people_is_mentioned():
    found = advise(curve(accuracy=0.7), Gain(50, 0.002, 0.0, 0.004), ceiling=0.72)
    assert found.text.endswith(" People agree with each other in 72 % of their answers, the model is right in 70 %.")
    early = advise([], None, ceiling=0.72)
    assert early.text.endswith(" People agree with each other in 72 % of their answers.")


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([], "measured on 0 recordings of the random slice, 20 are needed"),
        (curve(n_eval=1), "measured on 1 recording of"),
        (curve(n_eval=MIN_EVALUATED - 1), "measured on 19 recordings of"),
        (curve(sizes=(50, 100)), "the learning curve has 2 of the 3 points that are needed"),
        (curve(sizes=(25, 50, MIN_LABELS - 1)), "there are 99 labels, 100 are needed"),
    ],
)
def test_too_early_to_say(points, words):
    found = advise(points, Gain(50, 0.0, 0.0, 0.0))
    assert not found.stop
    assert found.text.startswith("Too early to say: ")
    assert words in found.text


def test_just_enough_to_say():
    assert advise(curve(n_eval=MIN_EVALUATED, sizes=(25, 50, MIN_LABELS)), Gain(50, 0.0, 0.0, 0.0)).stop
