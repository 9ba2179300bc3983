"""Whether blends move: as the second genre's share of a wish grows, so must its share of the judge's answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.clip_wish import ClipWish
from models.evaluation.generated_clips import HeardTake, check_amount, seed_of
from models.judge import Judge

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the second genre
PAIRS = (  # each genre of GTZAN twice, once first and once second
    ("blues", "metal"),
    ("classical", "disco"),
    ("country", "hiphop"),
    ("disco", "jazz"),
    ("hiphop", "rock"),
    ("jazz", "reggae"),
    ("metal", "classical"),
    ("pop", "blues"),
    ("reggae", "country"),
    ("rock", "pop"),
)
POINT = 0.01  # a percentage point: of 0.9998 and 0.9996, nobody hears which is the surer
TINY = 1e-12


@dataclass(frozen=True)
class Blend:
    """A wish for two genres: the second's share is 0 to 1, where the wish itself names one genre alone."""

    first: str
    second: str
    share: float
    wish: ClipWish


def blend_wishes(per_point: int, *, seconds: float, seed: int, pairs: Sequence[tuple[str, str]] = PAIRS) -> list[Blend]:
    """`per_point` clips of each pair and share, with the same seeds at every share of a pair.

    Raises
    ------
    ModelError
        If there are none, or they are too short or long to be heard.
    """
    check_amount(per_point, seconds)
    return [
        Blend(
            first,
            second,
            share,
            ClipWish(
                genre={first: 1 - share, second: share},
                seconds=seconds,
                seed=seed_of(seed, f"{first}/{second}", index, "blend"),
            ),
        )
        for first, second in pairs
        for share in SHARES
        for index in range(per_point)
    ]


def blend_figures(heard: Sequence[tuple[Blend, HeardTake]], judge: Judge) -> dict[str, Any]:
    """The second genre's share of the judge's answer, over that of the wish.

    Parameters
    ----------
    heard : sequence of (Blend, HeardTake)
        What was wished for, and what came of it.
    judge : Judge
        Who judged.

    Returns
    -------
    dict
        `n_pairs`, and for each of `pairs`: `genres`, `wished` shares, `n_per_share`; `answers`: the mean over clips of
        p(second) among all genres; `shares`: the mean of p(second) / (p(first) + p(second)), which says little of clips
        that are taken for a third genre; `errors`: standard errors of the shares, None of one clip. Whether either
        rises, in `answer_rises` and `rises`: no step falls, and the last is above the first; in
        `answer_rises_to_a_point` and `rises_to_a_point`: the same where a step that falls by `POINT` or less counts as
        level. And of how many pairs each is true: `answers_rising`, `answers_rising_to_a_point`, `rising`,
        `rising_to_a_point`.
    """
    by_pair: dict[tuple[str, str], dict[float, list[tuple[float, float]]]] = {}
    for blend, take in heard:
        p, q = (float(take.judged[judge.genres.index(name)]) for name in (blend.first, blend.second))
        by_share = by_pair.setdefault((blend.first, blend.second), {})
        by_share.setdefault(blend.share, []).append((p, q))
    pairs = [_pair(names, by_share) for names, by_share in by_pair.items()]
    return {
        "n_pairs": len(pairs),
        "answers_rising": sum(pair["answer_rises"] for pair in pairs),
        "answers_rising_to_a_point": sum(pair["answer_rises_to_a_point"] for pair in pairs),
        "rising": sum(pair["rises"] for pair in pairs),
        "rising_to_a_point": sum(pair["rises_to_a_point"] for pair in pairs),
        "pairs": pairs,
    }


def _pair(names: tuple[str, str], by_share: dict[float, list[tuple[float, float]]]) -> dict[str, Any]:
    answers = [np.array(by_share[share]) for share in sorted(by_share)]  # (clip, first or second)
    heard = [each[:, 1] / np.maximum(each.sum(axis=1), TINY) for each in answers]
    of_all = [float(each[:, 1].mean()) for each in answers]
    means = [float(each.mean()) for each in heard]
    return {
        "genres": list(names),
        "wished": sorted(by_share),
        "n_per_share": min(each.size for each in heard),
        "answers": of_all,
        "answer_rises": _rises(of_all),
        "answer_rises_to_a_point": _rises(of_all, POINT),
        "shares": means,
        "errors": [float(each.std(ddof=1) / np.sqrt(each.size)) if each.size > 1 else None for each in heard],
        "rises": _rises(means),
        "rises_to_a_point": _rises(means, POINT),
    }


def _rises(means: Sequence[float], allowed: float = 0.0) -> bool:
    """Whether no step falls by more than is allowed, and the whole rises by more than that."""
    return bool(np.all(np.diff(means) >= -allowed) and means[-1] - means[0] > allowed)
