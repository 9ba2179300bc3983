"""Strategies of the labelling queue on GTZAN's taggrams: accuracy by share of labels, artists kept apart.

python -m benchmarks.labelling_strategies --data train.npz    # half an hour; --test FILE scores on other recordings
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.taggrams import load_taggrams
from models.active import STRATEGIES, rank
from models.evaluation.labelling_pictures import strategy_curves
from models.few_label_head import fit_few_label_head
from models.label_pool import LabelPool
from models.simulate_labelling import FRACTIONS, N_SEEDS, simulate_labelling

N_ITEMS, N_LABELS, N_GENRES = 5000, 750, 15  # of a project whose times are taken
N_SERVED = 200


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/gtzan_taggrams/train.npz"))
    parser.add_argument("--test", type=Path, help="recordings of other artists; else blocks of the data")
    parser.add_argument("--strategies", nargs="+", default=STRATEGIES, choices=STRATEGIES)
    parser.add_argument("--seeds", type=int, default=N_SEEDS)
    parser.add_argument("--unnamed", action="store_true", help="hide the genres' names, as in a taxonomy of one's own")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args(arguments)
    pool = load_taggrams(options.data)
    test = None if options.test is None else load_taggrams(options.test)
    if options.unnamed:
        nameless = tuple(f"genre {number}" for number in range(len(pool.genres)))
        pool = dataclasses.replace(pool, genres=nameless)
        test = None if test is None else dataclasses.replace(test, genres=nameless)
    figures = simulate_labelling(pool, test, strategies=options.strategies, n_seeds=options.seeds)
    print("## Labelling strategies\n")
    print(f"{options.seeds} seeds, mean accuracy ± standard error; {figures['full']:.1%} with all labels.\n")
    print("| strategy | " + " | ".join(f"{100 * fraction:g} %" for fraction in FRACTIONS[:-1]) + " |")
    print("| --- | " + " | ".join("---:" for _ in FRACTIONS[:-1]) + " |")
    for name, by_fraction in figures["strategies"].items():
        accuracy = 100 * np.array(by_fraction[:-1])
        error = accuracy.std(axis=1, ddof=min(1, options.seeds - 1)) / np.sqrt(options.seeds)
        cells = [f"{mean:.1f} ± {each:.1f}" for mean, each in zip(accuracy.mean(axis=1), error, strict=True)]
        print(f"| {name.replace('_', ' ')}{' (default)' * (name == figures['default'])} | {' | '.join(cells)} |")
    print()
    _print_times()
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if options.picture is not None:
        options.picture.write_bytes(strategy_curves(figures))


def _print_times() -> None:
    """What a retraining and a queue cost in a large project: recordings at random, which are as slow as real ones."""
    rng = np.random.default_rng(0)
    drawn = LabelPool.of_taggrams(list(rng.beta(0.3, 3, (N_ITEMS, 1, 50))), ("",) * N_ITEMS)
    pool = dataclasses.replace(drawn, embedding=rng.normal(size=(N_ITEMS, 200)).astype(np.float32))
    labelled = np.arange(N_LABELS)
    targets = np.eye(N_GENRES)[rng.integers(0, N_GENRES, N_LABELS)]
    genres = [f"genre {number}" for number in range(N_GENRES)]
    since = time.perf_counter()
    head = fit_few_label_head(pool, labelled, targets, genres=genres, name="timed", backbone="MSD_musicnn")
    fitted_s = time.perf_counter() - since
    probabilities = head.probabilities_of(pool)
    answered_s = time.perf_counter() - since - fitted_s
    print(f"{N_ITEMS} recordings with embeddings, {N_LABELS} labels, {N_GENRES} genres: ", end="")
    print(f"the head learns in {fitted_s:.1f} s and answers about all in {answered_s:.1f} s. ", end="")
    times = []
    for name in STRATEGIES:
        since = time.perf_counter()
        rank(pool, labelled, targets, probabilities, strategy=name, n=N_SERVED, seed=0)
        times.append(f"{name.replace('_', ' ')} {time.perf_counter() - since:.1f} s")
    print(f"{N_SERVED} recordings in serving order: {', '.join(times)}.")


if __name__ == "__main__":
    main()
