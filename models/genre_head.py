"""The genre of a recording from the tag activations of its patches.

Simple classifiers (members) look at pooled activations: a linear one, and one that compares with every training track
through a Laplacian kernel. Their log-probabilities are averaged and scaled by a temperature that depends on how many
patches there are, since a few seconds tell less than a song. Plain arrays: nothing is unpickled, and TensorFlow is not
needed.
"""

from typing import Any, Self

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import log_softmax

from models.calibrated_head import MIN_PROBABILITY, CalibratedHead
from models.errors import ModelError
from models.listening import Listening
from models.pooling import pool


class GenreHead(CalibratedHead):
    """Calibrated probabilities of genres, and the set that holds the truth.

    Parameters
    ----------
    card : dict
        `name`, `genres`, `backbone`, `coverage`.
    arrays : dict of np.ndarray
        As `models.train_genre_head` writes them.

    Raises
    ------
    ModelError
        If an array is missing or has a shape that does not fit the others.
    """

    def __init__(self, card: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        super().__init__(card, arrays)
        try:
            self._members = members_of(arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"no genre head: {error!r}") from error
        if not self._members or {member.n_classes for member in self._members} != {len(self.genres)}:
            raise ModelError(f"no genre head: its members do not all answer for {len(self.genres)} genres")
        if len({member.n_tags for member in self._members}) > 1:
            raise ModelError("no genre head: its members look at different numbers of tags")

    @property
    def n_tags(self) -> int:
        """Number of tags that a patch must have."""
        return self._members[0].n_tags

    def track_probabilities(self, taggram: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of a recording.

        Parameters
        ----------
        taggram : np.ndarray, shape (n_patches, n_tags)
            Activations of at least one patch, in any order.

        Returns
        -------
        np.ndarray, shape (n_genres,)
        """
        return self.probabilities(self._checked(taggram)[np.newaxis])[0]

    def segment_probabilities(self, taggram: np.ndarray) -> np.ndarray:
        """Probabilities of each patch by itself.

        Parameters
        ----------
        taggram : np.ndarray, shape (n_patches, n_tags)

        Returns
        -------
        np.ndarray, shape (n_patches, n_genres)
            Calibrated on single patches of recordings that were not trained on.
        """
        return self.probabilities(self._checked(taggram)[:, np.newaxis])

    def probabilities(self, taggrams: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of several recordings of equal length.

        Parameters
        ----------
        taggrams : np.ndarray, shape (n, n_patches, n_tags)

        Returns
        -------
        np.ndarray, shape (n, n_genres)
        """
        return self.calibrated(self.logits(taggrams), taggrams.shape[-2])

    def logits(self, taggrams: np.ndarray) -> np.ndarray:
        """Mean log-probabilities of the members, before calibration: (n, n_patches, n_tags) -> (n, n_genres)."""
        return mean_log_probabilities([member.logits(taggrams) for member in self._members])

    def views(self, heard: Listening) -> np.ndarray:
        """What this head looks at in a recording: the tag activations of its windows."""
        return heard.activations.taggram

    def views_of_taggram(self, taggram: np.ndarray) -> np.ndarray:
        """The same for a track of which only tag activations are known."""
        return taggram

    def _checked(self, taggram: np.ndarray) -> np.ndarray:
        if taggram.ndim != 2 or len(taggram) == 0 or taggram.shape[1] != self.n_tags:
            raise ModelError(f"taggram of shape {taggram.shape}, expected (n_patches >= 1, {self.n_tags})")
        if not np.isfinite(taggram).all() or taggram.min() < 0 or taggram.max() > 1:
            raise ModelError("taggram holds NaN or values outside 0 to 1, expected tag activations")
        return taggram


class Member:
    """One classifier: pooled activations, standardised, through a linear map or a Laplacian kernel.

    Parameters
    ----------
    pooling : str
        A key of `models.pooling.POOLINGS`.
    centre, spread : np.ndarray, shape (n_features,)
        Mean and standard deviation of the training tracks.
    weights : np.ndarray, shape (n_features or n_support, n_classes)
        Of the standardised features, or of the kernel with each support.
    bias : np.ndarray, shape (n_classes,)
        Added to every row.
    support : np.ndarray, shape (n_support, n_features), optional
        Standardised training tracks of a kernel member.
    gamma : float
        Kernel exp(-gamma * sum of absolute differences).
    """

    def __init__(
        self,
        *,
        pooling: str,
        centre: np.ndarray,
        spread: np.ndarray,
        weights: np.ndarray,
        bias: np.ndarray,
        support: np.ndarray | None = None,
        gamma: float = 0.0,
    ) -> None:
        n_inputs = centre.size if support is None else len(support)
        if spread.shape != centre.shape or weights.shape != (n_inputs, bias.size):
            raise ModelError(
                f"a member's weights {weights.shape} fit neither {n_inputs} inputs nor its bias {bias.shape}"
            )
        if support is not None and support.shape[1:] != centre.shape:
            raise ModelError(f"a member's support {support.shape} has other features than its centre {centre.shape}")
        self.pooling, self.centre, self.spread = pooling, centre, spread
        self.weights, self.bias = weights, bias
        self.support, self.gamma = support, gamma

    @property
    def n_classes(self) -> int:
        """Number of genres."""
        return self.bias.size

    @property
    def n_tags(self) -> int:
        """Number of tags: every pooling gives one feature per tag."""
        return self.centre.size

    def logits(self, taggrams: np.ndarray) -> np.ndarray:
        """(n, n_patches, n_tags) -> (n, n_classes)."""
        features = (pool(taggrams, self.pooling) - self.centre) / self.spread
        if self.support is not None:
            features = laplacian_kernel(features, self.support, gamma=self.gamma)
        return features @ self.weights + self.bias

    def cooled(self, temperature: float) -> "Member":
        """The same member with its logits divided by a temperature."""
        return Member(
            pooling=self.pooling,
            centre=self.centre,
            spread=self.spread,
            weights=self.weights / temperature,
            bias=self.bias / temperature,
            support=self.support,
            gamma=self.gamma,
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Arrays from which the member is built again; float32, so that a reloaded member is this one or close."""
        arrays = {"centre": self.centre, "spread": self.spread, "weights": self.weights, "bias": self.bias}
        if self.support is not None:
            arrays |= {"support": self.support, "gamma": np.array(self.gamma)}
        return {name: array.astype(np.float32) for name, array in arrays.items()} | {"pooling": np.array(self.pooling)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The inverse of `to_arrays`."""
        fields: dict[str, Any] = {name: a.astype(np.float64) for name, a in arrays.items() if name != "pooling"}
        if "gamma" in fields:
            fields["gamma"] = float(fields["gamma"])
        return cls(pooling=str(arrays["pooling"]), **fields)


def laplacian_kernel(features: np.ndarray, support: np.ndarray, *, gamma: float) -> np.ndarray:
    """exp(-gamma * |f - s|_1) of every pair: (n, d), (m, d) -> (n, m)."""
    return np.exp(-gamma * cdist(features, support, "cityblock"))


def mean_log_probabilities(logits: list[np.ndarray]) -> np.ndarray:
    """Average of what several classifiers say, in log-probability: each (n, n_classes) -> (n, n_classes)."""
    return np.mean([np.maximum(log_softmax(each, axis=1), np.log(MIN_PROBABILITY)) for each in logits], axis=0)


def members_of(arrays: dict[str, np.ndarray]) -> list[Member]:
    """The members among a head's arrays, keyed `members/<index>/<name>`."""
    parts: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        folder, _, rest = key.partition("/")
        if folder == "members":
            index, _, name = rest.partition("/")
            parts.setdefault(index, {})[name] = array
    return [Member.from_arrays(parts[index]) for index in sorted(parts)]
