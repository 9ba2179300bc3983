import numpy as np
import pytest
from scipy.special import softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.kernel_ridge import KernelRidge

from models.errors import ModelError
from models.genre_members import FITS, MemberSettings, fit_member
from models.pooling import POOLINGS, pool
from tests.support.taggrams import GENRES, synthetic_tracks

KERNEL = MemberSettings("kernel_ridge", "root_of_mean", width=0.25, ridge=0.1)
DISCRIMINANT = MemberSettings("discriminant", "mean_log_odds")


def standardised(tracks, pooling: str) -> np.ndarray:
    features = np.stack([pool(track, pooling) for track in tracks])
    return (features - features.mean(axis=0)) / features.std(axis=0)


def test_a_kernel_member_without_ridge_knows_its_training_tracks_by_heart(rng):
    tracks = synthetic_tracks(rng, lift=0.0)  # nothing but their names tells the genres apart
    settings = MemberSettings("kernel_ridge", "root_of_mean", ridge=1e-9)
    member = fit_member(tracks.tracks, tracks.labels, settings)
    np.testing.assert_allclose(member.logits(np.stack(tracks.tracks)), np.eye(3)[tracks.labels], atol=1e-5)


def test_a_kernel_member_with_all_ridge_knows_only_how_common_genres_are(rng):
    tracks = synthetic_tracks(rng)
    uneven = np.array([0] * 18 + [1] * 12 + [2] * 6)
    member = fit_member(tracks.tracks, uneven, MemberSettings("kernel_ridge", "root_of_mean", ridge=1e9))
    np.testing.assert_allclose(member.logits(rng.random((4, 5, 50))), [[1 / 2, 1 / 3, 1 / 6]] * 4, atol=1e-6)


def test_a_kernel_member_is_the_kernel_ridge_of_scikit_learn(rng):
    tracks = synthetic_tracks(rng)
    x = standardised(tracks.tracks, "root_of_mean")
    targets = np.eye(3)[tracks.labels]
    share = targets.mean(axis=0)
    expected = KernelRidge(kernel="laplacian", gamma=0.25 / 50, alpha=0.1).fit(x, targets - share).predict(x) + share
    found = fit_member(tracks.tracks, tracks.labels, KERNEL).logits(np.stack(tracks.tracks))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_discriminant_is_that_of_scikit_learn(rng):
    tracks = synthetic_tracks(rng, lift=0.5)
    x = standardised(tracks.tracks, "mean_log_odds")
    expected = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(x, tracks.labels).predict_proba(x)
    found = fit_member(tracks.tracks, tracks.labels, DISCRIMINANT).logits(np.stack(tracks.tracks))
    np.testing.assert_allclose(softmax(found, axis=1), expected, atol=1e-9)


@pytest.mark.parametrize("genres", [("fado", "polka"), GENRES, ("a", "b", "c", "d", "e")])
@pytest.mark.parametrize("settings", [KERNEL, DISCRIMINANT])
def test_a_member_tells_new_tracks_apart_and_answers_for_each_genre(settings, genres, rng):
    heard, new = synthetic_tracks(rng, genres=genres), synthetic_tracks(rng, genres=genres)
    member = fit_member(heard.tracks, heard.labels, settings)
    assert (member.n_classes, member.n_tags) == (len(genres), 50)
    answers = member.logits(np.stack(new.tracks)).argmax(axis=1)
    assert (answers == new.labels).mean() > 0.95


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("kind", FITS)
def test_the_order_of_tracks_and_patches_does_not_matter(kind, pooling, rng):
    tracks = synthetic_tracks(rng)
    settings = MemberSettings(kind, pooling)
    order = rng.permutation(len(tracks))
    shuffled = [rng.permutation(tracks.tracks[i]) for i in order]
    patches = rng.random((4, 3, 50))
    np.testing.assert_allclose(
        fit_member(shuffled, tracks.labels[order], settings).logits(patches),
        fit_member(tracks.tracks, tracks.labels, settings).logits(patches),
        atol=1e-6,
    )


def test_tracks_may_differ_in_length(rng):
    tracks = synthetic_tracks(rng)
    ragged = [np.repeat(track, 1 + i % 3, axis=0) for i, track in enumerate(tracks.tracks)]
    patches = rng.random((4, 3, 50))
    np.testing.assert_allclose(
        fit_member(ragged, tracks.labels, KERNEL).logits(patches),
        fit_member(tracks.tracks, tracks.labels, KERNEL).logits(patches),
        atol=1e-6,
    )


@pytest.mark.parametrize("settings", [KERNEL, DISCRIMINANT])
def test_a_tag_that_is_never_heard_does_no_harm(settings, rng):
    tracks = synthetic_tracks(rng)
    silent = [track * (np.arange(50) != 7) for track in tracks.tracks]
    member = fit_member(silent, tracks.labels, settings)
    answers = member.logits(np.stack(silent))
    assert np.isfinite(answers).all()
    assert (answers.argmax(axis=1) == tracks.labels).mean() > 0.95


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (MemberSettings("forest", "root_of_mean"), "no member of kind 'forest', expected one of kernel_ridge, disc"),
        (MemberSettings("discriminant", "median"), "no pooling 'median'"),
    ],
)
def test_unknown_settings_are_refused_by_name(settings, words, rng):
    tracks = synthetic_tracks(rng, per_genre=2)
    with pytest.raises(ModelError, match=words):
        fit_member(tracks.tracks, tracks.labels, settings)
