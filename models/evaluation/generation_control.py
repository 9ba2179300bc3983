"""Whether generated clips have the tempo and the key that was asked for, as estimated from their sound.

The same estimators are asked about real recordings whose tempo and key are known, from excerpts as long: what they miss
there is no fault of a generator.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from models.evaluation.clip_statistics import (
    KEY_WEIGHTS,
    OCTAVE_ERRORS,
    RELATED_KEYS,
    TEMPO_RATIOS,
    key_relation,
    tempo_relation,
)
from models.evaluation.generated_clips import HeardTake
from models.evaluation.metrics import share_of
from models.evaluation.real_reference import RealReference


def tempo_figures(asked: Sequence[HeardTake], reference: RealReference) -> dict[str, Any] | None:
    """Estimated against wished tempi, and on real recordings against composed ones."""
    if not asked:
        return None
    wished = [(take.statistics.tempo_bpm, float(take.wish.tempo_bpm or 0)) for take in asked]
    genres = {take.genre for take in asked}
    real = [
        (reference.statistics(index).tempo_bpm, float(reference.true_tempo_bpm[index]))
        for index in _recordings_of(genres, reference)
    ]
    return {"generated": _tempo(wished), "real": _tempo(real)}


def key_figures(asked: Sequence[HeardTake], reference: RealReference) -> dict[str, Any] | None:
    """Estimated against wished keys, and on real recordings against composed ones."""
    if not asked:
        return None
    wished = [(take.statistics.key, str(take.wish.key)) for take in asked]
    genres = {take.genre for take in asked}
    real = [
        (reference.statistics(index).key, str(reference.true_key[index])) for index in _recordings_of(genres, reference)
    ]
    return {"generated": _key(wished), "real": _key(real)}


def _recordings_of(genres: set[str], reference: RealReference) -> list[int]:
    """Real recordings of the genres that were asked for."""
    return [i for i, genre in enumerate(reference.genre) if reference.genres[genre] in genres]


def _tempo(pairs: Sequence[tuple[float | None, float]]) -> dict[str, Any]:
    """Of (estimated, wished): shares that are right, right but for the octave, and the count of every relation."""
    relations = [tempo_relation(estimated, wished) for estimated, wished in pairs]
    return {
        "right": share_of(np.array([relation == "right" for relation in relations])),
        "right_or_octave": share_of(np.array([relation in ("right", *OCTAVE_ERRORS) for relation in relations])),
        "relations": _counts(relations, (*TEMPO_RATIOS, "other", "none")),
    }


def _key(pairs: Sequence[tuple[str | None, str]]) -> dict[str, Any]:
    """Of (estimated, wished): shares that are right, right or related, MIREX's score, the count of every relation."""
    relations = [key_relation(estimated, wished) for estimated, wished in pairs]
    return {
        "right": share_of(np.array([relation == "right" for relation in relations])),
        "right_or_related": share_of(np.array([relation in RELATED_KEYS for relation in relations])),
        "mirex_score": float(np.mean([KEY_WEIGHTS.get(relation, 0.0) for relation in relations])),
        "relations": _counts(relations, (*KEY_WEIGHTS, "none")),
    }


def _counts(relations: Sequence[str], order: Sequence[str]) -> dict[str, int]:
    counted = Counter(relations)
    return {name: counted[name] for name in order if counted[name]}
