"""How close a vocoder's sound comes to the recordings whose log-mel it was given."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import fft

from features.log_mel import HOP_LENGTH, LOG_DB, SR, log_mel
from features.spectrogram import hann
from models.errors import ModelError

RESOLUTIONS = (512, 1024, 2048, 4096)  # samples in a frame
QUIETEST = 1e-4  # amplitude that counts as silence, 80 dB under a sine at full scale
EXCERPT_FRAMES = 430  # of each recording, 10 s

Vocode = Callable[[np.ndarray], np.ndarray]


def vocoding_report(
    vocoders: Mapping[str, Vocode], sounds: Sequence[np.ndarray], *, log_mels: Sequence[np.ndarray] | None = None
) -> dict[str, Any]:
    """Figures over the first ten seconds of some recordings.

    Parameters
    ----------
    vocoders : mapping of str to callable
        Each takes a log-mel (frames, N_MELS) and gives sound, ((frames - 1) * HOP_LENGTH,).
    sounds : sequence of np.ndarray, shape (n_samples,), float32
        Recordings that none was trained on, at `features.log_mel.SR`; at least one.
    log_mels : sequence of np.ndarray, shape (frames, N_MELS), optional
        What the vocoders are given in place of the recordings' own log-mel, such as an autoencoder's.

    Returns
    -------
    dict
        `n_recordings`, `seconds`, and for each vocoder `mel_l1_db`, the mean absolute difference of the log-mel of
        its sound from the one that it was given, in decibels; `spectral_db`, the mean absolute difference of the
        log spectra of its sound from those of the recording over four resolutions; `cpu_s_per_10_s`.

    Raises
    ------
    ModelError
        If there are no recordings.
    """
    if not sounds:
        raise ModelError("no recordings to measure vocoding on: expected at least one")
    excerpts = [y[: (EXCERPT_FRAMES - 1) * HOP_LENGTH] for y in sounds]
    given = [log_mel(y) for y in excerpts]
    if log_mels is not None:
        given = [S[: len(true)].astype(np.float32) for S, true in zip(log_mels, given, strict=True)]
    seconds = sum(map(len, excerpts)) / SR
    report: dict[str, Any] = {"n_recordings": len(sounds), "seconds": round(seconds, 1)}
    for name, vocode in vocoders.items():
        began = time.process_time()
        made = [vocode(S) for S in given]
        cpu_s = time.process_time() - began
        mel = [float(np.abs(log_mel(y) - S).mean()) * LOG_DB for y, S in zip(made, given, strict=True)]
        spectral = [spectral_distance_db(y, true) for y, true in zip(made, excerpts, strict=True)]
        report[name] = {
            "mel_l1_db": float(np.mean(mel)),
            "spectral_db": float(np.mean(spectral)),
            "cpu_s_per_10_s": 10 * cpu_s / seconds,
        }
    return report


def spectral_distance_db(y: np.ndarray, true: np.ndarray) -> float:
    """Mean absolute difference of log magnitudes over `RESOLUTIONS`, in decibels; phases count for nothing.

    Parameters
    ----------
    y, true : np.ndarray, shape (n_samples,)
        The longer one is cut; at least the longest frame.
    """
    n_samples = min(len(y), len(true))
    if n_samples < max(RESOLUTIONS):
        raise ModelError(f"{n_samples} samples: spectra are compared from {max(RESOLUTIONS)} on")
    levels = [[_levels_db(each[:n_samples], n_fft) for each in (y, true)] for n_fft in RESOLUTIONS]
    return float(np.mean([np.abs(one - other).mean() for one, other in levels]))


def _levels_db(y: np.ndarray, n_fft: int) -> np.ndarray:
    """Level of each bin of frames that overlap by three quarters; a sine at full scale has 0 dB."""
    frames = np.lib.stride_tricks.sliding_window_view(y, n_fft)[:: n_fft // 4]
    amplitude = np.abs(fft.rfft(frames * hann(n_fft))) * (4 / n_fft)
    return 20 * np.log10(np.maximum(amplitude, QUIETEST))
