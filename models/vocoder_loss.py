"""How far fine spectra are from those of the true recording.

Four terms ask for different things. Each bin's log power must be right, which alone gives the median of all that
might be there, too soft where noise sounds; so the power of larger cells must be right too, at several resolutions of
time and frequency, and that of the mel bands. Differences of phase are numbers on the unit circle; the point that is
nearest to all that might be is their mean, whose size tells how sure it is. Loud bins count more there.

Axes: (batch, frames, bins); power is (batch, frames, N_BINS) in natural logarithms.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from features.log_mel import POWER_FLOOR, mel_filter_bank
from features.spectrogram import power
from models.phases import phase_differences
from models.setting_ranges import check_ranges
from models.tensorflow_runtime import tf
from models.vocoder import BIN_POWER_FLOOR, HIGHEST_LOG_POWER, LOWEST_LOG_POWER
from models.vocoder_network import Spectra

CELL_STEPS = ((1, 4), (4, 1), (1, 8))  # frames and bins whose power is taken together, each on top of the one before
LOUDNESS_EXPONENT = 0.25  # of power: the weight of a bin's phase


@dataclass(frozen=True)
class LossSettings:
    """Weights of the terms: log power of bins, of cells, of mel bands; differences of phase."""

    bins: float = 1.0
    cells: float = 1.0
    mel: float = 1.0
    phase: float = 1.0

    def __post_init__(self) -> None:
        check_ranges(self, **dict.fromkeys(("bins", "cells", "mel", "phase"), (0.0, 100.0)))


class TrueSpectra(NamedTuple):
    """What a batch of recordings has: as `vocoder_network.Spectra`."""

    log_power: np.ndarray
    advance: np.ndarray
    delay: np.ndarray


def true_spectra(spectra: np.ndarray) -> TrueSpectra:
    """Of spectra (batch, 1 + frames, N_BINS) complex64; the first frame only tells how phases go on from it."""
    advance, delay = phase_differences(spectra)
    log_power = np.log(np.maximum(power(spectra[:, 1:]), np.float32(BIN_POWER_FLOOR)))
    return TrueSpectra(log_power, _parts(advance), _parts(delay))


def spectral_terms(true: TrueSpectra, made: Spectra) -> dict[str, tf.Tensor]:
    """The terms `bins`, `cells`, `mel` and `phase`, each a scalar and 0 where both are the same."""
    log_power = tf.clip_by_value(made.log_power, LOWEST_LOG_POWER, HIGHEST_LOG_POWER)
    true_power, made_power = tf.exp(true.log_power), tf.exp(log_power)
    loudness = true_power**LOUDNESS_EXPONENT
    weight = (loudness / tf.reduce_mean(loudness, axis=(1, 2), keepdims=True))[:, :, tf.newaxis]
    return {
        "bins": tf.reduce_mean(tf.abs(true.log_power - log_power)),
        "cells": _cell_error(true_power, made_power),
        "mel": tf.reduce_mean(tf.abs(_log_mel(true_power) - _log_mel(made_power))),
        "phase": tf.reduce_mean(weight * ((true.advance - made.advance) ** 2 + (true.delay - made.delay) ** 2)),
    }


def _cell_error(true_power: tf.Tensor, made_power: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference of log power over cells of several sizes, up to 4 frames and 32 bins."""
    errors = []
    for step in CELL_STEPS:
        true_power, made_power = _pooled(true_power, step), _pooled(made_power, step)
        errors.append(tf.reduce_mean(tf.abs(tf.math.log(true_power) - tf.math.log(made_power))))
    return tf.add_n(errors) / len(CELL_STEPS)


def _pooled(x: tf.Tensor, step: tuple[int, int]) -> tf.Tensor:
    """Means over so many frames and bins; what does not fill a cell at the end is left out."""
    return tf.nn.avg_pool2d(x[..., tf.newaxis], step, step, "VALID")[..., 0]


def _log_mel(power_of_bins: tf.Tensor) -> tf.Tensor:
    mel = tf.matmul(power_of_bins, tf.constant(mel_filter_bank()), transpose_b=True)
    return tf.math.log(tf.maximum(mel, POWER_FLOOR))


def _parts(x: np.ndarray) -> np.ndarray:
    """Real and imaginary parts side by side: (batch, frames, bins) complex to (batch, frames, 2, bins)."""
    return np.stack([x.real, x.imag], axis=2)
