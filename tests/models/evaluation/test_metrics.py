import math

import numpy as np
import pytest
import sklearn.metrics

from models.errors import ModelError
from models.evaluation.metrics import accuracy, bootstrap_interval, confusion, expected_calibration_error, log_loss


def answers(rng: np.random.Generator, n: int = 200, n_classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and labels that were drawn as they say."""
    p = rng.dirichlet(np.ones(n_classes), n)
    return p, np.minimum((rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1), n_classes - 1)


def two_classes(*confidences: float) -> np.ndarray:
    """Rows whose first class has this probability, at least a half."""
    p = np.array(confidences)
    return np.stack([p, 1 - p], axis=1)


def test_accuracy_is_the_share_of_right_answers():
    p = np.array([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.3, 0.3, 0.4], [0.9, 0.0, 0.1]])
    assert accuracy(p, np.array([0, 1, 2, 2])) == 0.75


def test_log_loss_by_hand():
    assert log_loss(two_classes(0.5, 0.8), np.array([0, 1])) == pytest.approx((math.log(2) + math.log(5)) / 2)


@pytest.mark.parametrize("n_classes", [2, 10])
def test_who_knows_nothing_loses_the_log_of_the_number_of_classes(n_classes, rng):
    labels = rng.integers(0, n_classes, 50)
    assert log_loss(np.full((50, n_classes), 1 / n_classes), labels) == pytest.approx(math.log(n_classes))


def test_log_loss_is_that_of_scikit_learn(rng):
    p, labels = answers(rng)
    assert log_loss(p, labels) == pytest.approx(sklearn.metrics.log_loss(labels, p, labels=range(4)))


def test_a_truth_that_was_ruled_out_costs_much_and_not_everything():
    assert 20 < log_loss(two_classes(1.0), np.array([1])) < 100


def test_calibration_error_by_hand():
    # Bins of a fifth. (0.8, 1]: confidence 0.9 twice, one right: |0.9 - 0.5| for two rows.
    # (0.6, 0.8]: 0.7 right and 0.8 wrong, an edge is of the bin below: |0.75 - 0.5| for two rows.
    # (0.4, 0.6]: 0.6 right: 0.4 for one row.
    p, labels = two_classes(0.9, 0.9, 0.7, 0.8, 0.6), np.array([0, 1, 0, 1, 0])
    assert expected_calibration_error(p, labels, n_bins=5) == pytest.approx((2 * 0.4 + 2 * 0.25 + 0.4) / 5)


def test_errors_in_one_bin_cancel_and_in_two_do_not():
    p, labels = two_classes(0.75, 0.75, 0.75, 0.75), np.array([0, 0, 0, 1])
    assert expected_calibration_error(p, labels) == pytest.approx(0, abs=1e-12)
    p = two_classes(0.55, 0.55, 0.95, 0.95)  # mean confidence is mean accuracy, but the sure half is the wrong one
    assert expected_calibration_error(p, np.array([0, 0, 0, 1])) == pytest.approx(0.45)
    assert expected_calibration_error(p, np.array([0, 0, 0, 1]), n_bins=1) == pytest.approx(0, abs=1e-12)


def test_always_sure_is_wrong_by_the_share_of_errors():
    assert expected_calibration_error(np.eye(4)[[0, 1, 2, 3]], np.array([0, 1, 2, 0])) == 0.25


def test_calibration_error_is_that_of_a_slow_loop(rng):
    p, labels = answers(rng)
    confidence = p.max(axis=1)
    error = 0.0
    for n in range(15):
        rows = [i for i in range(200) if n / 15 < confidence[i] <= (n + 1) / 15]
        if rows:
            right = sum(p[i].argmax() == labels[i] for i in rows) / len(rows)
            error += len(rows) / 200 * abs(sum(confidence[rows]) / len(rows) - right)
    assert expected_calibration_error(p, labels) == pytest.approx(error)


def test_labels_that_were_drawn_as_stated_leave_no_calibration_error_but_noise(rng):
    p, labels = answers(rng, 50_000)
    assert expected_calibration_error(p, labels) < 0.01
    sharpened = p**3 / (p**3).sum(axis=1, keepdims=True)
    assert expected_calibration_error(sharpened, labels) > 0.1


def test_a_row_of_the_confusion_is_a_truth():
    counts = confusion(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]), n_classes=3)
    assert counts.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_confusion_is_that_of_scikit_learn(rng):
    predicted, labels = rng.integers(0, 5, (2, 300))
    np.testing.assert_array_equal(
        confusion(predicted, labels, n_classes=6), sklearn.metrics.confusion_matrix(labels, predicted, labels=range(6))
    )


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_an_interval_of_answers_that_are_all_alike_is_a_point(share):
    assert bootstrap_interval(np.full(20, bool(share))) == (share, share)


def test_an_interval_is_that_of_the_normal_distribution():
    right = np.arange(400) < 300
    low, high = bootstrap_interval(right, n_resamples=5000)
    noise = math.sqrt(0.75 * 0.25 / 400)
    assert (low, high) == (pytest.approx(0.75 - 1.96 * noise, abs=0.005), pytest.approx(0.75 + 1.96 * noise, abs=0.005))
    narrow_low, narrow_high = bootstrap_interval(right, level=0.5)
    assert low < narrow_low < 0.75 < narrow_high < high


def test_the_same_answers_have_the_same_interval():
    right = np.arange(50) % 3 > 0
    assert bootstrap_interval(right) == bootstrap_interval(right.copy())


@pytest.mark.parametrize("figure", [accuracy, log_loss, expected_calibration_error])
@pytest.mark.parametrize(
    ("probabilities", "labels"),
    [
        (np.zeros((0, 3)), np.zeros(0, int)),
        (np.full((2, 3), 1 / 3), np.zeros(3, int)),
        (np.full((2, 3), 1 / 3), np.zeros((2, 3), int)),
        (np.full(3, 1 / 3), np.zeros(3, int)),
    ],
)
def test_bad_input_is_refused_by_name(figure, probabilities, labels):
    with pytest.raises(ModelError, match=r"expected \(n >= 1, k\) and \(n,\)"):
        figure(probabilities, labels)
