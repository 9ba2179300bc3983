"""The recipe of a genre head: fit its members, then calibrate them on tracks that they did not see.

Out-of-fold answers come from block folds (`datasets.splits`), so that temperature and prediction sets are fitted on
artists that the answering members never heard.
"""

from dataclasses import dataclass

import numpy as np

from datasets.splits import block_folds
from datasets.taggrams import TaggramSet
from models.calibration import fit_temperature, scale
from models.conformal import class_scores, threshold
from models.errors import ModelError
from models.genre_head import GenreHead, Member, mean_log_probabilities
from models.genre_members import MemberSettings, fit_member

MEMBERS = (
    MemberSettings("linear", "root_of_mean", C=0.05),
    MemberSettings("kernel", "root_of_mean", C=10.0, width=1.0),
    MemberSettings("discriminant", "mean_log_odds"),
)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a head becomes.

    Attributes
    ----------
    members : tuple of MemberSettings
        Classifiers whose log-probabilities are averaged.
    n_folds, rotations : int, tuple of float
        Block layouts of the out-of-fold answers.
    clip_patches : tuple of int
        Lengths of the clips that temperatures are fitted for; a longer one than a track has means the whole track.
    clips_per_track : int
        Clips of each length, spread evenly over a track.
    coverage : float
        Of the prediction sets.
    rank_charge, free_ranks : float, int
        Of `models.conformal.class_scores`.
    max_set_size : int
        The head abstains where a set is larger.
    """

    members: tuple[MemberSettings, ...] = MEMBERS
    n_folds: int = 5
    rotations: tuple[float, ...] = (0.0, 0.5)
    clip_patches: tuple[int, ...] = (1, 2, 4, 8, 16, 28)
    clips_per_track: int = 4
    coverage: float = 0.9
    rank_charge: float = 0.0
    free_ranks: int = 1
    max_set_size: int = 4


def fit_head(tracks: TaggramSet, recipe: Recipe, *, name: str, backbone: str) -> GenreHead:
    """Fit, calibrate and assemble a head.

    Parameters
    ----------
    tracks : TaggramSet
        Labelled tracks: every genre at least `n_folds` times, and each of them in every training side.
    recipe : Recipe
        What to fit.
    name, backbone : str
        Name of the model, and of the network whose tags these are.

    Returns
    -------
    GenreHead

    Raises
    ------
    DatasetError
        If a genre has too few tracks for the folds.
    """
    card = {"name": name, "genres": list(tracks.genres), "backbone": backbone, "coverage": recipe.coverage}
    return GenreHead(card, head_arrays(tracks, recipe))


def head_arrays(tracks: TaggramSet, recipe: Recipe) -> dict[str, np.ndarray]:
    """The arrays of `fit_head`'s head, as they are saved."""
    if missing := set(range(len(tracks.genres))) - set(tracks.labels.tolist()):
        raise ModelError(f"no track of {', '.join(tracks.genres[i] for i in sorted(missing))} to learn from")
    arrays = {
        f"members/{index}/{name}": array
        for index, member in enumerate(_fit_members(tracks, recipe))
        for name, array in member.to_arrays().items()
    }
    heard = _out_of_fold_logits(tracks, recipe)
    temperatures = [fit_temperature(*heard[n_patches]) for n_patches in recipe.clip_patches]
    logits, labels = heard[max(recipe.clip_patches)]
    scores = class_scores(
        scale(logits, temperatures[int(np.argmax(recipe.clip_patches))]),
        rank_charge=recipe.rank_charge,
        free_ranks=recipe.free_ranks,
    )
    return arrays | {
        "calibration/n_patches": np.array(recipe.clip_patches, dtype=np.float64),
        "calibration/temperatures": np.array(temperatures),
        "conformal/limit": np.array(threshold(scores[np.arange(len(labels)), labels], coverage=recipe.coverage)),
        "conformal/rank_charge": np.array(recipe.rank_charge),
        "conformal/free_ranks": np.array(recipe.free_ranks),
        "conformal/max_set_size": np.array(recipe.max_set_size),
    }


def clips_of(taggram: np.ndarray, n_patches: int, n_clips: int) -> np.ndarray:
    """Clips of neighbouring patches, spread evenly: (n, n_tags) -> (n_clips or fewer, n_patches or fewer, n_tags)."""
    n_patches = min(n_patches, len(taggram))
    starts = np.unique(np.linspace(0, len(taggram) - n_patches, n_clips).round().astype(int))
    return np.stack([taggram[start : start + n_patches] for start in starts])


def subset(tracks: TaggramSet, chosen: np.ndarray) -> TaggramSet:
    """The tracks where `chosen`, bool of shape (n_tracks,), is true."""
    where = np.flatnonzero(chosen)
    return TaggramSet(
        tracks=tuple(tracks.tracks[i] for i in where),
        labels=tracks.labels[where],
        ids=tuple(tracks.ids[i] for i in where),
        genres=tracks.genres,
    )


def _fit_members(tracks: TaggramSet, recipe: Recipe) -> list[Member]:
    return [fit_member(tracks.tracks, tracks.labels, settings) for settings in recipe.members]


def _out_of_fold_logits(tracks: TaggramSet, recipe: Recipe) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Logits and labels of clips by members that never saw the track, per clip length."""
    found: dict[int, list[tuple[np.ndarray, int]]] = {n_patches: [] for n_patches in recipe.clip_patches}
    for rotation in recipe.rotations:
        folds = block_folds(tracks.ids, tracks.labels, n_folds=recipe.n_folds, rotation=rotation)
        for fold in range(recipe.n_folds):
            members = _fit_members(subset(tracks, folds != fold), recipe)
            for taggram, label in subset(tracks, folds == fold):
                for n_patches, rows in found.items():
                    clips = clips_of(taggram, n_patches, recipe.clips_per_track)
                    rows.append((mean_log_probabilities([member.logits(clips) for member in members]), label))
    return {
        n_patches: (
            np.concatenate([logits for logits, _ in rows]),
            np.concatenate([np.full(len(logits), label) for logits, label in rows]),
        )
        for n_patches, rows in found.items()
    }
