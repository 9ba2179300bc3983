"""The autoencoder of the generator: log-mel to codes and back, by convolutions over time.

Log-mel is (batch, frames, N_MELS) as `features.log_mel.scaled` gives it; bands are the channels. The encoder puts
`time_stride` frames side by side, so that every layer runs at the rate of the latents; the decoder takes them apart
again. Layers normalise each latent over its channels and never over time: a piece of a recording gives, but for its
edges, what the whole gives there.

References
----------
van den Oord, Vinyals and Kavukcuoglu, "Neural discrete representation learning", NeurIPS 2017.
Dieleman, van den Oord and Simonyan, "The challenge of realistic music generation", NeurIPS 2018.
"""

from typing import NamedTuple

import numpy as np

from features.log_mel import N_MELS
from models.quantizer import Quantised, ResidualQuantizer
from models.residual_network import NORMALISE_EPSILON
from models.tensorflow_runtime import keras, tf
from models.vqvae_settings import TrunkSettings, VqvaeSettings


class Reconstruction(NamedTuple):
    """A batch, coded and decoded again.

    Attributes
    ----------
    S : tf.Tensor, shape (batch, frames, N_MELS)
        Scaled log-mel.
    latents : Quantised
        What the quantiser made of the encoder's latents.
    """

    S: tf.Tensor
    latents: Quantised


class Vqvae(keras.Model):
    """(batch, frames, N_MELS) scaled log-mel -> `Reconstruction`; `frames` is a multiple of `time_stride`.

    Parameters
    ----------
    settings : VqvaeSettings
        Its shape.
    precision : str
        With "mixed_bfloat16" the trunks multiply 16-bit numbers, which processors that have them do several times as
        fast; weights, latents, codebooks and log-mel stay float32.
    """

    def __init__(self, settings: VqvaeSettings = VqvaeSettings(), *, precision: str = "float32") -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoder_network(settings, precision=precision)
        self.quantizer = ResidualQuantizer(
            settings.latent_dim, settings.n_codebooks, settings.n_codes, name="quantizer"
        )
        self.decoder = decoder_network(settings, precision=precision)
        self.built = True

    def call(self, S: tf.Tensor) -> Reconstruction:
        """Encode, quantise, decode."""
        latents = self.quantizer(self.encoder(S))
        return Reconstruction(self.decoder(latents.quantised), latents)


def encoder_network(settings: VqvaeSettings, *, precision: str = "float32") -> keras.Model:
    """Scaled log-mel (batch, frames, N_MELS) to latents (batch, frames / time_stride, latent_dim)."""
    S = keras.Input((None, N_MELS), name="S")
    x = keras.layers.Reshape((-1, settings.time_stride * N_MELS), name="side_by_side")(S)
    x = trunk(x, settings, precision=precision)
    latents = keras.layers.Dense(settings.latent_dim, name="out")(x)
    return keras.Model(S, latents, name="encoder")


def decoder_network(settings: VqvaeSettings, *, precision: str = "float32") -> keras.Model:
    """Quantised latents (batch, time, latent_dim) to scaled log-mel (batch, time * time_stride, N_MELS)."""
    latents = keras.Input((None, settings.latent_dim), name="latents")
    x = trunk(latents, settings, precision=precision)
    x = keras.layers.Dense(settings.time_stride * N_MELS, name="out")(x)
    S = keras.layers.Reshape((-1, N_MELS), name="apart")(x)
    return keras.Model(latents, S, name="decoder")


def arrays_of(network: Vqvae) -> dict[str, np.ndarray]:
    """The weights as `models.vqvae_inference` takes them: float16, the codebooks float32."""
    weights = {
        f"{part.name}/{layer.name}/{variable.name}": variable.numpy().astype(np.float16)
        for part in (network.encoder, network.decoder)
        for layer in part.layers
        for variable in layer.variables
    }
    return weights | {"quantizer/codebooks": network.quantizer.codebooks.numpy()}


def trunk(x: keras.KerasTensor, settings: TrunkSettings, *, precision: str = "float32") -> keras.KerasTensor:
    """What encoder and decoder have in common: a convolution, residual blocks, a normalisation.

    With a layer "out" after it, `residual_network.residual_network` is the same in NumPy.
    """
    x = keras.layers.Conv1D(settings.width, settings.kernel, padding="same", dtype=precision, name="in")(x)
    for index, dilation in enumerate(settings.dilations):
        x = _block(x, settings, dilation, precision, f"block_{index}")
    return _normalise(x, precision, "normalise")


def _block(
    x: keras.KerasTensor, settings: TrunkSettings, dilation: int, precision: str, name: str
) -> keras.KerasTensor:
    y = _normalise(x, precision, f"{name}_normalise")
    y = keras.layers.Conv1D(
        settings.width,
        settings.kernel,
        dilation_rate=dilation,
        padding="same",
        activation="silu",
        dtype=precision,
        name=f"{name}_conv",
    )(y)
    return x + keras.layers.Dense(settings.width, dtype=precision, name=f"{name}_mix")(y)


def _normalise(x: keras.KerasTensor, precision: str, name: str) -> keras.KerasTensor:
    return keras.layers.LayerNormalization(epsilon=NORMALISE_EPSILON, dtype=precision, name=name)(x)
