"""Sessions that are balanced over listeners, and statistics whose answers are known."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import binomtest

from models.errors import ModelError
from models.evaluation.listening_test import (
    Given,
    Item,
    Question,
    bradley_terry,
    consistency,
    mean_opinions,
    preferences,
    results,
    session,
    strengths,
)

SYSTEMS = ("composer", "gru", "prior")
ITEMS = [
    Item(f"{system}-{topic}-{n}", system, topic) for system in SYSTEMS for topic in ("blues", "jazz") for n in range(3)
]
OF = {item.id: item for item in ITEMS}


def sessions(n_listeners=24, items=ITEMS, **numbers):
    chosen = {"n_pairs": 6, "n_ratings": 6, "n_repeats": 2, "seed": 7} | numbers
    return [session(items, listener=listener, **chosen) for listener in range(n_listeners)]


def pairs_of(questions):
    return [each for each in questions if each.kind == "pair" and each.repeats is None]


def test_systems_meet_equally_often_and_stand_first_as_often_as_second():
    asked = [pair for questions in sessions() for pair in pairs_of(questions)]
    met = Counter(frozenset((OF[pair.a].system, OF[pair.b].system)) for pair in asked)
    assert set(met.values()) == {48}
    assert set(met) == {frozenset(pair) for pair in combinations(SYSTEMS, 2)}
    first = Counter((OF[pair.a].system, OF[pair.b].system) for pair in asked)
    assert all(abs(count - 24) <= 2 for count in first.values())


def test_only_items_of_one_topic_are_compared_and_all_come_in_turn():
    asked = [pair for questions in sessions() for pair in pairs_of(questions)]
    assert all(OF[pair.a].topic == OF[pair.b].topic for pair in asked)
    heard = Counter(item for pair in asked for item in (pair.a, pair.b))
    assert set(heard) == set(OF)
    assert max(heard.values()) <= 1.5 * min(heard.values())


def test_every_item_is_rated_as_often_as_the_others():
    rated = Counter(each.a for questions in sessions(12) for each in questions if each.kind == "rating")
    assert set(rated.values()) == {4}
    assert set(rated) == set(OF)


def test_nobody_is_asked_the_same_twice_but_for_repetitions_the_other_way_round():
    for questions in sessions():
        pairs = pairs_of(questions)
        assert len({frozenset((pair.a, pair.b)) for pair in pairs}) == len(pairs) == 6
        ratings = [each.a for each in questions if each.kind == "rating"]
        assert len(set(ratings)) == len(ratings) == 6
        repeats = [(place, each) for place, each in enumerate(questions) if each.repeats is not None]
        assert len(repeats) == 2
        for place, each in repeats:
            original = questions[each.repeats]
            assert (each.a, each.b) == (original.b, original.a)
            assert place > each.repeats
            assert original.repeats is None


def test_sessions_come_again_from_their_seed_and_differ_between_listeners():
    assert sessions(3) == sessions(3) != sessions(3, seed=8)
    assert sessions(1) != sessions(2)[1:]


def test_two_systems_give_as_many_pairs_as_are_asked_for():
    """Unequal numbers of items, one topic: 2 x 3 items make six different pairs."""
    items = [Item("a1", "a"), Item("a2", "a"), Item("b1", "b"), Item("b2", "b"), Item("b3", "b")]
    for questions in sessions(5, items, n_pairs=6, n_ratings=0, n_repeats=0):
        assert {frozenset((each.a, each.b)) for each in questions} == {
            frozenset((a, b)) for a in ("a1", "a2") for b in ("b1", "b2", "b3")
        }


@pytest.mark.parametrize(
    ("items", "numbers", "message"),
    [
        (ITEMS, {"n_pairs": -1}, "n_pairs=-1"),
        ([item for item in ITEMS if item.system == "gru"], {}, "second system"),
        ([Item("a", "a", "jazz"), Item("b", "b", "blues")], {}, "one topic"),
    ],
)
def test_what_makes_no_test(items, numbers, message):
    with pytest.raises(ModelError, match=message):
        sessions(1, items, **numbers)


def test_mean_opinions_are_over_listeners_with_students_interval():
    """Listeners' means 4, 3 and 2: mean 3, deviation 1, t of 2 degrees 4.303; beyond 1 and 5 there is nothing."""
    ratings = [("ann", "gru", 4), ("bob", "gru", 2), ("bob", "gru", 4), ("cem", "gru", 2), ("ann", "prior", 5)]
    gru, prior, composer = mean_opinions(ratings, ["gru", "prior", "composer"])
    assert (gru["mean"], gru["n_ratings"], gru["n_listeners"]) == (3.0, 4, 3)
    assert (gru["low"], gru["high"]) == (1, 5)
    assert (prior["mean"], prior["low"], prior["high"]) == (5.0, None, None)
    assert (composer["mean"], composer["n_ratings"]) == (None, 0)
    many = [(f"listener {n}", "gru", 2 + n % 2) for n in range(10)]
    half = 2.2621571628 * np.sqrt(10 / 9 / 4) / np.sqrt(10)
    (found,) = mean_opinions(many, ["gru"])
    assert (found["low"], found["high"]) == pytest.approx((2.5 - half, 2.5 + half))


def test_preferences_have_wilsons_interval():
    won = [("ann", "gru", "prior", 0.0)] * 8 + [("bob", "prior", "gru", 0.0)] * 2
    (found,) = preferences(won, ["gru", "prior", "composer"])
    interval = binomtest(2, 10).proportion_ci(method="wilson")
    assert (found["a"], found["b"], found["wins_a"], found["wins_b"], found["ties"]) == ("gru", "prior", 2, 8, 0)
    assert (found["share"], found["low"], found["high"]) == pytest.approx((0.2, interval.low, interval.high))


def test_a_tie_is_half_a_win():
    (found,) = preferences([("ann", "gru", "prior", 0.5)] * 4, ["gru", "prior"])
    assert (found["share"], found["ties"]) == (0.5, 4)
    assert found["low"] == pytest.approx(1 - found["high"])


def test_bradley_terry_of_two_is_the_logarithm_of_the_odds():
    """Of 9.5 wins and 2.5, with the tie that is added, 10 and 3."""
    found = bradley_terry(np.array([[0, 9.5], [2.5, 0]]))
    assert found[0] - found[1] == pytest.approx(np.log(10 / 3), abs=1e-6)
    assert found.sum() == pytest.approx(0.0)


def test_bradley_terry_finds_what_the_wins_were_drawn_from():
    worth = np.array([4.0, 2.0, 1.0])
    expected = 1e6 * worth[:, None] / (worth[:, None] + worth)
    np.fill_diagonal(expected, 0)
    found = bradley_terry(expected)
    assert found - found[2] == pytest.approx(np.log(worth), abs=1e-4)


def test_strengths_are_ranked_and_bounded_where_one_always_wins():
    outcomes = [(f"listener {n}", a, b, 1.0) for n in range(6) for a, b in (("prior", "gru"), ("gru", "noise"))]
    found = strengths(outcomes, ["noise", "gru", "prior"])
    assert [each["system"] for each in found] == ["prior", "gru", "noise"]
    assert all(np.isfinite([each["low"], each["strength"], each["high"]]).all() for each in found)
    assert strengths(outcomes[:2], ["noise", "gru", "prior"])[0]["low"] is None
    assert strengths([], ["gru", "prior"]) == []


def test_consistency_compares_with_the_first_answer_the_other_way_round():
    again = Question("pair", "y", "x", repeats=0)
    repeats = [Given("ann", again, answer, first) for answer, first in (("b", "a"), ("same", "same"), ("a", "a"))]
    found = consistency(repeats)
    assert (found["n"], found["same"], found["share"]) == (3, 2, pytest.approx(2 / 3))
    assert consistency([])["share"] is None


def test_results_of_listeners_who_agree():
    given = []
    for listener in ("ann", "bob"):
        given += [
            Given(listener, Question("pair", "g1", "p1"), "b"),
            Given(listener, Question("pair", "g2", "p2"), "b"),
        ]
        given.append(Given(listener, Question("pair", "p1", "g1", repeats=0), "a", "b"))
        given += [Given(listener, Question("rating", "p1"), 5), Given(listener, Question("rating", "g1"), 2)]
    found = results(given, {"g1": "gru", "g2": "gru", "p1": "prior", "p2": "prior"})
    assert (found["n_answers"], found["n_listeners"]) == (10, 2)
    assert [(each["system"], each["mean"]) for each in found["opinions"]] == [("gru", 2.0), ("prior", 5.0)]
    (preference,) = found["preferences"]
    assert (preference["n"], preference["wins_b"]) == (4, 4)
    assert found["strengths"][0]["system"] == "prior"
    assert found["agreement"] == {
        "n_pairs": 2,
        "pairs_same": 1.0,
        "pairs_alpha": 1.0,
        "n_ratings": 2,
        "ratings_alpha": 1.0,
    }
    assert found["consistency"]["share"] == 1.0


def test_without_answers_nothing_is_said():
    found = results([], {"g1": "gru", "p1": "prior"})
    assert (found["n_answers"], found["preferences"], found["strengths"]) == (0, [], [])
    assert found["agreement"]["pairs_alpha"] is found["agreement"]["ratings_alpha"] is None
    assert [each["mean"] for each in found["opinions"]] == [None, None]
