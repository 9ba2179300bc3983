"""Crops lie anywhere with the same chance, and validation is the same every time."""

import numpy as np
import pytest

from features.log_mel import N_MELS
from models.errors import ModelError
from models.log_mel_crops import VALIDATION_CROPS, LogMelCrops, validation_crops


def test_every_place_of_a_crop_is_as_likely_and_none_crosses_recordings():
    lengths = (5, 3, 8, 4)
    numbered = [np.full((n, N_MELS), 10 * i) + np.arange(n)[:, np.newaxis] for i, n in enumerate(lengths)]
    crops = LogMelCrops([S.astype(np.float16) for S in numbered], 4).draw(8000, np.random.default_rng(0))[:, :, 0]
    np.testing.assert_array_equal(np.diff(crops, axis=1), 1)
    starts, counts = np.unique(crops[:, 0], return_counts=True)
    assert starts.tolist() == [0, 1, 20, 21, 22, 23, 24, 30]
    np.testing.assert_allclose(counts, 1000, rtol=0.15)


def test_recordings_that_are_all_shorter_than_a_crop_are_refused():
    with pytest.raises(ModelError, match="no recording to learn from has 9 frames"):
        LogMelCrops([np.zeros((8, N_MELS), np.float16)], 9)


def test_validation_is_the_same_every_time_and_may_be_empty(rng):
    recordings = [rng.normal(size=(20, N_MELS)).astype(np.float16)]
    crops = validation_crops(recordings, 16)
    assert crops.shape == (VALIDATION_CROPS, 16, N_MELS)
    np.testing.assert_array_equal(crops, validation_crops(recordings, 16))
    assert validation_crops(recordings, 24).shape == (0, 24, N_MELS)
