"""The critic tells true log-mel from decoded, patch by patch."""

import numpy as np
import pytest

from features.log_mel import N_MELS
from models.log_mel_critic import LogMelCritic, Opinion, feature_distance
from models.tensorflow_runtime import keras, tf


def opinion(score: float, feature: float = 1.0) -> Opinion:
    return Opinion(tf.fill((2, 2, 12, 1), score), (tf.fill((2, 4, 8, 3), feature), tf.fill((2, 2, 4, 5), feature)))


def test_every_patch_has_a_score():
    keras.utils.set_random_seed(1)
    of = LogMelCritic()(tf.random.normal((3, 24, N_MELS), seed=1))
    assert of.scores.shape == (3, 3, N_MELS // 8, 1)
    assert [tuple(each.shape[1:3]) for each in of.features] == [(12, 48), (6, 24), (3, 12)]


def test_it_looks_at_as_many_bands_as_it_is_told():
    assert LogMelCritic(48)(tf.zeros((2, 16, 48))).scores.shape == (2, 2, 6, 1)


def test_half_precision_says_nearly_the_same():
    S = np.random.default_rng(0).normal(size=(2, 16, N_MELS)).astype(np.float32)
    keras.utils.set_random_seed(1)
    exact = LogMelCritic()
    rough = LogMelCritic(precision="mixed_bfloat16")
    rough.layers_of_patches.set_weights(exact.layers_of_patches.get_weights())
    assert rough(S).scores.dtype == tf.float32
    np.testing.assert_allclose(rough(S).scores, exact(S).scores, atol=0.05)


def test_the_distance_of_features_is_relative_to_their_size():
    assert float(feature_distance(opinion(0, 2.0), opinion(0, 2.0))) == 0
    assert float(feature_distance(opinion(0, 2.0), opinion(0, 3.0))) == pytest.approx(0.5, rel=1e-5)
    assert float(feature_distance(opinion(0, 20.0), opinion(0, 30.0))) == pytest.approx(0.5, rel=1e-5)
