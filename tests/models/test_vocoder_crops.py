"""A crop and what is heard of it lie at the same place; shares are what they are said to be."""

from dataclasses import replace

import numpy as np
import pytest

from features.log_mel import HOP_LENGTH, LOG_FLOOR, N_FFT, N_MELS, SR, mel_filter_bank, unscaled
from models.errors import ModelError
from models.phases import spectra_of
from models.vocoder_crops import VALIDATION_BATCHES, Batch, Crops, CropSettings, validation_batches

PLAIN = CropSettings(frames=8, gain_db=0.0, decoded_share=0.0, shaken_share=0.0)
SHAKEN = CropSettings(frames=8, gain_db=0.0, decoded_share=0.0, shaken_share=1.0)


class StandIn:
    """An autoencoder that makes one and the same of everything."""

    def encode(self, S: np.ndarray) -> np.ndarray:
        return np.zeros((1, len(S) + 1), int)  # a stride may give a frame beyond the end

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return np.full((codes.shape[1], N_MELS), 5.0, np.float32)


@pytest.fixture
def recording(rng) -> np.ndarray:
    """Noise of one second that swells, so that each place sounds like no other."""
    return np.round(rng.normal(size=SR) * np.linspace(10, 8000, SR)).clip(-32767, 32767).astype(np.int16)


def drawn(recordings: list[np.ndarray], settings: CropSettings, n: int = 100, autoencoder=None) -> Batch:
    return Crops(recordings, settings, autoencoder).draw(n, np.random.default_rng(1))


@pytest.mark.parametrize("gain_db", [0.0, 6.0])
def test_what_is_heard_is_the_log_mel_of_what_is_to_be_found(recording, gain_db):
    batch = drawn([recording], replace(PLAIN, gain_db=gain_db), n=16)
    mel = np.exp(batch.true.log_power) @ mel_filter_bank().T
    np.testing.assert_allclose(unscaled(batch.S), np.log(mel), atol=0.02)
    assert batch.S.shape == (16, 8, N_MELS)


def test_the_sound_of_a_crop_is_that_of_its_frames(recording):
    batch = drawn([recording], replace(PLAIN, gain_db=6.0), n=4)
    for y, log_power in zip(batch.y, batch.true.log_power, strict=True):
        power = np.abs(spectra_of(y)) ** 2
        np.testing.assert_allclose(np.log(np.maximum(power, 1e-5)), log_power, atol=0.01)


def test_validation_batches_are_the_same_every_time(recording):
    one, other = (validation_batches([recording], PLAIN, None, n=2) for _ in range(2))
    assert len(one) == VALIDATION_BATCHES
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.S, b.S)
    assert validation_batches([recording[:100]], PLAIN, None, n=2) == []


def test_gain_makes_the_loudest_louder(recording):
    quiet, loud = (drawn([recording], replace(PLAIN, gain_db=gain_db)).S for gain_db in (0.0, 6.0))
    assert 0.5 < (unscaled(loud).max() - unscaled(quiet).max()) < 2 * np.log(2) + 0.5


def test_shares_of_crops_are_decoded_and_shaken(recording):
    settings = replace(PLAIN, decoded_share=0.5, shaken_share=0.25)
    heard = unscaled(drawn([recording], settings, n=400, autoencoder=StandIn()).S)
    assert np.mean([np.ptp(S) < 0.01 for S in heard]) == pytest.approx(0.5, abs=0.08)
    batch = drawn([recording], settings, n=400)
    mel = np.exp(batch.true.log_power) @ mel_filter_bank().T
    errors = np.abs(unscaled(batch.S) - np.log(mel)).mean(axis=(1, 2))
    assert np.mean(errors > 0.02) == pytest.approx(0.25, abs=0.07)


def test_shaken_log_mel_is_near_the_true_one_and_never_under_the_floor():
    noise = (3 * np.random.default_rng(0).normal(size=SR)).astype(np.int16)
    batch = drawn([noise], SHAKEN)
    heard, mel = unscaled(batch.S), np.exp(batch.true.log_power) @ mel_filter_bank().T
    assert heard.min() >= np.float32(LOG_FLOOR)
    assert 0.05 < np.abs(heard - np.maximum(np.log(mel), LOG_FLOOR)).mean() < 1.0


def test_every_place_is_drawn_and_none_crosses_the_end():
    n_samples = 8 * HOP_LENGTH + N_FFT
    lengths = (n_samples - 1, n_samples, n_samples + 2)
    recordings = [np.full(n, 100 * 10**i, np.int16) for i, n in enumerate(lengths)]
    levels = drawn(recordings, PLAIN, n=400).true.log_power[:, 0, 0]
    found, counts = np.unique(np.round(levels - levels.min(), 2), return_counts=True)
    np.testing.assert_allclose(found, [0, 2 * np.log(10)], atol=0.02)
    np.testing.assert_allclose(counts, [100, 300], rtol=0.25)


def test_recordings_that_are_too_short_are_refused():
    with pytest.raises(ModelError, match="no recording to learn from has 8 frames"):
        Crops([np.zeros(5000, np.int16)], PLAIN)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"frames": 4}, "frames=4"),
        ({"gain_db": -1.0}, "gain_db=-1.0"),
        ({"decoded_share": 0.8, "shaken_share": 0.3}, "expected at most 1 together"),
        ({"blur": 20.0}, "blur=20.0"),
        ({"noise_db": float("nan")}, "noise_db=nan"),
    ],
)
def test_settings_out_of_range_are_refused(fields, words):
    with pytest.raises(ModelError, match=words):
        CropSettings(**fields)
