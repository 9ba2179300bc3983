"""Sound in TensorFlow is that of the vocoder in NumPy, and its slopes are numbers."""

import numpy as np
import pytest

from features.log_mel import HOP_LENGTH, LOG_FLOOR, N_FFT, N_MELS, scaled
from models import phases
from models.phases import N_BINS, OVERLAP, phases_from_differences, refined
from models.sound_synthesis import overlapped, sound_of, spectra_of
from models.tensorflow_runtime import tf
from models.vocoder import Vocoder
from models.vocoder_network import arrays_of
from models.vocoder_settings import VocoderSettings
from tests.support.vocoders import TINY, drawn_network

FRAMES = 6


@pytest.fixture
def S(rng) -> np.ndarray:
    return rng.normal(loc=-3.0, scale=1.0, size=(2, FRAMES, N_MELS)).astype(np.float32)


def inner(y: np.ndarray) -> np.ndarray:
    """Without the ends, that next to no window lies over."""
    return y[..., N_FFT // 2 : -N_FFT // 2]


def test_frames_and_sound_are_those_of_numpy(rng):
    y = rng.normal(size=(2, (FRAMES + OVERLAP - 1) * HOP_LENGTH)).astype(np.float32)
    spectra = spectra_of(tf.constant(y))
    assert spectra.shape == (2, FRAMES, N_BINS)
    sound = overlapped(spectra).numpy()
    for index in range(2):
        expected = phases.spectra_of(y[index])
        np.testing.assert_allclose(spectra[index], expected, atol=1e-3)
        np.testing.assert_allclose(inner(sound[index]), inner(phases.overlapped(expected)), atol=1e-4)


def test_shorter_frames_overlap_as_much(rng):
    y = rng.normal(size=(1, 10 * 64)).astype(np.float32)
    spectra = spectra_of(tf.constant(y), 256)
    assert spectra.shape == (1, 7, 129)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
    np.testing.assert_allclose(spectra[0, 2], np.fft.rfft(y[0, 128:384] * window), atol=1e-3)


@pytest.mark.parametrize(("rounds", "matchings"), [(0, 0), (2, 0), (2, 2)])
def test_sound_is_what_the_vocoder_makes(S, rounds, matchings):
    settings = VocoderSettings(**TINY | {"rounds": rounds, "matchings": matchings})
    network = drawn_network(settings)
    vocoder = Vocoder(settings, arrays_of(network))
    sound = sound_of(network(scaled(S)), tf.constant(scaled(S)), settings).numpy()
    assert sound.shape == (2, (FRAMES + OVERLAP - 1) * HOP_LENGTH)
    for index in range(2):
        fine = vocoder.fine_spectra(S[index])
        before = np.ones(N_BINS, np.complex64)
        spectra = phases_from_differences(np.sqrt(fine.power), fine.advance, fine.delay, before=before)
        expected = inner(phases.overlapped(refined(spectra, rounds=rounds)))
        assert np.sqrt(np.mean((inner(sound[index]) - expected) ** 2)) < 0.01 * np.sqrt(np.mean(expected**2))


@pytest.mark.parametrize("silent", [False, True])
def test_sound_pulls_at_every_weight_even_in_silence(S, silent):
    """What lies at the floor has no power to take a root or a ratio of."""
    S = np.full_like(S, LOG_FLOOR) if silent else S
    settings = VocoderSettings(**TINY)
    network = drawn_network(settings)
    with tf.GradientTape() as tape:
        sound = sound_of(network(scaled(S)), tf.constant(scaled(S)), settings)
        loudness = tf.reduce_mean(inner(sound) ** 2)
    for variable, slope in zip(
        network.trainable_variables, tape.gradient(loudness, network.trainable_variables), strict=True
    ):
        assert np.isfinite(slope).all(), variable.path
        assert silent or np.any(slope != 0), variable.path
