"""Genre heads by the folder that they lie in: the card says of which kind it is."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from models.calibrated_head import KIND
from models.errors import ModelError
from models.few_label_head import ARCHITECTURE as FEW_LABELS
from models.few_label_head import FewLabelHead
from models.genre_head import GenreHead
from models.hybrid_head import ARCHITECTURE, HybridHead
from models.listening import Listening
from models.model_folder import load_weights


class Head(Protocol):
    """What a classifier asks of a genre head; `views` are the head's own, chosen by window with an index array."""

    name: str
    genres: tuple[str, ...]
    backbone: str
    coverage: float
    needs_scalogram: bool
    backbone_weights: dict[str, np.ndarray] | None

    def views(self, heard: Listening, /) -> Any:
        """What the head looks at in a recording."""

    def views_of_taggram(self, taggram: np.ndarray, /) -> Any:
        """The same for a track of which only tag activations are known."""

    def track_probabilities(self, views: Any, /) -> np.ndarray:
        """Calibrated probabilities of a recording, (n_genres,)."""

    def segment_probabilities(self, views: Any, /) -> np.ndarray:
        """Probabilities of each window by itself, (n_windows, n_genres)."""

    def prediction_set(self, probabilities: np.ndarray, /) -> tuple[str, ...]:
        """Genres of which one is the truth with probability `coverage`."""

    def in_set(self, probabilities: np.ndarray, /) -> np.ndarray:
        """Which genres the prediction sets hold, bool (n, n_genres)."""

    def abstains(self, prediction_set: tuple[str, ...], /) -> bool:
        """Whether the set is too large to mean anything."""


def load_head(folder: Path) -> Head:
    """The head of a model, its weights checked against its card.

    Raises
    ------
    IntegrityError
        If the weights are not the ones that the card names.
    ModelError
        If the folder holds no genre head that this version knows.
    """
    card, arrays = load_weights(folder, kind=KIND)
    architecture = card.get("architecture", "members")
    if architecture == ARCHITECTURE:
        return HybridHead(card, arrays)
    if architecture == "members":
        return GenreHead(card, arrays)
    if architecture == FEW_LABELS:
        return FewLabelHead(card, arrays)
    raise ModelError(
        f"{folder}: a head of architecture {architecture!r}, expected members, {ARCHITECTURE} or {FEW_LABELS}"
    )
