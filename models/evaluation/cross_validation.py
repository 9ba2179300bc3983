"""Block cross-validation of a genre-head recipe: the whole recipe, calibration included, is fitted in each fold.

The figure of one layout of blocks depends on where the cuts fall, so several layouts are scored.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from datasets.splits import block_folds, split_checksum, training_side
from datasets.taggrams import TaggramSet
from models.errors import ModelError
from models.evaluation.report import report
from models.genre_recipe import Recipe, fit_head, subset
from models.heads import Head

OF_CLASS = ("recall", "precision", "f1", "coverage")
Layout = tuple[int, float]  # number of folds, rotation
FIGURES = ("accuracy", "log_loss", "ece", "coverage", "mean_set_size", "abstention_rate", "selective_accuracy")


def cross_validate(
    tracks: TaggramSet,
    recipe: Recipe | Callable[[TaggramSet], Head],
    *,
    layouts: tuple[Layout, ...],
    guard: int = 0,
) -> dict[str, Any]:
    """Score a recipe on several block layouts.

    Parameters
    ----------
    tracks : TaggramSet
        Labelled tracks; the order of their names tells who are neighbours.
    recipe : Recipe, or callable from tracks to a head
        What is fitted in each fold, from scratch, on the training side alone.
    layouts : tuple of (n_folds, rotation)
        Splits to score, at least one.
    guard : int
        Tracks on either side of a cut that are not trained on (`datasets.splits.training_side`).

    Returns
    -------
    dict
        `mean`, `spread` (standard deviation over layouts), `lowest` and `highest` of each figure (None where no
        layout has it); `confusion` and `per_class`, means over layouts; `layouts`, the figures of each with the
        checksum of its split.
    """
    if not layouts:
        raise ModelError("no layouts to score: expected at least one (n_folds, rotation)")
    reports = [_score(tracks, recipe, layout=layout, guard=guard) for layout in layouts]
    return {
        "guard": guard,
        **summary(reports),
        "confusion": np.mean([each["confusion"] for each in reports], axis=0).tolist(),
        "per_class": {
            genre: {
                name: float(np.mean([each["per_class"][genre][name] or 0.0 for each in reports])) for name in OF_CLASS
            }
            for genre in tracks.genres
        },
        "layouts": [
            {
                "n_folds": n_folds,
                "rotation": rotation,
                "split_sha256": each["split_sha256"],
                **{name: each[name] for name in FIGURES},
            }
            for (n_folds, rotation), each in zip(layouts, reports, strict=True)
        ],
    }


def summary(reports: Sequence[dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """`mean`, `spread`, `lowest` and `highest` of each figure over several reports; None where none has it."""
    figures = {name: [each[name] for each in reports if each[name] is not None] for name in FIGURES}
    return {
        "mean": _each(np.mean, figures),
        "spread": _each(np.std, figures),
        "lowest": _each(np.min, figures),
        "highest": _each(np.max, figures),
    }


def _each(summarise: Callable[[list[float]], Any], figures: dict[str, list[float]]) -> dict[str, float | None]:
    return {name: float(summarise(values)) if values else None for name, values in figures.items()}


def _score(
    tracks: TaggramSet, recipe: Recipe | Callable[[TaggramSet], Head], *, layout: Layout, guard: int
) -> dict[str, Any]:
    n_folds, rotation = layout
    folds = block_folds(tracks.ids, tracks.labels, n_folds=n_folds, rotation=rotation)
    n_genres = len(tracks.genres)
    probabilities = np.zeros((len(tracks), n_genres))
    member = np.zeros((len(tracks), n_genres), dtype=bool)
    abstained = np.zeros(len(tracks), dtype=bool)
    for fold in range(n_folds):
        trained_on = training_side(tracks.ids, tracks.labels, folds, fold, guard=guard)
        side = subset(tracks, trained_on)
        head: Head = fit_head(side, recipe, name="fold", backbone="any") if isinstance(recipe, Recipe) else recipe(side)
        held_out = np.flatnonzero(folds == fold)
        probabilities[held_out] = [head.track_probabilities(head.views_of_taggram(tracks.tracks[i])) for i in held_out]
        member[held_out] = head.in_set(probabilities[held_out])
        abstained[held_out] = [head.abstains(head.prediction_set(row)) for row in probabilities[held_out]]
    figures = report(probabilities, tracks.labels, genres=tracks.genres, member_of_set=member, abstained=abstained)
    return {"split_sha256": split_checksum(tracks.ids, folds), **figures}
