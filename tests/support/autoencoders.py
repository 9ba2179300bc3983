"""Autoencoders for tests: of every layer that a real one has, and small enough to be built at once."""

from typing import Any

import numpy as np

from models.vqvae import Vqvae
from models.vqvae_settings import VqvaeSettings

TINY: dict[str, Any] = {
    "width": 12,
    "kernel": 3,
    "dilations": (1, 3),
    "latent_dim": 4,
    "n_codebooks": 3,
    "n_codes": 16,
}


def drawn_network(settings: VqvaeSettings) -> Vqvae:
    """A network whose every weight is drawn, and a number that float16 holds as well."""
    network = Vqvae(settings)
    rng = np.random.default_rng(2)
    for variable in network.trainable_variables:
        scale = 1.0 if len(variable.shape) == 1 else 1 / np.sqrt(np.prod(variable.shape[:-1]))
        variable.assign(rng.normal(size=variable.shape, scale=scale).astype(np.float16).astype(np.float32))
    network.quantizer.codebooks.assign(rng.normal(size=network.quantizer.codebooks.shape))
    return network
