"""Real music and generated clips as they are heard, drawn instead of listened to: a genre is a place in the space of
embeddings, a recording a point near it, a patch a point near that.
"""

from collections.abc import Sequence

import numpy as np

from models.backbone import PATCH_FRAMES, Backbone
from models.clip_wish import ClipWish
from models.evaluation.clip_hearing import Ears
from models.evaluation.clip_statistics import FIGURES, ClipStatistics
from models.evaluation.generated_clips import HeardTake
from models.evaluation.real_reference import SPLITS, RealReference
from models.judge import Judge
from models.musicnn_inference import Heard

GENRES = ("blues", "jazz", "metal")
DIM = 6
TEMPO_BPM = 100.0
KEY = "A minor"


def small_reference(n_per_genre: int = 20, n_patches: int = 6, *, seed: int = 0) -> RealReference:
    """Three genres; of ten recordings seven are for training, one for validation, two for tests."""
    rng = np.random.default_rng(seed)
    n = len(GENRES) * n_per_genre
    genre = np.repeat(np.arange(len(GENRES)), n_per_genre)
    split = np.tile([0] * 7 + [1] + [2] * 2, n)[np.arange(n) % n_per_genre % 10]
    return RealReference(
        name="small-reference",
        genres=GENRES,
        embedding=np.concatenate([patches_of(GENRES[g], n_patches, rng) for g in genre]),
        recording=np.repeat(np.arange(n), n_patches),
        genre=genre,
        split=np.array([SPLITS.index(SPLITS[s]) for s in split]),
        ids=np.array([f"{GENRES[g]}-{i:03d}" for i, g in enumerate(genre)]),
        figures=np.stack([list(figures_of(rng).values()) for _ in range(n)]).astype(float),
        band_levels_db=np.tile(np.linspace(40, 0, 96), (n, 1)) + genre[:, None],
        key=np.full(n, KEY),
        true_key=np.full(n, KEY),
        true_tempo_bpm=np.full(n, TEMPO_BPM),
    )


def patches_of(genre: str, n_patches: int, rng: np.random.Generator, *, shift: float = 0.0) -> np.ndarray:
    """Embeddings of one recording."""
    centre = 4.0 * np.eye(DIM)[GENRES.index(genre)] + shift
    recording = centre + rng.normal(size=DIM)
    return (recording + 0.5 * rng.normal(size=(n_patches, DIM))).astype(np.float32)


def figures_of(rng: np.random.Generator) -> dict[str, float | None]:
    """Statistics of a clip at 100 bpm; the others about 1."""
    return {name: TEMPO_BPM if name == "tempo_bpm" else float(1 + 0.1 * rng.normal()) for name in FIGURES}


def small_judge() -> Judge:
    """Hears a genre where `patches_of` puts it; for embeddings of `DIM` dimensions."""
    card = {
        "name": "small-judge",
        "genres": list(GENRES),
        "backbone": "MSD_vgg",
        "named": ["blues", "jazz"],
        "test": {"accuracy": 0.9, "recall": {"blues": 1.0, "jazz": 0.9, "metal": 0.5}},
    }
    arrays = {
        "centre": np.zeros(DIM),
        "spread": np.ones(DIM),
        "weights": np.eye(DIM)[:, : len(GENRES)],
        "bias": np.zeros(len(GENRES)),
        "temperature": np.array(0.5),
    }
    return Judge(card, arrays)


def takes_of(
    genres: Sequence[str] = GENRES,
    n: int = 10,
    *,
    sounds_like: Sequence[str] | None = None,
    shift: float = 0.0,
    wish: dict | None = None,
    seed: int = 1,
) -> list[HeardTake]:
    """Clips of each genre that sound as `sounds_like` says, as the genre itself by default."""
    rng = np.random.default_rng(seed)
    judge = small_judge()
    takes = []
    for genre, heard in zip(genres, sounds_like or genres, strict=True):
        for index in range(n):
            embedding = patches_of(heard, 3, rng, shift=shift)
            takes.append(
                HeardTake(
                    wish=ClipWish(genre=genre, seed=index, **(wish or {})),
                    embedding=embedding,
                    judged=judge.probabilities(embedding),
                    statistics=ClipStatistics(figures_of(rng), KEY, np.linspace(40, 0, 96) + GENRES.index(heard)),
                    report={
                        "originality": {"longest_run_s": 0.5 + index / 10, "shared_ngrams": 0.25},
                        "cost": {"wall_s": 2.0, "cpu_s": 4.0, "realtime_factor": 5.0},
                        "retries": [],
                    },
                )
            )
    return takes


def small_ears() -> Ears:
    """Two backbones that hear how loud six ranges of bands are."""
    return Ears(Backbone("MSD_musicnn", _Ranges()), Backbone("MSD_vgg", _Ranges()))


class _Ranges:
    """Mean log-mel of each patch in `DIM` ranges of bands."""

    def __call__(self, frames: np.ndarray, starts: np.ndarray, rows: np.ndarray | None = None) -> Heard:
        patches = np.stack([frames[start : start + PATCH_FRAMES] for start in starts])
        ranges = patches.mean(axis=1).reshape(len(patches), DIM, -1).mean(axis=2)
        return Heard(np.zeros((len(patches), 50), np.float32), ranges, np.empty((0, 0), np.float32))
