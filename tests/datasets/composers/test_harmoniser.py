"""The likeliest chords under a melody: Viterbi against trying every path, and melodies with an obvious harmony."""

from itertools import pairwise, product

import numpy as np
import pytest

from datasets.composers.harmoniser import MAJOR_CHANGES, MINOR_CHANGES, harmonise, viterbi
from datasets.composers.song import Note
from datasets.errors import DatasetError


@pytest.mark.parametrize("seed", range(20))
def test_viterbi_finds_the_path_that_trying_all_finds(seed):
    rng = np.random.default_rng(seed)
    n_steps, n_states = int(rng.integers(1, 6)), int(rng.integers(1, 5))
    emissions = rng.normal(size=(n_steps, n_states))
    moves = rng.normal(size=(n_states, n_states))

    def likelihood(path: tuple[int, ...]) -> float:
        heard = sum(emissions[step, state] for step, state in enumerate(path))
        return float(heard + sum(moves[a, b] for a, b in pairwise(path)))

    best = max(product(range(n_states), repeat=n_steps), key=likelihood)
    assert viterbi(emissions, moves) == list(best)


def arpeggios(*chords: tuple[int, ...]) -> list[Note]:
    """A bar of four beats over the notes of each chord."""
    return [
        Note(4.0 * bar + beat, 1.0, chord[beat % len(chord)], 80)
        for bar, chord in enumerate(chords)
        for beat in range(4)
    ]


def test_broken_chords_are_heard_as_what_they_are():
    tune = arpeggios((60, 64, 67), (65, 69, 72), (67, 71, 74), (60, 64, 67))
    spans = harmonise(tune, MAJOR_CHANGES, 0, n_spans=4)
    assert [span.symbol for span in spans] == ["I", "IV", "V", "I"]
    assert [(span.start, span.end) for span in spans] == [(0, 4), (4, 8), (8, 12), (12, 16)]


def test_the_key_of_the_tune_moves_its_chords():
    tune = arpeggios((57, 60, 64), (62, 65, 69), (64, 68, 71), (57, 60, 64))
    assert [span.symbol for span in harmonise(tune, MINOR_CHANGES, 9, n_spans=4)] == ["i", "iv", "V", "i"]


def test_first_and_last_chord_are_kept_though_the_tune_says_otherwise():
    tune = arpeggios((65, 69, 72), (65, 69, 72), (65, 69, 72))
    spans = harmonise(tune, MAJOR_CHANGES, 0, n_spans=3, first="I", last="V")
    assert (spans[0].symbol, spans[-1].symbol) == ("I", "V")


def test_without_a_tune_the_likeliest_changes_remain():
    spans = harmonise([], {"I": {"V": 9, "I": 1}, "V": {"I": 9, "V": 1}}, 0, n_spans=4, first="I")
    assert [span.symbol for span in spans] == ["I", "V", "I", "V"]


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"n_spans": 0}, "n_spans=0: expected 1 or more"),
        ({"n_spans": 2, "first": "bVI"}, "chord 'bVI': expected one of I, ii"),
        ({"n_spans": 2, "last": "X"}, "chord 'X'"),
    ],
)
def test_what_cannot_be_harmonised_is_refused(wishes, message):
    with pytest.raises(DatasetError, match=message):
        harmonise([], MAJOR_CHANGES, 0, **wishes)
