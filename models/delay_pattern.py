"""The delay pattern: codebook k of a frame is said k steps after its first, so that each step hears the coarser codes.

Codes are (..., codebook, frame); delayed codes (..., codebook, step) with `n_codebooks` - 1 more steps than frames.

References
----------
Copet et al., "Simple and controllable music generation", NeurIPS 2023, section 2.1.
"""

import numpy as np

from models.errors import ModelError


def delayed(codes: np.ndarray, *, filler: int) -> np.ndarray:
    """Shift codebook k by k steps.

    Parameters
    ----------
    codes : np.ndarray, shape (..., n_codebooks, n_frames)
        Of any integer type that holds `filler`.
    filler : int
        What stands where a codebook has no code; the usual one is `n_codes`, which is no code.

    Returns
    -------
    np.ndarray, shape (..., n_codebooks, n_frames + n_codebooks - 1)

    Raises
    ------
    ModelError
        If the array has no axes of codebooks and frames.
    """
    n_codebooks, n_frames = _shape(codes)
    steps = np.full((*codes.shape[:-2], n_codebooks, n_frames + n_codebooks - 1), filler, codes.dtype)
    for k in range(n_codebooks):
        steps[..., k, k : k + n_frames] = codes[..., k, :]
    return steps


def undelayed(steps: np.ndarray) -> np.ndarray:
    """Codes of the frames that are whole: (..., n_codebooks, n_steps) to (..., n_codebooks, n_frames).

    Raises
    ------
    ModelError
        If the steps do not hold one whole frame.
    """
    n_codebooks, n_steps = _shape(steps)
    n_frames = n_steps - n_codebooks + 1
    if n_frames < 1:
        raise ModelError(f"{n_steps} steps of {n_codebooks} codebooks: expected {n_codebooks} or more, a whole frame")
    return np.stack([steps[..., k, k : k + n_frames] for k in range(n_codebooks)], axis=-2)


def _shape(codes: np.ndarray) -> tuple[int, int]:
    if codes.ndim < 2 or codes.shape[-2] < 1:
        raise ModelError(f"codes of shape {codes.shape}: expected (..., n_codebooks, n_frames)")
    return codes.shape[-2], codes.shape[-1]
