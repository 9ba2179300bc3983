"""Delayed codes are those of a slow loop, and come back."""

import numpy as np
import pytest

from models.delay_pattern import delayed, undelayed
from models.errors import ModelError


def slowly(codes: np.ndarray, filler: int) -> np.ndarray:
    n_codebooks, n_frames = codes.shape
    steps = np.empty((n_codebooks, n_frames + n_codebooks - 1), codes.dtype)
    for k in range(n_codebooks):
        for step in range(steps.shape[1]):
            frame = step - k
            steps[k, step] = codes[k, frame] if 0 <= frame < n_frames else filler
    return steps


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1), (4, 3), (3, 9)])
def test_codes_are_delayed_as_a_slow_loop_does_and_come_back(rng, shape):
    codes = rng.integers(0, 7, shape)
    steps = delayed(codes, filler=7)
    np.testing.assert_array_equal(steps, slowly(codes, 7))
    np.testing.assert_array_equal(undelayed(steps), codes)


def test_axes_before_stay_apart(rng):
    codes = rng.integers(0, 9, (2, 3, 4, 6))
    steps = delayed(codes, filler=9)
    assert steps.shape == (2, 3, 4, 9)
    np.testing.assert_array_equal(steps[1, 2], slowly(codes[1, 2], 9))
    np.testing.assert_array_equal(undelayed(steps), codes)


def test_frames_that_are_not_whole_are_left_out(rng):
    codes = rng.integers(0, 9, (3, 8))
    np.testing.assert_array_equal(undelayed(delayed(codes, filler=9)[:, :6]), codes[:, :4])


@pytest.mark.parametrize("shape", [(5,), (), (0, 4)])
def test_what_has_no_codebooks_is_refused(shape):
    with pytest.raises(ModelError, match=r"expected .*n_codebooks, n_frames"):
        delayed(np.zeros(shape, int), filler=1)


def test_fewer_steps_than_a_whole_frame_are_refused():
    with pytest.raises(ModelError, match="2 steps of 4 codebooks: expected 4 or more"):
        undelayed(np.zeros((4, 2), int))
