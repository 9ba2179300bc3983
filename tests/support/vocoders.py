"""Vocoders for tests: of every layer that a real one has, and small enough to be built at once."""

from typing import Any

import numpy as np

from models.vocoder_network import VocoderNetwork
from models.vocoder_settings import VocoderSettings

TINY: dict[str, Any] = {"width": 6, "hidden": 10, "kernel": 3, "n_blocks": 2, "rounds": 2, "matchings": 1}


def drawn_network(settings: VocoderSettings) -> VocoderNetwork:
    """A network whose every weight is drawn, and a number that float16 holds as well."""
    network = VocoderNetwork(settings)
    rng = np.random.default_rng(2)
    for variable in network.trainable_variables:
        scale = 0.3 if len(variable.shape) == 1 else 0.3 / np.sqrt(np.prod(variable.shape[:-1]))
        variable.assign(rng.normal(size=variable.shape, scale=scale).astype(np.float16).astype(np.float32))
    return network
