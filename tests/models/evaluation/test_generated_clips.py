import dataclasses

import numpy as np
import pytest

from datasets.composers import style_of
from models.errors import CopiesTraining, ModelError
from models.evaluation.blends import blend_wishes
from models.evaluation.clip_makers import RawClip
from models.evaluation.generated_clips import control_wishes, heard_takes, plain_wishes
from tests.support.heard_music import GENRES, small_ears, small_judge


def test_plain_wishes_ask_for_genres_alone_and_never_twice_for_one_seed():
    wishes = plain_wishes(GENRES, 5, seconds=10, seed=0)
    assert [next(iter(wish.genre)) for wish in wishes] == [genre for genre in GENRES for _ in range(5)]
    assert len({wish.seed for wish in wishes}) == 15
    assert {(wish.tempo_bpm, wish.key, wish.seconds) for wish in wishes} == {(None, None, 10)}
    more = plain_wishes(GENRES[:1], 7, seconds=10, seed=0)
    assert more[:5] == wishes[:5]  # more clips are more of the same
    assert not {wish.seed for wish in plain_wishes(GENRES, 5, seconds=10, seed=1)} & {wish.seed for wish in wishes}


def test_controls_ask_for_what_is_usual():
    for wish in control_wishes(GENRES, 4, seconds=10, seed=0):
        low, high = style_of(next(iter(wish.genre))).tempo_bpm
        assert low <= wish.tempo_bpm <= high
        assert wish.key.endswith(("major", "minor"))


def test_blends_differ_in_their_shares_alone():
    blends = blend_wishes(2, seconds=10, seed=0, pairs=(("blues", "jazz"),))
    assert [(blend.share, dict(blend.wish.genre)) for blend in blends[::2]] == [
        (0.0, {"blues": 1.0}),
        (0.25, {"blues": 0.75, "jazz": 0.25}),
        (0.5, {"blues": 0.5, "jazz": 0.5}),
        (0.75, {"blues": 0.25, "jazz": 0.75}),
        (1.0, {"jazz": 1.0}),
    ]
    assert len({blend.wish.seed for blend in blends}) == 2


class Maker:
    """Noise; what it makes of metal is a copy."""

    name = "noise"

    def make(self, wish):
        if "metal" in wish.genre:
            raise CopiesTraining("5 s of metal-000")
        rng = np.random.default_rng(wish.seed)
        return RawClip(rng.uniform(-0.1, 0.1, round(wish.seconds * 22050)).astype(np.float32), report={"n": 1})


def test_takes_are_made_heard_and_judged_one_by_one():
    done = []
    wishes = plain_wishes(("blues", "metal"), 1, seconds=4, seed=0)
    takes = list(heard_takes(Maker(), wishes, ears=small_ears(), judge=small_judge(), progress=done.append))
    assert takes[1] is None
    assert (takes[0].genre, takes[0].wish, takes[0].report) == ("blues", wishes[0], {"n": 1})
    assert takes[0].judged.sum() == pytest.approx(1)
    assert done == [1, 2]


def test_progress_can_end_the_work():
    def stop(done):
        raise KeyboardInterrupt

    wishes = plain_wishes(("blues",), 3, seconds=4, seed=0)
    with pytest.raises(KeyboardInterrupt):
        list(heard_takes(Maker(), wishes, ears=small_ears(), judge=small_judge(), progress=stop))


def test_a_judge_listens_with_its_own_backbone():
    ears = dataclasses.replace(small_ears(), judge=small_ears().distance)
    with pytest.raises(ModelError, match="small-judge listens with MSD_vgg, not with MSD_musicnn"):
        next(heard_takes(Maker(), plain_wishes(GENRES, 1, seconds=4, seed=0), ears=ears, judge=small_judge()))


@pytest.mark.parametrize(
    ("n", "seconds", "message"), [(0, 10, "0 clips of each"), (1, 2, "seconds=2"), (1, 90, "seconds=90")]
)
def test_refuses(n, seconds, message):
    with pytest.raises(ModelError, match=message):
        plain_wishes(GENRES, n, seconds=seconds, seed=0)
