"""Which strategy would have served a labelled corpus best: figures and a picture of them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from datasets.taggrams import GTZAN_GENRES, load_taggrams
from models.active import STRATEGIES
from models.evaluation.labelling_pictures import strategy_curves
from models.simulate_labelling import FRACTIONS, N_SEEDS
from models.simulate_labelling import simulate_labelling as simulate

FIGURES_FILE = "figures.json"
PICTURE_FILE = "learning_curves.png"


def simulate_labelling(
    pool: Path,
    test: Path | None = None,
    *,
    strategies: Sequence[str] = (),
    n_seeds: int = N_SEEDS,
    fractions: Sequence[float] = (),
    genres: Sequence[str] = GTZAN_GENRES,
    out: Path | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """Replay the labelling of a file of tag activations.

    Parameters
    ----------
    pool, test : Path
        Laid out as `datasets.taggrams` says; without a test file the pool is block cross-validated.
    strategies : sequence of str
        Those to compare; all by default.
    n_seeds, fractions, progress
        As for `models.simulate_labelling.simulate_labelling`.
    genres : sequence of str
        What the numbers in the files' `Y` mean.
    out : Path, optional
        Folder for `FIGURES_FILE` and, where there is a fraction below 1, `PICTURE_FILE`; made if missing.

    Returns
    -------
    dict
        As that function.

    Raises
    ------
    DatasetError
        If a file cannot be read, or has too few recordings of a genre to be cut into blocks.
    ModelError
        If a setting is outside its range.
    """
    figures = simulate(
        load_taggrams(pool, genres=tuple(genres)),
        None if test is None else load_taggrams(test, genres=tuple(genres)),
        strategies=tuple(strategies) or STRATEGIES,
        n_seeds=n_seeds,
        fractions=tuple(fractions) or FRACTIONS,
        progress=progress,
    )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / FIGURES_FILE).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        if min(figures["fractions"]) < 1:
            (out / PICTURE_FILE).write_bytes(strategy_curves(figures))
    return figures
