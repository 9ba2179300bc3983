"""The sound of generated clips beside that of real recordings: statistics, likeness, diversity and novelty."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist, pdist

from models.evaluation.clip_statistics import FIGURES, ClipStatistics, spectral_distance_db
from models.evaluation.generated_clips import HeardTake
from models.evaluation.real_reference import RealReference
from models.evaluation.yang_lerch import intra_inter, relative
from models.originality import LIMIT_S

COMPARED = ("onset_rate_hz", "pitch_class_entropy_bits", "dynamic_range_db", "crest_factor_db", "spectral_centroid_hz")
LEAST_PIECES = 3  # of a set whose inner distances are compared


def statistics_figures(
    takes: Sequence[HeardTake], reference: RealReference, first: np.ndarray, second: np.ndarray
) -> dict[str, Any]:
    """Mean and spread of every figure, genre by genre, and how far the mean spectra lie apart."""
    found = {}
    for genre, own in _by_genre(takes).items():
        of_genre = reference.of_genre(genre)
        real = [reference.statistics(int(i)) for i in np.flatnonzero((first | second) & of_genre)]
        spectra = [reference.band_levels_db[half & of_genre].mean(axis=0) for half in (first, second)]
        spectrum = np.mean([take.statistics.band_levels_db for take in own], axis=0)
        found[genre] = {
            "n": len(own),
            "n_real": len(real),
            "spectral_distance_db": {
                "generated": spectral_distance_db(spectrum, spectra[1]),
                "real": spectral_distance_db(*spectra),
            },
            **{
                name: {"generated": _moments([t.statistics for t in own], name), "real": _moments(real, name)}
                for name in FIGURES
            },
        }
    return found


def likeness_figures(takes: Sequence[HeardTake], reference: RealReference, allowed: np.ndarray) -> dict[str, Any]:
    """Distances within the generated clips against those to the real ones, after Yang and Lerch: means over genres.

    Returns
    -------
    dict
        For each of `COMPARED`: `overlap_area` and `kl_divergence` (`evaluation.yang_lerch`) of the generated set and of
        the real one, and `n_genres`, in how many both sets have 3 clips or more.
    """
    columns = [FIGURES.index(name) for name in COMPARED]
    found: dict[str, list[Any]] = {name: [] for name in COMPARED}
    for genre, own in _by_genre(takes).items():
        of_real = reference.figures[np.ix_(reference.of_genre(genre) & allowed, columns)]
        for column, name in enumerate(COMPARED):
            a = of_real[:, column]
            b = np.array([take.statistics.figures[name] for take in own], float)
            a, b = a[np.isfinite(a)], b[np.isfinite(b)]
            if min(len(a), len(b)) >= LEAST_PIECES:
                found[name].append(relative(intra_inter(a[:, None].astype(float), b[:, None])))
    return {
        name: {
            "n_genres": len(each),
            **{
                side: {
                    "overlap_area": _mean([getattr(one, part).overlap_area for one in each]),
                    "kl_divergence": _mean([getattr(one, part).kl_divergence for one in each]),
                }
                for side, part in (("real", "a"), ("generated", "b"))
            },
        }
        for name, each in found.items()
    }


def diversity_figures(
    takes: Sequence[HeardTake], reference: RealReference, allowed: np.ndarray, *, seed: int
) -> dict[str, Any]:
    """Mean distance between the clips of a genre, each the mean of its patches, beside that of real recordings."""
    found = {}
    for genre, own in _by_genre(takes).items():
        n_patches = min(len(take.embedding) for take in own)
        rows = reference.drawn_clips(
            reference.of_genre(genre) & allowed, n_clips=len(own), n_patches=n_patches, seed=seed
        )
        real = [reference.embedding[each] for each in rows]
        made_spread = _mean_distance([take.embedding[:n_patches] for take in own])
        real_spread = _mean_distance(real)
        found[genre] = {
            "n": len(own),
            "n_real": len(real),
            "generated": made_spread,
            "real": real_spread,
            "ratio": made_spread / real_spread if made_spread is not None and real_spread else None,
        }
    return {"per_genre": found, "ratio": _mean([each["ratio"] for each in found.values()])}


def novelty_figures(
    takes: Sequence[HeardTake], reference: RealReference, *, others: Sequence[HeardTake] = ()
) -> dict[str, Any]:
    """What clips share with the training material: codes, as their makers report, and the nearest neighbour in sound.

    Codes are those of `others`, too, which are of no single genre or ask for more than a genre. The distance to the
    nearest training clip is compared with that of real clips that nobody trained on.
    """
    train, unheard = reference.of_split("train"), reference.of_split("validation", "test")
    generated, real = [], []
    for genre, own in _by_genre(takes).items():
        of_genre = reference.of_genre(genre)
        n_patches = min(len(take.embedding) for take in own)
        known, other = (_excerpt_means(reference, part & of_genre, n_patches) for part in (train, unheard))
        if not known or not other:
            continue
        generated += list(cdist([take.embedding[:n_patches].mean(axis=0) for take in own], known).min(axis=1))
        real += list(cdist(other, known).min(axis=1))
    reports = [take.report["originality"] for take in (*takes, *others) if take.report.get("originality")]
    runs = np.array([each["longest_run_s"] for each in reports])
    shared = np.array([each["shared_ngrams"] for each in reports])
    return {
        "nearest_training_clip": {
            "generated": _distribution(generated),
            "real": _distribution(real),
        },
        "codes": None
        if not len(reports)
        else {
            "n": len(reports),
            "limit_s": LIMIT_S,
            "longest_run_s": float(runs.max()),
            "mean_run_s": float(runs.mean()),
            "over_limit": int((runs > LIMIT_S).sum()),
            "mean_shared_ngrams": float(shared.mean()),
        },
    }


def _by_genre(takes: Sequence[HeardTake]) -> dict[str, list[HeardTake]]:
    found: dict[str, list[HeardTake]] = {}
    for take in takes:
        found.setdefault(take.genre, []).append(take)
    return found


def _moments(statistics: Sequence[ClipStatistics], name: str) -> dict[str, Any]:
    """Mean and standard deviation of a figure over the clips where it is defined, and how many those are."""
    values = [value for each in statistics if (value := each.figures[name]) is not None]
    return {
        "n": len(values),
        "mean": float(np.mean(values)) if values else None,
        "deviation": float(np.std(values)) if values else None,
    }


def _mean_distance(clips: Sequence[np.ndarray]) -> float | None:
    """Mean over pairs of clips, each (n_patches, dim), of the distance between their means."""
    return float(pdist([clip.mean(axis=0) for clip in clips]).mean()) if len(clips) > 1 else None


def _excerpt_means(reference: RealReference, recordings: np.ndarray, n_patches: int) -> list[np.ndarray]:
    """Mean embedding of every excerpt of so many patches that the recordings hold."""
    n_all = len(reference.recording)
    drawn = reference.drawn_clips(recordings, n_clips=n_all, n_patches=n_patches, seed=0)
    return [reference.embedding[rows].mean(axis=0) for rows in drawn]


def _distribution(values: Sequence[float]) -> dict[str, Any] | None:
    if not len(values):
        return None
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return {"n": len(values), "low": float(low), "median": float(median), "high": float(high)}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
