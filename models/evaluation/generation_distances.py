"""Distances of generated clips to real recordings, genre by genre, beside those of real recordings of the same n.

The recordings of the reference are split into two halves of the same genres. One stands for real music; the other, cut
into as many clips of as many patches as were generated, shows what a distance would be if they were as good as real.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.blas_threads import one_blas_thread
from models.errors import ModelError
from models.evaluation.frechet import (
    LEAST_SPREAD,
    ROWS_PER_DIMENSION,
    Gaussian,
    distance_interval,
    extrapolated_distance,
    fit_gaussian,
    frechet_distance,
)
from models.evaluation.generated_clips import HeardTake
from models.evaluation.kernel_distance import LEAST_RECORDINGS, kernel_distance_interval
from models.evaluation.real_reference import RealReference


@dataclass(frozen=True)
class PatchSet:
    """Patches (n, dim), and of which clip each is."""

    embedding: np.ndarray
    clip: np.ndarray

    @classmethod
    def of(cls, clips: Sequence[np.ndarray]) -> "PatchSet":
        """Of clips, each (n_patches, dim); at least one."""
        return cls(np.concatenate(clips), np.repeat(np.arange(len(clips)), [len(clip) for clip in clips]))

    def __len__(self) -> int:
        return len(self.embedding)

    @property
    def n_clips(self) -> int:
        """Number of clips."""
        return int(self.clip[-1]) + 1


@dataclass(frozen=True)
class Comparison:
    """What is compared in each genre: generated clips, real ones of as many patches, and the other half of the real.

    All of a genre that was not generated is missing.
    """

    generated: dict[str, PatchSet]
    real: dict[str, PatchSet]
    reference: dict[str, PatchSet]


def comparison(
    takes: Sequence[HeardTake], reference: RealReference, *, splits: Sequence[str] = (), seed: int = 0
) -> Comparison:
    """Lay generated and real clips side by side.

    Parameters
    ----------
    takes : sequence of HeardTake
        Clips of one genre each.
    reference : RealReference
        Real recordings.
    splits : sequence of str
        Only recordings of these are compared with; all where none is named.
    seed : int
        Of the halves, and of the clips that are cut from one of them.

    Raises
    ------
    ModelError
        If a clip's genre has no real recordings to compare with.
    """
    first, second = reference.halves(seed=seed)
    allowed = reference.of_split(*splits) if splits else np.ones(len(first), bool)
    generated, real, other = {}, {}, {}
    for genre in dict.fromkeys(take.genre for take in takes):
        own = [take.embedding for take in takes if take.genre == genre]
        of_genre = reference.of_genre(genre) & allowed
        rows = reference.drawn_clips(
            first & of_genre, n_clips=len(own), n_patches=max(1, min(map(len, own))), seed=seed
        )
        if not rows or not (second & of_genre).any():
            raise ModelError(f"{reference.name} has too few recordings of {genre} to compare with")
        generated[genre] = PatchSet.of(own)
        real[genre] = PatchSet.of([reference.embedding[each] for each in rows])
        patches = reference.patches_of(second & of_genre)
        other[genre] = PatchSet(
            reference.embedding[patches], np.unique(reference.recording[patches], return_inverse=True)[1]
        )
    return Comparison(generated, real, other)


def distance_figures(compared: Comparison, *, seed: int = 0) -> dict[str, Any]:
    """Fréchet and kernel distances of each genre and of all together, and the nearest genre of each.

    Returns
    -------
    dict
        `per_genre` and `pooled`: n of either side, `frechet` and `kernel` with `generated`, `real` (each a value and a
        95 % interval; None with fewer than two clips, for the kernel four) and `ratio` (None where the real one is not
        above 0). Where n allows no covariance without shrinkage, `shrinkage` is true for all of that row. `pooled` has
        `extrapolated` distances as well, None where n is too small. `matrix`: distance of each genre's clips (rows) to
        each genre's real recordings, generated and real, and `nearest`, in how many genres the own one is nearest.
    """
    with one_blas_thread():  # hundreds of small eigenvalue problems: threads only wait for each other
        genres = list(compared.generated)
        rows = {
            genre: _row(compared.generated[genre], compared.real[genre], compared.reference[genre], seed=seed)
            for genre in genres
        }
        pools = [_pooled(sets) for sets in (compared.generated, compared.real, compared.reference)]
        pooled = _row(*pools, seed=seed) | {"extrapolated": _extrapolated(*pools, seed=seed)}
        fitted = {genre: fit_gaussian(compared.reference[genre].embedding, shrinkage=True) for genre in genres}
        matrices = {
            name: np.array([_distances_to_all(sets[genre], fitted) for genre in genres])
            for name, sets in (("generated", compared.generated), ("real", compared.real))
        }
    return {
        "per_genre": rows,
        "pooled": pooled,
        "matrix": {"genres": genres, **{name: matrix.tolist() for name, matrix in matrices.items()}},
        "nearest": {
            "n_genres": len(genres),
            **{name: int((matrix.argmin(axis=1) == np.arange(len(genres))).sum()) for name, matrix in matrices.items()},
        },
    }


def _row(generated: PatchSet, real: PatchSet, reference: PatchSet, *, seed: int) -> dict[str, Any]:
    dim = generated.embedding.shape[1]
    shrinkage = min(len(generated), len(real), len(reference)) < ROWS_PER_DIMENSION * dim
    fitted = fit_gaussian(reference.embedding, shrinkage=shrinkage)
    frechet = {
        name: _frechet(each, fitted, shrinkage=shrinkage, seed=seed)
        for name, each in (("generated", generated), ("real", real))
    }
    kernel = {name: _kernel(each, reference, seed=seed) for name, each in (("generated", generated), ("real", real))}
    return {
        "n_clips": generated.n_clips,
        "n": len(generated),
        "n_real": len(real),
        "n_reference": len(reference),
        "shrinkage": shrinkage,
        "frechet": frechet | {"ratio": _ratio(frechet)},
        "kernel": kernel | {"ratio": _ratio(kernel)},
    }


def _frechet(patches: PatchSet, fitted: Gaussian, *, shrinkage: bool, seed: int) -> dict[str, Any] | None:
    if patches.n_clips < 2:
        return None
    low, high = distance_interval(patches.embedding, patches.clip, fitted, shrinkage=shrinkage, seed=seed)
    value = frechet_distance(fit_gaussian(patches.embedding, shrinkage=shrinkage), fitted)
    return {"value": value, "interval": [low, high]}


def _kernel(patches: PatchSet, reference: PatchSet, *, seed: int) -> dict[str, Any] | None:
    if patches.n_clips < LEAST_RECORDINGS:
        return None
    found = kernel_distance_interval(patches.embedding, patches.clip, reference.embedding, seed=seed)
    return {"value": found.value, "interval": [found.low, found.high]}


def _extrapolated(generated: PatchSet, real: PatchSet, reference: PatchSet, *, seed: int) -> dict[str, Any] | None:
    """Distances at infinite n, both from subsets of the same sizes."""
    smallest = ROWS_PER_DIMENSION * reference.embedding.shape[1]
    n = min(len(generated), len(real))
    if n < LEAST_SPREAD * smallest or len(reference) < smallest:
        return None
    fitted = fit_gaussian(reference.embedding)
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {"n_largest": n, "n_smallest": smallest}
    for name, patches in (("generated", generated), ("real", real)):
        some = patches.embedding[rng.permutation(len(patches))[:n]]
        limit = extrapolated_distance(some, fitted, seed=seed)
        found[name] = {"value": limit.value, "r_squared": limit.r_squared}
    return found | {"ratio": _ratio(found)}


def _pooled(sets: dict[str, PatchSet]) -> PatchSet:
    clips: list[np.ndarray] = []
    n_clips = 0
    for each in sets.values():
        clips.append(each.clip + n_clips)
        n_clips += each.n_clips
    return PatchSet(np.concatenate([each.embedding for each in sets.values()]), np.concatenate(clips))


def _distances_to_all(patches: PatchSet, fitted: dict[str, Gaussian]) -> list[float]:
    if len(patches) < 2:
        raise ModelError("one patch alone has no covariance: make more clips of each genre, or longer ones")
    own = fit_gaussian(patches.embedding, shrinkage=True)
    return [frechet_distance(own, each) for each in fitted.values()]


def _ratio(figures: dict[str, Any]) -> float | None:
    generated, real = figures["generated"], figures["real"]
    if generated is None or real is None or real["value"] <= 0:
        return None
    return float(generated["value"] / real["value"])
