import numpy as np
import pytest

from models.agreement import Answer, AnswerTable
from models.consensus import consensus
from models.errors import ModelError

GENRES = ("fado", "pop", "rock")
LETTERS = {"f": {"fado"}, "p": {"pop"}, "r": {"rock"}, "b": {"pop", "rock"}, "n": set()}


def asked(columns: dict[str, str]):
    """One string an annotator, one letter an item: small certain, capital unsure, "." a gap."""
    answers = [
        Answer(item, annotator, frozenset(LETTERS[letter.lower()]), unsure=letter.isupper())
        for annotator, letters in columns.items()
        for item, letter in enumerate(letters)
        if letter != "."
    ]
    return consensus(AnswerTable.of(answers), genres=GENRES)


@pytest.mark.parametrize(
    ("letters", "target", "answer"),
    [
        ("f", [1, 0, 0], {"fado"}),
        ("F", [0.5, 0, 0], {"fado"}),
        ("b", [0, 0.5, 0.5], {"pop", "rock"}),
        ("B", [0, 0.25, 0.25], {"pop", "rock"}),
        ("n", [0, 0, 0], set()),
        ("fff", [1, 0, 0], {"fado"}),
        ("ffp", [2 / 3, 1 / 3, 0], {"fado"}),
        ("fp", [0.5, 0.5, 0], None),
        ("fP", [0.5, 0.25, 0], {"fado"}),
        ("FP", [0.25, 0.25, 0], None),
        ("fPP", [1 / 3, 1 / 3, 0], None),
        ("br", [0, 0.25, 0.75], None),
        ("fn", [0.5, 0, 0], None),
        ("ffn", [2 / 3, 0, 0], {"fado"}),
        ("fnn", [0, 0, 0], set()),
    ],
)
def test_the_target_of_one_item(letters, target, answer):
    found = asked({f"annotator {i}": letter for i, letter in enumerate(letters)})
    np.testing.assert_allclose(found.targets, [target])
    assert found.answers == (None if answer is None else frozenset(answer),)


def test_items_keep_their_rows():
    found = asked({"ann": "fpr", "bob": "f.p"})
    assert found.items == (0, 1, 2)
    np.testing.assert_allclose(found.targets, [[1, 0, 0], [0, 1, 0], [0, 0.5, 0.5]])
    assert found.answers == (frozenset({"fado"}), frozenset({"pop"}), None)


def test_quality_is_the_share_of_shared_items_that_agree_with_the_consensus():
    """Ann is always with the majority, Cid in one of four; a tie and an item of Dora alone do not count."""
    found = asked({"ann": "ffpp.f", "bob": "ffpp.p", "cid": "fprr..", "dora": "....f."})
    assert found.quality == {"ann": 1.0, "bob": 1.0, "cid": 0.25, "dora": None}
    assert set(found.weights.values()) == {1.0}


def test_with_enough_shared_items_a_guesser_counts_for_less():
    """Two reliable annotators and a guesser, then two items with one of each: the reliable one wins, no tie."""
    truth = "fpr" * 10
    guesser = truth[1:] + truth[0]  # never right
    found = asked({"ann": truth + "f.", "bob": truth + ".p", "eve": guesser + "pf"})
    assert max(found.weights["ann"], found.weights["bob"]) == 1.0
    assert min(found.weights["ann"], found.weights["bob"]) > 0.8
    assert found.weights["eve"] < 0.01
    assert found.answers[-2:] == (frozenset({"fado"}), frozenset({"pop"}))
    assert found.targets[-2:, :2] == pytest.approx(np.eye(2), abs=0.01)
    np.testing.assert_allclose(found.targets.sum(axis=1), 1)
    assert (found.quality["ann"], found.quality["eve"]) == (1.0, 0.0)


@pytest.mark.parametrize("n_shared", [3, 9])
def test_with_fewer_shared_items_all_votes_weigh_alike(n_shared):
    truth = ("fpr" * 10)[:n_shared]
    found = asked({"ann": truth, "bob": truth, "eve": "n" * n_shared})
    assert found.weights == {"ann": 1.0, "bob": 1.0, "eve": 1.0}


def test_of_two_who_disagree_none_is_believed_more():
    found = asked({"ann": "fpr" * 10, "bob": "fpp" * 10})
    assert found.weights == {"ann": 1.0, "bob": 1.0}
    assert found.answers[2] is None


def test_a_newcomer_gets_the_mean_weight():
    truth = "fpr" * 10
    found = asked(
        {"ann": truth, "bob": truth, "eve": truth[1:] + truth[0], "new": "p" + "." * 29, "own": "." * 30 + "r"}
    )
    known = [found.weights[name] for name in ("ann", "bob", "eve")]
    assert found.weights["new"] == found.weights["own"] == pytest.approx(np.mean(known))


@pytest.mark.parametrize("letter", ["f", "n"])
def test_where_all_give_one_answer_there_is_nothing_to_weigh(letter):
    found = asked(dict.fromkeys(("ann", "bob", "cid"), letter * 12))
    assert set(found.weights.values()) == {1.0}
    assert found.answers == (frozenset(LETTERS[letter]),) * 12


def test_where_nobody_ever_agrees_there_is_nothing_to_weigh():
    found = asked({"ann": "f" * 12, "bob": "p" * 12, "cid": "r" * 12})
    assert set(found.weights.values()) == {1.0}
    assert found.answers == (None,) * 12
    np.testing.assert_allclose(found.targets, 1 / 3)


def test_the_same_answers_give_the_same_targets_and_nothing_is_printed(capfd, recwarn):
    rng = np.random.default_rng(3)
    columns = {name: "".join(rng.choice(list("fprbn"), 60)) for name in ("ann", "bob", "cid", "dora")}
    one, other = asked(columns), asked(columns)
    np.testing.assert_array_equal(one.targets, other.targets)
    assert (one.answers, one.weights, one.quality) == (other.answers, other.weights, other.quality)
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_nobody_said_anything():
    found = asked({})
    assert found.targets.shape == (0, 3)
    assert (found.items, found.answers, found.weights, found.quality) == ((), (), {}, {})


def test_a_genre_that_is_not_in_the_taxonomy_is_named():
    table = AnswerTable.of([Answer(1, "ann", frozenset({"polka"}))])
    with pytest.raises(ModelError, match="'polka' was answered: expected one of fado, pop, rock"):
        consensus(table, genres=GENRES)
