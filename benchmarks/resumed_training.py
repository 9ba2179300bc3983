"""A training that is killed with SIGKILL again and again, against two that are left alone.

python -m benchmarks.resumed_training --data CORPUS     # three trainings, some minutes

The two tell how far runs lie apart anyway: the threads of large convolutions round in any order.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from features.npz import read_npz

FIGURES = ("accuracy", "log_loss", "ece", "coverage")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of a rendered corpus")
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        quiet, again, disturbed = (Path(temporary) / name for name in ("quiet", "again", "disturbed"))
        since = time.perf_counter()
        subprocess.run(_command(options.data, quiet), check=True, capture_output=True)
        whole_s = time.perf_counter() - since
        subprocess.run(_command(options.data, again), check=True, capture_output=True)
        kills = 0
        while kills < options.kills:
            process = subprocess.Popen(
                _command(options.data, disturbed), stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            try:
                process.communicate(timeout=float(rng.uniform(0.2, 0.5) * whole_s))
                break  # it came to its end before
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
        subprocess.run(_command(options.data, disturbed), check=True, capture_output=True)
        cards = [json.loads((folder / "card.json").read_text(encoding="utf-8")) for folder in (quiet, again, disturbed)]
        weights = [read_npz(folder / "weights.npz") for folder in (quiet, again, disturbed)]
    print("## A training that is killed\n")
    print(
        f"Killed with SIGKILL {kills} times, then left to end. Largest difference of any weight from the first "
        f"undisturbed run: {_furthest(weights[0], weights[2]):.2g}; of the second one: {_furthest(*weights[:2]):.2g}.\n"
    )
    print("| figure on the test clips | undisturbed | undisturbed again | killed and resumed |")
    print("| --- | ---: | ---: | ---: |")
    for name in FIGURES:
        print(f"| {name} | " + " | ".join(f"{card['test'][name]:.4f}" for card in cards) + " |")


def _furthest(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
    return max(float(np.abs(array - b[name]).max()) for name, array in a.items() if array.dtype.kind == "f")


def _command(data: Path, out: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "models.train_classifier",
        "--data",
        str(data),
        "--layout",
        "manifest",
        "--out",
        str(out),
    ]


if __name__ == "__main__":
    main()
