"""The training clip that sounds most like a clip: by the mean embedding of a pretrained listener.

It sees what codes cannot show: a copy in another code, a little louder or shifted by half a frame. How alike is alike
is told by the training clips themselves: each has a nearest other one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from features.log_mel import SR
from models.errors import ModelError
from models.model_folder import load_weights, save_model

if TYPE_CHECKING:
    from models.backbone import Backbone

KIND = "neighbours"


@dataclass(frozen=True)
class Neighbour:
    """The nearest training clip.

    Attributes
    ----------
    id : str
        Of the training clip.
    similarity : float
        Cosine of the angle between both embeddings, taken from the mean of all training clips: -1 to 1.
    percentile : float
        Of 100 training clips, how many are less like their nearest other one.
    """

    id: str
    similarity: float
    percentile: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "id": self.id,
            "similarity": round(self.similarity, 4),
            "percentile": round(self.percentile, 1),
        }


class Neighbours:
    """Embeddings of the training clips.

    Parameters
    ----------
    arrays : dict of np.ndarray
        As `save` writes them.

    Raises
    ------
    ModelError
        If an array is missing, or they do not fit together.
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        try:
            self.ids = tuple(str(name) for name in arrays["ids"])
            embeddings = arrays["embeddings"].astype(np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"no neighbours: {error!r}") from error
        if embeddings.ndim != 2 or len(embeddings) != len(self.ids) or not np.isfinite(embeddings).all():
            raise ModelError(f"no neighbours: embeddings {embeddings.shape} of {len(self.ids)} clips")
        if len(self.ids) < 2:
            raise ModelError(f"no neighbours: {len(self.ids)} clips, expected 2 or more")
        self._arrays = arrays
        self._mean = embeddings.mean(axis=0)
        self._directions = _directions(embeddings - self._mean)
        among = self._directions @ self._directions.T
        np.fill_diagonal(among, -np.inf)
        self.among_training = np.sort(among.max(axis=1))  # similarity of each training clip to its nearest other one

    @classmethod
    def build(cls, clips: Iterable[tuple[str, np.ndarray]]) -> Self:
        """Of the name and embedding, (width,), of each training clip; at least two. Raises ModelError."""
        named = dict(clips)
        try:
            embeddings = np.stack(list(named.values())).astype(np.float16)
        except ValueError as error:
            raise ModelError(f"no neighbours: {error}") from error
        return cls({"ids": np.array(list(named)), "embeddings": embeddings})

    def save(self, folder: Path, card: dict[str, Any]) -> dict[str, Any]:
        """Write a model folder; the card needs `name`, `version` and `created`. Returns the card as written."""
        return save_model(folder, card | {"kind": KIND, "n_clips": len(self.ids)}, self._arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The neighbours of a model folder.

        Raises
        ------
        ModelError
            If the folder holds none; IntegrityError if its arrays are not those that the card names.
        """
        return cls(load_weights(folder, kind=KIND)[1])

    def nearest(self, embedding: np.ndarray) -> Neighbour:
        """The training clip that is most like a clip whose embedding, (width,), is known."""
        if embedding.shape != self._mean.shape or not np.isfinite(embedding).all():
            raise ModelError(f"embedding of shape {embedding.shape}: expected finite numbers {self._mean.shape}")
        similarity = self._directions @ _directions(embedding - self._mean)
        at = int(similarity.argmax())
        percentile = 100 * np.searchsorted(self.among_training, similarity[at]) / len(self.ids)
        return Neighbour(self.ids[at], float(similarity[at]), float(percentile))


def embedding_of(y: np.ndarray, backbone: "Backbone") -> np.ndarray:
    """Mean embedding of a clip at one loudness: `models.evaluation.clip_hearing` hears the same.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples,)
        Mono audio at 22,050 Hz (`features.log_mel.SR`), at least one sample. A clip shorter than 3 s is repeated.
    backbone : Backbone
        The listener; about 0.3 s for 10 s of audio.

    Returns
    -------
    np.ndarray, shape (width,), float32
    """
    from models.evaluation.clip_hearing import LEAST_S, level_log_mel

    if 0 < y.size < LEAST_S * SR:
        y = np.resize(y, round(LEAST_S * SR))
    return backbone.activations(level_log_mel(y, sr=SR)).embedding.mean(axis=0)


def _directions(vectors: np.ndarray) -> np.ndarray:
    """Scaled to length 1; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
