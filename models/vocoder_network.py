"""The vocoder's network: from 96 mel bands to the fine spectrum, and to how its phases go on.

A feed-forward network cannot know the phase of a partial that sounds on and on: the frames look alike, the phases do
not. What the log-mel does tell is how the phase of a bin differs from that of the frame before and of the bin below;
`models.vocoder` adds these differences up. The network answers with the mean of each difference as a point in the
unit circle: near the rim it is sure, near the middle it does not know.

Layers are the blocks of ConvNeXt over time: a convolution in each channel, a normalisation, two dense layers.

References
----------
Siuzdak, "Vocos: closing the gap between time-domain and Fourier-based neural vocoders", ICLR 2024 (the trunk).
Masuyama, Yatabe, Koizumi, Oikawa and Harada, "Phase reconstruction based on recurrent phase unwrapping with deep
neural networks", ICASSP 2020 (differences of phase).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from features.log_mel import N_MELS
from models.named_weights import named_weights, set_weights
from models.phases import N_BINS
from models.tensorflow_runtime import keras, tf
from models.vocoder import NORMALISE_EPSILON, POWER_SPREAD, coarse_log_power
from models.vocoder_settings import VocoderSettings

BLOCK_SCALE = 0.1  # variance of a block's first answers, relative to its input's


class Spectra(NamedTuple):
    """What the network makes of a batch of log-mel.

    Attributes
    ----------
    log_power : tf.Tensor, shape (batch, frames, N_BINS)
        Natural logarithm of the power of each bin.
    advance, delay : tf.Tensor, shape (batch, frames, 2, N_BINS)
        Mean differences of phase from the frame before and from the bin below, real and imaginary parts of a number
        in the unit circle; without the differences that every spectrum has, see `models.phases.phase_differences`.
    """

    log_power: tf.Tensor
    advance: tf.Tensor
    delay: tf.Tensor


class VocoderNetwork(keras.Model):
    """(batch, frames, N_MELS) scaled log-mel -> `Spectra`.

    Parameters
    ----------
    settings : VocoderSettings
        Shape.
    precision : str
        Of the layers between the first and the last: "float32" or "mixed_bfloat16".
    """

    def __init__(self, settings: VocoderSettings = VocoderSettings(), *, precision: str = "float32") -> None:
        super().__init__()
        self.settings = settings
        self.trunk = _trunk(settings, precision)
        self._coarse, self._offset = map(tf.constant, coarse_log_power())
        self.built = True

    def call(self, S: tf.Tensor) -> Spectra:
        """Fine spectrum and differences of phase."""
        batch, frames = tf.shape(S)[0], tf.shape(S)[1]
        out = tf.reshape(self.trunk(S), (batch, frames, 5, N_BINS))
        coarse = tf.matmul(S, self._coarse) + self._offset
        return Spectra(coarse + POWER_SPREAD * out[:, :, 0], out[:, :, 1:3], out[:, :, 3:5])


def arrays_of(network: VocoderNetwork) -> dict[str, np.ndarray]:
    """The weights as `models.vocoder` takes them, float16."""
    return {name: variable.numpy().astype(np.float16) for name, variable in named_weights(network.trunk).items()}


def set_arrays(network: VocoderNetwork, arrays: Mapping[str, np.ndarray]) -> None:
    """Give a network the weights of another of the same shape; ModelError where they do not fit."""
    set_weights(network.trunk, arrays, what="vocoder")


def _trunk(settings: VocoderSettings, precision: str) -> keras.Model:
    S = keras.Input((None, N_MELS), name="S")
    x = keras.layers.Conv1D(settings.width, settings.kernel, padding="same", dtype=precision, name="in")(S)
    for index in range(settings.n_blocks):
        x = _block(x, settings, precision, f"block_{index}")
    x = _normalise(x, precision, "normalise")
    x = keras.layers.Dense(5 * N_BINS, dtype=precision, name="out")(x)
    return keras.Model(S, keras.layers.Activation("linear", dtype="float32", name="whole")(x), name="trunk")


def _block(x: keras.KerasTensor, settings: VocoderSettings, precision: str, name: str) -> keras.KerasTensor:
    y = keras.layers.DepthwiseConv1D(settings.kernel, padding="same", dtype=precision, name=f"{name}_conv")(x)
    y = _normalise(y, precision, f"{name}_normalise")
    y = keras.layers.Dense(settings.hidden, activation="silu", dtype=precision, name=f"{name}_widen")(y)
    start = keras.initializers.VarianceScaling(BLOCK_SCALE)
    y = keras.layers.Dense(settings.width, kernel_initializer=start, dtype=precision, name=f"{name}_narrow")(y)
    return keras.layers.Add(dtype=precision, name=f"{name}_add")([x, y])


def _normalise(x: keras.KerasTensor, precision: str, name: str) -> keras.KerasTensor:
    return keras.layers.LayerNormalization(epsilon=NORMALISE_EPSILON, dtype=precision, name=name)(x)
