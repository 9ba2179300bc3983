"""Fitting the members of a genre head on a few hundred labelled tracks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.errors import ModelError
from models.genre_head import Member, gaussian_kernel
from models.pooling import pool

SPREAD_FLOOR = 1e-6
RANK_FLOOR = 1e-8  # eigenvalues of the kernel below this share of the largest are rounding


@dataclass(frozen=True)
class MemberSettings:
    """What a member is.

    Attributes
    ----------
    kind : "linear", "kernel" or "discriminant"
        Multinomial logistic regression on the features, the same on a Gaussian kernel, or linear discriminant
        analysis with Ledoit-Wolf shrinkage.
    pooling : str
        A key of `models.pooling.POOLINGS`.
    C : float
        Inverse strength of the L2 penalty of the two logistic regressions.
    width : float
        Kernel exp(-width * squared distance / n_features).
    """

    kind: Literal["linear", "kernel", "discriminant"]
    pooling: str
    C: float = 1.0
    width: float = 1.0


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
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression

    features = np.stack([pool(track, settings.pooling) for track in tracks])
    centre = features.mean(axis=0)
    spread = np.maximum(features.std(axis=0), SPREAD_FLOOR)
    features = (features - centre) / spread
    shared = {"pooling": settings.pooling, "centre": centre, "spread": spread}
    if settings.kind == "discriminant":
        fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(features, labels)
        return Member(weights=fitted.coef_.T, bias=fitted.intercept_, **shared)
    regression = LogisticRegression(C=settings.C, max_iter=5000)
    if settings.kind == "linear":
        fitted = regression.fit(features, labels)
        return Member(weights=fitted.coef_.T, bias=fitted.intercept_, **shared)
    if settings.kind == "kernel":
        gamma = settings.width / features.shape[1]
        kernel = gaussian_kernel(features, features, gamma=gamma)
        # A penalty on the function's norm is an L2 penalty in the basis that whitens the kernel.
        values, vectors = np.linalg.eigh(kernel)
        kept = values > RANK_FLOOR * values[-1]
        basis = vectors[:, kept] / np.sqrt(values[kept])
        fitted = regression.fit(kernel @ basis, labels)
        return Member(weights=basis @ fitted.coef_.T, bias=fitted.intercept_, support=features, gamma=gamma, **shared)
    raise ModelError(f"no member of kind {settings.kind!r}, expected linear, kernel or discriminant")
