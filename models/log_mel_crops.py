"""Crops of the log-mel of recordings, to learn from."""

from collections.abc import Sequence

import numpy as np

from features.log_mel import N_MELS, scaled
from models.crop_places import CropPlaces

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
        self._places = CropPlaces(recordings, crop_frames, crop_frames=crop_frames)
        self.lengths = self._places.lengths

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Log-mel crops (n, crop_frames, N_MELS) float32, not scaled."""
        S = np.empty((n, self._crop_frames, N_MELS), np.float32)
        for row, (index, start) in enumerate(self._places.draw(n, rng)):
            S[row] = self._recordings[index][start : start + self._crop_frames]
        return S


def validation_crops(recordings: Sequence[np.ndarray], crop_frames: int) -> np.ndarray:
    """The same crops every time, scaled: (n, crop_frames, N_MELS); none where no recording is long enough."""
    if not any(len(S) >= crop_frames for S in recordings):
        return np.empty((0, crop_frames, N_MELS), np.float32)
    return scaled(LogMelCrops(recordings, crop_frames).draw(VALIDATION_CROPS, np.random.default_rng(0)))
