"""A genre head from a handful of labels, for a taxonomy of one's own.

Its members (`models.few_label_members`) also learn from the genres' names and from the recordings that nobody labelled.
Where the embedding of a recording is known, members that look at it answer; where only tags are known, those that look
at tags. With many labels the tag members are the recipe of `models.genre_recipe`.

Temperature and prediction sets come from labels that were left out, an artist as a whole. Labels that a strategy chose
are harder than others, so both are on the careful side; where labels are too few to promise anything, the set holds
every genre.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.calibrated_head import KIND, CalibratedHead
from models.calibration import fit_temperature, rule_of_succession, scale
from models.conformal import class_scores, threshold
from models.errors import ModelError
from models.few_label_members import Labels, View, standardised
from models.genre_head import Member, laplacian_kernel, mean_log_probabilities, members_of
from models.hybrid_input import N_EMBEDDING, N_TAGS
from models.label_pool import LabelPool
from models.listening import Listening
from models.musicnn_tags import MSD_TAGS, TAGS
from models.tag_name_prior import name_beliefs

ARCHITECTURE = "few_labels"
COVERAGE = 0.9
MAX_SET_SIZE = 3
FREE_RANKS, RANK_CHARGE = 1, 0.0
N_FOLDS = 5
UNTESTED_TEMPERATURE = 4.0  # where no label can be left out: hardly surer than not knowing
RECORDING_WINDOWS = 28.0  # at which the temperature is fitted: the 30 s of a clip, and more
WINDOW_TEMPERATURE = 1.2  # of a single window, over that of a recording: as fitted for the shipped head
TAG_POOLINGS = ("mean_log_odds", "root_of_mean")
EMBEDDING_POOLING = "embedding"


class FewLabelHead(CalibratedHead):
    """Calibrated probabilities of genres from tags or, where it is known, from the embedding.

    Parameters
    ----------
    card : mapping
        `name`, `genres`, `backbone`, `coverage`.
    arrays : mapping of np.ndarray
        As `fit_few_label_head` makes them: `members/<i>/…` and those of the calibration.

    Attributes
    ----------
    card, arrays : dict
        Both, for `models.model_folder.save_model`, which also wants `version` and `created` on the card.

    Raises
    ------
    ModelError
        If an array is missing or has a shape that does not fit the others.
    """

    def __init__(self, card: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__(card, arrays)
        self.card, self.arrays = dict(card), dict(arrays)
        try:
            self._members = members_of(self.arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"no head of few labels: {error!r}") from error
        poolings = {member.pooling for member in self._members}
        if not poolings & set(TAG_POOLINGS) or poolings - {*TAG_POOLINGS, EMBEDDING_POOLING}:
            raise ModelError(f"no head of few labels: its members look at {', '.join(sorted(poolings)) or 'nothing'}")
        for member in self._members:
            width = N_EMBEDDING if member.pooling == EMBEDDING_POOLING else N_TAGS
            if member.n_classes != len(self.genres) or member.n_tags != width:
                raise ModelError(
                    f"no head of few labels: a member of {member.pooling} has {member.n_tags} inputs and "
                    f"{member.n_classes} answers, expected {width} and {len(self.genres)}"
                )

    def probabilities_of(self, pool: LabelPool) -> np.ndarray:
        """Calibrated probabilities of whole recordings, (n, n_genres)."""
        return self.calibrated(_vote(self._members, pool), int(RECORDING_WINDOWS))

    def views(self, heard: Listening) -> np.ndarray:
        """What this head looks at in a recording: tag activations and embedding of its windows, (n_windows, 250)."""
        return np.concatenate([heard.activations.taggram, heard.activations.embedding], axis=1)

    def views_of_taggram(self, taggram: np.ndarray) -> np.ndarray:
        """The same for a track of which only tag activations are known: NaN stands for the embedding."""
        return np.concatenate([taggram, np.full((len(taggram), N_EMBEDDING), np.nan, np.float32)], axis=1)

    def track_probabilities(self, views: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of a recording, (n_genres,), from at least one window."""
        return self.calibrated(_vote(self._members, _pooled(_checked_views(views)[np.newaxis])), len(views))[0]

    def segment_probabilities(self, views: np.ndarray) -> np.ndarray:
        """Probabilities of each window by itself, (n_windows, n_genres)."""
        return self.calibrated(_vote(self._members, _pooled(_checked_views(views)[:, np.newaxis])), 1)


def fit_few_label_head(
    pool: LabelPool,
    labelled: np.ndarray,
    targets: np.ndarray,
    *,
    genres: Sequence[str],
    name: str,
    backbone: str,
) -> FewLabelHead:
    """Fit and calibrate a head; seconds for thousands of recordings. Nothing is drawn at random.

    Parameters
    ----------
    pool : LabelPool
        Recordings, labelled or not; the head learns from both. Embeddings are used where all of them are known.
    labelled : np.ndarray of int, shape (m,)
        Rows of the pool that are labelled.
    targets : np.ndarray, shape (m, n_genres)
        Their soft labels, >= 0. The sum of a row is its weight: 1 for a label that is sure, less for one that is not;
        a row of zeros says nothing. A genre may have no label.
    genres : sequence of str
        Two or more, each once. A name that means a tag counts like a few labels (`models.tag_name_prior`).
    name, backbone : str
        Name of the model, and of the network whose tags these are.

    Returns
    -------
    FewLabelHead

    Raises
    ------
    ModelError
        If shapes disagree or a value is no soft label; and if there is nothing to learn from: no label, and not two
        genres whose names say anything.
    """
    labels = _labels(pool, labelled, targets, genres)
    views = _views(pool, labels, genres, TAGS.get(backbone, MSD_TAGS))
    members = [member for view in views for member in view.fit(labels)]
    arrays = {
        f"members/{index}/{part}": array
        for index, member in enumerate(members)
        for part, array in member.to_arrays().items()
    }
    card = {
        "name": name,
        "kind": KIND,
        "architecture": ARCHITECTURE,
        "genres": list(genres),
        "backbone": backbone,
        "coverage": COVERAGE,
    }
    return FewLabelHead(card, arrays | _calibration(pool, labels, views))


def _labels(pool: LabelPool, labelled: np.ndarray, targets: np.ndarray, genres: Sequence[str]) -> Labels:
    rows = np.asarray(labelled, dtype=np.int64)
    shares = np.asarray(targets, dtype=np.float64)
    if len(genres) < 2 or len(set(genres)) != len(genres):
        raise ModelError(f"genres {', '.join(genres) or '(none)'}: expected two or more, each once")
    if rows.ndim != 1 or shares.shape != (len(rows), len(genres)):
        raise ModelError(f"targets of shape {shares.shape}, expected ({rows.size}, {len(genres)}): labels × genres")
    if len(np.unique(rows)) != len(rows) or (rows.size and not 0 <= rows.min() <= rows.max() < len(pool)):
        raise ModelError(f"labelled rows come twice, or lie outside the pool of {len(pool)} recordings")
    if not np.isfinite(shares).all() or (shares.size and shares.min() < 0):
        raise ModelError("targets hold NaN or values below 0, expected soft labels")
    weights = shares.sum(axis=1)
    told = weights > 0
    return Labels(rows[told], shares[told] / weights[told, np.newaxis], weights[told])


def _views(pool: LabelPool, labels: Labels, genres: Sequence[str], tags: Sequence[str]) -> list[View]:
    beliefs, named = name_beliefs(standardised(pool.log_odds)[0], genres, tags)
    if not len(labels) and named.sum() < 2:
        raise ModelError("no label to learn from, and the genres' names say nothing: label one recording at least")
    views = [View(pool.log_odds, pool.roots, labels, beliefs, named, poolings=TAG_POOLINGS)]
    if pool.embedding is not None and pool.embedded.all():
        both = (EMBEDDING_POOLING, EMBEDDING_POOLING)
        views.append(View(pool.embedding, pool.embedding, labels, beliefs, named, poolings=both))
    return views


def _calibration(pool: LabelPool, labels: Labels, views: Sequence[View]) -> dict[str, np.ndarray]:
    """Temperature and threshold from answers about labels that were left out, in the folds of their artists."""
    n_genres = labels.shares.shape[1]
    temperature, limit = UNTESTED_TEMPERATURE, np.inf
    folds = _artist_folds([pool.groups[row] for row in labels.rows], labels.shares.argmax(axis=1))
    if len(np.unique(folds)) > 1:
        logits = np.zeros(labels.shares.shape)
        for fold in np.unique(folds):
            members = [member for view in views for member in view.fit(labels.keep(folds != fold))]
            logits[folds == fold] = _vote(members, pool.take(labels.rows[folds == fold]))
        truth = labels.shares.argmax(axis=1)
        doubt = rule_of_succession(len(labels), n_genres)
        temperature = fit_temperature(logits, truth, sample_weight=labels.weights, doubt=doubt)
        scores = class_scores(scale(logits, temperature), rank_charge=RANK_CHARGE, free_ranks=FREE_RANKS)
        # A genre that nobody has met yet may be the next one: each counts as a recording that no set would have held.
        missed = np.full(n_genres - len(np.unique(truth)), np.inf)
        limit = threshold(np.append(scores[np.arange(len(truth)), truth], missed), coverage=COVERAGE)
    return {
        "calibration/n_patches": np.array([1.0, RECORDING_WINDOWS]),
        "calibration/temperatures": np.array([WINDOW_TEMPERATURE * temperature, temperature]),
        "conformal/limit": np.array(limit),
        "conformal/rank_charge": np.array(RANK_CHARGE),
        "conformal/free_ranks": np.array(FREE_RANKS),
        "conformal/max_set_size": np.array(min(MAX_SET_SIZE, n_genres - 1)),  # a set of all says nothing
    }


def _artist_folds(groups: Sequence[str], genres: np.ndarray) -> np.ndarray:
    """Fold of each label, all of an artist in one, genres dealt out evenly; an unknown artist is one by itself."""
    artists = np.unique(
        [f"artist {group}" if group else f"row {row}" for row, group in enumerate(groups)], return_inverse=True
    )[1]
    folds = np.zeros(len(groups), dtype=np.int64)
    fold_of: dict[int, int] = {}
    for row in np.argsort(genres, kind="stable"):
        folds[row] = fold_of.setdefault(int(artists[row]), len(fold_of) % N_FOLDS)
    return folds


def _vote(members: Sequence[Member], pool: LabelPool) -> np.ndarray:
    """Mean log-probabilities of the members that answer about each recording: (n, n_genres)."""
    on_tags = [member for member in members if member.pooling in TAG_POOLINGS]
    on_embedding = [member for member in members if member.pooling == EMBEDDING_POOLING]
    logits = mean_log_probabilities([_answer(member, pool) for member in on_tags])
    embedded = np.flatnonzero(pool.embedded)
    if on_embedding and embedded.size:
        known = pool.take(embedded)
        logits[embedded] = mean_log_probabilities([_answer(member, known) for member in on_embedding])
    return logits


def _answer(member: Member, pool: LabelPool) -> np.ndarray:
    views = {"mean_log_odds": pool.log_odds, "root_of_mean": pool.roots, EMBEDDING_POOLING: pool.embedding}
    features = (views[member.pooling] - member.centre) / member.spread
    if member.support is not None:
        features = laplacian_kernel(features, member.support, gamma=member.gamma)
    return features @ member.weights + member.bias


def _checked_views(views: np.ndarray) -> np.ndarray:
    if views.ndim != 2 or len(views) == 0 or views.shape[1] != N_TAGS + N_EMBEDDING:
        raise ModelError(f"views of shape {views.shape}, expected (n_windows >= 1, {N_TAGS + N_EMBEDDING})")
    taggram = views[:, :N_TAGS]
    if not np.isfinite(taggram).all() or taggram.min() < 0 or taggram.max() > 1:
        raise ModelError("views hold tags that are NaN or outside 0 to 1, expected activations")
    return views


def _pooled(views: np.ndarray) -> LabelPool:
    """A recording from each run of windows: (n, n_windows, 250)."""
    tags = LabelPool.of_taggrams(list(views[..., :N_TAGS]), ("",) * len(views))
    embedding = views[..., N_TAGS:].mean(axis=1, dtype=np.float64).astype(np.float32)
    return LabelPool(tags.roots, tags.log_odds, embedding, tags.groups)
