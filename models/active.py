"""In which order recordings are served to annotators: the strategies of active learning.

Scores and selections are those of scikit-activeml where it has them; `mixed` is our own (`models.strategies_mixed`). A
recording that has no prediction counts as one about which nothing is known: every genre is as likely.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.errors import ModelError
from models.few_label_members import standardised
from models.label_pool import LabelPool
from models.strategies_mixed import mixed
from models.strategies_scikit import badge, committee, core_set, doubt, typicality

DEFAULT_STRATEGY = "mixed"


@dataclass(frozen=True)
class _Asked:
    """What a strategy may look at; `open_rows` lie in an order by chance, which decides between equals."""

    pool: LabelPool
    labelled: np.ndarray
    targets: np.ndarray
    open_rows: np.ndarray
    probabilities: np.ndarray  # of the open rows
    n: int
    seed: int

    @property
    def features(self) -> np.ndarray:
        """What tells recordings apart, standardised: the embedding where it is known of all, else log-odds of tags."""
        embedded = self.pool.embedding is not None and self.pool.embedded.all()
        view = self.pool.embedding if embedded else self.pool.log_odds
        return standardised(np.asarray(view))[0]


def rank(
    pool: LabelPool,
    labelled: np.ndarray,
    targets: np.ndarray,
    probabilities: np.ndarray | None,
    *,
    strategy: str,
    n: int,
    seed: int,
) -> np.ndarray:
    """Put unlabelled recordings in serving order.

    Parameters
    ----------
    pool : LabelPool
        All recordings.
    labelled : np.ndarray of int, shape (m,)
        Rows that are labelled already, or must not be served for another reason.
    targets : np.ndarray, shape (m, n_genres)
        Their soft labels, as for `models.few_label_head.fit_few_label_head`; zeros where a row has none.
    probabilities : np.ndarray, shape (n_pool, n_genres), or None
        What the head says of each row; a row that holds NaN, or zeros only, has no prediction. None where there is no
        head yet.
    strategy : str
        One of `STRATEGIES`.
    n : int
        How many are wanted.
    seed : int
        Decides between equals, and what is left to chance.

    Returns
    -------
    np.ndarray of int64, shape (<= n,)
        Rows of the pool, each once, none of them labelled; fewer than `n` where the pool has no more.

    Raises
    ------
    ModelError
        If there is no such strategy, or shapes disagree.
    """
    labelled = np.asarray(labelled, dtype=np.int64)
    targets = np.asarray(targets, dtype=np.float64)
    if strategy not in _RANKINGS:
        raise ModelError(f"no strategy {strategy!r}, expected one of {', '.join(STRATEGIES)}")
    if targets.ndim != 2 or len(targets) != len(labelled) or targets.shape[1] < 2:
        raise ModelError(
            f"targets of shape {targets.shape} for {len(labelled)} labels, expected ({len(labelled)}, >= 2)"
        )
    if labelled.size and not 0 <= labelled.min() <= labelled.max() < len(pool):
        raise ModelError(f"labelled rows lie outside the pool of {len(pool)} recordings")
    if probabilities is not None and probabilities.shape != (len(pool), targets.shape[1]):
        raise ModelError(
            f"probabilities of shape {probabilities.shape}, expected {(len(pool), targets.shape[1])}: a row a recording"
        )
    open_rows = np.random.default_rng(seed).permutation(np.setdiff1d(np.arange(len(pool)), labelled))
    wanted = min(max(n, 0), len(open_rows))
    if wanted == 0:
        return np.empty(0, dtype=np.int64)
    told = np.unique(labelled, return_index=True)[1]
    asked = _Asked(
        pool=pool,
        labelled=labelled[told],
        targets=targets[told],
        open_rows=open_rows,
        probabilities=_known(probabilities, open_rows, targets.shape[1]),
        n=wanted,
        seed=seed,
    )
    first = _RANKINGS[strategy](asked)
    rest = open_rows[~np.isin(open_rows, first)]  # a strategy may rank the head of a long queue only
    return np.concatenate([first, rest])[:wanted].astype(np.int64)


def _known(probabilities: np.ndarray | None, rows: np.ndarray, n_genres: int) -> np.ndarray:
    uniform = np.full((len(rows), n_genres), 1 / n_genres)
    if probabilities is None:
        return uniform
    answers = probabilities[rows].astype(np.float64)
    known = np.isfinite(answers).all(axis=1) & (answers.sum(axis=1) > 0)
    return np.where(known[:, np.newaxis], answers, uniform)


def _random(asked: _Asked) -> np.ndarray:
    return asked.open_rows


def _by_doubt(method: str) -> Callable[[_Asked], np.ndarray]:
    def ranking(asked: _Asked) -> np.ndarray:
        return asked.open_rows[np.argsort(-doubt(asked.probabilities, method), kind="stable")]

    return ranking


def _core_set(asked: _Asked) -> np.ndarray:
    return core_set(asked.features, asked.labelled, asked.open_rows, n=asked.n, seed=asked.seed)


def _typicality(asked: _Asked) -> np.ndarray:
    return typicality(asked.features, asked.labelled, asked.open_rows, n=asked.n, seed=asked.seed)


def _badge(asked: _Asked) -> np.ndarray:
    features = asked.features[asked.open_rows]
    chosen = asked.open_rows[badge(features, asked.probabilities, n=asked.n, seed=asked.seed)]
    rest = _by_doubt("entropy")(asked)
    return np.concatenate([chosen, rest[~np.isin(rest, chosen)]])


def _committee(asked: _Asked) -> np.ndarray:
    disagreement = committee(asked.pool, asked.labelled, asked.targets, seed=asked.seed)[asked.open_rows]
    return asked.open_rows[np.argsort(-disagreement, kind="stable")]


def _mixed(asked: _Asked) -> np.ndarray:
    uncertainty = doubt(asked.probabilities, "entropy")
    chosen = asked.open_rows[mixed(asked.pool, asked.labelled, asked.open_rows, uncertainty, n=asked.n)]
    rest = _by_doubt("entropy")(asked)
    return np.concatenate([chosen, rest[~np.isin(rest, chosen)]])


_RANKINGS: dict[str, Callable[[_Asked], np.ndarray]] = {
    "random": _random,
    "least_confidence": _by_doubt("least_confident"),
    "margin": _by_doubt("margin_sampling"),
    "entropy": _by_doubt("entropy"),
    "core_set": _core_set,
    "typicality": _typicality,
    "badge": _badge,
    "committee": _committee,
    "mixed": _mixed,
}
STRATEGIES = tuple(_RANKINGS)
