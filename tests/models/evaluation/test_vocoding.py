"""Figures of vocoding on stand-ins whose answer is known."""

import numpy as np
import pytest

from features.log_mel import HOP_LENGTH, log_mel
from models.errors import ModelError
from models.evaluation.vocoding import spectral_distance_db, vocoding_report

N_SAMPLES = 40 * HOP_LENGTH


@pytest.fixture
def sounds(rng) -> list[np.ndarray]:
    return [(0.1 * rng.normal(size=N_SAMPLES)).astype(np.float32) for _ in range(2)]


def test_who_gives_the_recording_itself_has_no_error(sounds):
    left = iter([y.copy() for y in sounds] * 2)
    found = vocoding_report({"itself": lambda S: next(left), "half": lambda S: next(left) / 2}, sounds)
    assert (found["n_recordings"], found["seconds"]) == (2, round(2 * N_SAMPLES / 22050, 1))
    assert found["itself"]["mel_l1_db"] == found["itself"]["spectral_db"] == 0.0
    assert found["half"]["mel_l1_db"] == pytest.approx(6.02, abs=0.02)
    assert found["half"]["spectral_db"] == pytest.approx(6.02, abs=0.02)
    assert found["half"]["cpu_s_per_10_s"] >= 0


def test_the_mel_error_is_from_what_was_given_and_the_spectral_one_from_the_recording(sounds):
    """Given a log-mel that is 3 dB louder, a vocoder that gives the recording itself errs by 3 dB, and by nothing."""
    left = iter(sounds)
    louder = [log_mel(y) + np.float32(np.log(2)) for y in sounds]
    found = vocoding_report({"itself": lambda S: next(left)}, sounds, log_mels=louder)["itself"]
    assert found["mel_l1_db"] == pytest.approx(3.01, abs=0.01)
    assert found["spectral_db"] == 0.0


def test_phases_count_for_nothing(rng):
    """A tone and the same a quarter later."""
    t = np.arange(N_SAMPLES)
    sine, cosine = np.sin(2 * np.pi * 100 * t / 2048), np.cos(2 * np.pi * 100 * t / 2048)
    assert spectral_distance_db(sine, cosine) < 0.1
    assert spectral_distance_db(sine, rng.normal(size=t.size)) > 10


def test_what_is_too_short_or_nothing_is_refused(sounds):
    with pytest.raises(ModelError, match="4095 samples: spectra are compared from 4096 on"):
        spectral_distance_db(sounds[0], sounds[1][:4095])
    with pytest.raises(ModelError, match="expected at least one"):
        vocoding_report({}, [])
