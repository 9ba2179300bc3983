"""Tag activations made for tests: tracks whose genre is known, files of them, and a head that is known by thought."""

from pathlib import Path

import numpy as np
from scipy.special import expit

from datasets.taggrams import N_TAGS, TaggramSet
from models.genre_head import GenreHead, Member

GENRES = ("fado", "polka", "raga")


def synthetic_tracks(
    rng: np.random.Generator,
    *,
    genres: tuple[str, ...] = GENRES,
    per_genre: int = 12,
    n_patches: int = 6,
    lift: float = 3.0,
) -> TaggramSet:
    """Tracks in order of their names; genre k lifts the log-odds of tags k, k + n_genres, … by `lift`."""
    labels = np.repeat(np.arange(len(genres)), per_genre)
    own = np.arange(N_TAGS) % len(genres) == labels[:, np.newaxis]
    log_odds = rng.normal(-2, 1, (labels.size, 1, N_TAGS)) + rng.normal(0, 0.5, (labels.size, n_patches, N_TAGS))
    return TaggramSet(
        tracks=tuple(expit(log_odds + lift * own[:, np.newaxis]).astype(np.float32)),
        labels=labels,
        ids=tuple(f"{genres[label]}.{i % per_genre}" for i, label in enumerate(labels)),
        genres=genres,
    )


def write_npz(path: Path, tracks: TaggramSet) -> Path:
    """The file that `datasets.taggrams.load_taggrams` reads as these tracks."""
    lengths = [len(track) for track in tracks.tracks]
    np.savez(
        path,
        X=np.concatenate(tracks.tracks),
        Y=np.repeat(tracks.labels, lengths),
        IDS=np.repeat(np.array(tracks.ids), lengths),
    )
    return path


def tag_head_card(genres: tuple[str, ...] = GENRES) -> dict:
    """Card of `tag_head`."""
    return {"name": "tag-head-1", "genres": list(genres), "backbone": "stand-in", "coverage": 0.9}


def tag_head_arrays(genres: tuple[str, ...] = GENRES) -> dict[str, np.ndarray]:
    """Arrays of `tag_head`."""
    weights = np.zeros((N_TAGS, len(genres)))
    weights[range(len(genres)), range(len(genres))] = 4.0
    member = Member(
        pooling="root_of_mean",
        centre=np.zeros(N_TAGS),
        spread=np.ones(N_TAGS),
        weights=weights,
        bias=np.zeros(len(genres)),
    )
    return {f"members/0/{name}": array for name, array in member.to_arrays().items()} | {
        "calibration/n_patches": np.array([1.0, 4.0]),
        "calibration/temperatures": np.array([2.0, 0.5]),
        "conformal/limit": np.array(0.6),
        "conformal/rank_charge": np.array(0.0),
        "conformal/free_ranks": np.array(1),
        "conformal/max_set_size": np.array(1),
    }


def tag_head(genres: tuple[str, ...] = GENRES) -> GenreHead:
    """Tag k speaks for genre k: its logit is 4 * sqrt(mean activation of tag k)."""
    return GenreHead(tag_head_card(genres), tag_head_arrays(genres))
