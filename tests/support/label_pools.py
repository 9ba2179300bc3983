"""Recordings whose genres are easy to tell: known by thought, with the spread that recordings of one genre have."""

import numpy as np
from scipy.special import expit

from models.hybrid_input import N_TAGS
from models.label_pool import LabelPool

OWN_TAGS = 8  # of each genre


def grouped_pool(genres: np.ndarray, *, seed: int = 0, spread: float = 0.3, lift: float = 3.0) -> LabelPool:
    """A recording for each entry of `genres`, (n,); genre k lifts the log-odds of tags 8 k to 8 k + 7."""
    rng = np.random.default_rng(seed)
    own = np.arange(N_TAGS) // OWN_TAGS == genres[:, np.newaxis]
    log_odds = -2 + lift * own + rng.normal(0, spread, (len(genres), N_TAGS))
    return LabelPool.of_taggrams(list(expit(log_odds)[:, np.newaxis]), ("",) * len(genres))
