"""How good generated clips are: one dictionary, ready for JSON, of figures with their n and interval.

What is measured is measured of real recordings too, by the same code from as much sound: a tempo that the estimator
misses on real music is no fault of a generator.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from datasets.composers import GTZAN
from models.errors import ModelError
from models.evaluation.blends import Blend, blend_figures
from models.evaluation.clip_hearing import DISTANCE_BACKBONE, HEARD_LUFS
from models.evaluation.generated_clips import HeardTake
from models.evaluation.generation_control import key_figures, tempo_figures
from models.evaluation.generation_distances import comparison, distance_figures
from models.evaluation.generation_sound import (
    diversity_figures,
    likeness_figures,
    novelty_figures,
    statistics_figures,
)
from models.evaluation.metrics import share_of
from models.evaluation.real_reference import RealReference
from models.judge import Judge


def generation_report(
    takes: Sequence[HeardTake],
    *,
    source: str,
    reference: RealReference,
    judge: Judge,
    controlled: Sequence[HeardTake] = (),
    blends: Sequence[tuple[Blend, HeardTake]] = (),
    splits: Sequence[str] = (),
    seed: int = 0,
) -> dict[str, Any]:
    """Everything that is measured of a maker of clips.

    Parameters
    ----------
    takes : sequence of HeardTake
        Clips of one genre each, nothing filtered out; at least two of every genre that there is.
    source : str
        Who made them.
    reference : RealReference
        Real recordings.
    judge : Judge
        Who judged them.
    controlled : sequence of HeardTake
        Clips that ask for a tempo and a key.
    blends : sequence of (Blend, HeardTake)
        Of `blends.blend_wishes`.
    splits : sequence of str
        Parts of the real recordings that are compared with; all where none is named.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    dict
        `source`, `n_clips`, `seconds`, `judge`; `genre_accuracy`, `distances`, `tempo`, `key`, `statistics`,
        `likeness`, `diversity`, `novelty`, `blends`, `cost`. A part of which there is nothing to measure is None.

    Raises
    ------
    ModelError
        If there are no clips, or a genre is missing in the reference.
    """
    if not takes:
        raise ModelError("no clips to report of: expected at least two of a genre")
    halves = reference.halves(seed=seed)
    allowed = reference.of_split(*splits) if splits else np.ones(len(reference.genre), bool)
    asked = [take for take in (*takes, *controlled) if take.wish.tempo_bpm is not None and take.wish.key is not None]
    return {
        "source": source,
        "n_clips": len(takes),
        "seconds": sorted({take.wish.seconds for take in takes}),
        "seed": seed,
        "judge": judge.facts(),
        "reference": reference.facts() | {"splits": list(splits), "backbone": DISTANCE_BACKBONE, "lufs": HEARD_LUFS},
        "genre_accuracy": genre_accuracy(takes, judge),
        "distances": distance_figures(comparison(takes, reference, splits=splits, seed=seed), seed=seed),
        "tempo": tempo_figures(asked, reference),
        "key": key_figures(asked, reference),
        "statistics": statistics_figures(takes, reference, *(half & allowed for half in halves)),
        "likeness": likeness_figures(takes, reference, allowed),
        "diversity": diversity_figures(takes, reference, allowed, seed=seed),
        "novelty": novelty_figures(takes, reference, others=[*controlled, *(take for _, take in blends)]),
        "blends": blend_figures(blends, judge) if blends else None,
        "cost": cost_figures(takes),
    }


def genre_accuracy(takes: Sequence[HeardTake], judge: Judge) -> dict[str, Any]:
    """How often the judge hears the genre that was wished for: of all, of GTZAN's ten, of those that it knows well."""
    unknown = sorted({take.genre for take in takes} - set(judge.genres))
    if unknown:
        raise ModelError(f"{judge.name} does not know {', '.join(unknown)}")
    truth = np.array([judge.genres.index(take.genre) for take in takes])
    p = np.stack([take.judged for take in takes])
    answers = p.argmax(axis=1)
    right = answers == truth
    genres = np.array([take.genre for take in takes])
    counts = np.zeros((len(judge.genres), len(judge.genres)), int)
    np.add.at(counts, (truth, answers), 1)
    groups = {"all": np.ones(len(takes), bool), "gtzan": np.isin(genres, GTZAN), "named": np.isin(genres, judge.named)}
    return {
        **{name: share_of(right[chosen]) for name, chosen in groups.items()},
        "per_genre": {
            genre: share_of(right[genres == genre])
            | {
                "probability": float(p[genres == genre, judge.genres.index(genre)].mean()),
                "on_real": judge.recall.get(genre),
            }
            for genre in dict.fromkeys(genres.tolist())
        },
        "genres": list(judge.genres),
        "confusion": counts.tolist(),
    }


def cost_figures(takes: Sequence[HeardTake]) -> dict[str, Any] | None:
    """Seconds that the clips took, as far as their makers say."""
    costs = [take.report["cost"] for take in takes if take.report.get("cost")]
    if not costs:
        return None
    return {
        "n": len(costs),
        "wall_s": float(np.median([cost["wall_s"] for cost in costs])),
        "cpu_s": float(np.median([cost["cpu_s"] for cost in costs])),
        "realtime_factor": float(np.median([cost["realtime_factor"] for cost in costs])),
        "retried": float(np.mean([bool(take.report.get("retries")) for take in takes])),
    }
