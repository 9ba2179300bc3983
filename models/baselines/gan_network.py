"""Generator and critic of the adversarial baseline, in Keras.

The generator takes what frames are told and noise, (batch, frames, told_width + 2 * n_noise), to latents
(batch, frames, latent_dim) of zero mean and unit variance. The critic takes latents and what their frames are told,
(batch, frames, latent_dim + told_width), to one figure for every 8 frames, (batch, ceil(frames / 8)): above 0 where it
takes them for real.
"""

import numpy as np

from models.baselines.gan import GanSettings
from models.tensorflow_runtime import keras
from models.vqvae import trunk

CRITIC_KERNEL = 5
CRITIC_HALVINGS = 3


def build_generator(settings: GanSettings) -> keras.Model:
    """With random weights."""
    x = keras.Input((None, settings.told_width + 2 * settings.n_noise), name="told_and_noise")
    made = keras.layers.Dense(settings.latent_dim, name="out")(trunk(x, settings))
    return keras.Model(x, made, name="generator")


def build_critic(settings: GanSettings) -> keras.Model:
    """With random weights."""
    latents_and_told = keras.Input((None, settings.latent_dim + settings.told_width), name="latents_and_told")
    x = latents_and_told
    for index in range(CRITIC_HALVINGS):
        x = keras.layers.Conv1D(settings.critic_width, CRITIC_KERNEL, strides=2, padding="same", name=f"halve_{index}")(
            x
        )
        x = keras.layers.LeakyReLU(0.2)(x)
    figure = keras.layers.Dense(1, name="out")(x)
    return keras.Model(latents_and_told, keras.ops.squeeze(figure, -1), name="critic")


def arrays_of(generator: keras.Model) -> dict[str, np.ndarray]:
    """The generator's weights as `gan.GanInference` takes them."""
    return {
        f"generator/{layer.name}/{variable.name}": variable.numpy()
        for layer in generator.layers
        for variable in layer.variables
    }
