"""What a strategy is worth: a labelled corpus is taken for unlabelled, and its labels are bought one after the other.

Before each batch the head learns from the labels that were bought, and the strategy puts the rest in order by what the
head then says. Nothing else of the labels is looked at, except to score. Where there is no test corpus, the pool is cut
into blocks of neighbouring names (`datasets.splits.block_folds`): each block is scored by heads that learned from
labels bought among the others, so that no artist is on both sides.

How many labels come in between two trainings is left to chance, as where several people label at once. So the seeds
also vary strategies that leave nothing to chance themselves.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from datasets.splits import block_folds
from datasets.taggrams import TaggramSet
from models.active import DEFAULT_STRATEGY, STRATEGIES, rank
from models.errors import ModelError
from models.few_label_head import FewLabelHead, fit_few_label_head
from models.label_pool import LabelPool
from models.tag_name_prior import genre_tags

FRACTIONS = (0.05, 0.1, 0.15, 0.2, 0.3, 1.0)
N_SEEDS = 10
N_FOLDS = 5
BATCH_SHARE = 0.025  # of the pool that is labelled between two trainings, on average
BACKBONE = "MSD_musicnn"


@dataclass(frozen=True)
class _Course:
    """A pool whose labels are for sale, and the recordings that the heads are scored on."""

    pool: LabelPool
    truth: np.ndarray
    test: LabelPool
    test_truth: np.ndarray
    genres: tuple[str, ...]

    def fit(self, bought: np.ndarray) -> FewLabelHead | None:
        """A head from the labels that were bought; None where there are none and the names say nothing."""
        if bought.size == 0 and sum(genre_tags(genre).size > 0 for genre in self.genres) < 2:
            return None
        targets = np.eye(len(self.genres))[self.truth[bought]]
        return fit_few_label_head(self.pool, bought, targets, genres=self.genres, name="simulated", backbone=BACKBONE)

    def n_right(self, bought: np.ndarray) -> int:
        """How many test recordings a head from these labels gets right."""
        head = self.fit(bought)
        assert head is not None
        return int((head.probabilities_of(self.test).argmax(axis=1) == self.test_truth).sum())


def simulate_labelling(
    pool: TaggramSet,
    test: TaggramSet | None = None,
    *,
    strategies: Sequence[str] = STRATEGIES,
    n_seeds: int = N_SEEDS,
    fractions: Sequence[float] = FRACTIONS,
    progress: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """Accuracy of the head after each share of the pool was labelled in the order of each strategy.

    Parameters
    ----------
    pool : TaggramSet
        Recordings whose labels are bought.
    test : TaggramSet, optional
        Recordings that are scored; without them the pool is block cross-validated, with other cuts for each seed.
    strategies : sequence of str
        Keys of `models.active.STRATEGIES`.
    n_seeds : int
        Repetitions of each strategy.
    fractions : sequence of float
        Shares of the pool, above 0, ascending; 1 is all of it.
    progress : callable, optional
        Called with what is being done and the share that is done, 0 to 1. What it raises ends the work.

    Returns
    -------
    dict
        `full`, the mean accuracy with all labels; `fractions`; `default`, the default strategy; `strategies`, for each
        name a list per fraction of the accuracy per seed.

    Raises
    ------
    DatasetError
        If a genre has fewer recordings than there are blocks.
    ModelError
        If a strategy is unknown, a setting is outside its range, or the corpora know different genres.
    """
    _check(pool, test, strategies, n_seeds, fractions)
    right = {name: np.zeros((len(fractions), n_seeds)) for name in strategies}
    right_of_all, scored = np.zeros(n_seeds), np.zeros(n_seeds)
    n_courses = 1 if test is not None else N_FOLDS
    n_runs = n_seeds * n_courses * len(strategies)
    for seed in range(n_seeds):
        for course_index, course in enumerate(_courses(pool, test, seed=seed, n_seeds=n_seeds)):
            of_all = course.n_right(np.arange(len(course.pool)))
            right_of_all[seed] += of_all
            scored[seed] += len(course.test)
            for index, name in enumerate(strategies):
                if progress is not None:
                    done = (seed * n_courses + course_index) * len(strategies) + index
                    progress(f"simulated {done} of {n_runs} labellings", done / n_runs)
                first_seed = seed * n_courses + course_index
                right[name][:, seed] += _labelled_course(course, name, fractions, of_all=of_all, seed=first_seed)
    if progress is not None:
        progress(f"simulated {n_runs} of {n_runs} labellings", 1.0)
    return {
        "full": float(np.mean(right_of_all / scored)),
        "fractions": [float(fraction) for fraction in fractions],
        "default": DEFAULT_STRATEGY,
        "strategies": {name: (counts / scored).tolist() for name, counts in right.items()},
    }


def _check(
    pool: TaggramSet, test: TaggramSet | None, strategies: Sequence[str], n_seeds: int, fractions: Sequence[float]
) -> None:
    if unknown := [name for name in strategies if name not in STRATEGIES]:
        raise ModelError(f"no strategy {unknown[0]!r}, expected some of {', '.join(STRATEGIES)}")
    if not strategies or len(set(strategies)) != len(strategies) or n_seeds < 1:
        raise ModelError(f"{len(strategies)} strategies, {n_seeds} seeds: expected one or more, each strategy once")
    if not fractions or list(fractions) != sorted(set(fractions)) or not 0 < fractions[0] <= fractions[-1] <= 1:
        raise ModelError(f"fractions {list(fractions)}: expected ascending shares above 0 and up to 1")
    if test is not None and test.genres != pool.genres:
        raise ModelError(f"the pool's genres are {', '.join(pool.genres)}, the test's {', '.join(test.genres)}")


def _courses(pool: TaggramSet, test: TaggramSet | None, *, seed: int, n_seeds: int) -> Iterator[_Course]:
    # Artists are not known: neighbours in the file may be one.
    heard = LabelPool.of_taggrams(pool.tracks, ("",) * len(pool))
    if test is not None:
        unseen = LabelPool.of_taggrams(test.tracks, ("",) * len(test))
        yield _Course(heard, pool.labels, unseen, test.labels, pool.genres)
        return
    folds = block_folds(pool.ids, pool.labels, n_folds=N_FOLDS, rotation=seed / n_seeds)
    for fold in range(N_FOLDS):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        yield _Course(heard.take(inside), pool.labels[inside], heard.take(outside), pool.labels[outside], pool.genres)


def _labelled_course(
    course: _Course, strategy: str, fractions: Sequence[float], *, of_all: int, seed: int
) -> list[int]:
    """Test recordings that are right after each share of the labels."""
    n = len(course.pool)
    mean_batch = max(1, round(BATCH_SHARE * n))
    rng = np.random.default_rng(seed)
    bought = np.empty(0, dtype=np.int64)
    right = []
    for fraction in fractions:
        goal = max(1, round(fraction * n))
        if goal == n:  # every order ends with the same labels
            right.append(of_all)
            continue
        while bought.size < goal:
            wanted = min(int(rng.integers(1, 2 * mean_batch)), goal - bought.size)
            head = course.fit(bought)
            chosen = rank(
                course.pool,
                bought,
                np.eye(len(course.genres))[course.truth[bought]],
                None if head is None else head.probabilities_of(course.pool),
                strategy=strategy,
                n=wanted,
                seed=seed * n + bought.size,
            )
            bought = np.concatenate([bought, chosen])
        right.append(course.n_right(bought))
    return right
