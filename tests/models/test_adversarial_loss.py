"""What a critic learns by, and how its opinion pulls."""

import numpy as np
import pytest

from models.adversarial_loss import hinge_loss, joined, praise_missed
from models.log_mel_critic import Opinion
from models.tensorflow_runtime import tf


@pytest.mark.parametrize(("true", "decoded", "cost"), [(2.0, -3.0, 0.0), (0.0, 0.0, 2.0), (-1.0, 0.5, 3.5)])
def test_a_critic_that_is_sure_and_right_has_nothing_to_learn(true, decoded, cost):
    assert float(hinge_loss(tf.fill((2, 2, 12, 1), true), tf.fill((2, 2, 12, 1), decoded))) == pytest.approx(cost)


def test_praise_is_missed_for_features_that_differ_and_scores_that_say_made():
    true = Opinion(tf.fill((1, 1, 1, 1), 1.0), (tf.fill((1, 2, 2, 1), 2.0),))
    alike = Opinion(tf.fill((1, 1, 1, 1), -3.0), true.features)
    other = Opinion(alike.scores, (tf.fill((1, 2, 2, 1), 3.0),))
    assert float(praise_missed(true, alike)) == pytest.approx(3.0)
    assert float(praise_missed(true, other)) == pytest.approx(3.5, rel=1e-5)


@pytest.mark.parametrize("length", [1e-6, 1.0, 1e6])
def test_a_pull_has_its_share_however_long_the_slope(length):
    own, others = tf.constant([3.0, 4.0]), tf.constant([0.0, length])
    np.testing.assert_allclose(joined(own, others, pull=0.5), [3.0, 6.5], rtol=1e-5)


def test_a_critic_that_has_no_opinion_does_not_pull():
    np.testing.assert_array_equal(joined(tf.constant([3.0, 4.0]), tf.zeros(2), pull=0.5), [3.0, 4.0])
