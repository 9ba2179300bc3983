"""Plans that are played at once."""

import pytest

from models.errors import ModelError
from models.plan_mix import PlanMix
from tests.support.small_priors import drawn_plan


def test_the_leading_plan_has_the_largest_weight():
    plans = tuple(drawn_plan(seed, 5) for seed in range(3))
    mix = PlanMix(plans, (0.25, 0.5, 0.25))
    assert mix.leading is plans[1]
    assert mix.n_frames == 5
    assert PlanMix(plans, (0.4, 0.2, 0.4)).leading is plans[0]


def test_one_plan_alone_has_everything():
    plan = drawn_plan(0, 4)
    assert PlanMix.of(plan) == PlanMix((plan,), (1.0,))


def test_other_plans_keep_the_weights():
    mix = PlanMix((drawn_plan(0, 4), drawn_plan(1, 4)), (0.25, 0.75))
    assert mix.with_plans([plan[:2] for plan in mix.plans]).weights == (0.25, 0.75)
    assert mix.with_plans([plan[:2] for plan in mix.plans]).n_frames == 2


@pytest.mark.parametrize(
    ("lengths", "weights", "message"),
    [
        ((4, 5), (0.5, 0.5), r"plans of \[4, 5\] frames: expected some of one length"),
        ((), (), "expected some of one length"),
        ((4, 4), (1.0,), "expected one each"),
        ((4, 4), (1.0, 0.0), "expected one each"),
        ((4, 4), (0.5, 0.6), "with a sum of 1"),
    ],
)
def test_what_does_not_fit_is_refused(lengths, weights, message):
    with pytest.raises(ModelError, match=message):
        PlanMix(tuple(drawn_plan(0, n) for n in lengths), weights)
