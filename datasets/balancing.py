"""Against classes of unequal size: weights for the loss, or a balanced choice of recordings for each epoch.

Labels are one per recording, texts or integers; no label may be empty, since what is unlabelled has no class.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from datasets.errors import DatasetError

Label = str | int
Method = Literal["inverse_frequency", "effective_number"]
METHODS: tuple[Method, ...] = ("inverse_frequency", "effective_number")
EFFECTIVE_NUMBER_BETA = 0.999


def class_weights(
    labels: Sequence[Label] | np.ndarray,
    *,
    method: Method = "inverse_frequency",
    beta: float = EFFECTIVE_NUMBER_BETA,
) -> dict[Label, float]:
    """Weight of each class in the loss.

    Parameters
    ----------
    labels : sequence or np.ndarray, shape (n_recordings,)
        Label of each recording.
    method : {"inverse_frequency", "effective_number"}
        Proportional to 1 / n for a class of n recordings, or to (1 - beta) / (1 - beta**n): its recordings overlap,
        so that more of them add less and less.
    beta : float
        Of the effective number, 0 <= beta < 1: 0 gives equal weights, close to 1 the inverse frequency.

    Returns
    -------
    dict of label to float
        In the order of the labels. The mean over all recordings is 1, so that the loss keeps its size.

    Raises
    ------
    DatasetError
        If there are no labels, an empty one, or a setting is out of range.

    References
    ----------
    Cui et al., "Class-balanced loss based on effective number of samples", CVPR 2019.
    """
    from sklearn.utils.class_weight import compute_class_weight  # slow to import

    labels = _checked(labels)
    if method not in METHODS or not 0 <= beta < 1:
        raise DatasetError(f"method={method!r}, beta={beta}: expected one of {', '.join(METHODS)} and 0 <= beta < 1")
    classes, counts = np.unique(labels, return_counts=True)
    if method == "inverse_frequency":
        weights = compute_class_weight("balanced", classes=classes, y=labels)
    else:
        weights = (1 - beta) / (1 - beta**counts)
        weights = weights * (counts.sum() / (weights * counts).sum())
    return dict(zip(classes.tolist(), weights.tolist(), strict=True))


def sample_weights(labels: Sequence[Label] | np.ndarray, weights: Mapping[Label, float]) -> np.ndarray:
    """Weight of each recording.

    Parameters
    ----------
    labels : sequence or np.ndarray, shape (n_recordings,)
        Label of each recording.
    weights : mapping of label to float
        Of `class_weights`; it may have more classes than there are here.

    Returns
    -------
    np.ndarray, shape (n_recordings,), float32

    Raises
    ------
    DatasetError
        If a label has no weight, is empty, or there are none.
    """
    labels = _checked(labels)
    if missing := set(labels.tolist()) - set(weights):
        raise DatasetError(f"no weight for {', '.join(sorted(map(str, missing)))}: expected one for every label")
    return np.array([weights[label] for label in labels.tolist()], dtype=np.float32)


def balanced_indices(
    labels: Sequence[Label] | np.ndarray,
    *,
    seed: int,
    epoch: int = 0,
    per_class: int | Literal["smallest", "largest"] = "largest",
) -> np.ndarray:
    """Which recordings one epoch goes through, as many of each class.

    Parameters
    ----------
    labels : sequence or np.ndarray, shape (n_recordings,)
        Label of each recording.
    seed, epoch : int
        0 or more; the same two give the same choice, the next epoch gives another.
    per_class : int or {"smallest", "largest"}
        Recordings of each class: as many as the smallest class has (undersampling), as the largest has
        (oversampling), or a number. None comes once more often than another of its class.

    Returns
    -------
    np.ndarray, shape (n_classes * per_class,), int64
        Indices into `labels`, shuffled.

    Raises
    ------
    DatasetError
        If there are no labels, an empty one, or a setting is out of range.
    """
    labels = _checked(labels)
    if seed < 0 or epoch < 0:
        raise DatasetError(f"seed={seed}, epoch={epoch}: expected 0 or more")
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    sizes = [own.size for own in members]
    wanted = min(sizes) if per_class == "smallest" else max(sizes) if per_class == "largest" else per_class
    if not isinstance(wanted, int) or wanted < 1:
        raise DatasetError(f"per_class={per_class!r}: expected 'smallest', 'largest' or a number, 1 or more")
    rng = np.random.default_rng([seed, epoch])
    return rng.permutation(np.concatenate([_evenly_drawn(own, wanted, rng) for own in members]))


def _checked(labels: Sequence[Label] | np.ndarray) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.size == 0 or labels.dtype.kind not in "Uiu":
        raise DatasetError(f"labels {labels.dtype} {labels.shape}: expected one text or integer for each recording")
    if labels.dtype.kind == "U" and (labels == "").any():
        raise DatasetError(f"{(labels == '').sum()} recordings have no label: leave them out, they have no class")
    return labels


def _evenly_drawn(members: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """`n` of the members: all of them as often as that goes, and the rest without replacement."""
    whole_rounds, rest = divmod(n, members.size)
    return np.concatenate([np.tile(members, whole_rounds), rng.permutation(members)[:rest]])
