"""Figures of a reconstruction on stand-ins whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pytest

from features.log_mel import N_MELS
from models.errors import ModelError
from models.evaluation.reconstruction import reconstruction_report


class StandIn:
    """Answers with the recording itself, changed by `distort`; its codes are the frame's number modulo 4."""

    settings = SimpleNamespace(n_codes=8)

    def __init__(self, distort) -> None:
        self._distort = distort

    def encode(self, S: np.ndarray) -> np.ndarray:
        self._S = S
        return np.stack([np.arange(len(S)) % 4, np.zeros(len(S), int)])

    def decode(self, codes: np.ndarray) -> np.ndarray:
        whole = self._distort(self._S)
        return np.concatenate([whole, whole[-1:]])  # a stride may give frames beyond the end


@pytest.fixture
def log_mels(rng) -> list[np.ndarray]:
    return [rng.normal(size=(n, N_MELS)).astype(np.float16) for n in (40, 80)]


def test_what_comes_back_unchanged_has_no_error_and_is_sharp(log_mels):
    found = reconstruction_report(StandIn(lambda S: S), log_mels)
    assert (found["n_recordings"], found["n_frames"]) == (2, 120)
    assert found["mel_l1"] == found["mel_l1_db"] == 0.0
    assert found["sharpness_time"] == found["sharpness_bands"] == pytest.approx(1.0)
    assert found["usage"] == [0.5, 0.125]
    assert found["perplexity"] == [4.0, 1.0]


def test_an_error_is_told_in_logarithms_and_decibels(log_mels):
    """Twice the power is log 2, and 3.01 dB."""
    found = reconstruction_report(StandIn(lambda S: S + np.float32(np.log(2))), log_mels)
    assert found["mel_l1"] == pytest.approx(np.log(2), rel=1e-4)
    assert found["mel_l1_db"] == pytest.approx(3.0103, rel=1e-4)


def test_blur_over_time_is_not_blur_over_bands(log_mels):
    found = reconstruction_report(StandIn(lambda S: np.tile(S.mean(axis=0), (len(S), 1))), log_mels)
    assert found["sharpness_time"] == 0.0
    assert found["sharpness_bands"] > 0.05
    found = reconstruction_report(StandIn(lambda S: S * np.float32(0.5)), log_mels)
    assert found["sharpness_time"] == pytest.approx(0.5)


def test_without_recordings_there_is_nothing_to_measure():
    with pytest.raises(ModelError, match="expected at least one"):
        reconstruction_report(StandIn(lambda S: S), [])
