"""Crops of the log-mel of recordings, to learn from."""

from collections.abc import Sequence

import numpy as np

from features.log_mel import N_MELS, scaled
from models.errors import ModelError

VALIDATION_CROPS = 64


class LogMelCrops:
    """Crops of recordings; every place that a crop can lie at is as likely as any other.

    Parameters
    ----------
    recordings : sequence of np.ndarray, shape (frames, N_MELS)
        Log-mel, not scaled; those shorter than a crop are never shown.
    crop_frames : int
        Length of a crop.

    Raises
    ------
    ModelError
        If no recording is as long as a crop.
    """

    def __init__(self, recordings: Sequence[np.ndarray], crop_frames: int) -> None:
        self._recordings, self._crop_frames = recordings, crop_frames
        self.lengths = [len(S) for S in recordings]
        n_places = np.maximum(np.array(self.lengths, np.int64) - crop_frames + 1, 0)
        self._ends = np.cumsum(n_places)
        if not n_places.any():
            raise ModelError(f"no recording to learn from has {crop_frames} frames: give longer ones, or smaller crops")

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Log-mel crops (n, crop_frames, N_MELS) float32, not scaled."""
        S = np.empty((n, self._crop_frames, N_MELS), np.float32)
        for row, place in enumerate(rng.integers(self._ends[-1], size=n)):
            index = int(np.searchsorted(self._ends, place, side="right"))
            start = int(self._ends[index] - place) - 1
            S[row] = self._recordings[index][start : start + self._crop_frames]
        return S


def validation_crops(recordings: Sequence[np.ndarray], crop_frames: int) -> np.ndarray:
    """The same crops every time, scaled: (n, crop_frames, N_MELS); none where no recording is long enough."""
    if not any(len(S) >= crop_frames for S in recordings):
        return np.empty((0, crop_frames, N_MELS), np.float32)
    return scaled(LogMelCrops(recordings, crop_frames).draw(VALIDATION_CROPS, np.random.default_rng(0)))
