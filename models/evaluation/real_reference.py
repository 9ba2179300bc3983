"""What real recordings sound like, kept so that generated clips can be compared without the recordings.

Of each recording it has the embeddings of its patches, measured statistics of one excerpt as long as a usual clip, and
the tempo and key that its composer gave it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import ModelError
from models.evaluation.clip_statistics import FIGURES, N_BANDS, ClipStatistics
from models.model_folder import load_weights
from models.paths import PRETRAINED_DIR

KIND = "reference-embeddings"
NAME = "rendered-reference-1"
FOLDER = PRETRAINED_DIR / "evaluation" / NAME
SPLITS = ("train", "validation", "test")
EXCERPT_START_S, EXCERPT_S = 10.0, 10.0  # of a recording of 30 s
NO_KEY = ""


@dataclass(frozen=True)
class RealReference:
    """Real recordings, as they were heard.

    Attributes
    ----------
    name : str
        Of this reference.
    genres : tuple of str
        Of the recordings.
    embedding : np.ndarray, shape (n_patches, dim), float32
        Of all patches, recording after recording, each recording's in the order of time.
    recording : np.ndarray of int, shape (n_patches,)
        Which recording a patch is of.
    genre, split : np.ndarray of int, shape (n_recordings,)
        Index into `genres` and `SPLITS`.
    ids : np.ndarray of str, shape (n_recordings,)
        Names of the recordings' files, without suffix.
    figures : np.ndarray, shape (n_recordings, len(FIGURES))
        Of the excerpt; NaN where undefined.
    band_levels_db : np.ndarray, shape (n_recordings, 96)
        Of the excerpt.
    key, true_key : np.ndarray of str, shape (n_recordings,)
        As estimated from the excerpt ("" for none), and as composed.
    true_tempo_bpm : np.ndarray, shape (n_recordings,)
        As composed.
    """

    name: str
    genres: tuple[str, ...]
    embedding: np.ndarray
    recording: np.ndarray
    genre: np.ndarray
    split: np.ndarray
    ids: np.ndarray
    figures: np.ndarray
    band_levels_db: np.ndarray
    key: np.ndarray
    true_key: np.ndarray
    true_tempo_bpm: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.genre)
        shapes = {
            "embedding": (len(self.recording), self.embedding.shape[-1]),
            "split": (n,),
            "ids": (n,),
            "figures": (n, len(FIGURES)),
            "band_levels_db": (n, N_BANDS),
            "key": (n,),
            "true_key": (n,),
            "true_tempo_bpm": (n,),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ModelError(f"no reference: {name} of shape {getattr(self, name).shape}, expected {shape}")
        for name, n_values in (("recording", n), ("genre", len(self.genres)), ("split", len(SPLITS))):
            values = getattr(self, name)
            if not values.size or values.min() < 0 or values.max() >= n_values:
                raise ModelError(f"no reference: {name} outside 0 to {n_values - 1}, or empty")

    @classmethod
    def load(cls, folder: Path | None = None) -> "RealReference":
        """Load a reference, the shipped one by default; errors as `model_folder.load_weights`."""
        card, arrays = load_weights(FOLDER if folder is None else folder, kind=KIND)
        try:
            fields = {name: arrays[name] for name in cls.__dataclass_fields__ if name not in ("name", "genres")}
            return cls(name=card["name"], genres=tuple(card["genres"]), **{k: _wide(v) for k, v in fields.items()})
        except (KeyError, TypeError) as error:
            raise ModelError(f"no reference: {error!r}") from error

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Arrays as they are stored: embeddings in half precision, which moves a Fréchet distance by less than 1 %."""
        halved = ("embedding", "band_levels_db")
        return {
            name: getattr(self, name).astype(np.float16) if name in halved else getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in ("name", "genres")
        }

    def of_genre(self, name: str) -> np.ndarray:
        """Which recordings are of a genre: bool (n_recordings,). Raises ModelError for a genre that it lacks."""
        if name not in self.genres:
            raise ModelError(f"{self.name} has no {name}; it has {', '.join(self.genres)}")
        return self.genre == self.genres.index(name)

    def of_split(self, *names: str) -> np.ndarray:
        """Which recordings are of some splits: bool (n_recordings,)."""
        return np.isin(self.split, [SPLITS.index(name) for name in names])

    def halves(self, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Two disjoint halves of the recordings, each with as many of every genre and split (or one more)."""
        rng = np.random.default_rng(seed)
        first = np.zeros(len(self.genre), bool)
        for genre in range(len(self.genres)):
            for split in range(len(SPLITS)):
                cell = np.flatnonzero((self.genre == genre) & (self.split == split))
                first[rng.permutation(cell)[: len(cell) // 2]] = True
        return first, ~first

    def patches_of(self, recordings: np.ndarray) -> np.ndarray:
        """Rows of `embedding` of the recordings where `recordings`, bool (n_recordings,), is true."""
        return np.flatnonzero(recordings[self.recording])

    def drawn_clips(self, recordings: np.ndarray, *, n_clips: int, n_patches: int, seed: int) -> list[np.ndarray]:
        """Excerpts like clips: each some patches in a row of one recording, no patch twice.

        Parameters
        ----------
        recordings : np.ndarray of bool, shape (n_recordings,)
            From which they are drawn, as few from each as will do.
        n_clips, n_patches : int
            How many excerpts, and patches in each; fewer excerpts where the recordings hold no more.

        Returns
        -------
        list of np.ndarray, each (n_patches,)
            Rows of `embedding`.
        """
        rng = np.random.default_rng(seed)
        excerpts = []
        for index in np.flatnonzero(recordings):
            rows = np.flatnonzero(self.recording == index)
            whole = len(rows) // n_patches
            starts = rng.permutation(whole) * n_patches
            excerpts.append([rows[start : start + n_patches] for start in starts])
        order = rng.permutation(len(excerpts))
        turns = max(map(len, excerpts), default=0)
        drawn = [excerpts[i][turn] for turn in range(turns) for i in order if turn < len(excerpts[i])]
        return drawn[:n_clips]

    def statistics(self, index: int) -> ClipStatistics:
        """What was measured of a recording's excerpt."""
        values = self.figures[index]
        return ClipStatistics(
            figures={n: None if np.isnan(v) else float(v) for n, v in zip(FIGURES, values, strict=True)},
            key=str(self.key[index]) or None,
            band_levels_db=self.band_levels_db[index],
        )

    def facts(self) -> dict[str, Any]:
        """What a report says of it."""
        return {
            "name": self.name,
            "n_recordings": len(self.genre),
            "n_patches": len(self.embedding),
            "dimensions": self.embedding.shape[1],
        }


def _wide(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype == np.float16 else array
