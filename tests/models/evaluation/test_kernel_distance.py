import numpy as np
import pytest

from models.errors import ModelError
from models.evaluation.kernel_distance import kernel_distance, kernel_distance_interval


def test_is_that_of_a_slow_loop():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(5, 3)), rng.normal(size=(7, 3))

    def kernel(a, b):
        return (a @ b / 3 + 1) ** 3

    def within(Z):
        return np.mean([kernel(a, b) for i, a in enumerate(Z) for j, b in enumerate(Z) if i != j])

    between = np.mean([kernel(a, b) for a in X for b in Y])
    assert kernel_distance(X, Y) == pytest.approx(within(X) + within(Y) - 2 * between)


def test_two_points_far_from_two_others():
    # Within either set the kernel is (0 + 1)^3 and (4 + 1)^3, between them (0 + 1)^3.
    assert kernel_distance(np.zeros((2, 1)), np.full((2, 1), 2.0)) == pytest.approx(1 + 125 - 2)


def test_is_nothing_on_average_for_one_distribution_however_small_the_sets():
    rng = np.random.default_rng(0)
    found = [kernel_distance(*rng.normal(size=(2, 10, 4))) for _ in range(400)]
    assert abs(np.mean(found)) < 3 * np.std(found) / 20
    assert min(found) < 0


def test_grows_with_the_shift():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 200, 5))
    near, far, farther = (kernel_distance(X, Y + shift) for shift in (0, 1, 2))
    assert abs(near) < 0.1 < far < farther


def test_the_interval_tells_a_shift_from_none():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 90, 5))
    recording = np.repeat(np.arange(30), 3)
    same = kernel_distance_interval(X, recording, Y)
    shifted = kernel_distance_interval(X, recording, Y + 1)
    assert same.low < 0 < same.high
    assert 0 < shifted.low < shifted.value < shifted.high
    assert (same.n, same.n_reference) == (90, 90)
    assert same.value == pytest.approx(kernel_distance(X, Y))
    assert kernel_distance_interval(X, recording, Y) == same


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (np.zeros((1, 3)), np.zeros((5, 3)), r"shapes \(1, 3\) and \(5, 3\)"),
        (np.zeros((5, 3)), np.zeros((5, 4)), r"shapes \(5, 3\) and \(5, 4\)"),
        (np.zeros((5, 3)), np.full((5, 3), np.inf), "NaN or infinity"),
    ],
)
def test_refuses(X, Y, message):
    with pytest.raises(ModelError, match=message):
        kernel_distance(X, Y)


def test_an_interval_needs_recordings():
    with pytest.raises(ModelError, match="3 recordings: an interval needs 4 or more"):
        kernel_distance_interval(np.zeros((6, 2)), np.repeat([0, 1, 2], 2), np.zeros((6, 2)))
