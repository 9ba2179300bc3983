"""How loud sound is, band by band, in windows from 12 to 93 ms: what the ear tells strokes and partials by.

The vocoder's own frames are 93 ms long. What happens within one, or between two that overlap, is heard in shorter
windows alone; and only the sound itself has it, once its frames agree on their phases.

References
----------
Yamamoto, Song and Kim, "Parallel WaveGAN", ICASSP 2020 (spectra of several resolutions).
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from features.log_mel import SR
from features.spectrogram import mel_filters
from models.phases import OVERLAP
from models.sound_synthesis import spectra_of
from models.tensorflow_runtime import tf

LEVEL_FLOOR = 1e-8  # mean power of a band that counts as silence: 80 dB under a sine at full scale
CENTRE, SPREAD = -12.0, 3.0  # of levels of music, natural logarithms of power


class Resolution(NamedTuple):
    """A window of `n_fft` samples, OVERLAP of them over each sample, and so many mel bands."""

    n_fft: int
    n_bands: int


RESOLUTIONS = (Resolution(256, 32), Resolution(512, 48), Resolution(1024, 80), Resolution(2048, 96))
LONGEST_HOP = RESOLUTIONS[-1].n_fft // OVERLAP


def levels(y: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Scaled log power of bands at each of `RESOLUTIONS`.

    Parameters
    ----------
    y : tf.Tensor, shape (batch, n_samples)
        Sound at `features.log_mel.SR`, full scale at 1.0; a multiple of `LONGEST_HOP` samples.

    Returns
    -------
    tuple of tf.Tensor, shape (batch, frames, n_bands)
        About 0 in the mean, and as far from it as 1.
    """
    return tuple(_levels(y, each) for each in RESOLUTIONS)


def level_error(true: tuple[tf.Tensor, ...], made: tuple[tf.Tensor, ...]) -> tf.Tensor:
    """Mean absolute difference, in natural logarithms of power: a scalar, 0 for the same."""
    errors = [tf.reduce_mean(tf.abs(one - other)) for one, other in zip(true, made, strict=True)]
    return SPREAD * tf.add_n(errors) / len(errors)


def _levels(y: tf.Tensor, resolution: Resolution) -> tf.Tensor:
    spectra = spectra_of(y, resolution.n_fft)
    power = tf.math.real(spectra) ** 2 + tf.math.imag(spectra) ** 2
    bands = tf.matmul(tf.reshape(power, (-1, power.shape[-1])), _filters(resolution), transpose_b=True)
    logs = (tf.math.log(bands + LEVEL_FLOOR) - CENTRE) / SPREAD
    return tf.reshape(logs, (-1, spectra.shape[1], resolution.n_bands))


@cache
def _filters(resolution: Resolution) -> np.ndarray:
    """Mean power over each band, of a sine at full scale 1: (n_bands, n_bins)."""
    filters = mel_filters(sr=SR, n_fft=resolution.n_fft, n_mels=resolution.n_bands)
    return filters / np.maximum(filters.sum(axis=1, keepdims=True), 1e-12) / (resolution.n_fft / 4) ** 2
