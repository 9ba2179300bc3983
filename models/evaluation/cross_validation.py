"""Block cross-validation of a genre-head recipe: the whole recipe, calibration included, is fitted in each fold.

The figure of one layout of blocks depends on where the cuts fall, so several layouts are scored.
"""

from typing import Any

import numpy as np

from datasets.splits import block_folds, split_checksum
from datasets.taggrams import TaggramSet
from models.evaluation.report import report
from models.genre_recipe import Recipe, fit_head, subset

Layout = tuple[int, float]  # number of folds, rotation
SPREAD_OF = ("accuracy", "log_loss", "ece", "coverage", "mean_set_size", "abstention_rate", "selective_accuracy")


def cross_validate(tracks: TaggramSet, recipe: Recipe, *, layouts: tuple[Layout, ...]) -> dict[str, Any]:
    """Score a recipe on several block layouts.

    Parameters
    ----------
    tracks : TaggramSet
        Labelled tracks; the order of their names tells who are neighbours.
    recipe : Recipe
        What is fitted in each fold, from scratch, on the training side alone.
    layouts : tuple of (n_folds, rotation)
        Splits to score, at least one.

    Returns
    -------
    dict
        `mean`, `spread` (standard deviation over layouts) and `lowest`/`highest` of each figure; `layouts`, the report of each with
        the checksum of its split.
    """
    reports = [_score(tracks, recipe, n_folds=n_folds, rotation=rotation) for n_folds, rotation in layouts]
    figures = {name: np.array([each[name] for each in reports], dtype=np.float64) for name in SPREAD_OF}
    return {
        "mean": {name: float(values.mean()) for name, values in figures.items()},
        "spread": {name: float(values.std()) for name, values in figures.items()},
        "lowest": {name: float(values.min()) for name, values in figures.items()},
        "highest": {name: float(values.max()) for name, values in figures.items()},
        "layouts": reports,
    }


def _score(tracks: TaggramSet, recipe: Recipe, *, n_folds: int, rotation: float) -> dict[str, Any]:
    folds = block_folds(tracks.ids, tracks.labels, n_folds=n_folds, rotation=rotation)
    n_genres = len(tracks.genres)
    probabilities = np.zeros((len(tracks), n_genres))
    member = np.zeros((len(tracks), n_genres), dtype=bool)
    abstained = np.zeros(len(tracks), dtype=bool)
    for fold in range(n_folds):
        head = fit_head(subset(tracks, folds != fold), recipe, name="fold", backbone="any")
        held_out = np.flatnonzero(folds == fold)
        probabilities[held_out] = [head.track_probabilities(tracks.tracks[i]) for i in held_out]
        member[held_out] = head.in_set(probabilities[held_out])
        abstained[held_out] = [head.abstains(head.prediction_set(row)) for row in probabilities[held_out]]
    figures = report(probabilities, tracks.labels, genres=tracks.genres, member_of_set=member, abstained=abstained)
    return {
        "n_folds": n_folds,
        "rotation": rotation,
        "split_sha256": split_checksum(tracks.ids, folds),
        **figures,
    }
