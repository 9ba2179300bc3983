"""What every genre head shares: temperatures by length of recording, and prediction sets.

A head gives uncalibrated logits of a recording; a temperature that depends on the number of windows makes them
probabilities, since a few seconds tell less than a song, and a conformal threshold makes sets of them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from models.calibration import fit_temperature, scale
from models.conformal import class_scores, in_set, threshold
from models.errors import ModelError
from models.model_folder import load_weights

KIND = "genre"
MIN_PROBABILITY = 1e-4  # of a class at a voter: no single one rules a genre out


class CalibratedHead:
    """Name, genres, calibration and prediction sets of a head.

    Parameters
    ----------
    card : dict
        `name`, `genres`, `backbone`, `coverage`.
    arrays : dict of np.ndarray
        Those of `calibration_arrays` among others.

    Raises
    ------
    ModelError
        If an entry is missing or of another kind.
    """

    needs_scalogram = False
    backbone_weights: dict[str, np.ndarray] | None = None  # of its own, where the backbone was fine-tuned

    def __init__(self, card: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        try:
            self.name: str = card["name"]
            self.genres: tuple[str, ...] = tuple(card["genres"])
            self.backbone: str = card["backbone"]
            self.coverage = float(card["coverage"])
            self._n_patches = arrays["calibration/n_patches"]
            self._temperatures = arrays["calibration/temperatures"]
            self._limit = float(arrays["conformal/limit"])
            self._rank_charge = float(arrays["conformal/rank_charge"])
            self._free_ranks = int(arrays["conformal/free_ranks"])
            self._max_set_size = int(arrays["conformal/max_set_size"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"no genre head: {error!r}") from error
        if self._temperatures.shape != self._n_patches.shape or self._n_patches.ndim != 1:
            raise ModelError(
                f"no genre head: temperatures {self._temperatures.shape} for lengths {self._n_patches.shape}"
            )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load a head whose weights are those of its card.

        Raises
        ------
        IntegrityError
            If the weights are not the ones that the card names.
        ModelError
            If the folder holds no genre head.
        """
        return cls(*load_weights(folder, kind=KIND))

    def calibrated(self, logits: np.ndarray, n_windows: int) -> np.ndarray:
        """Probabilities of recordings of this many windows: (..., n_genres) -> same shape."""
        return scale(logits, self.temperature(n_windows))

    def temperature(self, n_patches: int) -> float:
        """Temperature for this many patches, between those that were fitted."""
        return float(np.exp(np.interp(np.log(n_patches), np.log(self._n_patches), np.log(self._temperatures))))

    def prediction_set(self, probabilities: np.ndarray) -> tuple[str, ...]:
        """Genres of which one is the truth with probability `coverage`, most probable first; never empty."""
        member = self.in_set(probabilities[np.newaxis])[0]
        return tuple(self.genres[i] for i in np.argsort(-probabilities, kind="stable") if member[i])

    def in_set(self, probabilities: np.ndarray) -> np.ndarray:
        """Which genres the prediction sets hold: (n, n_genres) -> bool (n, n_genres)."""
        return in_set(probabilities, self._limit, rank_charge=self._rank_charge, free_ranks=self._free_ranks)

    def abstains(self, prediction_set: tuple[str, ...]) -> bool:
        """Whether the set is too large to mean anything."""
        return len(prediction_set) > self._max_set_size


def calibration_arrays(
    logits: Mapping[int, np.ndarray],
    labels: Mapping[int, np.ndarray],
    *,
    coverage: float,
    rank_charge: float,
    free_ranks: int,
    max_set_size: int,
    doubt: float = 0.0,
) -> dict[str, np.ndarray]:
    """Fit temperatures and the threshold of the sets.

    Parameters
    ----------
    logits : mapping of int to np.ndarray, each (n, n_genres)
        Answers about recordings cut to so many windows, by a head that was not fitted on them; the longest length
        stands for whole recordings and decides on the sets.
    labels : mapping of int to np.ndarray, each (n,)
        Their true genres.
    coverage, rank_charge, free_ranks, max_set_size
        As for `models.conformal` and `CalibratedHead`.
    doubt : float
        As for `models.calibration.fit_temperature`.
    """
    lengths = sorted(logits)
    temperatures = [fit_temperature(logits[n], labels[n], doubt=doubt) for n in lengths]
    probabilities = scale(logits[lengths[-1]], temperatures[-1])
    scores = class_scores(probabilities, rank_charge=rank_charge, free_ranks=free_ranks)
    truth = labels[lengths[-1]]
    return {
        "calibration/n_patches": np.array(lengths, dtype=np.float64),
        "calibration/temperatures": np.array(temperatures),
        "conformal/limit": np.array(threshold(scores[np.arange(len(truth)), truth], coverage=coverage)),
        "conformal/rank_charge": np.array(rank_charge),
        "conformal/free_ranks": np.array(free_ranks),
        "conformal/max_set_size": np.array(max_set_size),
    }
