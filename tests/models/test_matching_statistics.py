"""Longest runs against a slow loop, and texts whose answer is known by thought."""

import numpy as np
import pytest

from models.errors import ModelError
from models.matching_statistics import MatchingStatistics

N = 3  # symbols 0, 1, 2; 3 ends a part
NOTHING = N + 1


def slowly(text: np.ndarray, sequence: np.ndarray, at: int, place: int) -> int:
    """Symbols that both have in common from there on."""
    n = 0
    while at + n < len(sequence) and place + n < len(text) and text[place + n] == sequence[at + n]:
        n += 1
    return n


def test_runs_are_those_of_a_slow_loop(rng):
    for _ in range(60):
        text = np.append(rng.choice(N + 1, rng.integers(1, 60), p=[0.4, 0.3, 0.2, 0.1]), N)
        sequence = rng.choice([0, 1, 2, NOTHING], rng.integers(1, 40), p=[0.4, 0.3, 0.2, 0.1])
        lengths, places = MatchingStatistics(text, n_symbols=N)(sequence)
        for at, (length, place) in enumerate(zip(lengths, places, strict=True)):
            assert length == max(slowly(text, sequence, at, other) for other in range(len(text)))
            np.testing.assert_array_equal(text[place : place + length], sequence[at : at + length])


@pytest.mark.parametrize("n_symbols", [2, 2**10, 2**20, 2**30])  # many in a word, or few
def test_a_long_run_is_found_to_its_last_symbol(rng, n_symbols):
    text = np.append(rng.integers(0, n_symbols, 300), n_symbols)
    lengths, places = MatchingStatistics(text, n_symbols=n_symbols)(text[100:250])
    np.testing.assert_array_equal(lengths[:100], np.arange(150, 50, -1))
    np.testing.assert_array_equal(places[:100], np.arange(100, 200))


def test_no_run_goes_over_the_end_of_a_part():
    lengths, places = MatchingStatistics(np.array([0, 1, N, 2, 0, N]), n_symbols=N)(np.array([0, 1, 2, 0]))
    assert lengths.tolist() == [2, 1, 2, 1]
    assert places[:3].tolist() == [0, 1, 3]


def test_suffixes_stand_in_their_order():
    find = MatchingStatistics(np.array([1, 0, 1, 0, N]), n_symbols=N)
    assert find.suffixes.tolist() == [1, 3, 0, 2, 4]  # 0 1 0 . | 0 . | 1 0 1 0 . | 1 0 . | .
    assert MatchingStatistics(np.full(999, N), n_symbols=N).suffixes.tolist() == list(range(998, -1, -1))


def test_suffixes_that_are_known_give_the_same_runs(rng):
    text, sequence = np.append(rng.integers(0, N, 200), N), rng.integers(0, N, 50)
    find = MatchingStatistics(text, n_symbols=N)
    again = MatchingStatistics(text, n_symbols=N, suffixes=find.suffixes)
    np.testing.assert_array_equal(find(sequence), again(sequence))


@pytest.mark.parametrize(
    ("text", "suffixes", "message"),
    [
        (np.array([0, 1]), None, r"expected whole numbers \(n,\) that end with 3"),
        (np.array([], int), None, "expected whole numbers"),
        (np.array([0.0, 3.0]), None, "expected whole numbers"),
        (np.array([[0, 3]]), None, "expected whole numbers"),
        (np.array([-1, 3]), None, "text of -1 to 3: expected 0 to 3"),
        (np.array([4, 3]), None, "text of 3 to 4: expected 0 to 3"),
        (np.array([1, 3]), np.array([0]), "expected the 2 places of the text"),
        (np.array([1, 3]), np.array([0, 2]), "expected the 2 places of the text"),
    ],
)
def test_what_is_no_text_is_refused(text, suffixes, message):
    with pytest.raises(ModelError, match=message):
        MatchingStatistics(text, n_symbols=N, suffixes=suffixes)
