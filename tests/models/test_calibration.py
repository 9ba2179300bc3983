import numpy as np
import pytest
import sklearn.metrics
from scipy.special import log_softmax, softmax

from models.calibration import TEMPERATURES, fit_temperature, rule_of_succession, scale
from models.errors import ModelError


def drawn_labels(rng: np.random.Generator, probabilities: np.ndarray) -> np.ndarray:
    """One label a row, each class as often as its probability says."""
    beyond = rng.random((len(probabilities), 1)) > probabilities.cumsum(axis=1)
    return np.minimum(beyond.sum(axis=1), probabilities.shape[1] - 1)


def test_temperature_one_changes_no_probability():
    np.testing.assert_allclose(scale(np.log([[0.2, 0.8], [0.5, 0.5]]), 1.0), [[0.2, 0.8], [0.5, 0.5]])


def test_half_the_temperature_squares_and_twice_takes_the_root():
    z = np.log([0.2, 0.8])
    np.testing.assert_allclose(scale(z, 0.5), np.array([0.04, 0.64]) / 0.68)
    np.testing.assert_allclose(scale(z, 2.0), np.array([1, 2]) / 3)


def test_a_great_temperature_knows_nothing_and_a_small_one_is_sure():
    np.testing.assert_allclose(scale(np.array([1.0, 2.0, 3.0]), 1e6), 1 / 3, atol=1e-5)
    np.testing.assert_allclose(scale(np.array([1.0, 2.0, 3.0]), 1e-3), [0, 0, 1], atol=1e-12)


def test_each_row_may_have_its_own_temperature(rng):
    z = rng.normal(0, 3, (5, 4))
    temperatures = rng.uniform(0.2, 5, (5, 1))
    rows = [scale(row, float(temperature)) for row, temperature in zip(z, temperatures[:, 0], strict=True)]
    np.testing.assert_allclose(scale(z, temperatures), rows)


@pytest.mark.parametrize("temperature", [0.05, 0.7, 1.0, 3.0, 20.0])
def test_scaling_keeps_the_order_of_classes_and_ignores_a_constant(temperature, rng):
    z = rng.normal(0, 2, (50, 6))
    p = scale(z, temperature)
    np.testing.assert_array_equal(p.argsort(axis=1), z.argsort(axis=1))
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(scale(z + rng.normal(0, 9, (50, 1)), temperature), p)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_that_labels_were_drawn_with_is_found(temperature, rng):
    z = rng.normal(0, 2, (20_000, 5))
    labels = drawn_labels(rng, softmax(z, axis=1))
    assert fit_temperature(z * temperature, labels) == pytest.approx(temperature, rel=0.04)


def test_no_other_temperature_has_a_lower_log_loss(rng):
    z = rng.normal(0, 2, (300, 4))
    labels = drawn_labels(rng, softmax(z / 1.7, axis=1))
    found = fit_temperature(z, labels)
    best = sklearn.metrics.log_loss(labels, scale(z, found), labels=range(4))
    others = [sklearn.metrics.log_loss(labels, scale(z, t), labels=range(4)) for t in np.geomspace(*TEMPERATURES, 200)]
    assert best <= min(others) + 1e-7
    assert TEMPERATURES[0] < found < TEMPERATURES[1]


def test_log_probabilities_do_as_well_as_logits(rng):
    z = rng.normal(0, 2, (200, 4))
    labels = drawn_labels(rng, softmax(z / 1.5, axis=1))
    assert fit_temperature(log_softmax(z, axis=1), labels) == pytest.approx(fit_temperature(z, labels), rel=1e-4)


def test_a_weight_counts_as_that_many_rows(rng):
    z = rng.normal(0, 2, (200, 3))
    labels = drawn_labels(rng, softmax(z / 2, axis=1))
    weight = rng.integers(0, 4, 200)
    repeated = fit_temperature(np.repeat(z, weight, axis=0), np.repeat(labels, weight))
    assert fit_temperature(z, labels, sample_weight=weight) == pytest.approx(repeated, rel=1e-4)
    assert fit_temperature(z, labels) != pytest.approx(repeated, rel=1e-3)


def test_who_is_always_right_is_sharpened_and_who_is_always_wrong_softened_all_the_way():
    z = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert fit_temperature(z, np.array([0, 1])) == pytest.approx(TEMPERATURES[0], rel=0.01)
    assert fit_temperature(z, np.array([1, 0])) == pytest.approx(TEMPERATURES[1], rel=0.01)


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (np.zeros((0, 3)), np.zeros(0, int)),
        (np.zeros((2, 3)), np.zeros(3, int)),
        (np.zeros((2, 3)), np.zeros((2, 1), int)),
        (np.zeros(3), np.zeros(3, int)),
    ],
)
def test_bad_input_is_refused_by_name(logits, labels):
    with pytest.raises(ModelError, match=r"expected \(n >= 1, n_classes\) and \(n,\)"):
        fit_temperature(logits, labels)


@pytest.mark.parametrize(("n_rows", "n_classes"), [(20, 2), (56, 4), (400, 14)])
def test_few_right_answers_leave_a_doubt(n_rows, n_classes):
    """All right: the confidence is that of Laplace's rule of succession, not 1."""
    labels = np.arange(n_rows) % n_classes
    logits = 5.0 * np.eye(n_classes)[labels]
    sure = scale(logits, fit_temperature(logits, labels)).max()
    doubt = rule_of_succession(n_rows, n_classes)
    told = scale(logits, fit_temperature(logits, labels, doubt=doubt)).max(axis=1)
    assert sure > 0.999
    np.testing.assert_allclose(told, (n_rows + 1) / (n_rows + n_classes), atol=2e-3)
