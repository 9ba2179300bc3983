"""Codes are made as the delay pattern, guidance and seeds say, alone or with others, in blocks or at once."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from models.code_stream import BLOCK_STEPS, make_codes, stream_codes
from models.errors import ModelError
from models.plan import Plan
from models.plan_mix import PlanMix
from models.prior import arrays_of, build
from models.prior_inference import PriorInference
from models.prior_settings import CodeSettings
from models.sampling import Sampling
from tests.support.small_priors import SMALL, draw_weights, drawn_plan

N_FRAMES = 20


@pytest.fixture(scope="module")
def network() -> PriorInference:
    made = build(SMALL)
    draw_weights(made)
    arrays = arrays_of(made)
    # What was drawn for biases drowns what a step is told: let codes, and so logits, count for more.
    louder = {name: 5 * arrays[name] for name in ("embed_codes/embeddings", "logits/kernel")}
    return PriorInference(arrays | louder, SMALL)


@dataclass
class _Told:
    """Tells a network the codes of the step before as they are, and of a plan its first value."""

    def of_codes(self, codes: np.ndarray) -> np.ndarray:
        return codes[:, -1].astype(np.float32)

    def of_plan(self, plan: Plan, start: int, stop: int) -> np.ndarray:
        return np.zeros((stop - start, 3), np.float32)


@dataclass
class _Counting:
    """A network whose likeliest code of codebook k is that of the step before plus k + 1."""

    settings: CodeSettings = field(default_factory=lambda: CodeSettings(3, 11, 3, 2))
    told: _Told = field(default_factory=_Told)
    heard: list[np.ndarray] = field(default_factory=list)

    def start(self, n_rows: int) -> "_Counting":
        return self

    def step(self, x: np.ndarray) -> np.ndarray:
        self.heard.append(x.astype(int))
        likeliest = (x.astype(int) + np.arange(1, 4)) % 11
        return np.eye(11)[likeliest]


def made(network, seeds=(0,), n_frames: int = N_FRAMES, plans=None, **options) -> np.ndarray:
    plans = plans or [drawn_plan(seed, n_frames) for seed in seeds]
    return make_codes(network, plans, seeds=list(seeds), **options)


def test_each_step_hears_the_step_before_and_the_delay_is_taken_out():
    counting = _Counting()
    codes = made(counting, n_frames=4, sampling=Sampling(0.0))
    heard = np.stack(counting.heard)[:, 0]
    assert heard.shape == (6, 3)
    np.testing.assert_array_equal(heard[0], [11, 11, 11])  # nothing was before
    np.testing.assert_array_equal(heard[1], [1, 11, 11])  # the first codebook alone has begun
    np.testing.assert_array_equal(heard[2], [2, 2, 11])
    np.testing.assert_array_equal(heard[5], [11, 8, 9])  # the first codebook has ended
    np.testing.assert_array_equal(codes[0], [[1, 2, 3, 4], [2, 4, 6, 8], [3, 6, 9, 1]])


@pytest.mark.parametrize("n_frames", [1, 2, BLOCK_STEPS - 2, BLOCK_STEPS - 1, 2 * BLOCK_STEPS + 1])
def test_blocks_are_whole_frames_that_add_up_to_the_plan(network, n_frames):
    plans = [drawn_plan(seed, n_frames) for seed in (0, 1)]
    blocks = list(stream_codes(network, plans, seeds=[3, 4]))
    assert all(block.shape[:2] == (2, 3) and block.shape[2] > 0 for block in blocks)
    codes = np.concatenate(blocks, axis=-1)
    assert codes.shape == (2, 3, n_frames)
    assert (codes >= 0).all()
    assert (codes < SMALL.n_codes).all()
    np.testing.assert_array_equal(codes, make_codes(network, plans, seeds=[3, 4]))


@dataclass
class _Wanting:
    """A network that wants of a plan its first value as the next code, that much the more the larger the second is."""

    settings: CodeSettings = field(default_factory=lambda: CodeSettings(1, 11, 3, 2))

    @property
    def told(self) -> "_Wanting":
        return self

    def of_codes(self, codes: np.ndarray) -> np.ndarray:
        return np.zeros((len(codes), 2), np.float32)

    def of_plan(self, plan: Plan, start: int, stop: int) -> np.ndarray:
        return plan.frames[start:stop, :2]

    def start(self, n_rows: int) -> "_Wanting":
        return self

    def step(self, x: np.ndarray) -> np.ndarray:
        return (x[:, 1:] * np.eye(11)[x[:, 0].astype(int)])[:, np.newaxis]


def wanting(code: int, how_much: float) -> Plan:
    plan = drawn_plan(0, 4)
    frames = np.zeros_like(plan.frames)
    frames[:, :2] = code, how_much
    return replace(plan, frames=frames)


@pytest.mark.parametrize(("weights", "code"), [((0.3, 0.7), 3), ((0.2, 0.8), 7)])
def test_of_a_mix_every_plan_counts_by_its_weight(weights, code):
    """Code 3 is wanted three times as much: 0.3 x 3 is more than 0.7, 0.2 x 3 less than 0.8."""
    mix = PlanMix((wanting(3, 3.0), wanting(7, 1.0)), weights)
    for guidance in (1.0, 3.0):
        codes = make_codes(_Wanting(), [mix], seeds=[0], sampling=Sampling(0.0), guidance=guidance)
        np.testing.assert_array_equal(codes, np.full((1, 1, 4), code))


def test_a_take_of_a_mix_does_not_depend_on_the_others(network):
    plans = [drawn_plan(seed, N_FRAMES) for seed in range(3)]
    mix = PlanMix((plans[0], plans[1]), (0.5, 0.5))
    together = make_codes(network, [plans[2], mix], seeds=[5, 6], guidance=2.0)
    np.testing.assert_array_equal(together[1:], make_codes(network, [mix], seeds=[6], guidance=2.0))
    np.testing.assert_array_equal(together[:1], make_codes(network, [plans[2]], seeds=[5], guidance=2.0))


def test_the_same_seed_makes_the_same_and_another_seed_another(network):
    np.testing.assert_array_equal(made(network, guidance=2.0), made(network, guidance=2.0))
    plan = [drawn_plan(0, N_FRAMES)]
    assert (made(network, (0,), plans=plan) != made(network, (1,), plans=plan)).any()


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_a_take_is_the_same_alone_and_with_others(network, guidance):
    together = made(network, (5, 6, 7), guidance=guidance)
    np.testing.assert_array_equal(made(network, (6,), guidance=guidance)[0], together[1])


def test_guidance_of_one_is_the_plan_alone_and_of_zero_no_plan_at_all(network):
    """Each next to a guidance that takes both rows and comes to the same."""
    plan = drawn_plan(0, N_FRAMES)
    alone = made(network, plans=[plan], sampling=Sampling(0.0))
    np.testing.assert_array_equal(made(network, plans=[plan], guidance=1.0 + 1e-9, sampling=Sampling(0.0)), alone)
    unplanned = made(network, plans=[plan.nothing()], sampling=Sampling(0.0))
    np.testing.assert_array_equal(made(network, plans=[plan], guidance=0.0, sampling=Sampling(0.0)), unplanned)
    assert (alone != unplanned).any()


def test_the_plan_decides_what_is_made(network):
    one, other = (made(network, plans=[drawn_plan(seed, N_FRAMES)]) for seed in (1, 2))
    assert (one != other).any()


def test_given_codes_come_first_and_are_gone_on_from(network):
    """What was made with a seed goes on the same way when its beginning is given."""
    codes = made(network, guidance=2.0)
    np.testing.assert_array_equal(made(network, guidance=2.0, given=codes[0, :, :8]), codes)
    np.testing.assert_array_equal(made(network, guidance=2.0, given=codes[0]), codes)
    other = (codes[0, :, :8] + 1) % SMALL.n_codes
    found = made(network, guidance=2.0, given=other)
    np.testing.assert_array_equal(found[0, :, :8], other)
    assert (found[0, :, 8:] != codes[0, :, 8:]).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"plans": [drawn_plan(0, 4), drawn_plan(1, 5)], "seeds": (0, 1)}, "all of one length"),
        ({"plans": [drawn_plan(0, 4, n_genres=2)]}, "a plan for 2 genres, the network knows 3"),
        ({"plans": [drawn_plan(0, 4)], "seeds": (0, 1)}, "2 seeds for 1 plans"),
        ({"seeds": (-1,), "plans": [drawn_plan(0, 4)]}, "expected one each, 0 or more"),
        ({"guidance": -1.0}, "guidance=-1.0: expected 0 to 20"),
        ({"guidance": float("nan")}, "guidance=nan"),
        ({"given": np.zeros((2, 3), int)}, r"given codes of shape \(2, 3\): expected \(3, at most 20 frames\)"),
        ({"given": np.zeros((3, 21), int)}, "at most 20 frames"),
        ({"given": np.full((3, 2), 11)}, "given codes from 11 to 11: expected 0 to below 11"),
        ({"given": np.full((3, 2), -2)}, "given codes from -2"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_made(network, options, message):
    plans = options.pop("plans", [drawn_plan(0, N_FRAMES)])
    seeds = options.pop("seeds", (0,))
    with pytest.raises(ModelError, match=message):
        stream_codes(network, plans, seeds=list(seeds), **options)


def test_no_plans_are_refused(network):
    with pytest.raises(ModelError, match="expected one plan or more"):
        stream_codes(network, [], seeds=[])
    with pytest.raises(ModelError, match="expected one plan or more"):
        stream_codes(network, [replace(drawn_plan(0, 1), frames=drawn_plan(0, 1).frames[:0])], seeds=[0])
