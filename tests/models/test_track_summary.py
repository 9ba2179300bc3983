from types import SimpleNamespace

import numpy as np
import pytest

from models.label_pool import N_FEATURES, LabelPool
from models.track_summary import BACKBONE, summarise, telling_start_s

QUIET, LOUD = 0.1, 0.9


def listening(levels, *, sounding=None):
    """Windows every 3 s whose first tag has these activations."""
    n = len(levels)
    taggram = np.full((n, 50), QUIET, np.float32)
    taggram[:, 0] = levels
    return SimpleNamespace(
        activations=SimpleNamespace(
            taggram=taggram,
            embedding=np.arange(n, dtype=np.float32)[:, np.newaxis] * np.ones((n, 200), np.float32),
            times_s=3.0 * np.arange(n),
        ),
        sounding=np.ones(n, bool) if sounding is None else np.array(sounding),
    )


@pytest.mark.parametrize(
    ("levels", "start_s"),
    [
        ([0.5], 0.0),
        ([QUIET, LOUD, LOUD, LOUD], 3.0),  # not the quiet beginning
        ([LOUD, LOUD, QUIET], 0.0),  # the earliest of equals
        ([QUIET, 0.5, LOUD], 3.0),  # the one in the middle
    ],
)
def test_the_most_telling_window_is_most_like_the_whole(levels, start_s):
    assert telling_start_s(listening(levels)) == start_s


def test_a_window_without_sound_tells_nothing():
    heard = listening([LOUD, 0.5, 0.5, QUIET], sounding=[True, False, False, True])
    assert telling_start_s(heard) == 0.0
    assert telling_start_s(listening([QUIET, LOUD, LOUD], sounding=[False] * 3)) == 3.0


def test_a_summary_is_a_row_of_the_pool_over_the_windows_that_sound():
    heard = listening([LOUD, LOUD, QUIET], sounding=[True, True, False])
    summary = summarise(heard)
    assert (summary.backbone, summary.start_s) == (BACKBONE, 0.0)
    assert (summary.vector.shape, summary.vector.dtype) == ((N_FEATURES,), np.float32)
    pool = LabelPool.from_vectors(summary.vector[np.newaxis], [""])
    assert pool.roots[0, 0] == pytest.approx(np.sqrt(LOUD))
    assert pool.log_odds[0, 0] == pytest.approx(np.log(LOUD / (1 - LOUD)), rel=1e-4)
    np.testing.assert_allclose(pool.embedding[0], 0.5)
