"""The composers' songs as notes, by the measures of Yang and Lerch: against more of their own and against baselines.

python -m benchmarks.symbolic    # all genres, in about two minutes; --genre blues --per-genre 20 for one
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from datasets.composers import GENRES
from models.evaluation.symbolic_comparison import compare_composer
from models.evaluation.symbolic_features import FEATURES


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--genre", action="append", choices=GENRES)
    parser.add_argument("--per-genre", type=int, default=40, help="songs in each set")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    reports = [compare_composer(genre, options.per_genre) for genre in options.genre or GENRES]
    sets = list(reports[0]["sets"])
    print("## Composers, as notes\n")
    print(f"{options.per_genre} songs of 30 s in a set. Overlap area of the distances within a set and between sets")
    print("(Yang and Lerch, 2020), the mean over nine features and both sides; 1 is alike.\n")
    print("| genre | " + " | ".join(sets) + " |")
    print("| --- |" + " ---: |" * len(sets))
    for report in reports:
        print(f"| {report['genre']} | " + " | ".join(f"{report['overlap_area'][name]:.3f}" for name in sets) + " |")
    print("\nBy feature, the mean over genres:\n")
    print("| feature | " + " | ".join(sets) + " |")
    print("| --- |" + " ---: |" * len(sets))
    for feature in FEATURES:
        means = [
            sum(report["sets"][name][feature][side]["overlap_area"] for report in reports for side in "ab")
            / (2 * len(reports))
            for name in sets
        ]
        print(f"| {feature.replace('_', ' ')} | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")
    if options.json is not None:
        options.json.write_text(json.dumps(reports, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
