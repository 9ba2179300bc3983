"""The recipe of a genre head: fit its members, then calibrate them on tracks that they did not see.

Out-of-fold answers come from block folds (`datasets.splits`), so that temperature and prediction sets are fitted on
artists that the answering members never heard.
"""

from dataclasses import dataclass

import numpy as np

from datasets.splits import block_folds, training_side
from datasets.taggrams import TaggramSet
from models.calibrated_head import calibration_arrays
from models.calibration import fit_temperature
from models.errors import ModelError
from models.genre_head import GenreHead, Member, mean_log_probabilities
from models.genre_members import MemberSettings, fit_member

MIN_TRACKS = 2  # of a genre on every training side: one alone has no spread
MEMBERS = (
    MemberSettings("kernel_ridge", "root_of_mean", width=0.25, ridge=0.1),
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
    guard : int
        Tracks on either side of a cut that the answering members are not fitted on either: new recordings come from
        new artists, and an artist that goes on across a cut would make the head too sure of itself.
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
    guard: int = 2
    rotations: tuple[float, ...] = (0.0, 0.5)
    clip_patches: tuple[int, ...] = (1, 2, 4, 8, 16, 28)
    clips_per_track: int = 4
    coverage: float = 0.9
    rank_charge: float = 0.0
    free_ranks: int = 1
    max_set_size: int = 3


def fit_head(tracks: TaggramSet, recipe: Recipe, *, name: str, backbone: str) -> GenreHead:
    """Fit, calibrate and assemble a head.

    Parameters
    ----------
    tracks : TaggramSet
        Labelled tracks: every genre at least `n_folds` times, and at least twice in every training side.
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
    ModelError
        If too few of a genre are left on a training side.
    """
    card = {"name": name, "genres": list(tracks.genres), "backbone": backbone, "coverage": recipe.coverage}
    return GenreHead(card, head_arrays(tracks, recipe))


def head_arrays(tracks: TaggramSet, recipe: Recipe) -> dict[str, np.ndarray]:
    """The arrays of `fit_head`'s head, as they are saved."""
    if missing := set(range(len(tracks.genres))) - set(tracks.labels.tolist()):
        raise ModelError(f"no track of {', '.join(tracks.genres[i] for i in sorted(missing))} to learn from")
    heard = _out_of_fold_logits(tracks, recipe)
    longest = max(recipe.clip_patches)
    # Each member is calibrated first, so that a loud one does not drown the others in the mean.
    cooling = [fit_temperature(logits, heard[longest].labels) for logits in heard[longest].of_member]
    mean_logits = {
        n_patches: mean_log_probabilities([z / t for z, t in zip(answers.of_member, cooling, strict=True)])
        for n_patches, answers in heard.items()
    }
    members = [m.cooled(t) for m, t in zip(_fit_members(tracks, recipe), cooling, strict=True)]
    arrays = {
        f"members/{index}/{name}": array
        for index, member in enumerate(members)
        for name, array in member.to_arrays().items()
    }
    return arrays | calibration_arrays(
        mean_logits,
        {n_patches: answers.labels for n_patches, answers in heard.items()},
        coverage=recipe.coverage,
        rank_charge=recipe.rank_charge,
        free_ranks=recipe.free_ranks,
        max_set_size=recipe.max_set_size,
    )


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


@dataclass(frozen=True)
class _Answers:
    """What members said of clips of one length that they never saw: `of_member` each (n_clips, n_genres)."""

    of_member: list[np.ndarray]
    labels: np.ndarray


def _out_of_fold_logits(tracks: TaggramSet, recipe: Recipe) -> dict[int, _Answers]:
    """Uncalibrated logits of clips by members that never saw the track, per clip length."""
    found: dict[int, list[list[np.ndarray]]] = {n_patches: [] for n_patches in recipe.clip_patches}
    labels: dict[int, list[int]] = {n_patches: [] for n_patches in recipe.clip_patches}
    for rotation in recipe.rotations:
        folds = block_folds(tracks.ids, tracks.labels, n_folds=recipe.n_folds, rotation=rotation)
        for fold in range(recipe.n_folds):
            trained_on = training_side(tracks.ids, tracks.labels, folds, fold, guard=recipe.guard)
            _check_training_side(tracks, trained_on)
            members = _fit_members(subset(tracks, trained_on), recipe)
            for taggram, label in subset(tracks, folds == fold):
                for n_patches in recipe.clip_patches:
                    clips = clips_of(taggram, n_patches, recipe.clips_per_track)
                    found[n_patches].append([member.logits(clips) for member in members])
                    labels[n_patches] += [label] * len(clips)
    return {
        n_patches: _Answers(
            of_member=[np.concatenate(logits) for logits in zip(*rows, strict=True)],
            labels=np.array(labels[n_patches]),
        )
        for n_patches, rows in found.items()
    }


def _check_training_side(tracks: TaggramSet, trained_on: np.ndarray) -> None:
    left = np.bincount(tracks.labels[trained_on], minlength=len(tracks.genres))
    if left.min() < MIN_TRACKS:
        raise ModelError(
            f"{tracks.genres[left.argmin()]}: {left.min()} tracks are left to learn from while a block is held out, "
            f"{MIN_TRACKS} are needed: label more of them"
        )
