import numpy as np
import pytest

from models.clip_wish import MAX_SEED, RANGES, ClipWish, derived_seed
from models.errors import BadWish
from models.preferences import RatedTake, propose

MIX = {"jazz": 0.5, "blues": 0.5}
BASE = ClipWish(MIX, seconds=8.0, seed=3, key="E minor")


def take(genre, stars, age=0, **wish):
    return RatedTake(ClipWish(genre, **wish), stars, age)


def first(*rated, base=BASE):
    return propose(rated, base=base, n=1, seed=0)[0]


def test_what_is_liked_draws_the_mix_towards_it():
    wish = first(take("jazz", 5), take("jazz", 4))
    assert wish.genre["jazz"] == pytest.approx(0.875, abs=1e-3)  # three quarters of the way from a half to all
    assert wish.genre["blues"] == pytest.approx(0.125, abs=1e-3)


def test_what_is_disliked_drives_the_mix_away_from_it():
    wish = first(take("jazz", 1))
    assert wish.genre["jazz"] == pytest.approx(0.375, abs=1e-3)  # a quarter of the way from all back to a half
    assert wish.genre["blues"] == pytest.approx(0.625, abs=1e-3)


def test_liking_and_disliking_add_up():
    assert first(take("jazz", 5), take("blues", 1)).genre == {"jazz": 1.0}


def test_three_stars_say_nothing():
    assert first(take("jazz", 3)).genre == pytest.approx(MIX)


def test_five_stars_weigh_twice_as_much_as_four_and_fade_by_half_with_each_clip():
    assert first(take("jazz", 5), take("blues", 4)).genre["jazz"] == pytest.approx(0.5 + 0.75 * (2 / 3 - 0.5), abs=1e-3)
    assert first(take("jazz", 5, age=1), take("blues", 4)).genre == pytest.approx(MIX)


def test_a_mix_of_one_genre_that_is_disliked_is_left_by_the_others_only():
    wishes = propose([take("reggae", 1)], base=ClipWish("reggae"), n=6, seed=0)
    assert wishes[0].genre == {"reggae": 1.0}
    assert all(len(wish.genre) == 2 for wish in wishes[1:] if wish.genre != {"reggae": 1.0})
    assert len({frozenset(wish.genre) for wish in wishes}) > 3


def test_tempo_moves_in_octaves_and_an_open_one_becomes_what_is_liked():
    assert first(take(MIX, 5, tempo_bpm=120.0), base=ClipWish(MIX, tempo_bpm=60.0)).tempo_bpm == pytest.approx(
        60 * 2**0.75, abs=1e-2
    )
    assert first(take(MIX, 5, tempo_bpm=76.0)).tempo_bpm == 76.0
    assert first(take(MIX, 1, tempo_bpm=76.0)).tempo_bpm is None
    assert first(take(MIX, 5)).tempo_bpm is None


@pytest.mark.parametrize(
    ("name", "here", "liked"), [("energy", 0.2, 0.6), ("temperature", 1.0, 1.4), ("guidance", 2.0, 4.0)]
)
def test_numbers_move_towards_what_is_liked(name, here, liked):
    wish = first(take(MIX, 4, **{name: liked}), base=ClipWish(MIX, **{name: here}))
    assert getattr(wish, name) == pytest.approx(here + 0.75 * (liked - here), abs=1e-3)


def test_the_others_lie_around_the_first_and_closer_the_better_the_best_take_is():
    def spread(stars):
        wishes = propose([take("jazz", stars, tempo_bpm=100.0, energy=0.5)], base=BASE, n=40, seed=1)[1:]
        return [np.std([getattr(wish, name) for wish in wishes]) for name in ("temperature", "guidance")]

    assert all(close < wide for close, wide in zip(spread(5), spread(3), strict=True))


def test_every_proposal_is_a_wish_with_a_seed_of_its_own_and_keeps_the_rest():
    rated = [take("jazz", 5, tempo_bpm=RANGES["tempo_bpm"][1], energy=1.0, temperature=2.0, guidance=10.0)]
    wishes = propose(rated, base=BASE, n=50, seed=MAX_SEED)
    assert [wish.seed for wish in wishes] == [derived_seed(MAX_SEED, k) for k in range(50)]
    assert len({wish.seed for wish in wishes}) == 50
    assert {(wish.key, wish.seconds) for wish in wishes} == {("E minor", 8.0)}
    assert len({frozenset(wish.genre) for wish in wishes}) > 5  # genres are tried that were not there


def test_the_same_seed_gives_the_same_proposals():
    rated = [take("jazz", 4, energy=0.5)]
    assert propose(rated, base=BASE, n=5, seed=7) == propose(rated, base=BASE, n=5, seed=7)
    assert propose(rated, base=BASE, n=5, seed=7)[1:] != propose(rated, base=BASE, n=5, seed=8)[1:]
    assert propose(rated, base=BASE, n=3, seed=7) == propose(rated, base=BASE, n=5, seed=7)[:3]


@pytest.mark.parametrize("stars", [0, 6, "5", None])
def test_stars_are_one_to_five(stars):
    with pytest.raises(BadWish, match="expected 1 to 5"):
        take("jazz", stars)


def test_without_ratings_there_is_nothing_to_follow():
    with pytest.raises(BadWish, match="no take was rated"):
        propose([], base=BASE, n=1, seed=0)
