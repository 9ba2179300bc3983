"""Where codes come from: an autoencoder that turns recordings into them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from features.audio import load
from features.log_mel import FRAMES_PER_S, SR, log_mel
from models.model_folder import read_card
from models.vqvae_inference import VqvaeInference


@dataclass(frozen=True)
class CodeSource:
    """What turns recordings into codes.

    Attributes
    ----------
    encode : callable
        From the path of a recording to its codes, int of shape (n_codebooks, n_frames).
    name : str
        Of the model and its weights: codes of another name are others.
    n_codebooks, n_codes : int
        Codebooks, and entries of each.
    frames_per_s : float
        Rate of the codes.
    """

    encode: Callable[[Path], np.ndarray]
    name: str
    n_codebooks: int
    n_codes: int
    frames_per_s: float


def code_source(folder: Path) -> CodeSource:
    """The autoencoder of a model folder as a source of codes. Raises ModelError if it is none."""
    autoencoder = VqvaeInference.load(folder)
    card, settings = read_card(folder), autoencoder.settings
    return CodeSource(
        encode=lambda path: autoencoder.encode(log_mel(load(path, sr=SR))),
        name=name_of_codes(card),
        n_codebooks=settings.n_codebooks,
        n_codes=settings.n_codes,
        frames_per_s=FRAMES_PER_S / settings.time_stride,
    )


def name_of_codes(card: Mapping[str, Any]) -> str:
    """What the codes of an autoencoder with this card are called: those of other weights are others."""
    return f"{card['name']} {card['version']} {card['weights']['sha256']}"
