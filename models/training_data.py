"""What a classifier is trained on: heard recordings and published taggrams, with labels, folds and a held-out part.

Folds keep an artist on one side. Where the artists of a source are known, they are the groups; where not, blocks of
neighbouring names stand for them (`datasets.splits`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.splits import block_folds, stratified_group_folds
from datasets.taggrams import TaggramSet
from models.errors import ModelError
from models.hear_corpus import HeardCorpus
from models.hybrid_input import HybridInput


@dataclass(frozen=True)
class TrainingData:
    """Labelled recordings of one or several sources.

    Attributes
    ----------
    inputs : tuple of HybridInput
        One a recording.
    labels : np.ndarray, shape (n,)
        Index of each one's genre in `genres`.
    genres : tuple of str
        In alphabetical order.
    ids, artists, splits, sources : tuple of str
        Name, artist ("" where unknown), split ("" where the corpus makes none) and corpus of each.
    """

    inputs: tuple[HybridInput, ...]
    labels: np.ndarray
    genres: tuple[str, ...]
    ids: tuple[str, ...]
    artists: tuple[str, ...]
    splits: tuple[str, ...]
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.inputs)

    def select(self, chosen: np.ndarray) -> "TrainingData":
        """The recordings at these indices, or where a bool array is true; all genres stay."""
        where = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return TrainingData(
            inputs=tuple(self.inputs[i] for i in where),
            labels=self.labels[where],
            genres=self.genres,
            ids=tuple(self.ids[i] for i in where),
            artists=tuple(self.artists[i] for i in where),
            splits=tuple(self.splits[i] for i in where),
            sources=tuple(self.sources[i] for i in where),
        )

    def of_split(self, *names: str) -> "TrainingData":
        """The recordings of these splits."""
        return self.select(np.array([split in names for split in self.splits], dtype=bool))

    def folds(self, n_folds: int, *, seed: int = 0, rotation: float = 0.0) -> np.ndarray:
        """Fold of each recording, every source split by itself: (n,).

        Raises
        ------
        DatasetError
            If a genre of a source has too few recordings or artists for so many folds.
        """
        folds = np.zeros(len(self), dtype=np.int64)
        for source in sorted(set(self.sources)):
            own = np.flatnonzero([each == source for each in self.sources])
            artists = [self.artists[i] for i in own]
            labels = np.array(self.genres)[self.labels[own]]  # names, for what may be said of them
            if all(artists):
                folds[own] = stratified_group_folds(artists, labels, n_folds=n_folds, seed=seed)
            else:
                ids = [self.ids[i] for i in own]
                folds[own] = block_folds(ids, labels, n_folds=n_folds, rotation=rotation)
        return folds


def training_data(corpora: Sequence[tuple[str, HeardCorpus]], taggrams: Sequence[TaggramSet] = ()) -> TrainingData:
    """Put sources together; their genres are one set of names.

    Parameters
    ----------
    corpora : sequence of (str, HeardCorpus)
        Name and recordings; those without a label are left out.
    taggrams : sequence of TaggramSet
        Tracks of which only tag activations are known.

    Raises
    ------
    ModelError
        If there are fewer than two genres.
    """
    rows: list[tuple[HybridInput, str, str, str, str, str]] = []
    for source, corpus in corpora:
        rows += [
            (heard, recording.label, str(recording.path), recording.artist, recording.split, source)
            for recording, heard in zip(corpus.recordings, corpus.inputs, strict=True)
            if recording.label
        ]
    for number, tracks in enumerate(taggrams):
        rows += [
            (HybridInput(taggram), tracks.genres[label], track, "", "", f"taggrams {number}")
            for track, (taggram, label) in zip(tracks.ids, tracks, strict=True)
        ]
    genres = tuple(sorted({row[1] for row in rows}))
    if len(genres) < 2:
        raise ModelError(f"genres {', '.join(genres) or 'none'}: a classifier needs recordings of two or more")
    inputs, labels, ids, artists, splits, sources = zip(*rows, strict=True)
    return TrainingData(
        inputs=inputs,
        labels=np.array([genres.index(label) for label in labels]),
        genres=genres,
        ids=ids,
        artists=artists,
        splits=splits,
        sources=sources,
    )
