"""Drawing codes from logits: temperature, the k likeliest, the nucleus.

Drawing takes numbers from 0 to 1 from its caller, so that it is a function: the same logits and numbers give the same
codes.

References
----------
Holtzman et al., "The curious case of neural text degeneration", ICLR 2020 (nucleus sampling).
"""

from dataclasses import dataclass

import numpy as np

from models.errors import ModelError
from models.setting_ranges import check_ranges


@dataclass(frozen=True)
class Sampling:
    """How codes are drawn.

    Attributes
    ----------
    temperature : float or tuple of float
        Of all codebooks, or of each: 0 takes the likeliest code, 1 draws as the prior has learned, above 1 evens out.
    top_k : int
        Only the k likeliest codes may be drawn, and others that are as likely as the last of them; 0 allows all.
    top_p : float
        Only the likeliest codes that together reach this probability, after `top_k`; 1 allows all.
    """

    temperature: float | tuple[float, ...] = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        check_ranges(self, top_k=(0, 1_000_000), top_p=(0.0, 1.0))
        given = self.temperature if isinstance(self.temperature, tuple) else (self.temperature,)
        if not given or not all(type(each) in (int, float) and 0 <= each <= 10 for each in given):
            raise ModelError(f"temperature={self.temperature!r}: expected 0 to 10, or a tuple of such numbers")

    def temperatures(self, n_codebooks: int) -> np.ndarray:
        """One for each codebook. Raises ModelError where it has another number of them."""
        given = np.atleast_1d(np.asarray(self.temperature, np.float64))
        if given.size not in (1, n_codebooks):
            raise ModelError(f"{given.size} temperatures: expected 1, or one for each of {n_codebooks} codebooks")
        return np.broadcast_to(given, n_codebooks)


def draw(logits: np.ndarray, numbers: np.ndarray, sampling: Sampling = Sampling()) -> np.ndarray:
    """Draw a code from each distribution.

    Parameters
    ----------
    logits : np.ndarray, shape (..., n_codebooks, n_codes)
        Of the codes.
    numbers : np.ndarray, shape (..., n_codebooks)
        Uniform from 0 to below 1.
    sampling : Sampling
        How.

    Returns
    -------
    np.ndarray of int, shape (..., n_codebooks)

    Raises
    ------
    ModelError
        If there is not one temperature for each codebook.
    """
    temperatures = sampling.temperatures(logits.shape[-2])
    likeliest = logits.argmax(axis=-1)
    if not temperatures.any():
        return likeliest
    heat = np.where(temperatures > 0, temperatures, 1.0).astype(logits.dtype)[:, np.newaxis]
    weights = np.exp((logits - logits.max(axis=-1, keepdims=True)) / heat)
    if 0 < sampling.top_k < logits.shape[-1]:
        weights *= weights >= np.partition(weights, -sampling.top_k, axis=-1)[..., -sampling.top_k, np.newaxis]
    if sampling.top_p < 1:
        weights *= weights >= _least_of_nucleus(weights, sampling.top_p)
    totals = np.cumsum(weights, axis=-1, dtype=np.float64)
    total = totals[..., -1]
    wanted = np.minimum(numbers * total, np.nextafter(total, 0))  # a product that is rounded up would be no code
    drawn = (totals > wanted[..., np.newaxis]).argmax(axis=-1)
    return np.where(temperatures > 0, drawn, likeliest)


def _least_of_nucleus(weights: np.ndarray, top_p: float) -> np.ndarray:
    """The smallest weight that is within the nucleus, (..., 1)."""
    ordered = -np.sort(-weights, axis=-1)
    before = np.cumsum(ordered, axis=-1, dtype=np.float64) - ordered  # of the likelier ones
    inside = before < top_p * ordered.sum(axis=-1, keepdims=True, dtype=np.float64)
    inside[..., 0] = True
    return np.where(inside, ordered, np.inf).min(axis=-1, keepdims=True)
