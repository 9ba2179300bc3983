"""One target an item from the answers of several annotators.

Annotators vote. As long as few items have been answered by several, all votes weigh alike: who errs more often cannot
be told. With three annotators and ten shared items each, votes weigh what the annotator's agreement with the others is
worth, by CROWDLAB's estimate. A target keeps the disagreement: 60 votes of 100 for fado are 0.6 of fado.

References
----------
Goh, Tkachenko and Mueller, "CROWDLAB: supervised learning to infer consensus labels and quality scores for data with
multiple annotators", 2022, arXiv:2210.06812.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.agreement import GAP, AnswerTable, observed_agreement
from models.errors import ModelError

MIN_ANNOTATORS = 3  # two who disagree may each be right
MIN_SHARED_ITEMS = 10  # that an annotator and somebody else have answered, before the votes are weighed


@dataclass(frozen=True)
class Consensus:
    """What annotators say together.

    Attributes
    ----------
    items : tuple
        As in the table of answers.
    targets : np.ndarray, shape (n_items, n_genres)
        Soft labels. A row sums to the mean weight of the item's answers (1 certain, 0.5 unsure, of "none of these" 0);
        several genres of one answer share its weight equally. Zeros where the consensus is "none of these".
    answers : tuple of frozenset of str, or None
        Answer with the most votes; None for a tie.
    weights : dict of float
        Weight of each annotator's vote against that of the best, who has 1; 1 for all while votes are not weighed.
    quality : dict of float or None
        Share of an annotator's answers that are the consensus, over items that others answered too and that are no
        tie; None without such items.
    """

    items: tuple[int | str, ...]
    targets: np.ndarray
    answers: tuple[frozenset[str] | None, ...]
    weights: dict[str, float]
    quality: dict[str, float | None]


def consensus(table: AnswerTable, *, genres: Sequence[str]) -> Consensus:
    """Find the target of each item.

    Parameters
    ----------
    table : AnswerTable
        Who said what.
    genres : sequence of str
        Names, in the order of the columns of the targets.

    Raises
    ------
    ModelError
        If an answer has a genre that is not among `genres`.
    """
    if not table.items:
        return Consensus((), np.zeros((0, len(genres))), (), {}, {})
    shares = _genre_shares(table, genres)
    weights = _annotator_weights(table)
    given = table.codes != GAP
    targets = np.zeros((len(table.items), len(genres)))
    votes = np.zeros((len(table.items), len(table.answers)))
    rows = np.arange(len(table.items))
    for column, weight in enumerate(weights):
        answered = rows[given[:, column]]
        codes = table.codes[answered, column]
        vote = weight * table.weights[answered, column]
        votes[answered, codes] += vote
        targets[answered] += vote[:, np.newaxis] * shares[codes]
    targets /= (given @ weights)[:, np.newaxis]
    winners = _winners(votes)
    for row, winner in enumerate(winners):
        if winner != GAP and not table.answers[winner]:
            targets[row] = 0.0
    return Consensus(
        items=table.items,
        targets=targets,
        answers=tuple(None if winner == GAP else table.answers[winner] for winner in winners),
        weights=dict(zip(table.annotators, weights.tolist(), strict=True)),
        quality=_quality(table, winners),
    )


def _genre_shares(table: AnswerTable, genres: Sequence[str]) -> np.ndarray:
    """Target of each answer, shape (n_answers, n_genres): its genres share 1."""
    shares = np.zeros((len(table.answers), len(genres)))
    column_of = {genre: column for column, genre in enumerate(genres)}
    for code, answer in enumerate(table.answers):
        if unknown := sorted(answer - column_of.keys()):
            raise ModelError(f"{unknown[0]!r} was answered: expected one of {', '.join(genres)}")
        for genre in answer:
            shares[code, column_of[genre]] = 1 / len(answer)
    return shares


def _annotator_weights(table: AnswerTable) -> np.ndarray:
    """Weight of each annotator's vote, shape (n_annotators,), above 0."""
    weights = np.ones(len(table.annotators))
    shared = table.n_answers >= 2
    n_shared = (table.codes[shared] != GAP).sum(axis=0)
    known = n_shared >= MIN_SHARED_ITEMS
    if known.sum() < MIN_ANNOTATORS or len(table.answers) < 2 or not observed_agreement(table):
        return weights
    from cleanlab.multiannotator import get_label_quality_multiannotator

    columns = n_shared > 0
    labels = table.codes[shared][:, columns].astype(float)
    labels[labels == GAP] = np.nan
    # Only the weights of annotators are asked for, so no model has a say. Cleanlab breaks ties of the first vote by
    # these probabilities, and by dice where they are equal.
    no_model = np.tile(np.linspace(0.51, 0.49, len(table.answers)), (len(labels), 1))
    found = get_label_quality_multiannotator(
        labels,
        no_model,
        consensus_method="majority_vote",
        return_detailed_quality=False,
        return_annotator_stats=False,
        return_weights=True,
        verbose=False,
    )
    weights[columns] = found["annotator_weight"]
    weights[~known] = weights[known].mean()
    return weights / weights.max()


def _winners(votes: np.ndarray) -> list[int]:
    """Code of the answer with the most votes, -1 for a tie."""
    most = votes.max(axis=1, keepdims=True)
    best = np.isclose(votes, most)
    return [int(row.argmax()) if row.sum() == 1 else GAP for row in best]


def _quality(table: AnswerTable, winners: list[int]) -> dict[str, float | None]:
    judged = (table.n_answers >= 2) & (np.array(winners, dtype=np.int64) != GAP)
    right = table.codes == np.array(winners, dtype=np.int64)[:, np.newaxis]
    quality: dict[str, float | None] = {}
    for column, annotator in enumerate(table.annotators):
        own = judged & (table.codes[:, column] != GAP)
        quality[annotator] = float(right[own, column].mean()) if own.any() else None
    return quality
