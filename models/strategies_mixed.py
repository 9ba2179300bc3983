"""The default strategy: recordings in doubt whose labels would tell most about other recordings in doubt.

Take the genre of a recording for a Gaussian process over what was heard. A label at x lowers the variance at z by
C(z, x)² / (C(x, x) + noise), C being the covariance given the labels so far. A recording's score is that, summed over
all recordings z in proportion to their doubt, times the fourth power of its own doubt. So it mixes uncertainty (of the
head), representativeness (many neighbours in doubt) and diversity (what is chosen counts as labelled for the next).
Without a head all recordings are in doubt alike, and what is left is the choice of the most telling ones: the cold
start.

References
----------
Cohn, Ghahramani and Jordan, "Active learning with statistical models", Journal of Artificial Intelligence Research 4,
1996: choosing by the variance that a label would remove.
"""

import numpy as np
from scipy.linalg import solve

from models.few_label_members import standardised
from models.genre_head import laplacian_kernel
from models.label_pool import LabelPool

KERNEL_WIDTH = 1.0  # narrower than the head's: what a label tells about neighbours, not about half the pool
LABEL_NOISE = 0.1  # beside a variance of 1
DOUBT_POWER = 4.0
LEAST_SPREAD = 1e-6  # of doubt: below it all recordings are in doubt alike
MAX_GREEDY = 200
MAX_CANDIDATES = 1000  # the most doubtful ones
MAX_NEIGHBOURS = 2000  # about which a label may tell something
MAX_LABELS = 1000  # that are known to tell something, the latest ones


def mixed(
    pool: LabelPool, labelled: np.ndarray, open_rows: np.ndarray, uncertainty: np.ndarray, *, n: int
) -> np.ndarray:
    """Choose greedily.

    Parameters
    ----------
    pool : LabelPool
        All recordings.
    labelled : np.ndarray of int, shape (m,)
        Rows with a label.
    open_rows : np.ndarray of int, shape (k,)
        Rows without one, in an order by chance.
    uncertainty : np.ndarray, shape (k,)
        Of each open row, in any unit: what counts is where it lies between the least and the most doubtful one, so that
        a head which is too sure, or not sure enough, gives the same order.
    n : int
        How many are wanted.

    Returns
    -------
    np.ndarray of int, shape (at most n and `MAX_GREEDY`,)
        Places in `open_rows`, best first.
    """
    embedded = pool.embedding is not None and pool.embedded.all()
    features = standardised(np.asarray(pool.embedding if embedded else pool.roots))[0]
    spread = float(np.ptp(uncertainty))
    doubt = (uncertainty - uncertainty.min()) / spread if spread > LEAST_SPREAD else np.ones(len(uncertainty))
    candidates = np.argsort(-doubt, kind="stable")[:MAX_CANDIDATES]
    others = np.setdiff1d(np.arange(len(open_rows)), candidates)[: MAX_NEIGHBOURS - len(candidates)]
    heard = np.concatenate([candidates, others])  # the candidates come first
    weight = doubt[heard]
    covariance = _covariance(features, open_rows[heard], len(candidates), labelled[-MAX_LABELS:])
    chosen: list[int] = []
    free = np.ones(len(candidates), dtype=bool)
    for _ in range(min(n, MAX_GREEDY, len(candidates))):
        variance = np.maximum(np.diagonal(covariance), 0) + LABEL_NOISE
        told = weight @ covariance**2 / variance
        score = np.where(free, told * doubt[candidates] ** DOUBT_POWER, -1.0)
        best = int(score.argmax())
        chosen.append(best)
        free[best] = False
        weight[best] = 0.0
        covariance -= np.outer(covariance[:, best], covariance[best]) / variance[best]
    return candidates[chosen]


def _covariance(features: np.ndarray, rows: np.ndarray, n_candidates: int, labelled: np.ndarray) -> np.ndarray:
    """Of each of the rows with each candidate, given the labels: (n_rows, n_candidates)."""
    gamma = KERNEL_WIDTH / features.shape[1]
    prior = laplacian_kernel(features[rows], features[rows[:n_candidates]], gamma=gamma)
    if labelled.size == 0:
        return prior
    near = laplacian_kernel(features[rows], features[labelled], gamma=gamma)
    among = laplacian_kernel(features[labelled], features[labelled], gamma=gamma) + LABEL_NOISE * np.eye(len(labelled))
    return prior - near @ solve(among, near[:n_candidates].T, assume_a="pos")
