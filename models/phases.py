"""Spectra of the generator's frames, the phases in them, and the way back to sound.

Spectra are (frames, N_BINS) complex64, as `features.log_mel` takes them: frame k holds the samples from k * HOP_LENGTH
on, N_FFT of them under a Hann window, of a signal that has N_FFT / 2 samples more on either side than the sound.

References
----------
Griffin and Lim, "Signal estimation from modified short-time Fourier transform", IEEE TASSP 32(2), 1984.
Perraudin, Balazs and Søndergaard, "A fast Griffin-Lim algorithm", WASPAA 2013 (momentum).
Masuyama, Yatabe, Koizumi, Oikawa and Harada, "Phase reconstruction based on recurrent phase unwrapping with deep
neural networks", ICASSP 2020 (phases from their differences).
"""

from functools import cache

import numpy as np
from scipy import fft

from features.log_mel import HOP_LENGTH, N_FFT
from features.spectrogram import hann, spectrum

N_BINS = 1 + N_FFT // 2
OVERLAP = N_FFT // HOP_LENGTH  # frames that a sample lies in
MOMENTUM = 0.99 / 1.99  # of the fast variant of Griffin-Lim
NEIGHBOUR_ROUNDS = 3  # in which the bins of a frame agree on their phases
TINY = 1e-9


def spectra_of(y: np.ndarray) -> np.ndarray:
    """Spectra of the frames that lie whole in y, (n_samples,) float32."""
    return spectrum(np.lib.stride_tricks.sliding_window_view(y, N_FFT)[::HOP_LENGTH])


def overlapped(spectra: np.ndarray) -> np.ndarray:
    """The signal whose frames come closest to spectra: ((frames + OVERLAP - 1) * HOP_LENGTH,) float32."""
    n_frames, window = len(spectra), hann(N_FFT)
    frames = (fft.irfft(spectra, N_FFT, axis=1) * window).reshape(n_frames, OVERLAP, HOP_LENGTH)
    squares = (window**2).reshape(OVERLAP, HOP_LENGTH)
    total = np.zeros((n_frames + OVERLAP - 1, HOP_LENGTH), np.float32)
    weight = np.zeros_like(total)
    for part in range(OVERLAP):
        total[part : part + n_frames] += frames[:, part]
        weight[part : part + n_frames] += squares[part]
    return (total / np.maximum(weight, np.float32(TINY))).reshape(-1)


def phase_differences(spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How phases go on from frame to frame and from bin to bin, as numbers of magnitude 1.

    Parameters
    ----------
    spectra : np.ndarray, shape (..., frames, N_BINS)
        At least two frames.

    Returns
    -------
    tuple of np.ndarray, shape (..., frames - 1, N_BINS), complex64
        From the second frame on, the difference from the frame before, of which what a partial in the middle of the
        bin has is taken away, and from the bin below, of which what a click in the middle of the frame has is: both
        are 1 for such sounds. The lowest bin, which has none below, has its own sign there.
    """
    advance = spectra[..., 1:, :] * np.conj(spectra[..., :-1, :]) * np.conj(advance_of_bins())
    below = np.concatenate([np.ones_like(spectra[..., 1:, :1]), -spectra[..., 1:, :-1]], axis=-1)
    return unit(advance), unit(spectra[..., 1:, :] * np.conj(below))


def phases_from_differences(
    magnitude: np.ndarray, advance: np.ndarray, delay: np.ndarray, *, before: np.ndarray
) -> np.ndarray:
    """Spectra whose phases differ as they should, frame after frame.

    Parameters
    ----------
    magnitude : np.ndarray, shape (frames, ..., N_BINS)
        Of every bin.
    advance, delay : np.ndarray, shape (frames, ..., N_BINS), complex
        Differences as `phase_differences` gives them; the less sure, the smaller.
    before : np.ndarray, shape (..., N_BINS)
        Spectrum of the frame before the first.

    Returns
    -------
    np.ndarray, shape (frames, ..., N_BINS), complex64
        Of that magnitude. Each bin hears the frame before and its two neighbours, the louder and surer the more.
    """
    spectra = np.empty(magnitude.shape, np.complex64)
    advance = advance * advance_of_bins()
    upwards = -delay[..., 1:]
    downwards = np.conj(upwards)
    for index, (loud, step, up, down) in enumerate(zip(magnitude, advance, upwards, downwards, strict=True)):
        told = loud * unit(before) * step
        now = told
        for _ in range(NEIGHBOUR_ROUNDS):
            heard = told.copy()
            heard[..., 1:] += now[..., :-1] * up
            heard[..., :-1] += now[..., 1:] * down
            now = loud * unit(heard)
        spectra[index] = before = now
    return spectra


def refined(spectra: np.ndarray, *, rounds: int, n_fixed: int = 0) -> np.ndarray:
    """Spectra of the same magnitudes whose frames agree better where they overlap.

    Parameters
    ----------
    spectra : np.ndarray, shape (frames, N_BINS)
        With the phases to start from.
    rounds : int
        Of the fast variant of Griffin-Lim.
    n_fixed : int
        First frames that stay as they are.
    """
    magnitude = np.abs(spectra)
    fixed, last = spectra[:n_fixed], None
    for _ in range(rounds):
        found = spectra_of(overlapped(spectra))
        ahead = found if last is None else found + np.float32(MOMENTUM) * (found - last)
        last = found
        spectra = magnitude * unit(ahead)
        spectra[:n_fixed] = fixed
    return spectra


def unit(x: np.ndarray) -> np.ndarray:
    """Complex numbers of the same phase and magnitude 1; 0 stays 0."""
    return x / np.maximum(np.abs(x), np.float32(TINY))


@cache
def advance_of_bins() -> np.ndarray:
    """How the phase of a partial in the middle of each bin goes on in a hop: (N_BINS,) complex64, magnitude 1."""
    turns = np.arange(N_BINS) * HOP_LENGTH % N_FFT / N_FFT
    return np.exp(2j * np.pi * turns).astype(np.complex64)
