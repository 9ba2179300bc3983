"""Of several fillings of a span, that is kept which leads to what stands behind it."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from models.code_stream import make_codes
from models.plan import Plan
from models.plan_mix import PlanMix
from models.prior_settings import CodeSettings
from models.sampling import Sampling
from models.span_filling import AFTER_FRAMES, fill_span, log_likelihoods
from tests.support.small_priors import drawn_plan

N_CODES = 11
SURE = 3.0  # logit of the code that counts on; all others have 0
LIKELY = SURE - np.log(np.exp(SURE) + N_CODES - 1)
UNLIKELY = -np.log(np.exp(SURE) + N_CODES - 1)


@dataclass
class _CountingOn:
    """A network of two codebooks that takes one more than the code before for likely, and the plan for the first."""

    settings: CodeSettings = field(default_factory=lambda: CodeSettings(2, N_CODES, 3, 1, recent_steps=1))

    @property
    def told(self) -> "_CountingOn":
        return self

    def of_codes(self, codes: np.ndarray) -> np.ndarray:
        return codes[:, -1].astype(np.float32)

    def of_plan(self, plan: Plan, start: int, stop: int) -> np.ndarray:
        return np.zeros((stop - start, 2), np.float32)

    def start(self, n_rows: int) -> "_CountingOn":
        return self

    def step(self, x: np.ndarray) -> np.ndarray:
        return SURE * np.eye(N_CODES)[(x.astype(int) + 1) % N_CODES]


def counting(first: int, n_frames: int) -> np.ndarray:
    return (np.array([[first], [first + 4]]) + np.arange(n_frames)) % N_CODES


def test_what_counts_on_is_likely_and_what_jumps_is_not():
    codes = np.stack([counting(3, 12)] * 3)
    codes[1, :, 6:] += 1  # both codebooks jump between frames 5 and 6
    codes[2, 0, 6:] += 1  # one of them
    codes %= N_CODES
    found = log_likelihoods(_CountingOn(), PlanMix.of(drawn_plan(0, 12)), codes, slice(6, 10))
    np.testing.assert_allclose(
        found, [LIKELY, (6 * LIKELY + 2 * UNLIKELY) / 8, (7 * LIKELY + UNLIKELY) / 8], atol=1e-12
    )


def test_the_plans_of_a_mix_count_by_their_shares():
    mix = PlanMix((drawn_plan(0, 12), drawn_plan(1, 12)), (0.3, 0.7))
    found = log_likelihoods(_CountingOn(), mix, counting(3, 12)[np.newaxis], slice(6, 10))
    np.testing.assert_allclose(found, [LIKELY], atol=1e-6)  # both say the same, and shares sum to 1


def test_the_filling_that_leads_to_what_follows_is_kept():
    """A count is met at the span's end if both last codes are one less than those that follow: one in a hundred is."""
    given, span, plan = counting(5, 30), slice(10, 14), PlanMix.of(drawn_plan(0, 30))
    network, seeds = _CountingOn(), range(600)
    options = {"before": 8, "sampling": Sampling(1.5)}
    found = fill_span(network, plan, given, span, seeds=seeds, **options)
    np.testing.assert_array_equal(np.delete(found, np.r_[span], axis=1), np.delete(given, np.r_[span], axis=1))
    np.testing.assert_array_equal(found[:, 13], given[:, 13])
    alone = [fill_span(network, plan, given, span, seeds=[seed], **options) for seed in seeds[:40]]
    assert sum((one[:, 13] == given[:, 13]).all() for one in alone) < 20


def test_a_span_at_the_end_leads_nowhere_and_is_drawn_once():
    given, plan = counting(5, 30), PlanMix.of(drawn_plan(0, 30))
    found = fill_span(_CountingOn(), plan, given, slice(20, 30), before=30, seeds=[7, 8, 9])
    around = given.copy()
    around[:, 20:] = -1
    (once,) = make_codes(_CountingOn(), [plan], seeds=[7], given=around)
    np.testing.assert_array_equal(found, once)


@pytest.mark.parametrize("n_frames", [60, 60 + 2 * AFTER_FRAMES])
def test_progress_rises_to_the_whole(n_frames):
    shares: list[float] = []
    plan = PlanMix.of(drawn_plan(0, n_frames))
    fill_span(
        _CountingOn(), plan, counting(0, n_frames), slice(20, 50), before=10, seeds=[1, 2], progress=shares.append
    )
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
