"""What a critic learns by."""

import pytest

from models.adversarial_loss import hinge_loss
from models.tensorflow_runtime import tf


@pytest.mark.parametrize(("true", "decoded", "cost"), [(2.0, -3.0, 0.0), (0.0, 0.0, 2.0), (-1.0, 0.5, 3.5)])
def test_a_critic_that_is_sure_and_right_has_nothing_to_learn(true, decoded, cost):
    assert float(hinge_loss(tf.fill((2, 2, 12, 1), true), tf.fill((2, 2, 12, 1), decoded))) == pytest.approx(cost)
