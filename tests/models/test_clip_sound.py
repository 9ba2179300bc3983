"""What is kept of a recording sounds as it did, and fades over into what was made."""

import numpy as np
import pytest

from features.log_mel import HOP_LENGTH
from models.clip_sound import frames_for, joined


@pytest.mark.parametrize(("n_samples", "n_frames"), [(1, 2), (512, 2), (513, 3), (22050, 45)])
def test_frames_reach_beyond_the_last_sample(n_samples, n_frames):
    """n frames make (n - 1) * 512 samples."""
    assert frames_for(n_samples) == n_frames
    assert (n_frames - 1) * HOP_LENGTH >= n_samples


def test_the_recording_is_kept_where_it_is_to_be_and_nowhere_else():
    kept = np.array([True] * 4 + [False] * 4 + [True] * 4)
    n = 11 * HOP_LENGTH
    made = [np.full(1000, 2.0, np.float32)] * (n // 1000) + [np.full(n % 1000, 2.0, np.float32)]
    y = np.concatenate(list(joined(iter(made), np.ones(n, np.float32), kept)))
    assert y.shape == (n,)
    np.testing.assert_array_equal(y[: 3 * HOP_LENGTH + 1], 1)
    np.testing.assert_array_equal(y[4 * HOP_LENGTH : 7 * HOP_LENGTH + 1], 2)
    np.testing.assert_array_equal(y[8 * HOP_LENGTH :], 1)
    assert (np.diff(y[3 * HOP_LENGTH : 4 * HOP_LENGTH]) > 0).all()
    assert np.abs(np.diff(y)).max() <= 1.01 / HOP_LENGTH


def test_where_a_recording_has_ended_what_was_made_is_heard():
    y = np.concatenate(
        list(joined(iter([np.full(2048, 2.0, np.float32)]), np.ones(1024, np.float32), np.ones(5, bool)))
    )
    np.testing.assert_array_equal(y[:1024], 1)
    np.testing.assert_array_equal(y[1024:], 2)
