"""Train a generator on a corpus, stage by stage, from autoencoder to all that makes music together."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import ModelError
from models.train_generator import GENERATOR_FOLDER, Progress, Settings, train


@dataclass(frozen=True)
class TrainedGenerator:
    """What a training came to.

    Attributes
    ----------
    folder : Path
        Of the generator.
    card : dict or None
        Of the generator; None where stages were left out that it needs.
    """

    folder: Path
    card: dict[str, Any] | None

    @property
    def sentences(self) -> list[str]:
        """How good the parts are on recordings that none of them ever saw, for people."""
        metrics: Mapping[str, Any] = {} if self.card is None else self.card["metrics"]
        found = []
        if autoencoder := metrics.get("autoencoder", {}).get("test"):
            usage = ", ".join(f"{share:.0%}" for share in autoencoder["usage"])
            found.append(f"autoencoder: {autoencoder['mel_l1']:.3f} off in log-mel; of its codebooks {usage} are used")
        if prior := metrics.get("prior", {}).get("test"):
            bits, ngrams = (sum(prior[name]) / len(prior[name]) for name in ("bits", "bits_ngram"))
            found.append(f"prior: {bits:.2f} bits a code, n-grams need {ngrams:.2f}")
        return found


def train_generator(settings: Settings, *, progress: Progress) -> TrainedGenerator:
    """Train what is not trained yet, and gather the generator.

    A call that was stopped goes on when it is made again.

    Parameters
    ----------
    settings : Settings
        What is trained, on what.
    progress : callable
        Called with what is going on, in words, and the share of it that is done. What it raises ends the work.

    Raises
    ------
    DatasetError, ModelError
        If the corpus cannot be read or is too small, or the folder may not be written or holds another training.
    """
    out = settings.out
    if out.exists() and not out.is_dir():
        raise ModelError(f"{out}: a file lies there; give a folder")
    out.mkdir(parents=True, exist_ok=True)
    if not os.access(out, os.W_OK):
        raise ModelError(f"{out}: may not be written; give another folder")
    return TrainedGenerator(out / GENERATOR_FOLDER, train(settings, progress=progress))
