"""How well an autoencoder gives recordings back, and how much of its codebooks it uses for them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from features.log_mel import LOG_DB
from models.errors import ModelError
from models.vqvae_inference import VqvaeInference, codebook_use


def reconstruction_report(autoencoder: VqvaeInference, log_mels: Sequence[np.ndarray]) -> dict[str, Any]:
    """Figures over all frames of some recordings.

    Parameters
    ----------
    autoencoder : VqvaeInference
        To be measured.
    log_mels : sequence of np.ndarray, shape (frames, N_MELS)
        Recordings that it was not trained on, not scaled; at least one.

    Returns
    -------
    dict
        `n_recordings`, `n_frames`; `mel_l1`, the mean absolute error in natural logarithms of power, and `mel_l1_db`,
        the same in decibels; `sharpness_time` and `sharpness_bands`, the mean step from frame to frame and from band
        to band over that of the true log-mel: 1 where nothing is blurred; `usage` and `perplexity` of each codebook
        (`vqvae_inference.CodebookUse`).

    Raises
    ------
    ModelError
        If there are no recordings.
    """
    if not log_mels:
        raise ModelError("no recordings to measure reconstruction on: expected at least one")
    n_frames = sum(map(len, log_mels))
    error, codes = 0.0, []
    steps = {"time": np.zeros(2), "bands": np.zeros(2)}  # of the decoded, of the true
    for stored in log_mels:
        true = stored.astype(np.float32)
        codes.append(autoencoder.encode(true))
        decoded = autoencoder.decode(codes[-1])[: len(true)]
        error += float(np.abs(decoded - true).mean(axis=1).sum())
        for axis, name in enumerate(steps):
            steps[name] += [np.abs(np.diff(S, axis=axis)).sum(dtype=float) for S in (decoded, true)]
    use = codebook_use(np.concatenate(codes, axis=1), autoencoder.settings.n_codes)
    return {
        "n_recordings": len(log_mels),
        "n_frames": n_frames,
        "mel_l1": error / n_frames,
        "mel_l1_db": error / n_frames * LOG_DB,
        **{f"sharpness_{name}": float(mine / max(real, 1e-12)) for name, (mine, real) in steps.items()},
        "usage": [round(float(value), 4) for value in use.usage],
        "perplexity": [round(float(value), 1) for value in use.perplexity],
    }
