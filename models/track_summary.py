"""What is kept of a recording for the learner of labelling projects, and for the ear of an annotator."""

from dataclasses import dataclass

import numpy as np

from models.label_pool import LabelPool
from models.listening import Listening
from models.pooling import log_odds

BACKBONE = "MSD_musicnn"  # hears for labelling projects, whatever model answers for the library


@dataclass(frozen=True)
class TrackSummary:
    """A recording summed up.

    Attributes
    ----------
    backbone : str
        Identity of the backbone that heard it.
    vector : np.ndarray, shape (300,), float32
        A row of `models.label_pool.LabelPool.to_vectors`.
    start_s : float
        Where the window begins that tells most.
    """

    backbone: str
    vector: np.ndarray
    start_s: float


def summarise(heard: Listening, backbone: str = BACKBONE) -> TrackSummary:
    """Sum up what was heard."""
    vector = LabelPool.of_listening(heard).to_vectors()[0]
    return TrackSummary(backbone=backbone, vector=vector, start_s=telling_start_s(heard))


def telling_start_s(heard: Listening) -> float:
    """Start of the window that is most like the whole: neither a quiet beginning nor the one odd bridge.

    Of the windows that sound, the one whose log-odds of tags lie nearest to their mean; the earliest of equals.
    """
    rows = np.flatnonzero(heard.sounding) if heard.sounding.any() else np.arange(len(heard.sounding))
    odds = log_odds(heard.activations.taggram[rows])
    distance = np.square(odds - odds.mean(axis=0)).sum(axis=1)
    return float(heard.activations.times_s[rows[distance.argmin()]])
