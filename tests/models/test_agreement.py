import numpy as np
import pytest

from models.agreement import (
    Answer,
    AnswerTable,
    agreement,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    observed_agreement,
)
from models.errors import ModelError

# Fleiss (1971), table 1: 30 patients, 6 diagnoses each, among depression, personality disorder, schizophrenia,
# neurosis and other.
FLEISS_1971 = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 "
    "00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
)
# Krippendorff (2013), chapter 12: 4 observers, 12 units, gaps.
KRIPPENDORFF_2013 = {
    "A": "123321412...",
    "B": "1233224125.3",
    "C": ".333234225 1.".replace(" ", ""),
    "D": "12332441251.",
}


def table_of(columns: dict[str, str]) -> AnswerTable:
    """One string an annotator, one character an item, "." for a gap."""
    return AnswerTable.of(
        Answer(item, annotator, frozenset(answer))
        for annotator, answers in columns.items()
        for item, answer in enumerate(answers)
        if answer != "."
    )


def table_of_counts(rows: str) -> AnswerTable:
    """One word an item, a digit for each answer: how many gave it."""
    answers = ["".join(str(code) * int(n) for code, n in enumerate(row)) for row in rows.split()]
    return table_of({str(rater): "".join(each[rater] for each in answers) for rater in range(len(answers[0]))})


def test_a_table_keeps_who_said_what():
    table = AnswerTable.of(
        [
            Answer("b", "zoe", frozenset({"fado"})),
            Answer("a", "ann", frozenset({"rock", "pop"}), unsure=True),
            Answer("b", "ann", frozenset()),
        ]
    )
    assert (table.items, table.annotators) == (("b", "a"), ("ann", "zoe"))
    assert table.answers == (frozenset(), frozenset({"fado"}), frozenset({"pop", "rock"}))
    np.testing.assert_array_equal(table.codes, [[0, 1], [2, -1]])
    np.testing.assert_array_equal(table.weights, [[1.0, 1.0], [0.5, 0.0]])
    np.testing.assert_array_equal(table.n_answers, [2, 1])


def test_two_answers_of_one_annotator_are_refused():
    with pytest.raises(ModelError, match="item 7 has two answers of ann: give only the one that holds"):
        AnswerTable.of([Answer(7, "ann", frozenset({"rock"})), Answer(7, "ann", frozenset({"pop"}))])


def test_cohen_of_a_textbook_table():
    """20 times yes and yes, 5 yes and no, 10 no and yes, 15 no and no: 70 % observed, 50 % by chance, kappa 0.4."""
    table = table_of({"a": "y" * 25 + "n" * 25, "b": "y" * 20 + "n" * 5 + "y" * 10 + "n" * 15})
    pair = cohen_kappa(table, 0, 1)
    assert (pair.a, pair.b, pair.n) == ("a", "b", 50)
    assert pair.kappa == pytest.approx(0.4)
    assert observed_agreement(table) == pytest.approx(0.7)


def test_cohen_looks_at_common_items_alone():
    full = table_of({"a": "rrrppp", "b": "rrpppp"})
    gaps = table_of({"a": "rrrpppr.r.", "b": "rrpppp.p.p"})
    assert cohen_kappa(gaps, 0, 1).n == 6
    assert cohen_kappa(gaps, 0, 1).kappa == pytest.approx(cohen_kappa(full, 0, 1).kappa)


@pytest.mark.parametrize(
    ("a", "b", "n"),
    [("r.", "r.", 1), ("rrr", "rrr", 3), ("rp", "..", 0)],
    ids=["one common item", "one answer only", "nothing in common"],
)
def test_cohen_is_none_where_it_says_nothing(a, b, n):
    table = table_of({"a": a, "b": b, "c": "rp"})
    if n == 0:
        assert [(pair.a, pair.b) for pair in agreement(table).cohen] == [("a", "c")]
    else:
        pair = cohen_kappa(table, 0, 1)
        assert (pair.n, pair.kappa) == (n, None)


def test_always_saying_the_opposite_is_as_bad_as_it_gets():
    table = table_of({"a": "rprp", "b": "prpr"})
    assert cohen_kappa(table, 0, 1).kappa == pytest.approx(-1.0)
    assert observed_agreement(table) == 0.0


def test_fleiss_of_the_psychiatric_diagnoses():
    assert fleiss_kappa(table_of_counts(FLEISS_1971)) == pytest.approx(0.430, abs=5e-4)


def test_fleiss_measures_the_largest_group_of_one_size():
    three = table_of({"a": "rpr", "b": "rpr", "c": "rpr"})
    assert fleiss_kappa(three) == pytest.approx(1.0)
    mixed = table_of({"a": "rprrp", "b": "rprpr", "c": "rpr.."})
    assert fleiss_kappa(mixed) == pytest.approx(1.0)


def test_of_groups_of_one_size_fleiss_takes_that_with_the_most_answers():
    """Two items with two answers that never agree, and before or after them two with three that always do."""
    for a, b, c in (("rprp", "prrp", "..rp"), ("rprp", "rppr", "rp..")):
        table = table_of({"a": a, "b": b, "c": c})
        assert sorted(table.n_answers.tolist()) == [2, 2, 3, 3]
        assert fleiss_kappa(table) == pytest.approx(1.0)


def test_krippendorff_of_the_textbook_example():
    assert krippendorff_alpha(table_of(KRIPPENDORFF_2013)) == pytest.approx(0.743, abs=5e-4)


def test_with_full_agreement_every_figure_is_one():
    found = agreement(table_of({"a": "rpfr", "b": "rpfr", "c": "rpf."}))
    assert found.items == 4
    assert found.observed == 1.0
    assert [pair.kappa for pair in found.cohen] == pytest.approx([1.0] * 3)
    assert (found.fleiss, found.krippendorff) == (pytest.approx(1.0), pytest.approx(1.0))


@pytest.mark.parametrize(
    "columns", [{}, {"a": "rp"}, {"a": "r.", "b": ".p"}], ids=["nobody", "one annotator", "nothing shared"]
)
def test_without_shared_items_nothing_is_said(columns):
    found = agreement(table_of(columns))
    assert (found.items, found.observed, found.cohen, found.fleiss, found.krippendorff) == (0, None, (), None, None)


def test_where_all_give_one_answer_chance_explains_it():
    found = agreement(table_of({"a": "rr", "b": "rr"}))
    assert (found.observed, found.fleiss, found.krippendorff) == (1.0, None, None)


def test_answers_to_items_of_one_annotator_do_not_count():
    """The fourth item brings a second answer, but nobody else answered it."""
    found = agreement(table_of({"a": "rrrp", "b": "rrr."}))
    assert (found.items, found.fleiss, found.krippendorff) == (3, None, None)


def test_sets_of_genres_are_the_same_or_not_and_none_is_an_answer():
    both, one, none = frozenset({"rock", "pop"}), frozenset({"rock"}), frozenset()
    table = AnswerTable.of(
        Answer(item, annotator, said)
        for item, answers in enumerate([(both, both), (both, one), (none, none), (none, one)])
        for annotator, said in zip("ab", answers, strict=True)
    )
    assert observed_agreement(table) == 0.5
