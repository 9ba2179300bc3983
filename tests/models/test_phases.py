"""Spectra go back to the sound that they are of, and phases to where their differences say."""

import numpy as np
import pytest

from features.log_mel import HOP_LENGTH, N_FFT, SR
from models.phases import N_BINS, OVERLAP, overlapped, phase_differences, phases_from_differences, refined, spectra_of


def sound(rng: np.random.Generator, frames: int) -> np.ndarray:
    return rng.normal(size=N_FFT + (frames - 1) * HOP_LENGTH).astype(np.float32)


def test_what_was_cut_into_frames_is_put_together_again(rng):
    y = sound(rng, 9)
    spectra = spectra_of(y)
    assert spectra.shape == (9, N_BINS)
    inner = slice(16, -16)  # next to nothing of a window lies beyond
    np.testing.assert_allclose(overlapped(spectra)[inner], y[inner], atol=1e-3)
    assert len(overlapped(spectra)) == (9 + OVERLAP - 1) * HOP_LENGTH


def test_a_partial_in_the_middle_of_a_bin_goes_on_by_nothing():
    t = np.arange(N_FFT + 3 * HOP_LENGTH)
    bin_of_tone = 101
    advance, _ = phase_differences(spectra_of(np.cos(2 * np.pi * bin_of_tone * t / N_FFT + 1).astype(np.float32)))
    np.testing.assert_allclose(advance[:, bin_of_tone], 1, atol=1e-3)


def test_a_partial_beside_the_middle_goes_on_by_its_frequency():
    hz = 440.0
    t = np.arange(N_FFT + 3 * HOP_LENGTH) / SR
    advance, _ = phase_differences(spectra_of(np.cos(2 * np.pi * hz * t).astype(np.float32)))
    nearest = round(hz * N_FFT / SR)
    turns = (hz - nearest * SR / N_FFT) * HOP_LENGTH / SR
    np.testing.assert_allclose(advance[:, nearest], np.exp(2j * np.pi * turns), atol=0.01)


def test_a_click_in_the_middle_of_a_frame_has_no_delay():
    y = np.zeros(N_FFT + HOP_LENGTH, np.float32)
    y[HOP_LENGTH + N_FFT // 2] = 1.0
    _, delay = phase_differences(spectra_of(y))
    np.testing.assert_allclose(delay, 1, atol=1e-4)


def test_phases_are_found_again_from_their_differences(rng):
    spectra = spectra_of(sound(rng, 12))
    advance, delay = phase_differences(spectra)
    found = phases_from_differences(np.abs(spectra[1:]), advance, delay, before=spectra[0])
    np.testing.assert_allclose(found, spectra[1:], atol=0.02)


def test_several_recordings_are_found_as_each_alone(rng):
    several = np.stack([spectra_of(sound(rng, 5)) for _ in range(2)])
    advance, delay = phase_differences(several)
    parts = (np.abs(several[:, 1:]), advance, delay)
    together = phases_from_differences(*(each.swapaxes(0, 1) for each in parts), before=several[:, 0])
    for index in range(2):
        alone = phases_from_differences(*(each[index] for each in parts), before=several[index, 0])
        np.testing.assert_array_equal(together[:, index], alone)


def test_who_is_unsure_of_the_frame_before_asks_the_neighbours(rng):
    """One bin has no advance: its phase comes from the bins beside it."""
    spectra = spectra_of(sound(rng, 3))
    advance, delay = phase_differences(spectra)
    advance[:, 50] = 0
    found = phases_from_differences(np.abs(spectra[1:]), advance, delay, before=spectra[0])
    np.testing.assert_allclose(found, spectra[1:], atol=0.02)


def test_refinement_makes_frames_agree_and_keeps_their_magnitudes(rng):
    magnitude = np.abs(spectra_of(sound(rng, 20)))
    start = magnitude * np.exp(2j * np.pi * rng.random(magnitude.shape)).astype(np.complex64)

    def disagreement(spectra: np.ndarray) -> float:
        return float(np.abs(np.abs(spectra_of(overlapped(spectra))) - magnitude).mean())

    found = refined(start, rounds=16)
    np.testing.assert_allclose(np.abs(found), magnitude, rtol=1e-4)
    assert disagreement(found) < 0.5 * disagreement(start)


@pytest.mark.parametrize("rounds", [0, 3])
def test_fixed_frames_stay(rng, rounds):
    spectra = spectra_of(sound(rng, 8)) * np.exp(2j * np.pi * rng.random((8, 1))).astype(np.complex64)
    found = refined(spectra, rounds=rounds, n_fixed=3)
    np.testing.assert_array_equal(found[:3], spectra[:3])
    assert np.array_equal(found[3:], spectra[3:]) == (rounds == 0)
