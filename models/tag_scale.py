"""What a hybrid network takes from the backbone: log-odds and roots of the tags, and the embedding, standardised."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.hybrid_input import N_EMBEDDING, N_TAGS, HybridInput

N_TAG_FEATURES = 2 * N_TAGS + N_EMBEDDING
TAG_FLOOR = 1e-3  # of an activation before its log-odds are taken
SPREAD_FLOOR = 1e-6


def tag_features(recording: HybridInput) -> np.ndarray:
    """Log-odds of tags, their square roots, and the embedding: (n_windows, 300), NaN where there is no embedding."""
    clipped = np.clip(recording.taggram.astype(np.float32), TAG_FLOOR, 1 - TAG_FLOOR)
    unknown = np.full((len(recording), N_EMBEDDING), np.nan, np.float32)
    embedding = unknown if recording.embedding is None else recording.embedding
    return np.concatenate([np.log(clipped / (1 - clipped)), np.sqrt(clipped), embedding], axis=1).astype(np.float32)


@dataclass(frozen=True)
class TagScale:
    """Mean and standard deviation of the tag features of the training windows: each of shape (300,)."""

    centre: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, recordings: Sequence[HybridInput]) -> "TagScale":
        """Measure on recordings; what none of them has is never looked at: an infinite spread makes it 0."""
        by_window = np.concatenate([tag_features(recording) for recording in recordings])
        known = ~np.isnan(by_window)
        n_known = np.maximum(known.sum(axis=0), 1)
        centre = np.where(known, by_window, 0).sum(axis=0) / n_known
        spread = np.sqrt(np.where(known, (by_window - centre) ** 2, 0).sum(axis=0) / n_known)
        spread = np.where(known.any(axis=0), np.where(spread > SPREAD_FLOOR, spread, 1.0), np.inf)
        return cls(centre.astype(np.float32), spread.astype(np.float32))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Standardise tag features, (..., 300) float32; 0 where unknown."""
        return np.nan_to_num((features - self.centre) / self.spread, nan=0.0).astype(np.float32)
