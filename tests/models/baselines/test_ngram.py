"""N-grams go on with what they have counted, genre by genre, and back off where they have not."""

from collections import Counter

import numpy as np
import pytest

from models.baselines.ngram import Ngrams, NgramSettings
from models.errors import ModelError
from models.sampling import Sampling

SETTINGS = NgramSettings(n_codebooks=2, n_codes=8, n_genres=3, order=2)
COLD = Sampling(0.0)


def cycle(step: int, n_frames: int = 40) -> np.ndarray:
    """Counts up modulo 8; the second codebook is twice the first."""
    first = np.arange(n_frames) * step % 8
    return np.stack([first, 2 * first % 8])


@pytest.fixture(scope="module")
def ngrams() -> Ngrams:
    return Ngrams.fit([cycle(1), cycle(3), cycle(7)], [0, 1, 1], SETTINGS)


def mix(*shares: float) -> np.ndarray:
    return np.array(shares)


def test_a_cycle_is_gone_on_with(ngrams):
    made = ngrams.generate(mix(1, 0, 0), 24, seed=0, sampling=COLD, prompt=cycle(1, 5))
    np.testing.assert_array_equal(made, cycle(1, 24))


def test_a_longer_context_tells_apart_what_a_shorter_one_cannot(ngrams):
    """In the second genre codes go up by three or down by one: two codes say which."""
    for step in (3, 7):
        made = ngrams.generate(mix(0, 1, 0), 24, seed=0, sampling=COLD, prompt=cycle(step, 2))
        np.testing.assert_array_equal(made, cycle(step, 24))


def test_what_follows_is_of_the_genre(ngrams):
    seen = [ngrams.generate(shares, 3, seed=0, sampling=COLD, prompt=cycle(1, 2))[0, 2] for shares in np.eye(3)[:2]]
    assert seen[0] == 2
    assert seen[1] != 2  # a step of one was never taken there


def test_without_a_prompt_it_begins_as_clips_began(ngrams):
    np.testing.assert_array_equal(ngrams.generate(mix(1, 0, 0), 8, seed=0, sampling=COLD), cycle(1, 8))


def test_probabilities_sum_to_one_and_are_those_of_a_slow_count(rng):
    clips = [rng.integers(0, 4, (1, 60)), rng.integers(0, 4, (1, 60))]
    settings = NgramSettings(n_codebooks=1, n_codes=4, n_genres=2, order=1)
    ngrams = Ngrams.fit(clips, [0, 1], settings)
    alone, by_genre, pairs = Counter(), Counter(), Counter()
    for genre, clip in enumerate(clips):
        for before, code in zip([4, *clip[0]], clip[0], strict=False):
            alone[code] += 1
            by_genre[genre, code] += 1
            pairs[genre, before, code] += 1

    def blended(counts: list[int], shorter: np.ndarray) -> np.ndarray:
        kinds = np.count_nonzero(counts)
        return (np.array(counts) + kinds * shorter) / (sum(counts) + kinds)

    for before in range(4):
        expected = np.full(4, 0.25)
        expected = blended([alone[code] for code in range(4)], expected)
        expected = blended([by_genre[1, code] for code in range(4)], expected)
        expected = blended([pairs[1, before, code] for code in range(4)], expected)
        assert expected.sum() == pytest.approx(1)
        found = [2 ** -ngrams.bits(np.array([[before, code]]), 1)[0] for code in range(4)]  # mean of two codes
        start = 2 ** -ngrams.bits(np.array([[before]]), 1)[0]
        np.testing.assert_allclose(np.array(found) ** 2 / start, expected)


def test_surprise_is_small_for_what_was_counted_and_large_for_what_was_not(ngrams):
    counted, other = ngrams.bits(cycle(1), 0), ngrams.bits(cycle(5), 0)
    assert counted.shape == (2,)
    assert (counted < 1).all()
    assert other[0] > 3


def test_a_genre_that_was_never_heard_is_as_all_together(ngrams):
    bits = ngrams.bits(cycle(1), 2)
    assert np.isfinite(bits).all()
    assert (bits > ngrams.bits(cycle(1), 0)).all()
    assert bits[0] < 3.5  # 3 bits: eight codes alike often


def test_a_mix_draws_from_both_genres():
    settings = NgramSettings(n_codebooks=1, n_codes=8, n_genres=2, order=1)
    clips = [np.full((1, 500), 2), np.full((1, 500), 5)]
    ngrams = Ngrams.fit(clips, [0, 1], settings)
    prompt = np.array([[2]])
    drawn = [ngrams.generate(mix(0.3, 0.7), 2, seed=seed, prompt=prompt)[0, 1] for seed in range(300)]
    assert 0.6 < np.mean(np.array(drawn) == 5) < 0.8


def test_the_same_seed_makes_the_same(ngrams):
    one, again, other = (ngrams.generate(mix(0.5, 0.5, 0), 60, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_arrays_hold_all_that_was_counted(ngrams):
    again = Ngrams.of_arrays(ngrams.arrays(), SETTINGS)
    for clip, genre in ((cycle(1), 0), (cycle(5), 1), (cycle(3), 2)):
        np.testing.assert_array_equal(again.bits(clip, genre), ngrams.bits(clip, genre))
    arrays = ngrams.arrays()
    del arrays["codebook_1/context_2/counts"]
    with pytest.raises(ModelError, match="no n-grams: 'codebook_1/context_2/counts' is missing"):
        Ngrams.of_arrays(arrays, SETTINGS)


@pytest.mark.parametrize(
    ("clips", "genres", "message"),
    [
        ([], [], "0 clips with 0 genres"),
        ([cycle(1)], [0, 1], "1 clips with 2 genres"),
        ([cycle(1)[:1]], [0], r"codes of shape \(1, 40\): expected \(2, n_frames\)"),
        ([cycle(1) + 1], [0], "codes from 1 to 8: expected 0 to below 8"),
        ([cycle(1)], [3], "genre 3: expected 0 to below 3"),
    ],
)
def test_what_cannot_be_counted_is_refused(clips, genres, message):
    with pytest.raises(ModelError, match=message):
        Ngrams.fit(clips, genres, SETTINGS)


@pytest.mark.parametrize("shares", [(1, 0), (0.5, 0.6, 0), (-1, 2, 0)])
def test_a_mix_that_does_not_sum_to_one_is_refused(ngrams, shares):
    with pytest.raises(ModelError, match="expected 3 shares that sum to 1"):
        ngrams.generate(shares, 4, seed=0)


@pytest.mark.parametrize(("fields", "message"), [({"order": 0}, "order=0"), ({"order": 6}, "order=6: too long")])
def test_orders_out_of_range_are_named(fields, message):
    with pytest.raises(ModelError, match=message):
        NgramSettings(**fields)
