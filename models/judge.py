"""The judge of generated clips: names the genre of a clip from what another backbone hears than ranks the takes.

It is a linear classifier on standardised embeddings of a VGG backbone, averaged over the patches of a clip. Nothing
that makes, trains or chooses clips may use it: a figure that was optimised is no measure any more.
"""

from pathlib import Path
from typing import Any

import numpy as np

from models.calibration import scale
from models.errors import ModelError
from models.model_folder import load_weights
from models.paths import PRETRAINED_DIR

KIND = "judge"
NAME = "judge-vgg-1"
FOLDER = PRETRAINED_DIR / "evaluation" / NAME  # no model that answers for users: the registry does not list it


class Judge:
    """Probabilities of genres from embeddings.

    Parameters
    ----------
    card : dict
        `name`, `genres`, `backbone`, `named`, and `test` with `accuracy` and `recall`.
    arrays : dict of np.ndarray
        As `models.train_judge.fit_judge` gives them.

    Attributes
    ----------
    name, backbone : str
        Of the judge, and of the network whose embeddings it takes.
    genres : tuple of str
        That it tells apart.
    named : tuple of str
        Those of which it names 70 % or more right on rendered audio that it never heard, played on other instruments.
    recall : dict
        Share that it names right of each genre there.

    Raises
    ------
    ModelError
        If an entry is missing or does not fit the others.
    """

    def __init__(self, card: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        try:
            self.name: str = card["name"]
            self.genres: tuple[str, ...] = tuple(card["genres"])
            self.backbone: str = card["backbone"]
            self.named: tuple[str, ...] = tuple(card["named"])
            self.recall: dict[str, float] = {name: float(value) for name, value in card["test"]["recall"].items()}
            self._accuracy = float(card["test"]["accuracy"])
            self._centre, self._spread = arrays["centre"].astype(float), arrays["spread"].astype(float)
            self._weights, self._bias = arrays["weights"].astype(float), arrays["bias"].astype(float)
            self._temperature = float(arrays["temperature"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"no judge: {error!r}") from error
        n_genres = len(self.genres)
        if self._weights.shape != (self._centre.size, n_genres) or self._bias.shape != (n_genres,):
            raise ModelError(
                f"no judge: weights {self._weights.shape} and bias {self._bias.shape} for {self._centre.size} "
                f"dimensions and {n_genres} genres"
            )
        if self._spread.shape != self._centre.shape:
            raise ModelError(f"no judge: spread {self._spread.shape} for a centre of {self._centre.shape}")

    @classmethod
    def load(cls, folder: Path | None = None) -> "Judge":
        """Load a judge, the shipped one by default.

        Raises
        ------
        IntegrityError
            If the weights are not the ones that the card names.
        ModelError
            If the folder holds no judge.
        """
        return cls(*load_weights(FOLDER if folder is None else folder, kind=KIND))

    def probabilities(self, embedding: np.ndarray) -> np.ndarray:
        """Probabilities of a clip's genre: patches (n, dim), n >= 1, to (n_genres,).

        Raises
        ------
        ModelError
            If the patches are not embeddings of this judge's backbone.
        """
        if embedding.ndim != 2 or not len(embedding) or embedding.shape[1] != self._centre.size:
            raise ModelError(f"embeddings of shape {embedding.shape}: expected (n >= 1, {self._centre.size})")
        return scale(self.logits(embedding.mean(axis=0, dtype=float)), self._temperature)

    def logits(self, embedding: np.ndarray) -> np.ndarray:
        """Before calibration, of mean embeddings: (..., dim) -> (..., n_genres)."""
        return (embedding - self._centre) / self._spread @ self._weights + self._bias

    def facts(self) -> dict[str, Any]:
        """What a report says of it."""
        return {
            "name": self.name,
            "backbone": self.backbone,
            "accuracy_on_real": self._accuracy,
            "named": list(self.named),
        }
