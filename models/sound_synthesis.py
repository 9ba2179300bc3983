"""Spectra become sound as `models.vocoder` does it, in TensorFlow: what is heard can then pull at the network.

Phases follow from frame to frame, and a pull that followed them back through a whole recording would be drowned in
what those many turns make of it. So the frame before each is taken as it is, and only what its own numbers, and the
rounds of refinement, make of a frame is followed back.

Axes: (batch, frames, N_BINS); differences of phase are parts as in `models.vocoder_network.Spectra`. Sound is
(batch, (frames + OVERLAP - 1) * HOP_LENGTH), all of the frames' samples.
"""

import numpy as np

from features.log_mel import CENTRE, HOP_LENGTH, N_FFT, N_MELS, POWER_FLOOR, SPREAD, mel_filter_bank
from features.spectrogram import hann
from models.phases import (
    MOMENTUM,
    N_BINS,
    NEIGHBOUR_ROUNDS,
    OVERLAP,
    TINY,
    advance_of_bins,
    phases_from_differences,
    unit,
)
from models.tensorflow_runtime import tf
from models.vocoder import HIGHEST_LOG_POWER
from models.vocoder_network import Spectra
from models.vocoder_settings import VocoderSettings

LEAST_POWER = 1e-10  # of a bin or a band: keeps ratios, and the slope of a root, finite
LEAST_SQUARE = 1e-7  # of a bin whose phase counts: far under its silence


def sound_of(made: Spectra, S: tf.Tensor, settings: VocoderSettings) -> tf.Tensor:
    """Sound of what a network makes of scaled log-mel (batch, frames, N_MELS)."""
    shape = (None, S.shape[1], N_BINS)
    power = tf.exp(tf.minimum(tf.ensure_shape(made.log_power, shape), HIGHEST_LOG_POWER))
    for _ in range(settings.matchings):
        power *= _matching(power, S)
    magnitude = tf.sqrt(power + LEAST_POWER)
    advance, delay = (tf.complex(each[:, :, 0], each[:, :, 1]) for each in (made.advance, made.delay))
    before = tf.numpy_function(_before, [magnitude, advance, delay], tf.complex64)
    before = tf.stop_gradient(tf.ensure_shape(before, shape))
    return overlapped(_refined(_phased(magnitude, advance, delay, before), magnitude, settings.rounds))


def overlapped(spectra: tf.Tensor) -> tf.Tensor:
    """As `models.phases.overlapped`, of a batch."""
    n_frames, window = spectra.shape[1], hann(N_FFT)
    frames = tf.reshape(tf.signal.irfft(spectra, [N_FFT]) * window, (-1, n_frames, OVERLAP, HOP_LENGTH))
    parts = [tf.pad(frames[:, :, k], ((0, 0), (k, OVERLAP - 1 - k), (0, 0))) for k in range(OVERLAP)]
    squares = (window**2).reshape(OVERLAP, HOP_LENGTH)
    weight = sum(np.pad(np.tile(squares[k], (n_frames, 1)), ((k, OVERLAP - 1 - k), (0, 0))) for k in range(OVERLAP))
    total = tf.add_n(parts) / np.maximum(weight, np.float32(TINY))
    return tf.reshape(total, (-1, (n_frames + OVERLAP - 1) * HOP_LENGTH))


def spectra_of(y: tf.Tensor, n_fft: int = N_FFT) -> tf.Tensor:
    """As `models.phases.spectra_of`, of a batch: (batch, n_samples) to (batch, frames, 1 + n_fft // 2).

    Frames overlap by `OVERLAP`; `n_samples` is a multiple of their hop.
    """
    blocks = tf.reshape(y, (-1, y.shape[1] // (n_fft // OVERLAP), n_fft // OVERLAP))
    n_frames = blocks.shape[1] - OVERLAP + 1
    frames = tf.concat([blocks[:, k : k + n_frames] for k in range(OVERLAP)], axis=2)
    return tf.signal.rfft(frames * hann(n_fft))


def _phased(magnitude: tf.Tensor, advance: tf.Tensor, delay: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
    """Spectra whose phases differ from `before`, of magnitude 1, and from bin to bin as they should."""
    loud = _complex(magnitude)
    told = loud * before * advance * advance_of_bins()
    upwards = -delay[:, :, 1:]
    downwards = tf.math.conj(upwards)
    now = told
    for _ in range(NEIGHBOUR_ROUNDS):
        from_below = tf.pad(now[:, :, :-1] * upwards, ((0, 0), (0, 0), (1, 0)))
        from_above = tf.pad(now[:, :, 1:] * downwards, ((0, 0), (0, 0), (0, 1)))
        now = loud * _unit(told + from_below + from_above)
    return now


def _refined(spectra: tf.Tensor, magnitude: tf.Tensor, rounds: int) -> tf.Tensor:
    """As `models.phases.refined`."""
    last = None
    for _ in range(rounds):
        found = spectra_of(overlapped(spectra))
        ahead = found if last is None else found + MOMENTUM * (found - last)
        last = found
        spectra = _complex(magnitude) * _unit(ahead)
    return spectra


def _before(magnitude: np.ndarray, advance: np.ndarray, delay: np.ndarray) -> np.ndarray:
    """Phases of the frame before each frame, as numbers of magnitude 1."""
    first = np.ones(magnitude[:, 0].shape, np.complex64)
    by_frame = (each.swapaxes(0, 1) for each in (magnitude, advance, delay))
    spectra = phases_from_differences(*by_frame, before=first).swapaxes(0, 1)
    return np.concatenate([first[:, np.newaxis], unit(spectra[:, :-1])], axis=1)


def _matching(power: tf.Tensor, S: tf.Tensor) -> tf.Tensor:
    """As in `models.vocoder`."""
    filters = mel_filter_bank()
    covered = filters.sum(axis=0)
    heard = tf.reshape(tf.matmul(tf.reshape(power, (-1, N_BINS)), filters, transpose_b=True), tf.shape(S))
    ratio = tf.maximum(tf.exp(S * SPREAD + CENTRE) - POWER_FLOOR, 0) / tf.maximum(heard, LEAST_POWER)
    spread = tf.reshape(tf.matmul(tf.reshape(ratio, (-1, N_MELS)), filters), tf.shape(power))
    return tf.where(covered > 0, spread / np.maximum(covered, np.float32(LEAST_POWER)), 1.0)


def _complex(x: tf.Tensor) -> tf.Tensor:
    return tf.complex(x, tf.zeros_like(x))


def _unit(x: tf.Tensor) -> tf.Tensor:
    square = tf.math.real(x) ** 2 + tf.math.imag(x) ** 2
    return x * _complex(tf.math.rsqrt(square + LEAST_SQUARE))
