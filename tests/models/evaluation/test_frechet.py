import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.covariance import ledoit_wolf

from models.errors import ModelError
from models.evaluation.frechet import (
    Gaussian,
    distance_interval,
    extrapolated_distance,
    fit_gaussian,
    frechet_distance,
)


def gaussian(mean, covariance, n=1000):
    return Gaussian(np.array(mean, float), np.array(covariance, float), n, shrunk=False)


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        (gaussian([0, 0], np.eye(2)), gaussian([0, 0], np.eye(2)), 0.0),
        (gaussian([0, 0], np.eye(2)), gaussian([3, 4], np.eye(2)), 25.0),  # the shift alone
        (gaussian([0, 0], 4 * np.eye(2)), gaussian([0, 0], 9 * np.eye(2)), 2.0),  # (2 - 3)^2 in each dimension
        (gaussian([1], [[1]]), gaussian([2], [[9]]), 5.0),  # 1 + (1 - 3)^2
        (gaussian([0, 0], [[1, 0], [0, 0]]), gaussian([0, 0], [[0, 0], [0, 1]]), 2.0),  # flat ones that share nothing
    ],
)
def test_closed_forms(a, b, distance):
    assert frechet_distance(a, b) == pytest.approx(distance, abs=1e-9)
    assert frechet_distance(b, a) == pytest.approx(distance, abs=1e-9)


def test_is_that_of_the_general_matrix_root():
    rng = np.random.default_rng(0)
    A, B = (m @ m.T for m in rng.normal(size=(2, 6, 6)))
    general = np.trace(A + B - 2 * sqrtm(A @ B).real)
    assert frechet_distance(gaussian(np.zeros(6), A), gaussian(np.zeros(6), B)) == pytest.approx(general)


def test_a_set_has_no_distance_to_itself_even_with_flat_dimensions():
    X = np.random.default_rng(0).normal(size=(50, 8))
    X[:, 5:] = X[:, :3]  # a singular covariance
    fitted = fit_gaussian(X)
    assert abs(frechet_distance(fitted, fitted)) < 1e-6


def test_moments_of_the_fit():
    fitted = fit_gaussian(np.array([[0.0], [2.0], [4.0]]))
    assert (fitted.mean[0], fitted.covariance[0, 0], fitted.n) == (2.0, 4.0, 3)


@pytest.mark.parametrize("shape", [(10, 30), (50, 30), (1000, 5), (2, 3)])
def test_shrinkage_is_that_of_scikit_learn(shape):
    X = np.random.default_rng(0).normal(size=shape) * np.linspace(0.1, 3, shape[1]) + 1
    assert fit_gaussian(X, shrinkage=True).covariance == pytest.approx(ledoit_wolf(X)[0])


def test_shrinkage_gives_every_dimension_some_spread():
    X = np.random.default_rng(0).normal(size=(10, 30))
    fitted = fit_gaussian(X, shrinkage=True)
    assert fitted.shrunk
    assert np.linalg.eigvalsh(fitted.covariance).min() > 0.1
    assert np.trace(fitted.covariance) == pytest.approx(X.var(axis=0).sum())


def test_the_limit_of_infinite_n_is_nearer_the_truth_than_any_sample():
    rng = np.random.default_rng(0)
    dim = 10
    reference = gaussian(np.zeros(dim), np.eye(dim))
    X = rng.normal(size=(400, dim)) + 0.5  # true distance 2.5
    found = extrapolated_distance(X, reference)
    at_the_smallest = frechet_distance(fit_gaussian(X[: found.sizes[0]]), reference)
    assert abs(found.value - 2.5) < 0.35
    assert abs(at_the_smallest - 2.5) > 1.0
    assert found.slope > 0
    assert found.r_squared > 0.8
    assert (found.sizes[0], found.sizes[-1]) == (20, 400)
    assert extrapolated_distance(X, reference) == found


def test_the_interval_holds_the_distance_and_narrows_with_more_recordings():
    rng = np.random.default_rng(0)
    reference = gaussian(np.zeros(4), np.eye(4))
    widths = []
    for n in (10, 90):
        X = np.repeat(rng.normal(size=(n, 4)), 5, axis=0) + 0.1 * rng.normal(size=(5 * n, 4)) + 1
        low, high = distance_interval(X, np.repeat(np.arange(n), 5), reference)
        assert low < frechet_distance(fit_gaussian(X), reference) < high
        widths.append(high - low)
    assert widths[0] > 2 * widths[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_gaussian(np.zeros((19, 10))), "19 embeddings of 10 dimensions: a covariance needs 20 or more"),
        (lambda: fit_gaussian(np.zeros((1, 10)), shrinkage=True), r"expected \(n >= 2, dim\)"),
        (lambda: fit_gaussian(np.zeros(10)), r"expected \(n >= 2, dim\)"),
        (lambda: fit_gaussian(np.full((40, 2), np.nan)), "NaN"),
        (
            lambda: frechet_distance(gaussian([0], [[1]]), gaussian([0, 0], np.eye(2))),
            "1 and 2 dimensions",
        ),
        (lambda: frechet_distance(gaussian([0], [[1]]), gaussian([0], [[-1]])), "eigenvalue of -1"),
        (
            lambda: extrapolated_distance(np.zeros((5, 2)), gaussian([0, 0], np.eye(2))),
            "5 embeddings: extrapolation needs 6 or more",
        ),
        (
            lambda: distance_interval(np.eye(4), np.zeros(4), gaussian(np.zeros(4), np.eye(4)), shrinkage=True),
            "1 recordings",
        ),
    ],
)
def test_refuses(call, message):
    with pytest.raises(ModelError, match=message):
        call()
