"""Strategies of scikit-activeml, given what our heads and pools know.

The greedy ones compare everything with everything: they choose the first `MAX_GREEDY` of a queue, from at most
`MAX_CANDIDATES` recordings.

References
----------
Settles, "Active learning literature survey", University of Wisconsin-Madison, 2009: the measures of doubt.
Sener and Savarese, "Active learning for convolutional neural networks: a core-set approach", ICLR 2018.
Hacohen, Dekel and Weinshall, "Active learning on a budget: opposite strategies suit high and low budgets", ICML 2022.
Ash, Zhang, Krishnamurthy, Langford and Agarwal, "Deep batch active learning by diverse, uncertain gradient lower
bounds", ICLR 2020: BADGE.
McCallum and Nigam, "Employing EM and pool-based active learning for text classification", ICML 1998: the committee.
"""

import numpy as np
from scipy.special import softmax

from models.few_label_members import Labels, View
from models.genre_head import laplacian_kernel
from models.label_pool import LabelPool

MAX_GREEDY = 100
MAX_CANDIDATES = 1000
MAX_CLUSTERS = 300
N_COMMITTEES = 4  # resamplings of the labels, each of which gives two members


def doubt(probabilities: np.ndarray, method: str) -> np.ndarray:
    """How unsure each row is, (n, n_genres) -> (n,): "least_confident", "margin_sampling" or "entropy"."""
    from skactiveml.pool import uncertainty_scores

    return uncertainty_scores(probabilities / probabilities.sum(axis=1, keepdims=True), method=method)


def core_set(features: np.ndarray, labelled: np.ndarray, open_rows: np.ndarray, *, n: int, seed: int) -> np.ndarray:
    """Rows that leave no recording far from a labelled or chosen one: at most `MAX_GREEDY` of the open rows."""
    from skactiveml.pool import CoreSet

    y = np.full(len(features), np.nan)
    y[labelled] = 0.0  # which label it is does not matter
    batch = min(n, MAX_GREEDY, len(open_rows))
    return _once(CoreSet(random_state=seed).query(features, y, candidates=open_rows, batch_size=batch))


def typicality(features: np.ndarray, labelled: np.ndarray, open_rows: np.ndarray, *, n: int, seed: int) -> np.ndarray:
    """The most typical row of each cluster without a label, largest cluster first: at most `MAX_GREEDY` open rows."""
    from skactiveml.pool import TypiClust

    # Copies of one recording make no clusters of their own, and labels beyond the number of clusters cover nothing new.
    labelled = labelled[: MAX_CLUSTERS - MAX_GREEDY]
    rows = np.concatenate([labelled, open_rows])
    rows = rows[np.sort(np.unique(features[rows], axis=0, return_index=True)[1])]
    y = np.where(np.isin(rows, labelled), 0.0, np.nan)
    batch = min(n, MAX_GREEDY, int(np.isnan(y).sum()))
    if batch == 0:
        return open_rows[:0]
    strategy = TypiClust(random_state=seed, cluster_algo_dict={"n_init": 1})
    return rows[_once(strategy.query(features[rows], y, batch_size=batch))]


def badge(features: np.ndarray, probabilities: np.ndarray, *, n: int, seed: int) -> np.ndarray:
    """Rows whose labels would move a linear classifier much, each another way: at most `MAX_GREEDY` of them."""
    from skactiveml.base import SkactivemlClassifier
    from skactiveml.pool import Badge

    class Answers(SkactivemlClassifier):
        """The probabilities that we have, as a classifier."""

        def fit(self, X, y, sample_weight=None):  # type: ignore[no-untyped-def] # noqa: ARG002
            return self

        def predict_proba(self, X):  # type: ignore[no-untyped-def] # noqa: ARG002
            return given

    given = probabilities[:MAX_CANDIDATES]
    nothing = np.full(len(given), np.nan)
    batch = min(n, MAX_GREEDY, len(given))
    strategy = Badge(random_state=seed)
    return _once(strategy.query(features[: len(given)], nothing, Answers(), fit_clf=False, batch_size=batch))


def committee(pool: LabelPool, labelled: np.ndarray, targets: np.ndarray, *, seed: int) -> np.ndarray:
    """How far members that learned from resampled labels disagree about each recording: (n_pool,)."""
    from skactiveml.pool import average_kl_divergence

    weights = targets.sum(axis=1)
    told = np.flatnonzero(weights > 0)
    if told.size == 0:
        return np.zeros(len(pool))
    rng = np.random.default_rng(seed)
    n_genres = targets.shape[1]
    no_names = np.full((len(pool), n_genres), 1 / n_genres), np.zeros(n_genres, dtype=bool)
    embedded = pool.embedding is not None and pool.embedded.all()
    linear = np.asarray(pool.embedding if embedded else pool.log_odds, dtype=np.float64)
    kernel = linear if embedded else pool.roots.astype(np.float64)
    votes = []
    for _ in range(N_COMMITTEES):
        drawn, times = np.unique(rng.choice(told, told.size), return_counts=True)
        labels = Labels(labelled[drawn], targets[drawn] / weights[drawn, np.newaxis], weights[drawn] * times)
        discriminant, ridge = View(linear, kernel, labels, *no_names, poolings=("", "")).fit(labels)
        votes.append(((linear - discriminant.centre) / discriminant.spread) @ discriminant.weights + discriminant.bias)
        near = laplacian_kernel((kernel - ridge.centre) / ridge.spread, np.asarray(ridge.support), gamma=ridge.gamma)
        votes.append(near @ ridge.weights + ridge.bias)
    return average_kl_divergence(softmax(votes, axis=2))


def _once(rows: np.ndarray) -> np.ndarray:
    """Each row once, at its first place."""
    rows = np.asarray(rows, dtype=np.int64)
    return rows[np.sort(np.unique(rows, return_index=True)[1])]
