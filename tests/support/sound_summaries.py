"""What a labelling project would know of a recording, without a backbone: 50 "tags" that are bands of its spectrum."""

import itertools
from pathlib import Path

import numpy as np

from features.audio import load
from models.hybrid_input import N_EMBEDDING, N_TAGS
from models.label_pool import LabelPool
from models.track_summary import BACKBONE, TrackSummary

SR = 16000
LOWEST_HZ, HIGHEST_HZ = 100.0, 6000.0
LOUD, QUIET = 0.9, 0.05


def summary_of(path: Path) -> TrackSummary:
    """A tone activates the tag of its band and, less, the neighbouring ones; recordings of one pitch are alike."""
    y = load(path, sr=SR)
    spectrum = np.abs(np.fft.rfft(y))
    edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, N_TAGS + 1) * len(y) / SR
    bands = np.array([spectrum[int(a) : max(int(b), int(a) + 1)].sum() for a, b in itertools.pairwise(edges)])
    share = np.convolve(bands / max(bands.max(), 1e-9), [0.3, 1.0, 0.3], "same").clip(0, 1)
    return TrackSummary(backbone=BACKBONE, vector=vector_of(QUIET + (LOUD - QUIET) * share), start_s=0.0)


def vector_of(tags: np.ndarray) -> np.ndarray:
    """The vector of a recording all of whose windows have these activations, (50,)."""
    pool = LabelPool.of_taggrams([tags[np.newaxis].astype(np.float32)], ("",))
    vector = pool.to_vectors()[0]
    vector[2 * N_TAGS :] = np.tile(tags, N_EMBEDDING // N_TAGS)
    return vector
