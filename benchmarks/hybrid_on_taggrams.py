"""The hybrid committee on real GTZAN taggrams, by the same block cross-validation as the shipped genre head.

python -m benchmarks.hybrid_on_taggrams --data train.npz    # half an hour: the whole recipe is fitted in every fold
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.taggrams import TaggramSet, load_taggrams
from models.cross_fit import fit_hybrid_head
from models.evaluation.cross_validation import cross_validate
from models.genre_recipe import Recipe
from models.hybrid_head import HybridHead
from models.train_classifier import read_committee
from models.train_genre_head import LAYOUTS
from models.training_data import training_data

SETTINGS = Path(__file__).parent / "settings" / "gtzan.json"
FIGURES = ("accuracy", "log_loss", "ece", "coverage")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="taggrams, laid out like GTZAN's")
    parser.add_argument("--settings", type=Path, default=SETTINGS)
    parser.add_argument("--guard", type=int, default=0)
    parser.add_argument("--layouts", type=int, default=len(LAYOUTS), help="the first so many, spread over all")
    options = parser.parse_args(arguments)
    tracks = load_taggrams(options.data)
    settings = read_committee(options.settings)
    chosen = [LAYOUTS[i] for i in np.linspace(0, len(LAYOUTS) - 1, options.layouts).round().astype(int)]

    def committee(side: TaggramSet) -> HybridHead:
        return fit_hybrid_head(training_data([], [side]), settings, name="fold", backbone="any")

    print("| head | layout | " + " | ".join(FIGURES) + " |")
    print("| --- | --- | " + " | ".join("---:" for _ in FIGURES) + " |")
    means: dict[str, list[dict[str, float]]] = {}
    for layout in chosen:
        for name, recipe in (("shipped members", Recipe()), ("hybrid committee", committee)):
            found = cross_validate(tracks, recipe, layouts=(layout,), guard=options.guard)["mean"]
            means.setdefault(name, []).append(found)
            print(_row(name, str(layout), found), flush=True)
    for name, each in means.items():
        print(_row(name, "mean", {figure: float(np.mean([one[figure] for one in each])) for figure in FIGURES}))
    ahead = np.array([b["accuracy"] - a["accuracy"] for a, b in zip(*means.values(), strict=True)])
    print(json.dumps({"committee ahead by": ahead.mean(), "in layouts": int((ahead > 0).sum()), "of": len(ahead)}))


def _row(name: str, layout: str, figures: dict[str, float]) -> str:
    return f"| {name} | {layout} | " + " | ".join(f"{figures[figure]:.4f}" for figure in FIGURES) + " |"


if __name__ == "__main__":
    main()
