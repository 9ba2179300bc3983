"""Heads that are fitted on labels, asked about recordings whose labels and artists they did not learn from.

`labelled` are rows of a pool, shape (m,); `targets` are their soft labels, shape (m, k), rows above 0. Recordings of
one artist lie in one fold. Unlabelled rows of the pool may be looked at by every head, as they are in use.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from datasets.errors import DatasetError
from datasets.splits import stratified_group_folds

if TYPE_CHECKING:
    from models.label_pool import LabelPool

FEW_GROUPS = 10  # up to so many artists, each is a fold of its own: nothing can be spared


class Predictor(Protocol):
    """A fitted head."""

    def probabilities_of(self, pool: "LabelPool") -> np.ndarray:
        """Probabilities of each row of a pool, shape (n, k)."""
        ...


class Fit(Protocol):
    """What fits a head on the labelled rows of a pool."""

    def __call__(self, pool: "LabelPool", labelled: np.ndarray, targets: np.ndarray, /) -> Predictor:
        """Fit on targets of two genres or more."""
        ...


def label_folds(groups: Sequence[str], labels: np.ndarray, *, n_folds: int = 5, seed: int = 0) -> np.ndarray:
    """Fold of each labelled recording, all of an artist in one.

    Parameters
    ----------
    groups : sequence of str
        Artist of each; "" is unknown, a group of its own.
    labels : np.ndarray, shape (m,)
        Genre of each, to be shared out over the folds where that can be done.
    n_folds : int
        At least 2. With ten artists or fewer, each is a fold.
    seed : int
        Of the order in which artists are dealt out.

    Returns
    -------
    np.ndarray of int, shape (m,)
        0 and up, no fold empty. All 0 where there is one artist only: nothing can be held out then.
    """
    numbers = _group_numbers(groups)
    n_groups = numbers.max() + 1
    if n_groups <= max(FEW_GROUPS, n_folds):
        return numbers
    names = [str(number) for number in numbers]
    try:
        return stratified_group_folds(names, _strata(numbers, labels, n_folds), n_folds=n_folds, seed=seed)
    except DatasetError:  # artists with too many recordings: their genres do not go evenly into the folds
        from sklearn.model_selection import GroupKFold

        folds = np.empty(len(numbers), dtype=np.int64)
        splitter = GroupKFold(n_folds)
        for fold, (_, held_out) in enumerate(splitter.split(numbers, groups=numbers)):
            folds[held_out] = fold
        return folds


def out_of_fold(
    pool: "LabelPool",
    labelled: np.ndarray,
    targets: np.ndarray,
    folds: np.ndarray,
    fit: Fit,
    *,
    learned: np.ndarray | None = None,
    after_fit: Callable[[], None] | None = None,
) -> np.ndarray:
    """Probabilities of every labelled recording by a head that was fitted on the other folds.

    Parameters
    ----------
    pool, labelled, targets
        What is known.
    folds : np.ndarray, shape (m,)
        Fold of each, as of `label_folds`.
    fit : Fit
        Fits a head.
    learned : np.ndarray of bool, shape (m,), optional
        Labels that may be learned from at all; every one by default.
    after_fit : callable, optional
        Called after each fold. What it raises ends the work.

    Returns
    -------
    np.ndarray, shape (m, k)
        Where the other folds know one genre only it is certain, where they know no label the row is NaN.
    """
    allowed = np.ones(len(labelled), dtype=bool) if learned is None else learned
    probabilities = np.full(targets.shape, np.nan)
    for fold in range(folds.max() + 1):
        held_out, side = folds == fold, (folds != fold) & allowed
        known = np.flatnonzero(targets[side].sum(axis=0))
        if len(known) >= 2:
            head = fit(pool, labelled[side], targets[side])
            probabilities[held_out] = head.probabilities_of(pool.take(labelled[held_out]))
        elif len(known) == 1:
            probabilities[held_out] = np.eye(targets.shape[1])[known[0]]
        if after_fit is not None:
            after_fit()
    return probabilities


def _group_numbers(groups: Sequence[str]) -> np.ndarray:
    """A number for each group, in the order in which they come; recordings without an artist get one each."""
    numbers: dict[str | int, int] = {}
    return np.array([numbers.setdefault(group or row, len(numbers)) for row, group in enumerate(groups)])


def _strata(groups: np.ndarray, labels: np.ndarray, n_folds: int) -> np.ndarray:
    """The labels, but for genres of too few artists for all folds: they count as the genre of most artists."""
    found = np.unique(labels)
    n_artists = np.array([len(np.unique(groups[labels == label])) for label in found])
    return np.where(np.isin(labels, found[n_artists < n_folds]), found[n_artists.argmax()], labels)
