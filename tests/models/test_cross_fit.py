"""Nobody answers about what it has learned from: neither networks and members, nor their calibration."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax

from models.cross_fit import (
    CLIP_WINDOWS,
    Answers,
    CommitteeSettings,
    CrossFit,
    cross_fit,
    cross_validated,
    fit_hybrid_head,
    fit_votes,
    head_arrays,
)
from models.errors import ModelError
from models.genre_members import MemberSettings
from models.hybrid_head import HybridHead
from models.hybrid_input import HybridInput
from models.hybrid_network import NetworkSettings
from models.network_fit import FitSettings
from models.training_data import TrainingData
from tests.support.hybrid_inputs import hybrid_input

GENRES = ("fado", "polka")
TINY = CommitteeSettings(
    network=NetworkSettings(branches=("musicnn", "attributes"), width=8, dropout=0.1),
    fit=FitSettings(epochs=12, batch_size=8, windows=(1,), learning_rate=1e-2, modality_dropout=0.0, mixup=0.0),
    members=(MemberSettings("kernel_ridge", "root_of_mean"),),
    n_folds=2,
)
CARD = {"name": "committee-1", "genres": list(GENRES), "backbone": "stand-in", "coverage": 0.9}
FOLDS = np.tile([0, 0, 1, 1], 8)


def data_of(inputs: list[HybridInput], labels: np.ndarray) -> TrainingData:
    n = len(inputs)
    return TrainingData(
        inputs=tuple(inputs),
        labels=labels,
        genres=GENRES,
        ids=tuple(f"{i}" for i in range(n)),
        artists=tuple(f"artist {i // 2}" for i in range(n)),
        splits=("",) * n,
        sources=("made",) * n,
    )


def drawn(seed: int, markers: np.ndarray, labels: np.ndarray) -> TrainingData:
    """Recordings that say their marker in tags and attributes, of lengths from 1 to 6 windows."""
    rng = np.random.default_rng(seed)
    told_by = ("musicnn", "attributes")
    inputs = [hybrid_input(rng, n_windows=1 + i % 6, genre=int(k), told_by=told_by) for i, k in enumerate(markers)]
    return data_of(inputs, labels)


@pytest.fixture(scope="module")
def markers() -> np.ndarray:
    return np.tile([0, 1], 16)


@pytest.fixture(scope="module")
def contrary(markers) -> tuple[TrainingData, CrossFit]:
    """In fold 0 a marker means its genre, in fold 1 the other one: who has not seen a fold is wrong about all of it."""
    data = drawn(0, markers, np.where(FOLDS == 0, markers, 1 - markers))
    return data, cross_fit(data, FOLDS, TINY)


@pytest.fixture(scope="module")
def honest(markers) -> tuple[TrainingData, CrossFit]:
    data = drawn(1, markers, markers)
    return data, cross_fit(data, FOLDS, TINY)


@pytest.mark.parametrize("n_windows", CLIP_WINDOWS)
def test_no_voter_answers_about_a_fold_that_it_learned_from(contrary, n_windows):
    answers = contrary[1].answers[n_windows]
    for voter in (answers.network, *answers.members):
        assert (voter.argmax(axis=1) == answers.labels).mean() == 0.0


@pytest.mark.parametrize("n_windows", CLIP_WINDOWS)
def test_what_all_folds_have_in_common_is_learned(honest, n_windows):
    answers = honest[1].answers[n_windows]
    for voter in (answers.network, *answers.members):
        assert (voter.argmax(axis=1) == answers.labels).mean() == 1.0


@pytest.mark.parametrize("n_windows", CLIP_WINDOWS)
def test_every_recording_is_answered_once_for_each_clip_of_a_length(honest, n_windows):
    data, found = honest
    answers = found.answers[n_windows]
    # Two clips at most, one where the recording is no longer than the clip.
    expected = [2 if len(each) > n_windows else 1 for each in data.inputs]
    assert np.bincount(answers.recordings).tolist() == expected
    np.testing.assert_array_equal(answers.labels, data.labels[answers.recordings])
    np.testing.assert_array_equal(answers.folds, FOLDS[answers.recordings])
    np.testing.assert_allclose(np.exp(answers.network).sum(axis=1), 1, atol=1e-5)


def test_what_may_be_learned_from_can_be_narrowed(markers):
    """While fold 0 is held out, of fold 1 only recordings where the marker means the other genre may be learned."""
    means_other = np.arange(32) % 8 < 4
    data = drawn(2, markers, np.where(means_other, 1 - markers, markers))
    found = cross_fit(data, FOLDS, TINY, allowed=lambda fold: (fold != FOLDS) & means_other)
    answers = found.answers[1]
    wrong = answers.network.argmax(axis=1) != answers.labels
    np.testing.assert_array_equal(wrong, ~means_other[answers.recordings])


def test_a_validation_set_decides_when_to_stop(markers):
    data = drawn(3, markers, markers)
    settings = replace(TINY, fit=replace(TINY.fit, epochs=40, patience=2), members=())
    found = cross_fit(data, FOLDS, settings, validation=drawn(4, markers[:8], 1 - markers[:8]))
    for fitted in found.fits:
        assert len(fitted.history["val_loss"]) == fitted.best_epoch + 2 < 40


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(honest, tmp_path):
    data, whole = honest

    class Stopped(Exception):
        pass

    told: list[tuple[int, int]] = []

    def stop_in_the_second_fold(fold: int, epoch: int, figures: dict[str, float]) -> None:
        told.append((fold, epoch))
        if (fold, epoch) == (1, 3):
            raise Stopped

    with pytest.raises(Stopped):
        cross_fit(data, FOLDS, TINY, work=tmp_path / "work", logs=tmp_path / "logs", progress=stop_in_the_second_fold)
    again = cross_fit(
        data, FOLDS, TINY, work=tmp_path / "work", progress=lambda fold, epoch, _: told.append((fold, epoch))
    )
    assert told == [(0, epoch) for epoch in range(1, 13)] + [(1, epoch) for epoch in range(1, 13)]
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["fold-0", "fold-1"]
    assert again.fits == whole.fits
    for one, other in zip(again.networks, whole.networks, strict=True):
        assert one.keys() == other.keys()
        for name, array in one.items():
            np.testing.assert_array_equal(array, other[name])


def test_the_networks_of_the_folds_become_one_head(honest, rng):
    data, found = honest
    head = HybridHead(CARD, head_arrays(data, found, TINY))
    right = [head.track_probabilities(head.encoded(each)).argmax() for each in data.inputs]
    np.testing.assert_array_equal(right, data.labels)
    unheard = hybrid_input(rng, n_windows=3, genre=1, told_by=("musicnn", "attributes"))
    assert head.track_probabilities(head.encoded(unheard)).argmax() == 1
    taggram = head.views_of_taggram(unheard.taggram)
    assert head.track_probabilities(taggram).argmax() == 1


def test_in_one_go_it_is_the_same_head(honest):
    data, _ = honest
    quick = replace(TINY, fit=replace(TINY.fit, epochs=1))
    head = fit_hybrid_head(data, quick, name="committee-1", backbone="stand-in")
    expected = HybridHead(CARD, head_arrays(data, cross_fit(data, data.folds(2), quick), quick))
    views = head.encoded(data.inputs[0])
    np.testing.assert_array_equal(head.track_probabilities(views), expected.track_probabilities(views))


def test_a_genre_that_is_left_with_one_recording_is_named():
    data = drawn(5, np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 0, 1, 1]))
    with pytest.raises(ModelError, match="polka: 1 recordings are left to learn from while a fold is held out"):
        cross_fit(data, np.array([0, 0, 1, 1, 0, 1]), TINY)


def told(truths: np.ndarray, probability: float, *, right: float = 1.0, seed: int = 0) -> np.ndarray:
    """Log-probabilities of a voter that gives `probability` to what it says, and says the truth in this share."""
    n = len(truths)
    wrong = np.arange(n) < round((1 - right) * n)
    said = np.where(np.random.default_rng(seed).permutation(wrong), 1 - truths, truths)
    p = np.full((n, 2), 1 - probability)
    p[np.arange(n), said] = probability
    return np.log(p)


def answers_of(network: np.ndarray, *members: np.ndarray, truths: np.ndarray, folds: np.ndarray) -> dict[int, Answers]:
    answers = Answers(network, members, truths, np.arange(len(truths)), folds)
    return {1: answers, 40: answers}


TRUTHS = np.tile([0, 1], 100)
HALVES = np.repeat([0, 1], 100)


def repeated(said: np.ndarray) -> np.ndarray:
    """A voter that repeats another one, but for every fifth time: beside that one it adds nothing."""
    repeats = said.copy()
    for word in (0, 1):
        for truth in (0, 1):
            alike = np.flatnonzero((said.argmax(axis=1) == word) & (truth == TRUTHS))
            repeats[alike[::5]] = said[alike[::5], ::-1]
    return repeats


@pytest.mark.parametrize(("better", "weight"), [("network", 1.0), ("member", 0.25)])
def test_the_better_voter_gets_the_weight(better, weight):
    good = told(TRUTHS, 0.9, right=0.9)
    network, member = (good, repeated(good)) if better == "network" else (repeated(good), good)
    votes = fit_votes(answers_of(network, member, truths=TRUTHS, folds=HALVES), TINY)
    assert votes.network_weight == weight


def test_voters_that_err_independently_are_weighed_alike():
    """As Bayes' rule has it, whatever each of them is worth."""
    network, member = told(TRUTHS, 0.9, right=0.9, seed=1), told(TRUTHS, 0.9, right=0.8, seed=2)
    assert fit_votes(answers_of(network, member, truths=TRUTHS, folds=HALVES), TINY).network_weight == 0.5


def test_without_members_the_networks_decide_alone():
    votes = fit_votes(answers_of(told(TRUTHS, 0.9, right=0.8), truths=TRUTHS, folds=HALVES), TINY)
    assert (votes.network_weight, votes.member_temperatures) == (1.0, ())


def test_a_voter_that_is_too_sure_is_cooled_to_what_it_is_worth():
    """Right in 160 of 200 answers, it says 99 %: cooled, it says 161 of 202, by the rule of succession."""
    sure = told(TRUTHS, 0.99, right=0.8)
    answers = answers_of(sure, sure, truths=TRUTHS, folds=HALVES)
    votes = fit_votes(answers, TINY)
    expected = np.log(99) / np.log(161 / 41)
    assert votes.network_temperature == pytest.approx(expected, rel=1e-2)
    assert votes.member_temperatures[0] == pytest.approx(expected, rel=1e-2)
    cooled = log_softmax(votes.logits(answers[40]), axis=1)
    assert np.exp(cooled.max()) == pytest.approx(0.8, abs=0.01)


def validated(answers: dict[int, Answers]):
    found = CrossFit((), (), answers, answers[40].folds)
    return cross_validated(found, replace(TINY, members=()), GENRES)


def test_a_fold_is_calibrated_on_the_other_folds_alone():
    """Fold 0 is always right and fold 1 no better than chance: fold 0 is told 50 %, fold 1 nearly 100 %."""
    network = np.concatenate([told(TRUTHS[:100], 0.9), told(TRUTHS[100:], 0.9, right=0.5)])
    found = validated(answers_of(network, truths=TRUTHS, folds=HALVES))
    top = found.probabilities.max(axis=1)
    assert top[:100] == pytest.approx(0.5, abs=0.05)
    assert (top[100:] > 0.99).all()
    assert found.report(HALVES == 0)["accuracy"] == 1.0


def test_the_labels_of_a_fold_change_nothing_in_its_own_answers():
    network = told(TRUTHS, 0.9, right=0.8)
    flipped = TRUTHS.copy()
    flipped[:50] = 1 - flipped[:50]  # half of fold 0
    before = validated(answers_of(network, truths=TRUTHS, folds=HALVES))
    after = validated(answers_of(network, truths=flipped, folds=HALVES))
    np.testing.assert_array_equal(after.probabilities[:100], before.probabilities[:100])
    np.testing.assert_array_equal(after.member_of_set[:100], before.member_of_set[:100])
    assert np.abs(after.probabilities[100:] - before.probabilities[100:]).min() > 1e-3


def test_the_summary_has_figures_of_all_and_the_spread_over_folds():
    network = np.concatenate([told(TRUTHS[:100], 0.9, right=0.9), told(TRUTHS[100:], 0.9, right=0.7)])
    summary = validated(answers_of(network, truths=TRUTHS, folds=HALVES)).summary()
    assert summary["accuracy"] == pytest.approx(0.8)
    assert summary["lowest"]["accuracy"] == pytest.approx(0.7)
    assert summary["highest"]["accuracy"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_folds": 1}, "n_folds=1: expected a whole number from 2 to 20"),
        ({"n_folds": 21}, "n_folds=21"),
        ({"n_folds": "4"}, "n_folds='4'"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 0.5}, r"seed=0\.5"),
        ({"coverage": 0.4}, r"coverage=0\.4: expected 0\.5 to 0\.999"),
        ({"coverage": 1.0}, r"coverage=1\.0"),
        ({"rank_charge": -0.1}, r"rank_charge=-0\.1"),
        ({"free_ranks": None}, "free_ranks=None"),
    ],
)
def test_bad_settings_are_refused_by_name(change, words):
    with pytest.raises(ModelError, match=words):
        CommitteeSettings(**change)


def test_no_files_are_written_unless_asked_for(honest, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cross_fit(honest[0], FOLDS, replace(TINY, fit=replace(TINY.fit, epochs=1), members=()))
    assert list(Path().iterdir()) == []
