"""Where crops of recordings lie: every place that a crop can have is as likely as any other."""

from collections.abc import Sequence

import numpy as np

from models.errors import ModelError


class CropPlaces:
    """Places of crops in recordings.

    Parameters
    ----------
    recordings : sequence of np.ndarray, shape (length, ...)
        Those shorter than a crop have no place.
    crop_length : int
        Rows of a recording that a crop takes.
    crop_frames : int
        The same in frames, for people.

    Attributes
    ----------
    lengths : list of int
        Of the recordings.

    Raises
    ------
    ModelError
        If no recording is as long as a crop.
    """

    def __init__(self, recordings: Sequence[np.ndarray], crop_length: int, *, crop_frames: int) -> None:
        self.lengths = [len(each) for each in recordings]
        n_places = np.maximum(np.array(self.lengths, np.int64) - crop_length + 1, 0)
        self._ends = np.cumsum(n_places)
        if not n_places.any():
            raise ModelError(f"no recording to learn from has {crop_frames} frames: give longer ones, or smaller crops")

    def draw(self, n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
        """So many places: which recording, and the crop's first row there."""
        places = rng.integers(self._ends[-1], size=n)
        indices = np.searchsorted(self._ends, places, side="right")
        return [(int(index), int(self._ends[index] - place) - 1) for index, place in zip(indices, places, strict=True)]
