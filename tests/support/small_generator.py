"""A generator of real parts whose every weight is drawn: what it makes is noise, and is made as a real one makes it."""

import numpy as np

from datasets.composers import GENRES
from models.generator import Generator
from models.originality import OriginalityIndex
from models.prior import arrays_of as arrays_of_prior
from models.prior import build
from models.prior_inference import PriorInference
from models.prior_settings import PriorSettings
from models.vocoder import Vocoder
from models.vocoder_network import VocoderNetwork
from models.vocoder_network import arrays_of as arrays_of_vocoder
from models.vocoder_settings import VocoderSettings
from models.vqvae import arrays_of as arrays_of_autoencoder
from models.vqvae_inference import VqvaeInference
from models.vqvae_settings import VqvaeSettings
from tests.support.autoencoders import TINY, drawn_network
from tests.support.small_priors import SMALL, draw_weights

N_CODEBOOKS, N_CODES = TINY["n_codebooks"], TINY["n_codes"]
CARD = {"name": "small", "version": "1", "genres": list(GENRES), "sha256": "0" * 64}


def small_generator(*, training: dict[str, np.ndarray] | None = None) -> Generator:
    """A generator; `training` are codes by name that clips are compared with, by default none that they could meet."""
    autoencoder = VqvaeSettings(**TINY)
    prior = PriorSettings(**{**vars(SMALL), "n_codes": N_CODES, "n_codebooks": N_CODEBOOKS, "n_genres": len(GENRES)})
    network = build(prior)
    draw_weights(network)
    vocoder = VocoderSettings(width=8, hidden=8, kernel=3, n_blocks=1, rounds=1, matchings=1)
    speaker = VocoderNetwork(vocoder)
    return Generator(
        CARD,
        autoencoder=VqvaeInference(autoencoder, _audible(arrays_of_autoencoder(drawn_network(autoencoder)))),
        prior=PriorInference(arrays_of_prior(network), prior),
        vocoder=Vocoder(vocoder, arrays_of_vocoder(speaker)),
        originality=OriginalityIndex.build(
            (training or {"silence": np.zeros((N_CODEBOOKS, 200), int)}).items(), n_codes=N_CODES
        ),
    )


def _audible(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights whose log-mels lie where music does."""
    arrays["decoder/out/bias"] = np.full_like(arrays["decoder/out/bias"], 0.3)
    return arrays
