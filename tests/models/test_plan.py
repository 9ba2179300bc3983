"""A plan holds what is known, zeros and flags for what is not, and composers write it for a wish."""

import numpy as np
import pytest

from datasets.composers import GENRES, compose, make_brief
from datasets.errors import DatasetError
from datasets.plan_of_song import FRAME_BLOCKS, plan_of_song
from models.errors import ModelError
from models.plan import FRAME_WIDTH, Plan, make_plan, overall_width, plan_of_wish

N_BLOCKS = len(FRAME_BLOCKS)


def block(plan: Plan, name: str) -> np.ndarray:
    """Values of a block of the frames."""
    names = list(FRAME_BLOCKS)
    start = sum(FRAME_BLOCKS[each] for each in names[: names.index(name)])
    return plan.frames[:, start : start + FRAME_BLOCKS[name]]


@pytest.fixture
def full(rng) -> Plan:
    blocks = {name: rng.uniform(0.1, 1, (6, width)) for name, width in FRAME_BLOCKS.items()}
    return make_plan(6, frames=blocks, tempo_bpm=90.0, key=(9, "minor"), energy=0.5, genre_mix=[0.25, 0.75])


def test_what_is_known_of_the_whole_is_written_down_in_order():
    plan = make_plan(3, tempo_bpm=240.0, key=(9, "minor"), energy=0.5, genre_mix=[0.25, 0.75])
    key = [0.0] * 9 + [1.0, 0, 0, 1]
    np.testing.assert_allclose(plan.overall, [1.0, *key, 0.5, 0.25, 0.75, 1, 1, 1, 1])
    assert (plan.n_frames, plan.n_genres) == (3, 2)
    assert plan.overall.size == overall_width(2)


def test_120_bpm_is_the_middle_and_is_not_the_same_as_unknown():
    known, unknown = make_plan(1, tempo_bpm=120.0, genre_mix=[1.0]), make_plan(1, genre_mix=[1.0])
    assert known.overall[0] == unknown.overall[0] == 0
    assert (known.overall != unknown.overall).sum() == 1  # the flag


def test_blocks_of_frames_that_are_not_given_are_zero_without_a_flag():
    plan = make_plan(4, frames={"bass": np.ones((4, 12))}, genre_mix=[1.0])
    np.testing.assert_array_equal(block(plan, "bass"), 1)
    assert plan.frames[:, :-N_BLOCKS].sum() == 48
    np.testing.assert_array_equal(plan.frames[:, -N_BLOCKS:], np.tile([0, 0, 1, 0, 0], (4, 1)))


def test_a_block_that_is_dropped_is_as_if_it_had_never_been_known(full):
    without = full.without(["harmony", "tempo", "genre"])
    blocks = {name: block(full, name) for name in FRAME_BLOCKS if name != "harmony"}
    expected = make_plan(6, frames=blocks, key=(9, "minor"), energy=0.5, genre_mix=[0.0, 0.0])
    np.testing.assert_array_equal(without.frames, expected.frames)
    np.testing.assert_array_equal(without.overall, expected.overall)
    assert full.frames.all()


def test_nothing_is_the_plan_without_all_its_blocks(full):
    nothing = full.nothing()
    assert (nothing.n_frames, nothing.n_genres) == (6, 2)
    assert not nothing.frames.any()
    assert not nothing.overall.any()
    everything = full.without([*FRAME_BLOCKS, "tempo", "key", "energy", "genre"])
    np.testing.assert_array_equal(everything.frames, nothing.frames)
    np.testing.assert_array_equal(everything.overall, nothing.overall)


def test_a_part_of_a_plan_is_of_the_same_piece(full):
    part = full[2:5]
    np.testing.assert_array_equal(part.frames, full.frames[2:5])
    np.testing.assert_array_equal(part.overall, full.overall)


def test_a_wish_is_planned_by_the_composer_of_its_genre():
    plan = plan_of_wish("jazz", seconds=4.0, seed=7, frames_per_s=10.0, tempo_bpm=150.0, key="A minor")
    song = compose(make_brief("jazz", 7, seconds=4.0, tempo_bpm=150.0, key="A minor"))
    for name, values in plan_of_song(song, n_frames=40, frames_per_s=10.0).items():
        np.testing.assert_array_equal(block(plan, name), values)
    assert plan.frames.shape == (40, FRAME_WIDTH)
    assert plan.frames[:, -N_BLOCKS:].all()
    assert plan.overall[0] == pytest.approx(np.log2(150 / 120))
    np.testing.assert_array_equal(plan.overall[1:14], [0] * 9 + [1, 0, 0, 1])
    np.testing.assert_array_equal(plan.overall[15:29], np.eye(14)[GENRES.index("jazz")])


def test_the_same_seed_plans_the_same_and_another_seed_another():
    def planned(seed: int) -> np.ndarray:
        return plan_of_wish("rock", seconds=5.0, seed=seed, frames_per_s=10.0).frames

    np.testing.assert_array_equal(planned(1), planned(1))
    assert (planned(1) != planned(2)).any()


def test_a_genre_that_nobody_composes_is_refused():
    with pytest.raises(ModelError, match="no genre polka, expected some of blues"):
        plan_of_wish("polka", seconds=3.0, seed=1, frames_per_s=10.0)


@pytest.mark.parametrize("wish", [{"tempo_bpm": 500.0}, {"key": "H minor"}, {"energy": 2.0}, {"seed": -1}])
def test_wishes_out_of_range_are_refused(wish):
    with pytest.raises(DatasetError):
        plan_of_wish("jazz", **{"seconds": 3.0, "seed": 1, "frames_per_s": 10.0} | wish)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tempo_bpm": 0.0}, "tempo_bpm=0.0"),
        ({"tempo_bpm": float("inf")}, "tempo_bpm=inf"),
        ({"genre_mix": [0.5, 0.6]}, "expected shares that sum to 1"),
        ({"genre_mix": [-1.0, 2.0]}, "expected shares that sum to 1"),
        ({"frames": {"melody": np.zeros((2, 12))}}, "block melody of shape"),
        ({"frames": {"bass": np.zeros((3, 12))}}, r"block bass of shape \(3, 12\): .* bass \(2, 12\)"),
    ],
)
def test_what_is_no_plan_is_refused(changes, message):
    with pytest.raises(ModelError, match=message):
        make_plan(2, **{"genre_mix": [1.0]} | changes)


def test_blocks_that_do_not_exist_cannot_be_dropped(full):
    with pytest.raises(ModelError, match="no block chords in a plan, expected some of pulse"):
        full.without(["chords"])
