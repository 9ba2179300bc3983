"""Fitting the members of a genre head on a few hundred labelled tracks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from models.errors import ModelError
from models.genre_head import Member, laplacian_kernel
from models.pooling import pool
from models.setting_ranges import check_ranges

SPREAD_FLOOR = 1e-6


@dataclass(frozen=True)
class MemberSettings:
    """What a member is.

    Attributes
    ----------
    kind : "kernel_ridge" or "discriminant"
        Least squares on the one-hot label through a Laplacian kernel (a Gaussian process's mean), or linear
        discriminant analysis with Ledoit-Wolf shrinkage.
    pooling : str
        A key of `models.pooling.POOLINGS`.
    width : float
        Kernel exp(-width * mean absolute difference of the standardised features).
    ridge : float
        Added to the kernel's diagonal, which is 1.
    """

    kind: Literal["kernel_ridge", "discriminant"]
    pooling: str
    width: float = 0.25
    ridge: float = 0.1

    def __post_init__(self) -> None:
        check_ranges(self, width=(0.0, 1e12), ridge=(0.0, 1e12))


def fit_member(tracks: Sequence[np.ndarray], labels: np.ndarray, settings: MemberSettings) -> Member:
    """Fit one member.

    Parameters
    ----------
    tracks : sequence of np.ndarray, each (n_patches, n_tags)
        Activations per track.
    labels : np.ndarray, shape (n_tracks,)
        0 to n_classes - 1, each at least once.
    settings : MemberSettings
        What to fit.

    Returns
    -------
    Member
        Its logits are uncalibrated.
    """
    features = np.stack([pool(track, settings.pooling) for track in tracks])
    centre = features.mean(axis=0)
    spread = np.maximum(features.std(axis=0), SPREAD_FLOOR)
    fit = FITS.get(settings.kind)
    if fit is None:
        raise ModelError(f"no member of kind {settings.kind!r}, expected one of {', '.join(FITS)}")
    fitted = fit((features - centre) / spread, labels, settings)
    return Member(pooling=settings.pooling, centre=centre, spread=spread, **fitted)


def _fit_kernel_ridge(features: np.ndarray, labels: np.ndarray, settings: MemberSettings) -> dict[str, Any]:
    gamma = settings.width / features.shape[1]
    targets = np.eye(labels.max() + 1)[labels]
    share = targets.mean(axis=0)
    kernel = laplacian_kernel(features, features, gamma=gamma) + settings.ridge * np.eye(len(features))
    weights = np.linalg.solve(kernel, targets - share)
    return {"weights": weights, "bias": share, "support": features, "gamma": gamma}


def _fit_discriminant(features: np.ndarray, labels: np.ndarray, _: MemberSettings) -> dict[str, Any]:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(features, labels)
    if len(fitted.classes_) == 2:  # of two classes it gives the second one's margin alone
        return {
            "weights": np.concatenate([np.zeros_like(fitted.coef_), fitted.coef_]).T,
            "bias": np.append(0.0, fitted.intercept_),
        }
    return {"weights": fitted.coef_.T, "bias": fitted.intercept_}


FITS = {"kernel_ridge": _fit_kernel_ridge, "discriminant": _fit_discriminant}
