"""How like themselves our composers are, and how much less like them simple statistics of their notes are.

Reference points of the measures of `yang_lerch`: another set of songs by the same composer is as like as can be, songs
of other genres show how unlike a set gets, and a Markov chain lies somewhere between the two.
"""

from collections.abc import Callable, Sequence
from typing import Any

from datasets.composers import GENRES, compose, make_brief
from datasets.composers.song import Song
from models.baselines.markov_melody import markov_songs
from models.errors import ModelError
from models.evaluation.symbolic_features import features_of_set, voices_of_song
from models.evaluation.yang_lerch import absolute_measures, relative_measures

MOST_SONGS = 200  # in a set
SECONDS = 30.0
ORDER = 2  # of the Markov chain


def compare_composer(genre: str, n: int, *, progress: Callable[[float], None] | None = None) -> dict[str, Any]:
    """Compare songs of a genre's composer with others of its own and with baselines.

    Parameters
    ----------
    genre : str
        One of `datasets.composers.GENRES`.
    n : int
        Songs in each set, 3 to `MOST_SONGS`, of 30 s. The reference has the seeds 0 to n - 1.
    progress : callable, optional
        Called with the share that is done.

    Returns
    -------
    dict
        `genre`, `n`; `absolute`, for each scalar feature of the reference its `mean` and `deviation`; `sets`, for
        each of "same composer" (seeds n to 2n - 1), "markov" and "independent notes" (chains of order 2 and 0,
        counted on the reference) and "other genres" (in turn), and for each feature, `yang_lerch.Relative.to_dict()`
        where `a` is the reference; and for each set `overlap_area`, the mean over the features of the areas of both
        sides: one figure to order sets by.

    Raises
    ------
    ModelError
        If n is out of range.
    DatasetError
        If the genre has no composer.
    """
    if not 3 <= n <= MOST_SONGS:
        raise ModelError(f"n={n} songs in a set: expected 3 to {MOST_SONGS}")
    reference = _songs([genre], range(n))
    _say(progress, 0.3)
    others = [other for other in GENRES if other != genre]
    sets = {
        "same composer": _songs([genre], range(n, 2 * n)),
        "markov": markov_songs(reference, n, order=ORDER, seed=n),
        "independent notes": markov_songs(reference, n, order=0, seed=n),
        "other genres": _songs(others, range(n)),
    }
    _say(progress, 0.6)
    features = _features(reference)
    report: dict[str, Any] = {"genre": genre, "n": n, "absolute": {}, "sets": {}, "overlap_area": {}}
    for name, measured in absolute_measures(features).items():
        if not measured.mean.shape:
            report["absolute"][name] = {"mean": float(measured.mean), "deviation": float(measured.deviation)}
    for index, (name, songs) in enumerate(sets.items(), 1):
        relative = relative_measures(features, _features(songs))
        report["sets"][name] = {feature: measures.to_dict() for feature, measures in relative.items()}
        areas = [each.overlap_area for measures in relative.values() for each in (measures.a, measures.b)]
        report["overlap_area"][name] = sum(areas) / len(areas)
        _say(progress, 0.6 + 0.4 * index / len(sets))
    return report


def _songs(genres: Sequence[str], seeds: range) -> list[Song]:
    return [compose(make_brief(genres[seed % len(genres)], seed, seconds=SECONDS)) for seed in seeds]


def _features(songs: Sequence[Song]) -> dict[str, Any]:
    return features_of_set([voices_of_song(song) for song in songs])


def _say(progress: Callable[[float], None] | None, share: float) -> None:
    if progress is not None:
        progress(share)
