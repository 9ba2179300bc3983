"""Crops lie anywhere with the same chance, within one recording."""

import numpy as np
import pytest

from models.crop_places import CropPlaces
from models.errors import ModelError


def test_every_place_is_as_likely_and_none_reaches_beyond_its_recording(rng):
    places = CropPlaces([np.zeros(n) for n in (5, 3, 6)], 4, crop_frames=4)
    assert places.lengths == [5, 3, 6]
    drawn, counts = np.unique(places.draw(5000, rng), axis=0, return_counts=True)
    assert drawn.tolist() == [[0, 0], [0, 1], [2, 0], [2, 1], [2, 2]]
    np.testing.assert_allclose(counts, 1000, rtol=0.15)


def test_recordings_that_are_all_too_short_are_refused_in_frames():
    with pytest.raises(ModelError, match="no recording to learn from has 2 frames: give longer ones"):
        CropPlaces([np.zeros(1023)], 1024, crop_frames=2)
