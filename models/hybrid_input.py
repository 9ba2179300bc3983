"""What the hybrid network hears of one recording: up to three views, each of which may be missing.

Windows are the 3.0 s of a backbone's patch. `musicnn` is what the pretrained backbone says of each window, `wavelet`
the packet scalogram under it, `attributes` the musical attributes of the whole recording. A track of which only tag
activations are known (a published taggram) has the first view alone, without its embedding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.packet_scalogram import FRAMES_PER_SECOND, N_BANDS
from models.attribute_vector import N_ATTRIBUTES, attribute_vector
from models.errors import ModelError
from models.listening import Listening
from models.segmentation import SEGMENT_HOP_S, SEGMENT_S

BRANCHES = ("musicnn", "wavelet", "attributes")
N_TAGS = 50
N_EMBEDDING = 200
WINDOW_FRAMES = int(np.ceil(SEGMENT_S * FRAMES_PER_SECOND))  # of the scalogram: 94


@dataclass(frozen=True)
class HybridInput:
    """The views of one recording.

    Attributes
    ----------
    taggram : np.ndarray, shape (n_windows, 50)
        Tag activations, 0 to 1; at least one window.
    embedding : np.ndarray, shape (n_windows, 200), optional
        Of the backbone.
    scalogram : np.ndarray, shape (n_windows, 94, 71), optional
        Packet scalogram of each window (`features.packet_scalogram`).
    attributes : np.ndarray, shape (N_ATTRIBUTES,), optional
        `models.attribute_vector`.
    """

    taggram: np.ndarray
    embedding: np.ndarray | None = None
    scalogram: np.ndarray | None = None
    attributes: np.ndarray | None = None

    def __post_init__(self) -> None:
        n_windows = len(self.taggram)
        wanted = {
            "taggram": (n_windows, N_TAGS),
            "embedding": (n_windows, N_EMBEDDING),
            "scalogram": (n_windows, WINDOW_FRAMES, N_BANDS),
            "attributes": (N_ATTRIBUTES,),
        }
        for name, shape in wanted.items():
            array = getattr(self, name)
            if (array is not None and array.shape != shape) or n_windows == 0:
                raise ModelError(f"{name} of shape {np.shape(array)}, expected {shape} with one window or more")

    def __len__(self) -> int:
        return len(self.taggram)

    @property
    def present(self) -> np.ndarray:
        """Which of `BRANCHES` it has: bool (3,)."""
        return np.array([True, self.scalogram is not None, self.attributes is not None])

    def __getitem__(self, chosen: np.ndarray | Sequence[int]) -> "HybridInput":
        """The same recording with these windows only."""
        chosen = np.asarray(chosen)
        return HybridInput(
            taggram=self.taggram[chosen],
            embedding=None if self.embedding is None else self.embedding[chosen],
            scalogram=None if self.scalogram is None else self.scalogram[chosen],
            attributes=self.attributes,
        )

    @classmethod
    def of(cls, heard: Listening) -> "HybridInput":
        """What was heard, in the views that the analysis holds."""
        scalogram = heard.analysis.scalogram
        attributes = heard.analysis.attributes
        return cls(
            taggram=heard.activations.taggram,
            embedding=heard.activations.embedding,
            scalogram=window_scalograms(scalogram, len(heard.activations.taggram)) if len(scalogram) else None,
            attributes=attribute_vector(attributes) if attributes else None,
        )


def window_scalograms(scalogram: np.ndarray, n_windows: int) -> np.ndarray:
    """The scalogram under each window.

    Parameters
    ----------
    scalogram : np.ndarray, shape (n_frames, 71)
        Of a whole recording, at least one frame.
    n_windows : int
        Windows of 3.0 s, one every 1.5 s.

    Returns
    -------
    np.ndarray, shape (n_windows, 94, 71)
        A recording shorter than a window is repeated until it fills it.
    """
    starts = np.floor(np.arange(n_windows) * SEGMENT_HOP_S * FRAMES_PER_SECOND + 0.5).astype(int)
    frames = starts[:, np.newaxis] + np.arange(WINDOW_FRAMES)
    if len(scalogram) < WINDOW_FRAMES:
        return scalogram[frames % len(scalogram)]
    return scalogram[np.minimum(frames, len(scalogram) - 1)]
