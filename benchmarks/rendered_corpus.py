"""The rendered corpus: how fast it is made, whether it is the same again, and what the shipped model hears in it.

python -m benchmarks.rendered_corpus                        # an hour of the ten genres of GTZAN, some minutes
python -m benchmarks.rendered_corpus --folder FOLDER        # keeps the clips there, for other benchmarks
"""

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.composers import GTZAN
from datasets.manifest import Manifest
from datasets.rendered_corpus import render_corpus
from features.analysis import AnalysisSettings
from features.cache import sha256_of
from features.isolation import AnalyserPool
from models.classifier import GenreClassifier

N_AGAIN = 1 / 60  # hours that are rendered a second time, to compare bytes
TOP = 3


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the clips are kept; a temporary folder by default")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary) / "corpus"
        since = time.perf_counter()
        manifest = render_corpus(folder, hours=options.hours, seed=options.seed, genres=GTZAN)
        elapsed_s = time.perf_counter() - since
        print("## The rendered corpus\n")
        hours = len(manifest) * 30 / 3600
        print(
            f"{len(manifest)} clips, {hours:.2f} h in {elapsed_s:.0f} s on {os.cpu_count()} cores: "
            f"{hours * 3600 / elapsed_s:.1f} x real time.\n"
        )
        again = render_corpus(Path(temporary) / "again", hours=N_AGAIN, seed=options.seed, genres=GTZAN[:2], jobs=1)
        first = {recording.path.name: recording.sha256 for recording in manifest}
        alike = sum(first[recording.path.name] == sha256_of(recording.path) for recording in again)
        print(
            f"{alike} of {len(again)} clips that were rendered again, by another number of processes, have the same "
            "bytes.\n"
        )
        print_ranks(manifest)


def print_ranks(manifest: Manifest) -> None:
    """How often the intended genre is first and among the first three, for each genre and side of the split."""
    ranks = ranks_of(manifest)
    labels = np.array([recording.label for recording in manifest])
    held_out = np.array([recording.split == "test" for recording in manifest])
    print("| genre | clips | first | among the first three | the same, training instruments | held-out instruments |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for genre in (*GTZAN, "all"):
        own = labels == genre if genre != "all" else np.ones(len(labels), dtype=bool)
        parts = [ranks[own & ~held_out], ranks[own & held_out]]
        shares = [_percent(part < TOP) for part in parts]
        print(
            f"| {genre} | {own.sum()} | {_percent(ranks[own] < 1)} | {_percent(ranks[own] < TOP)} | {shares[0]} | "
            f"{shares[1]} |"
        )
    print("\nNothing is filtered in this table.", end="")
    for limit, words in ((TOP, "among the first three"), (1, "first")):
        kept = (ranks < limit).mean()
        print(
            f" Keeping only clips whose genre is named {words} would keep {kept:.0%}, at {1 / kept:.2f} times the "
            "rendering.",
            end="",
        )
    print()


def ranks_of(manifest: Manifest) -> np.ndarray:
    """Place of each clip's intended genre in the shipped head's order, from 0: (n_clips,)."""
    classifier = GenreClassifier.load("gtzan-musicnn-1")
    ranks = []
    with AnalyserPool(2) as pool:
        for recording in manifest:
            with pool.analyse(recording.path, AnalysisSettings(attributes=False)) as run:
                heard = classifier.listen(run)
            p = classifier.head.track_probabilities(classifier.head.views(heard)[heard.sounding])
            ranks.append(int((p > p[classifier.genres.index(recording.label)]).sum()))
    return np.array(ranks)


def _percent(right: np.ndarray) -> str:
    return f"{right.mean():.0%}" if right.size else "-"


if __name__ == "__main__":
    main()
