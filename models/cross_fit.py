"""Hybrid networks and members, cross-fitted: each answers about recordings whose artists it never heard.

The networks of the folds become the committee of the final model; what each said of its own held-out fold is what
temperatures, weights and prediction sets are fitted on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import log_softmax

from models.calibrated_head import CalibratedHead, calibration_arrays
from models.calibration import fit_temperature, rule_of_succession
from models.errors import ModelError
from models.evaluation.cross_validation import summary
from models.evaluation.report import report
from models.genre_head import Member
from models.genre_members import FITS, MemberSettings, fit_member
from models.genre_recipe import MEMBERS, clips_of
from models.hybrid_head import HybridHead, weighted_vote
from models.hybrid_inference import HybridInference, encode
from models.hybrid_input import BRANCHES
from models.hybrid_network import NetworkSettings, arrays_of, build
from models.network_fit import Fit, FitSettings, Labelled, fit
from models.pooling import POOLINGS
from models.setting_ranges import check_ranges
from models.tag_scale import TagScale
from models.training_data import TrainingData

CLIP_WINDOWS = (1, 4, 12, 40)  # lengths that temperatures are fitted for; the longest stands for whole recordings
CLIPS_PER_RECORDING = 2
WEIGHTS = (0.25, 0.5, 0.75, 1.0)  # of the networks against the members
MAX_SET_SIZE = 3


@dataclass(frozen=True)
class CommitteeSettings:
    """What a committee is and how it is fitted.

    Attributes
    ----------
    network, fit : NetworkSettings, FitSettings
        Of each network.
    members : tuple of MemberSettings
        Classifiers that compare tags with training tracks; none if empty.
    n_folds : int
        Networks, each fitted on all folds but its own.
    seed : int
        Of weights, batches and folds.
    coverage, rank_charge, free_ranks : float, float, int
        Of the prediction sets (`models.conformal`).
    """

    network: NetworkSettings = field(default_factory=NetworkSettings)
    fit: FitSettings = field(default_factory=FitSettings)
    members: tuple[MemberSettings, ...] = MEMBERS
    n_folds: int = 4
    seed: int = 0
    coverage: float = 0.9
    rank_charge: float = 0.0
    free_ranks: int = 1

    def __post_init__(self) -> None:
        check_ranges(
            self,
            n_folds=(2, 20),
            seed=(0, 2**31),
            coverage=(0.5, 0.999),
            rank_charge=(0.0, 1.0),
            free_ranks=(0, 1000),
        )
        for member in self.members:
            if member.kind not in FITS or member.pooling not in POOLINGS:
                raise ModelError(
                    f"members: kind={member.kind!r}, pooling={member.pooling!r}: expected one of {', '.join(FITS)}, "
                    f"and one of {', '.join(POOLINGS)}"
                )


@dataclass(frozen=True)
class Answers:
    """What voters said of clips of one length that they never heard.

    Attributes
    ----------
    network : np.ndarray, shape (n_clips, n_genres)
        Log-probabilities of the network.
    members : tuple of np.ndarray, each (n_clips, n_genres)
        Logits of each member.
    labels, recordings, folds : np.ndarray, shape (n_clips,)
        True genre, index of the recording and its fold.
    """

    network: np.ndarray
    members: tuple[np.ndarray, ...]
    labels: np.ndarray
    recordings: np.ndarray
    folds: np.ndarray

    def where(self, chosen: np.ndarray) -> "Answers":
        """The clips where a bool array is true."""
        return Answers(
            self.network[chosen],
            tuple(each[chosen] for each in self.members),
            self.labels[chosen],
            self.recordings[chosen],
            self.folds[chosen],
        )


@dataclass(frozen=True)
class CrossFit:
    """Networks of all folds, and their answers about held-out clips by length."""

    networks: tuple[dict[str, np.ndarray], ...]
    fits: tuple[Fit, ...]
    answers: dict[int, Answers]
    folds: np.ndarray = field(repr=False)


Progress = Callable[[int, int, dict[str, float]], None]
AfterFold = Callable[[int, dict[int, Answers]], None]


def cross_fit(
    data: TrainingData,
    folds: np.ndarray,
    settings: CommitteeSettings,
    *,
    validation: TrainingData | None = None,
    allowed: Callable[[int], np.ndarray] | None = None,
    work: Path | None = None,
    logs: Path | None = None,
    progress: Progress | None = None,
    after_fold: AfterFold | None = None,
) -> CrossFit:
    """Fit a network and the members on all folds but one, for each fold.

    Parameters
    ----------
    data : TrainingData
        Recordings to learn from.
    folds : np.ndarray, shape (n,)
        Fold of each recording, 0 to `n_folds` - 1.
    settings : CommitteeSettings
        What is fitted.
    validation : TrainingData, optional
        Decides when to stop; never learned from.
    allowed : callable, optional
        Given a fold, bool (n,): what may be learned from while it is held out. All other folds by default.
    work : Path, optional
        Folder of checkpoints; a run that was stopped goes on from there.
    logs : Path, optional
        Folder of TensorBoard logs, one below it for each fold.
    progress : callable, optional
        Called with fold, epoch and figures after each epoch.
    after_fold : callable, optional
        Called with a fold and the answers about its held-out clips by length. What it raises ends the work.
    """
    from models.tensorflow_runtime import keras

    networks, fits = [], []
    parts: dict[int, list[Answers]] = {n: [] for n in CLIP_WINDOWS}
    for fold in range(settings.n_folds):
        side = data.select((folds != fold) if allowed is None else allowed(fold))
        _check_side(side)
        scale = TagScale.of(side.inputs)
        keras.utils.set_random_seed((settings.seed * 1009 + fold) % 2**31)
        network = build(settings.network, len(data.genres))
        fitted = fit(
            network,
            Labelled(side.inputs, side.labels),
            None if validation is None or not len(validation) else Labelled(validation.inputs, validation.labels),
            scale=scale,
            branches=settings.network.branches,
            settings=settings.fit,
            seed=settings.seed * 1009 + fold,
            checkpoints=None if work is None else work / f"fold-{fold}",
            logs=None if logs is None else logs / f"fold-{fold}",
            progress=None if progress is None else partial(progress, fold),
        )
        arrays = arrays_of(network, scale)
        members = fit_members(side, settings.members)
        held_out = np.flatnonzero(folds == fold)
        told = _answers(data, held_out, fold, HybridInference(arrays), members, settings)
        for n_windows, answers in told.items():
            parts[n_windows].append(answers)
        networks.append(arrays)
        fits.append(fitted)
        keras.backend.clear_session(free_memory=True)
        if after_fold is not None:
            after_fold(fold, told)
    return CrossFit(tuple(networks), tuple(fits), {n: _together(answers) for n, answers in parts.items()}, folds)


def fit_hybrid_head(data: TrainingData, settings: CommitteeSettings, *, name: str, backbone: str) -> HybridHead:
    """Cross-fit, calibrate and assemble a head in one go, without checkpoints."""
    found = cross_fit(data, data.folds(settings.n_folds, seed=settings.seed), settings)
    card = {"name": name, "genres": data.genres, "backbone": backbone, "coverage": settings.coverage}
    return HybridHead(card, head_arrays(data, found, settings))


def answers_about(
    other: TrainingData, found: CrossFit, learned: TrainingData, settings: CommitteeSettings
) -> dict[int, Answers]:
    """What the whole committee, and members fitted on all that was learned, say of other recordings."""
    folds = other.folds(2)
    members = fit_members(learned, settings.members)
    everything = np.arange(len(other))
    each = [_answers(other, everything, 0, HybridInference(arrays), members, settings) for arrays in found.networks]
    return {
        n: replace(
            each[0][n],
            network=np.mean([answers[n].network for answers in each], axis=0),
            folds=folds[each[0][n].recordings],
        )
        for n in CLIP_WINDOWS
    }


def fit_members(data: TrainingData, settings: Sequence[MemberSettings]) -> list[Member]:
    """Members on the tags of recordings."""
    return [fit_member([each.taggram for each in data.inputs], data.labels, member) for member in settings]


@dataclass(frozen=True)
class Votes:
    """How voters are put together: temperatures of each, weight of the networks, and the calibration of the whole."""

    network_temperature: float
    member_temperatures: tuple[float, ...]
    network_weight: float
    calibration: dict[str, np.ndarray]

    def logits(self, answers: Answers) -> np.ndarray:
        """What the voters say together, before calibration."""
        cooled = [z / t for z, t in zip(answers.members, self.member_temperatures, strict=True)]
        return weighted_vote(answers.network / self.network_temperature, cooled, network_weight=self.network_weight)


def fit_votes(answers: dict[int, Answers], settings: CommitteeSettings) -> Votes:
    """Cool each voter, weigh the networks against the members by log-loss, and calibrate."""
    longest = answers[max(answers)]
    doubt = rule_of_succession(len(np.unique(longest.recordings)), longest.network.shape[1])
    network_temperature = fit_temperature(longest.network, longest.labels, doubt=doubt)
    member_temperatures = tuple(fit_temperature(each, longest.labels, doubt=doubt) for each in longest.members)
    candidates = [
        Votes(network_temperature, member_temperatures, weight, {})
        for weight in (WEIGHTS if longest.members else (1.0,))
    ]
    best = min(candidates, key=lambda votes: cooled_log_loss(votes.logits(longest), longest.labels))
    calibration = calibration_arrays(
        {n: best.logits(part) for n, part in answers.items()},
        {n: part.labels for n, part in answers.items()},
        coverage=settings.coverage,
        rank_charge=settings.rank_charge,
        free_ranks=settings.free_ranks,
        doubt=doubt,
        max_set_size=min(MAX_SET_SIZE, longest.network.shape[1] - 1),
    )
    return replace(best, calibration=calibration)


def head_arrays(data: TrainingData, found: CrossFit, settings: CommitteeSettings) -> dict[str, np.ndarray]:
    """The arrays of a `HybridHead`: networks of all folds, members fitted on everything, votes and calibration."""
    votes = fit_votes(found.answers, settings)
    arrays: dict[str, np.ndarray] = {
        f"networks/{index}/{name}": array for index, part in enumerate(found.networks) for name, array in part.items()
    }
    members = fit_members(data, settings.members)
    for index, (member, temperature) in enumerate(zip(members, votes.member_temperatures, strict=True)):
        arrays |= {f"members/{index}/{name}": a for name, a in member.cooled(temperature).to_arrays().items()}
    return arrays | {
        "votes/network_temperature": np.array(votes.network_temperature),
        "votes/network_weight": np.array(votes.network_weight),
        **votes.calibration,
    }


@dataclass(frozen=True)
class CrossValidation:
    """Answers of single networks with the members on folds that neither they nor their calibration have seen.

    Attributes
    ----------
    probabilities, member_of_set : np.ndarray, shape (n, n_genres)
        Of each recording, and its prediction set (bool).
    abstained : np.ndarray of bool, shape (n,)
        Where the set is too large to mean anything.
    labels, folds : np.ndarray, shape (n,)
        True genre and fold of each.
    genres : tuple of str
        Names.
    """

    probabilities: np.ndarray
    member_of_set: np.ndarray
    abstained: np.ndarray
    labels: np.ndarray
    folds: np.ndarray
    genres: tuple[str, ...]

    def report(self, chosen: np.ndarray | None = None) -> dict[str, Any]:
        """Figures over all recordings, or where a bool array is true (`models.evaluation.report`)."""
        where = np.ones(len(self.labels), dtype=bool) if chosen is None else chosen
        return report(
            self.probabilities[where],
            self.labels[where],
            genres=self.genres,
            member_of_set=self.member_of_set[where],
            abstained=self.abstained[where],
        )

    def summary(self) -> dict[str, Any]:
        """The figures over all recordings, and `mean`, `spread`, `lowest`, `highest` of each over the folds."""
        return {**self.report(), **summary([self.report(self.folds == fold) for fold in np.unique(self.folds)])}


def cross_validated(found: CrossFit, settings: CommitteeSettings, genres: tuple[str, ...]) -> CrossValidation:
    """Answer about each fold with networks, temperatures, weights and sets that were fitted on the other folds."""
    longest = found.answers[max(found.answers)]
    n = len(found.folds)
    probabilities, labels = np.zeros((n, len(genres))), np.zeros(n, dtype=np.int64)
    member_of_set, abstained = np.zeros((n, len(genres)), dtype=bool), np.zeros(n, dtype=bool)
    for fold in np.unique(longest.folds):
        votes = fit_votes({k: part.where(part.folds != fold) for k, part in found.answers.items()}, settings)
        card = {"name": "fold", "genres": genres, "backbone": "any", "coverage": settings.coverage}
        head = CalibratedHead(card, votes.calibration)
        own = longest.where(longest.folds == fold)
        rows = own.recordings
        # Several clips of a recording that is shorter than the longest length are one and the same.
        probabilities[rows] = head.calibrated(votes.logits(own), max(found.answers))
        labels[rows] = own.labels
        member_of_set[rows] = head.in_set(probabilities[rows])
        abstained[rows] = [head.abstains(head.prediction_set(row)) for row in probabilities[rows]]
    return CrossValidation(probabilities, member_of_set, abstained, labels, found.folds, genres)


def _check_side(side: TrainingData) -> None:
    counts = np.bincount(side.labels, minlength=len(side.genres))
    if counts.min() < 2:
        raise ModelError(
            f"{side.genres[counts.argmin()]}: {counts.min()} recordings are left to learn from while a fold is held "
            "out, 2 are needed: label more of them, or ask for more folds"
        )


def cooled_log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-probability of the truth at the best temperature."""
    cooled = logits / fit_temperature(logits, labels)
    return -float(log_softmax(cooled, axis=1)[np.arange(len(labels)), labels].mean())


def _answers(
    data: TrainingData,
    held_out: np.ndarray,
    fold: int,
    network: HybridInference,
    members: list[Member],
    settings: CommitteeSettings,
) -> dict[int, Answers]:
    """What a network and members say of clips of held-out recordings, by length."""
    rows: dict[int, list[Answers]] = {n: [] for n in CLIP_WINDOWS}
    for index in held_out:
        encoded = encode([network], data.inputs[index])
        for n_windows in CLIP_WINDOWS:
            clips = clips_of(np.arange(len(encoded))[:, np.newaxis], n_windows, CLIPS_PER_RECORDING)[..., 0]
            pooled = [encoded[clip] for clip in clips]
            logits = network.logits(
                np.stack([each.tag_features.mean(axis=0) for each in pooled]),
                np.stack([each.wavelet[0].mean(axis=0) for each in pooled]),
                np.repeat(encoded.attributes[np.newaxis], len(clips), axis=0),
                _asked(encoded.present, settings),
            )
            taggrams = np.stack([each.taggram for each in pooled])
            rows[n_windows].append(
                Answers(
                    network=log_softmax(logits, axis=1),
                    members=tuple(member.logits(taggrams) for member in members),
                    labels=np.full(len(clips), data.labels[index]),
                    recordings=np.full(len(clips), index),
                    folds=np.full(len(clips), fold),
                )
            )
    return {n_windows: _together(answers) for n_windows, answers in rows.items()}


def _asked(present: np.ndarray, settings: CommitteeSettings) -> np.ndarray:
    return present * np.array([name in settings.network.branches for name in BRANCHES], np.float32)


def _together(parts: list[Answers]) -> Answers:
    return Answers(
        network=np.concatenate([part.network for part in parts]),
        members=tuple(np.concatenate(each) for each in zip(*(part.members for part in parts), strict=True)),
        labels=np.concatenate([part.labels for part in parts]),
        recordings=np.concatenate([part.recordings for part in parts]),
        folds=np.concatenate([part.folds for part in parts]),
    )
