import math

import numpy as np
import pytest

from models.errors import ModelError
from models.pooling import ACTIVATION_FLOOR, POOLINGS, log_odds, pool


def test_the_root_of_the_mean():
    patches = np.array([[0.04, 1.0, 0.0], [0.14, 1.0, 0.0]])
    np.testing.assert_allclose(pool(patches, "root_of_mean"), [0.3, 1.0, 0.0])


def test_log_odds_of_a_half_are_zero_and_of_three_quarters_log_three():
    np.testing.assert_allclose(log_odds(np.array([0.5, 0.75, 0.25])), [0, math.log(3), -math.log(3)], atol=1e-12)


def test_the_mean_of_log_odds():
    patches = np.array([[0.5, 0.75, 0.1], [0.75, 0.75, 0.9]])  # odds 1, 3, 1/9 and 3, 3, 9
    expected = [math.log(3) / 2, math.log(3), 0.0]
    np.testing.assert_allclose(pool(patches, "mean_log_odds"), expected, atol=1e-12)


def test_what_is_below_the_floor_is_noise():
    floor = log_odds(np.array(ACTIVATION_FLOOR))
    np.testing.assert_array_equal(log_odds(np.array([0.0, 1e-30, ACTIVATION_FLOOR / 2])), floor)
    assert log_odds(np.array(2 * ACTIVATION_FLOOR)) > floor
    np.testing.assert_allclose(log_odds(np.array(1.0)), -floor)
    assert np.isfinite(floor)


@pytest.mark.parametrize("kind", POOLINGS)
def test_the_order_and_the_density_of_patches_do_not_matter(kind, rng):
    patches = rng.random((7, 5))
    pooled = pool(patches, kind)
    np.testing.assert_allclose(pool(rng.permutation(patches), kind), pooled)
    np.testing.assert_allclose(pool(np.repeat(patches, 3, axis=0), kind), pooled)


@pytest.mark.parametrize("kind", POOLINGS)
def test_several_recordings_are_pooled_as_each_by_itself(kind, rng):
    several = rng.random((3, 2, 4, 5))
    pooled = pool(several, kind)
    assert pooled.shape == (3, 2, 5)
    for i, j in np.ndindex(3, 2):
        np.testing.assert_allclose(pooled[i, j], pool(several[i, j], kind))


@pytest.mark.parametrize("kind", POOLINGS)
def test_more_of_a_tag_is_more_of_its_feature_and_of_no_other(kind, rng):
    patches = rng.uniform(0.1, 0.8, (4, 3))
    louder = patches.copy()
    louder[2, 1] += 0.1
    risen = pool(louder, kind) - pool(patches, kind)
    assert risen[1] > 0.01
    np.testing.assert_array_equal(risen[[0, 2]], 0)


@pytest.mark.parametrize("kind", POOLINGS)
def test_single_precision_is_pooled_in_double(kind, rng):
    patches = rng.random((1000, 2), dtype=np.float32)
    pooled = pool(patches, kind)
    assert pooled.dtype == np.float64
    np.testing.assert_allclose(pooled, pool(patches.astype(np.float64), kind), rtol=1e-12)


@pytest.mark.parametrize(
    ("shape", "kind", "words"),
    [
        ((3, 50), "max", "no pooling 'max', expected one of root_of_mean, mean_log_odds"),
        ((50,), "root_of_mean", r"got \(50,\)"),
        ((0, 50), "root_of_mean", r"got \(0, 50\)"),
        ((4, 0, 50), "mean_log_odds", r"got \(4, 0, 50\)"),
    ],
)
def test_bad_input_is_refused_by_name(shape, kind, words):
    with pytest.raises(ModelError, match=words):
        pool(np.zeros(shape), kind)
