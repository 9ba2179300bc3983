"""Members of a head that learn from a few labels, from the genres' names, and from the recordings that have no label.

A discriminant has a mean for each genre and one covariance for all. Its means start where the names put them and move
with the labels; expectation maximisation then lets the unlabelled recordings move both. Kernel ridge regression learns
the labels, and with less trust what the discriminant makes of the unlabelled: where labels are many, it is that of
`models.genre_members`.

References
----------
Nigam, McCallum, Thrun and Mitchell, "Text classification from labeled and unlabeled documents using EM", Machine
Learning 39, 2000: unlabelled documents that count less than labelled ones.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve
from scipy.special import softmax

from models.genre_head import Member, laplacian_kernel

NAME_LABELS = 4.0  # so many labels at the mean of a genre's name is the name worth
NO_NAME_LABELS = 2.0  # and so many at the mean of all recordings, where the name says nothing
UNLABELLED_WEIGHT = 0.2  # of an unlabelled recording beside one label
N_STEPS = 6  # of expectation maximisation
BELIEF_TEMPERATURE = 2.0  # of what the discriminant thinks of the unlabelled: it is too sure by nature
TOTAL_SHARE = 0.2  # of the covariance of all recordings in the one within genres
SPHERE_SHARES = (0.1, 0.9)  # least and most of a covariance that is the same in every direction: d / n between
KERNEL_WIDTH = 0.25  # as in `models.genre_recipe`
LABEL_NOISE = 0.1  # added to the kernel's diagonal, which is 1
BELIEF_NOISE = 0.5
MAX_UNLABELLED = 1000  # that the kernel learns from, spread evenly over the pool
DISCRIMINANT_TEMPERATURE, KERNEL_TEMPERATURE = 3.0, 1 / 8  # make the two about equally sure
SPREAD_FLOOR = 1e-6


@dataclass(frozen=True)
class Labels:
    """Which rows are labelled, and how.

    Attributes
    ----------
    rows : np.ndarray of int, shape (m,)
        Labelled rows.
    shares : np.ndarray, shape (m, n_genres)
        Soft labels, rows sum to 1.
    weights : np.ndarray, shape (m,)
        Above 0; 1 for a label that is sure.
    """

    rows: np.ndarray
    shares: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def keep(self, chosen: np.ndarray) -> "Labels":
        """Those where `chosen`, bool (m,), is true."""
        return Labels(self.rows[chosen], self.shares[chosen], self.weights[chosen])


class View:
    """One view of the recordings, prepared once for several fittings with some of its labels left out.

    Parameters
    ----------
    linear, kernel : np.ndarray, shape (n, d)
        What the discriminant and the kernel member look at.
    labels : Labels
        All there are.
    name_beliefs : np.ndarray, shape (n, n_genres)
        What the names say of each recording, rows sum to 1.
    named : np.ndarray of bool, shape (n_genres,)
        Of which genres the name says anything.
    poolings : tuple of str
        By which the two members are told apart in a head.
    """

    def __init__(
        self,
        linear: np.ndarray,
        kernel: np.ndarray,
        labels: Labels,
        name_beliefs: np.ndarray,
        named: np.ndarray,
        *,
        poolings: tuple[str, str],
    ) -> None:
        self._poolings = poolings
        self._features, *self._scale = standardised(linear)
        of_name = (name_beliefs.T @ self._features) / np.maximum(name_beliefs.sum(axis=0), 1e-12)[:, np.newaxis]
        self._start = np.where(named[:, np.newaxis], of_name, 0.0)  # the mean of all recordings is 0
        self._start_weight = np.where(named, NAME_LABELS, NO_NAME_LABELS)
        supports, *self._kernel_scale = standardised(kernel)
        open_rows = np.setdiff1d(np.arange(len(kernel)), labels.rows)
        open_rows = open_rows[:: max(1, -(-len(open_rows) // MAX_UNLABELLED))]
        self._rows = np.concatenate([labels.rows, open_rows])
        self._supports = supports[self._rows]
        self._gamma = KERNEL_WIDTH / kernel.shape[1]
        self._gram = laplacian_kernel(self._supports, self._supports, gamma=self._gamma)

    def fit(self, labels: Labels) -> list[Member]:
        """A discriminant and a kernel member from these of the labels, whose log-probabilities may be averaged."""
        weights, bias, beliefs = self._discriminant(labels)
        discriminant = Member(
            pooling=self._poolings[0],
            centre=self._scale[0],
            spread=self._scale[1],
            weights=weights / DISCRIMINANT_TEMPERATURE,
            bias=bias / DISCRIMINANT_TEMPERATURE,
        )
        return [discriminant, self._kernel_member(labels, beliefs)]

    def _discriminant(self, labels: Labels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights (d, n_genres), bias (n_genres,), and beliefs of each row: its label, where it has one."""
        features, (n, d) = self._features, self._features.shape
        row_weights = np.full(n, UNLABELLED_WEIGHT)
        row_weights[labels.rows] = labels.weights
        open_rows = np.setdiff1d(np.arange(n), labels.rows)
        beliefs = np.zeros((n, len(self._start)))
        beliefs[labels.rows] = labels.shares
        total = features.T @ features / n
        sphere_share = float(np.clip(d / n, *SPHERE_SHARES))
        within = (total + np.eye(d)) / 2  # a first guess: features are standardised
        for _ in range(N_STEPS + 1):
            counted = beliefs * row_weights[:, np.newaxis]  # in the first step of the labelled alone
            of_genre = counted.sum(axis=0) + self._start_weight
            means = (counted.T @ features + self._start_weight[:, np.newaxis] * self._start) / of_genre[:, np.newaxis]
            covariance = (1 - TOTAL_SHARE) * within + TOTAL_SHARE * total
            sphere = max(float(np.trace(covariance)) / d, SPREAD_FLOOR) * np.eye(d)
            weights = solve((1 - sphere_share) * covariance + sphere_share * sphere, means.T, assume_a="pos")
            bias = -0.5 * np.sum(means.T * weights, axis=0)
            beliefs[open_rows] = softmax((features[open_rows] @ weights + bias) / BELIEF_TEMPERATURE, axis=1)
            residuals = features - beliefs @ means
            within = (residuals * row_weights[:, np.newaxis]).T @ residuals / row_weights.sum()
        return weights, bias, beliefs

    def _kernel_member(self, labels: Labels, beliefs: np.ndarray) -> Member:
        noise = np.full(len(beliefs), BELIEF_NOISE)
        noise[labels.rows] = LABEL_NOISE / labels.weights
        share = 1 / beliefs.shape[1]
        gram = self._gram + np.diag(noise[self._rows])
        weights = solve(gram, beliefs[self._rows] - share, assume_a="pos")
        return Member(
            pooling=self._poolings[1],
            centre=self._kernel_scale[0],
            spread=self._kernel_scale[1],
            weights=weights / KERNEL_TEMPERATURE,
            bias=np.full(beliefs.shape[1], share / KERNEL_TEMPERATURE),
            support=self._supports,
            gamma=self._gamma,
        )


def standardised(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features with mean 0 and standard deviation 1 over the rows; then that mean and deviation, each (d,)."""
    features = features.astype(np.float64)
    centre, spread = features.mean(axis=0), np.maximum(features.std(axis=0), SPREAD_FLOOR)
    return (features - centre) / spread, centre, spread
