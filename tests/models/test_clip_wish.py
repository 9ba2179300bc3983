"""What is wished for is checked by name, scaled, and survives the way through JSON."""

import json
import math

import pytest

from models.clip_wish import MAX_SEED, ClipWish, derived_seed
from models.errors import BadWish


def test_shares_are_scaled_and_in_one_order_however_they_were_given():
    wish = ClipWish({"jazz": 3, "blues": 1, "rock": 0})
    assert wish.genre == {"blues": 0.25, "jazz": 0.75}
    assert list(wish.genre) == ["blues", "jazz"]
    assert wish == ClipWish({"blues": 0.2, "jazz": 0.6})


def test_a_third_is_the_same_third_after_any_number_of_round_trips():
    wish = ClipWish({"jazz": 1, "blues": 1, "rock": 1})
    assert ClipWish.from_dict(wish.to_dict()) == wish


def test_a_name_alone_is_all_of_that_genre():
    assert ClipWish("reggae").genre == {"reggae": 1.0}


def test_a_wish_survives_json():
    wish = ClipWish({"jazz": 1, "waltz": 2}, 12.5, 7, 96.0, "F# minor", 0.3, 0.9, 50, 0.8, 3.0, loop=True)
    assert ClipWish.from_dict(json.loads(json.dumps(wish.to_dict()))) == wish


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"genre": "polka"}, "no genre polka: expected some of blues"),
        ({"genre": {}}, "expected a genre, or shares"),
        ({"genre": 7}, "genre=7: expected a genre"),
        ({"genre": {"jazz": 0}}, "are all 0"),
        ({"genre": {"jazz": -1}}, "share of jazz=-1"),
        ({"genre": {"jazz": math.nan}}, "share of jazz=nan"),
        ({"seconds": 0}, "seconds=0: expected 1 to 300"),
        ({"seconds": 10_000}, "seconds=10000: expected 1 to 300"),
        ({"seconds": None}, "seconds=None"),
        ({"tempo_bpm": 5000}, "tempo_bpm=5000: expected 30 to 300"),
        ({"key": "H major"}, "key='H major': expected a tonic and a mode"),
        ({"key": 3}, "key=3"),
        ({"energy": 1.1}, "energy=1.1: expected 0 to 1"),
        ({"temperature": math.inf}, "temperature=inf: expected 0 to 2"),
        ({"guidance": True}, "guidance=True"),
        ({"top_p": 0}, "top_p=0: expected 0.05 to 1"),
        ({"top_k": 1.5}, "top_k=1.5: expected a whole number from 0 to 1024"),
        ({"seed": -1}, "seed=-1: expected a whole number from 0"),
        ({"seed": "1"}, "seed='1'"),
        ({"loop": 1}, "loop=1: expected true or false"),
        ({"tempo": 90}, "tempo: no part of a wish"),
    ],
)
def test_what_cannot_be_met_is_refused_by_name(values, message):
    with pytest.raises(BadWish, match=message):
        ClipWish.from_dict({"genre": "jazz", **values})


def test_a_wish_without_genre_is_none():
    with pytest.raises(BadWish, match="genre is missing"):
        ClipWish.from_dict({})


def test_takes_have_seeds_of_their_own_and_the_first_is_the_seed_itself():
    seeds = [derived_seed(1, index) for index in range(100)]
    assert seeds[0] == 1
    assert len(set(seeds)) == 100
    assert all(0 <= seed <= MAX_SEED for seed in seeds)
    assert seeds == [derived_seed(1, index) for index in range(100)]
    assert derived_seed(2, 1) != derived_seed(1, 1)
