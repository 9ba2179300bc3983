"""What the learner of a labelling project knows of each recording: tags and, where it was heard here, its embedding.

Rows are recordings. Everything is a mean over the windows that sound, so that a project of thousands fits in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.errors import ModelError
from models.hybrid_input import N_EMBEDDING, N_TAGS
from models.listening import Listening
from models.pooling import log_odds, pool

N_FEATURES = 2 * N_TAGS + N_EMBEDDING
MAX_LOG_ODDS = float(log_odds(np.array(1.0)))  # 9.21: those of activations at the floor of `models.pooling`


@dataclass(frozen=True)
class LabelPool:
    """Recordings, labelled or not.

    Attributes
    ----------
    roots : np.ndarray, shape (n, 50), float32
        Square root of the mean activation of each tag, 0 to 1.
    log_odds : np.ndarray, shape (n, 50), float32
        Mean log-odds of the activations, -9.22 to 9.22.
    embedding : np.ndarray, shape (n, 200), float32, optional
        Mean embedding; rows of NaN where it is unknown, None where it is unknown of all.
    groups : tuple of str, length n
        Artist of each, or whatever must not be on both sides of a split; "" is unknown.

    Raises
    ------
    ModelError
        If shapes disagree, or a value is none that activations can give.
    """

    roots: np.ndarray
    log_odds: np.ndarray
    embedding: np.ndarray | None
    groups: tuple[str, ...]

    def __post_init__(self) -> None:
        n = len(self.groups)
        wanted = {"roots": (n, N_TAGS), "log_odds": (n, N_TAGS), "embedding": (n, N_EMBEDDING)}
        for name, shape in wanted.items():
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ModelError(f"{name} of shape {np.shape(array)} for {n} recordings, expected {shape}")
        if not (np.isfinite(self.roots).all() and np.isfinite(self.log_odds).all()):
            raise ModelError("tags of a recording are NaN or infinite: hear it again")
        if n and (self.roots.min() < 0 or self.roots.max() > 1 or np.abs(self.log_odds).max() > MAX_LOG_ODDS + 1e-3):
            raise ModelError(f"roots outside 0 to 1, or log-odds beyond {MAX_LOG_ODDS:.2f}: no tag activations")
        if self.embedding is not None and not np.all(
            np.isfinite(self.embedding).all(axis=1) | np.isnan(self.embedding).all(axis=1)
        ):
            raise ModelError("an embedding is neither known nor unknown as a whole: expected 200 numbers or 200 NaN")

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def embedded(self) -> np.ndarray:
        """Of which recordings the embedding is known: bool (n,)."""
        if self.embedding is None:
            return np.zeros(len(self), dtype=bool)
        return ~np.isnan(self.embedding[:, 0])

    @classmethod
    def of_taggrams(cls, tracks: Sequence[np.ndarray], groups: Sequence[str]) -> "LabelPool":
        """Recordings of which only tag activations are known, each (n_windows >= 1, 50)."""
        return cls(
            roots=_stacked([pool(track, "root_of_mean") for track in tracks], N_TAGS),
            log_odds=_stacked([pool(track, "mean_log_odds") for track in tracks], N_TAGS),
            embedding=None,
            groups=tuple(groups),
        )

    @classmethod
    def of_listening(cls, heard: Listening, group: str = "") -> "LabelPool":
        """One recording from the windows that sound; from all where none does."""
        sounding = heard.sounding if heard.sounding.any() else np.ones_like(heard.sounding)
        tags = cls.of_taggrams([heard.activations.taggram[sounding]], (group,))
        embedding = heard.activations.embedding[sounding].mean(axis=0, dtype=np.float64)
        return cls(tags.roots, tags.log_odds, embedding[np.newaxis].astype(np.float32), tags.groups)

    def take(self, indices: np.ndarray) -> "LabelPool":
        """The recordings at these rows, in this order."""
        indices = np.asarray(indices, dtype=np.int64)
        return LabelPool(
            roots=self.roots[indices],
            log_odds=self.log_odds[indices],
            embedding=None if self.embedding is None else self.embedding[indices],
            groups=tuple(self.groups[i] for i in indices),
        )

    def to_vectors(self) -> np.ndarray:
        """Roots, log-odds and embedding of each recording: (n, 300) float32, NaN where the embedding is unknown."""
        unknown = np.full((len(self), N_EMBEDDING), np.nan, np.float32)
        embedding = unknown if self.embedding is None else self.embedding
        return np.concatenate([self.roots, self.log_odds, embedding], axis=1, dtype=np.float32)

    @classmethod
    def from_vectors(cls, vectors: np.ndarray, groups: Sequence[str]) -> "LabelPool":
        """The inverse of `to_vectors`."""
        if vectors.ndim != 2 or vectors.shape[1] != N_FEATURES:
            raise ModelError(f"vectors of shape {vectors.shape}, expected (n, {N_FEATURES})")
        embedding = vectors[:, 2 * N_TAGS :]
        return cls(
            roots=vectors[:, :N_TAGS],
            log_odds=vectors[:, N_TAGS : 2 * N_TAGS],
            embedding=None if np.isnan(embedding).all() else embedding,
            groups=tuple(groups),
        )


def _stacked(rows: list[np.ndarray], width: int) -> np.ndarray:
    return np.array(rows, dtype=np.float32).reshape(len(rows), width)
