"""Where codes come from: an autoencoder that turns recordings into them."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from features.audio import load
from features.log_mel import FRAMES_PER_S, SR, log_mel
from models.model_folder import read_card
from models.vqvae_inference import VqvaeInference

CODING_PARTS = ("encoder/", "quantizer/")  # of an autoencoder, by the names of their arrays


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
    """What the codes of an autoencoder with this card are called: those of another encoder or codebooks are others.

    A decoder may learn on while the codes stay. Where the card has no `codes_sha256`, all weights count.
    """
    return f"{card['name']} {card['version']} {card.get('codes_sha256', card['weights']['sha256'])}"


def codes_sha256(arrays: Mapping[str, np.ndarray]) -> str:
    """Hash of those arrays of an autoencoder (`vqvae.arrays_of`) that its codes depend on."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        if name.startswith(CODING_PARTS):
            found.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
            found.update(np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()
