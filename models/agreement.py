"""How far annotators agree with each other, beyond what chance would bring.

An answer is a set of genres: one for most recordings, several where a project allows it, none for "none of these".
All measures here are nominal: two answers are the same or they are not, however many genres two sets share. Where
nothing can be said (too few common items, or one answer only, so that chance alone would agree always) a figure is
None.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from models.errors import ModelError

GAP = -1  # code of a recording that an annotator did not answer
UNSURE_WEIGHT = 0.5  # of an answer whose annotator was unsure, against 1 of a certain one
MIN_COMMON_ITEMS = 2


class Answer(NamedTuple):
    """What one annotator said of one item; no genres are "none of these"."""

    item: int | str
    annotator: str
    genres: frozenset[str]
    unsure: bool = False


@dataclass(frozen=True)
class AnswerTable:
    """Items against annotators, with gaps.

    Attributes
    ----------
    items : tuple
        In the order in which they were first answered.
    annotators : tuple of str
        In the order of the alphabet.
    answers : tuple of frozenset of str
        The different answers that were given.
    codes : np.ndarray of int, shape (n_items, n_annotators)
        Index into `answers`; -1 where there is none.
    weights : np.ndarray, shape (n_items, n_annotators)
        1 for a certain answer, 0.5 for an unsure one, 0 where there is none.
    """

    items: tuple[int | str, ...]
    annotators: tuple[str, ...]
    answers: tuple[frozenset[str], ...]
    codes: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, given: Iterable[Answer]) -> "AnswerTable":
        """Put answers into a table.

        Raises
        ------
        ModelError
            If an annotator answered an item twice.
        """
        given = tuple(given)
        items = tuple(dict.fromkeys(each.item for each in given))
        annotators = tuple(sorted({each.annotator for each in given}))
        answers = tuple(sorted({each.genres for each in given}, key=sorted))
        row_of, column_of = _numbered(items), _numbered(annotators)
        code_of = _numbered(answers)
        codes = np.full((len(items), len(annotators)), GAP, dtype=np.int64)
        weights = np.zeros(codes.shape)
        for each in given:
            place = row_of[each.item], column_of[each.annotator]
            if codes[place] != GAP:
                raise ModelError(
                    f"item {each.item} has two answers of {each.annotator}: give only the one that holds, the last"
                )
            codes[place] = code_of[each.genres]
            weights[place] = UNSURE_WEIGHT if each.unsure else 1.0
        return cls(items, annotators, answers, codes, weights)

    @property
    def n_answers(self) -> np.ndarray:
        """Answers of each item, shape (n_items,)."""
        return (self.codes != GAP).sum(axis=1)


@dataclass(frozen=True)
class PairAgreement:
    """Cohen's kappa of the annotators `a` and `b` on the `n` items that both answered."""

    a: str
    b: str
    n: int
    kappa: float | None


@dataclass(frozen=True)
class Agreement:
    """How far annotators agree.

    Attributes
    ----------
    items : int
        Items with two or more answers.
    observed : float or None
        Share of pairs of answers to one item that are the same: no model can be seen to be much better.
    cohen : tuple of PairAgreement
        Of each two annotators who have an item in common.
    fleiss : float or None
        Fleiss' kappa, over the items with the most frequent number of answers.
    krippendorff : float or None
        Krippendorff's alpha, over all items with two or more answers.
    """

    items: int
    observed: float | None
    cohen: tuple[PairAgreement, ...]
    fleiss: float | None
    krippendorff: float | None


def agreement(table: AnswerTable) -> Agreement:
    """Measure how far the annotators of a table agree."""
    return Agreement(
        items=int((table.n_answers >= 2).sum()),
        observed=observed_agreement(table),
        cohen=tuple(
            pair for a, b in combinations(range(len(table.annotators)), 2) if (pair := cohen_kappa(table, a, b)).n
        ),
        fleiss=fleiss_kappa(table),
        krippendorff=krippendorff_alpha(table),
    )


def observed_agreement(table: AnswerTable) -> float | None:
    """Share of all pairs of answers to one item that are the same; None without pairs."""
    counts = _counts(table.codes, len(table.answers))
    n = counts.sum(axis=1)
    pairs = (n * (n - 1)).sum()
    return float((counts * (counts - 1)).sum() / pairs) if pairs else None


def cohen_kappa(table: AnswerTable, a: int, b: int) -> PairAgreement:
    """Cohen's kappa of the annotators of two columns of a table, over the items that both answered.

    References
    ----------
    Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20(1), 1960.
    """
    from sklearn.metrics import cohen_kappa_score

    common = table.codes[(table.codes[:, [a, b]] != GAP).all(axis=1)][:, [a, b]]
    defined = len(common) >= MIN_COMMON_ITEMS and len(np.unique(common)) > 1
    kappa = float(cohen_kappa_score(common[:, 0], common[:, 1])) if defined else None
    return PairAgreement(table.annotators[a], table.annotators[b], len(common), kappa)


def fleiss_kappa(table: AnswerTable) -> float | None:
    """Fleiss' kappa, which asks for the same number of answers of each item.

    Of the items with 2, 3 and more answers the largest group is measured; of groups of one size, that with the most
    answers.

    References
    ----------
    Fleiss, "Measuring nominal scale agreement among many raters", Psychological Bulletin 76(5), 1971.
    """
    sizes = Counter(table.n_answers[table.n_answers >= 2].tolist())
    if not sizes:
        return None
    n = max(sizes, key=lambda size: (sizes[size], size))
    counts = _counts(table.codes[table.n_answers == n], len(table.answers))
    shares = counts.sum(axis=0) / counts.sum()
    if (shares > 0).sum() < 2:
        return None
    by_chance = (shares**2).sum()
    observed = (counts * (counts - 1)).sum() / (len(counts) * n * (n - 1))
    return float((observed - by_chance) / (1 - by_chance))


def krippendorff_alpha(table: AnswerTable) -> float | None:
    """Krippendorff's alpha for nominal data, in which gaps are allowed.

    References
    ----------
    Krippendorff, "Content analysis: an introduction to its methodology", 3rd edition, Sage, 2013, chapter 12.
    """
    import krippendorff

    counts = _counts(table.codes[table.n_answers >= 2], len(table.answers))
    if (counts.sum(axis=0) > 0).sum() < 2:
        return None
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))


def _counts(codes: np.ndarray, n_answers: int) -> np.ndarray:
    """How often each item was given each answer, shape (n_items, n_answers)."""
    return (codes[:, :, np.newaxis] == np.arange(n_answers)).sum(axis=1)


def _numbered(values: tuple) -> dict:
    return {value: number for number, value in enumerate(values)}
