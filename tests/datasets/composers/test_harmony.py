"""Grammars derive what their rules say, and chords stand on the beats that their lengths give."""

from itertools import pairwise

import numpy as np
import pytest

from datasets.composers.harmony import chord_at, expand, progression, repeated
from datasets.composers.theory import roman
from datasets.errors import DatasetError

BLUES = {"S": [(1, "T T T T S4 S4 T T V7 IV7 T T")], "T": [(1, "I7")], "S4": [(1, "IV7")]}


def test_a_grammar_without_choices_derives_its_one_sentence(rng):
    assert " ".join(expand(BLUES, "S", rng)) == "I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 I7"


def test_a_symbol_without_rules_is_a_chord(rng):
    assert expand(BLUES, "V7", rng) == ["V7"]


def test_expansions_are_drawn_by_weight(rng):
    rules = {"S": [(3, "I"), (1, "V"), (0, "vi")]}
    drawn = [expand(rules, "S", rng)[0] for _ in range(2000)]
    assert set(drawn) == {"I", "V"}
    assert abs(drawn.count("I") / len(drawn) - 0.75) < 0.04  # four standard errors


def test_the_same_generator_derives_the_same_chords():
    rules = {"S": [(1, "I S"), (1, "V S"), (1, "I")]}
    first, again = (expand(rules, "S", np.random.default_rng(7)) for _ in range(2))
    assert first == again
    assert first[-1] == "I"


def test_a_grammar_that_never_ends_is_refused(rng):
    with pytest.raises(DatasetError, match="the chord grammar does not end: S is 33 rules deep"):
        expand({"S": [(1, "I S")]}, "S", rng)


def test_chords_follow_one_another_without_gaps():
    spans = progression(["ii7:2", "V7:2", "I", "vi:1.5"], tonic=0, beats_per_bar=3, start_beat=6.0)
    assert [(span.start, span.duration, span.symbol) for span in spans] == [
        (6.0, 2.0, "ii7"),
        (8.0, 2.0, "V7"),
        (10.0, 3.0, "I"),
        (13.0, 1.5, "vi"),
    ]
    assert all(before.end == after.start for before, after in pairwise(spans))
    assert [span.chord for span in spans] == [roman(span.symbol, 0) for span in spans]


@pytest.mark.parametrize("n_bars", [1, 2, 3, 5, 12])
def test_repeated_chords_fill_their_bars_exactly(n_bars):
    spans = progression(repeated(["I:2", "vi:4", "V:3"], n_bars), tonic=0)
    assert spans[-1].end == 4 * n_bars
    assert [span.symbol for span in spans[:4]] == ["I", "vi", "V", "I"][: len(spans)]


def test_the_last_chord_is_cut_to_fit():
    assert repeated(["I", "V:3"], 2, beats_per_bar=3) == ["I:3", "V:3"]
    assert repeated(["I:3", "V:3"], 1) == ["I:3", "V:1"]


def test_the_chord_at_a_beat_is_the_one_that_sounds_there():
    spans = progression(["I", "V"], tonic=0)
    assert [chord_at(spans, beat) for beat in (0.0, 3.99, 4.0, 7.5, 99.0)] == [
        roman(symbol, 0) for symbol in ("I", "I", "V", "V", "V")
    ]
