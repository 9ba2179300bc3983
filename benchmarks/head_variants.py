"""The genre head against its own parts and close relatives, all by the same block cross-validation.

python -m benchmarks.head_variants --data train.npz    # some minutes
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from datasets.taggrams import load_taggrams
from models.evaluation.cross_validation import cross_validate
from models.genre_recipe import MEMBERS, Recipe
from models.train_genre_head import LAYOUTS

KERNEL, LINEAR = MEMBERS
VARIANTS = {
    "shipped: kernel on roots + linear on log-odds": MEMBERS,
    "kernel on roots alone": (KERNEL,),
    "linear on log-odds alone": (LINEAR,),
    "kernel on log-odds alone": (replace(KERNEL, pooling=LINEAR.pooling),),
    "linear on roots alone": (replace(LINEAR, pooling=KERNEL.pooling),),
    "kernel twice as wide + linear": (replace(KERNEL, width=KERNEL.width / 2), LINEAR),
    "kernel half as wide + linear": (replace(KERNEL, width=KERNEL.width * 2), LINEAR),
}
FIGURES = ("accuracy", "log_loss", "ece", "coverage")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table; means over layouts of blocks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="taggrams, laid out like GTZAN's")
    options = parser.parse_args(arguments)
    tracks = load_taggrams(options.data)
    print("| members | accuracy | with a guard of 2 | log-loss | calibration error | coverage |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, members in VARIANTS.items():
        recipe = Recipe(members=members)
        plain, guarded = (cross_validate(tracks, recipe, layouts=LAYOUTS, guard=guard)["mean"] for guard in (0, 2))
        accuracy, log_loss, ece, coverage = (plain[figure] for figure in FIGURES)
        print(
            f"| {name} | {accuracy:.1%} | {guarded['accuracy']:.1%} | {log_loss:.3f} | {ece:.3f} | {coverage:.1%} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
