"""Recordings as the hybrid network takes them, made for tests: each view tells a genre by one simple thing, or not."""

from collections.abc import Sequence

import numpy as np

from features.packet_scalogram import N_BANDS
from models.attribute_vector import N_ATTRIBUTES
from models.hybrid_input import BRANCHES, N_EMBEDDING, N_TAGS, WINDOW_FRAMES, HybridInput
from models.network_fit import Labelled


def hybrid_input(
    rng: np.random.Generator,
    *,
    n_windows: int = 2,
    views: Sequence[str] = BRANCHES,
    embedding: bool = True,
    genre: int = 0,
    told_by: Sequence[str] = (),
) -> HybridInput:
    """Noise in all views; those of `told_by` say genre k: every fifth tag or attribute from k, ten bands from 10 k."""
    taggram = rng.uniform(0.1, 0.3, (n_windows, N_TAGS)).astype(np.float32)
    scalogram = rng.uniform(0.0, 0.01, (n_windows, WINDOW_FRAMES, N_BANDS)).astype(np.float16)
    attributes = rng.uniform(-1, 1, N_ATTRIBUTES).astype(np.float32)
    if "musicnn" in told_by:
        taggram[:, genre::5] = 0.9
    if "wavelet" in told_by:
        scalogram[:, :, 10 * genre : 10 * genre + 10] += np.float16(0.1)
    if "attributes" in told_by:
        attributes[genre::5] = 4.0
    return HybridInput(
        taggram=taggram,
        embedding=rng.normal(0, 1, (n_windows, N_EMBEDDING)).astype(np.float32) if embedding else None,
        scalogram=scalogram if "wavelet" in views else None,
        attributes=attributes if "attributes" in views else None,
    )


def labelled(
    rng: np.random.Generator,
    *,
    n_genres: int = 2,
    per_genre: int = 8,
    views: Sequence[str] = BRANCHES,
    told_by: Sequence[str] = ("musicnn",),
) -> Labelled:
    """Recordings of one to three windows, genre by genre."""
    labels = np.repeat(np.arange(n_genres), per_genre)
    recordings = [
        hybrid_input(rng, n_windows=1 + i % 3, views=views, genre=int(genre), told_by=told_by)
        for i, genre in enumerate(labels)
    ]
    return Labelled(recordings, labels)
