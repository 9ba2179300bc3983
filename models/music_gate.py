"""Is there music at all? Silence, noise and speech must not get a confident genre.

Silence is a rule. For the rest, a kernel classifier compares how the tags of a recording lie, and how much they move,
with recordings that are music and some that are not. It would rather let a strange sound through than refuse
strange music: the genre head abstains on much of what passes.
"""

from pathlib import Path
from typing import Self

import numpy as np

from features.analysis import Analysis
from models.errors import ModelError
from models.genre_head import laplacian_kernel
from models.model_folder import load_weights
from models.paths import PRETRAINED_DIR
from models.pooling import log_odds

KIND = "gate"
SHIPPED = PRETRAINED_DIR / "music-gate-1"
SILENCE_DB = -80.0  # peak, full scale at 0 dB
MOVEMENT_FLOOR = 0.2  # in log-odds: smaller movements are alike
FAMILIES = {"speech": "speech", "noise": "noise", "tone": "a tone or an alarm", "effect": "a sound effect"}


class MusicGate:
    """Says why a recording is no music, or that it is.

    Parameters
    ----------
    arrays : dict of np.ndarray
        As `models.train_music_gate` writes them.

    Raises
    ------
    ModelError
        If an array is missing.
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        try:
            self._centre = arrays["centre"].astype(np.float64)
            self._spread = arrays["spread"].astype(np.float64)
            self._support = arrays["support"].astype(np.float64)
            self._weights = arrays["weights"].astype(np.float64)
            self._gamma = float(arrays["gamma"])
            self._limit = float(arrays["limit"])
            self._families = tuple(str(family) for family in arrays["families"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"no music gate: {error!r}") from error

    @classmethod
    def load(cls, folder: Path = SHIPPED) -> Self:
        """Load a gate whose weights are those of its card.

        Raises
        ------
        IntegrityError
            If the weights are not the ones that the card names.
        ModelError
            If the folder holds no gate.
        """
        _, arrays = load_weights(folder, kind=KIND)
        return cls(arrays)

    def decide(self, taggram: np.ndarray, analysis: Analysis) -> str | None:
        """None for music, else a reason for people.

        Parameters
        ----------
        taggram : np.ndarray, shape (n_patches, n_tags)
            Activations of the patches that are not silent; may be empty.
        analysis : Analysis
            Of the whole recording.
        """
        if analysis.peak == 0.0:
            return "digital silence"
        if analysis.peak < 10 ** (SILENCE_DB / 20) or len(taggram) == 0:
            return f"silence: nothing is louder than {SILENCE_DB:.0f} dB for long"
        scores = self.scores(taggram)
        if scores[0] >= self._limit:
            return None
        nearest = self._families[int(scores[1:].argmax())]
        return f"does not sound like music: more like {FAMILIES.get(nearest, nearest)}"

    def scores(self, taggram: np.ndarray) -> np.ndarray:
        """How much a recording is like music (about 1 for music, -1 for what is not), then like each family."""
        return self.feature_scores(gate_features(taggram)[np.newaxis])[0]

    def feature_scores(self, features: np.ndarray) -> np.ndarray:
        """The same of several recordings whose `gate_features` are known: (n, 2 * n_tags) -> (n, 1 + n_families)."""
        standard = (features - self._centre) / self._spread
        return laplacian_kernel(standard, self._support, gamma=self._gamma) @ self._weights


def gate_features(taggram: np.ndarray) -> np.ndarray:
    """Where the tags lie and how much they move: (n_patches, n_tags) -> (2 * n_tags,)."""
    odds = log_odds(np.asarray(taggram, dtype=np.float64))
    return np.concatenate([odds.mean(axis=0), np.log(odds.std(axis=0) + MOVEMENT_FLOOR)])
