"""Tag features: log-odds, roots and embedding, standardised over windows; what is unknown is 0."""

import numpy as np
import pytest

from models.hybrid_input import N_EMBEDDING, N_TAGS, HybridInput
from models.tag_scale import N_TAG_FEATURES, TAG_FLOOR, TagScale, tag_features
from tests.support.hybrid_inputs import hybrid_input


def test_features_are_log_odds_roots_and_embedding():
    taggram = np.full((1, N_TAGS), 0.25, np.float32)
    embedding = np.arange(N_EMBEDDING, dtype=np.float32)[np.newaxis]
    (features,) = tag_features(HybridInput(taggram, embedding))
    assert (features.shape, features.dtype) == ((N_TAG_FEATURES,), np.float32)
    np.testing.assert_allclose(features[:50], np.log(1 / 3), rtol=1e-6)
    np.testing.assert_allclose(features[50:100], 0.5, rtol=1e-6)
    np.testing.assert_array_equal(features[100:], np.arange(200))


@pytest.mark.parametrize("activation", [0.0, 1.0])
def test_a_certain_tag_has_finite_features(activation):
    features = tag_features(HybridInput(np.full((1, N_TAGS), activation), np.zeros((1, N_EMBEDDING))))
    assert np.abs(features).max() == pytest.approx(np.log((1 - TAG_FLOOR) / TAG_FLOOR), rel=1e-4)


def test_an_unknown_embedding_is_nan_until_it_is_scaled(rng):
    recording = hybrid_input(rng, n_windows=3, embedding=False)
    features = tag_features(recording)
    assert np.isnan(features[:, 100:]).all()
    assert np.isfinite(features[:, :100]).all()
    scaled = TagScale.of([recording])(features)
    assert (scaled[:, 100:] == 0).all()


def test_standardised_features_have_mean_0_and_deviation_1_over_all_windows(rng):
    recordings = [hybrid_input(rng, n_windows=n) for n in (1, 4, 20)]
    scaled = np.concatenate([TagScale.of(recordings)(tag_features(recording)) for recording in recordings])
    assert scaled.shape == (25, N_TAG_FEATURES)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-3)


def test_recordings_without_embedding_leave_the_scale_of_the_embedding_alone(rng):
    known, unknown = hybrid_input(rng, n_windows=5), hybrid_input(rng, n_windows=7, embedding=False)
    mixed, alone = TagScale.of([unknown, known]), TagScale.of([known])
    np.testing.assert_allclose(mixed.centre[100:], alone.centre[100:], atol=1e-6)
    np.testing.assert_allclose(mixed.spread[100:], alone.spread[100:], atol=1e-6)
    assert np.abs(mixed.centre[:100] - alone.centre[:100]).max() > 1e-3  # the tags are those of both


def test_what_no_training_recording_has_is_never_looked_at(rng):
    scale = TagScale.of([hybrid_input(rng, embedding=False)])
    scaled = scale(tag_features(hybrid_input(rng)))
    assert (scaled[:, 100:] == 0).all()
    assert np.isfinite(scaled).all()
    assert scaled[:, :100].any()


def test_a_feature_that_never_changes_is_not_blown_up():
    scale = TagScale.of([HybridInput(np.full((4, N_TAGS), 0.3, np.float32))])
    assert (scale.spread[:100] == 1).all()
    np.testing.assert_allclose(scale(tag_features(HybridInput(np.full((1, N_TAGS), 0.3, np.float32)))), 0, atol=1e-6)
