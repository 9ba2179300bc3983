"""How long the command line lets people wait: help, a cold classification, one that is known already.

Each figure is the whole time of a process, the median of several runs; the least of them says how much of it
was other work on this machine. The recording is 30 s of synthesised chords.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from models.paths import backbone_dir

SR = 44100
CLIP_S = 30
CALLS = {
    "genrelab --help": ["--help"],
    "genrelab classify --help": ["classify", "--help"],
    "genrelab classify, 30-s file, cold": ["classify", "clip.wav", "--json", "--fresh"],
    "genrelab classify, 30-s file, known": ["classify", "clip.wav", "--json"],
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a fragment of Markdown, and keep the figures where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    report = measure(runs=options.runs)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    print(markdown(report))


def markdown(report: dict[str, dict[str, float]]) -> str:
    """The figures as a section of the documentation."""
    lines = ["## The command line", "", "Whole processes, wall clock.", "", "| call | median | least |"]
    lines.append("| --- | ---: | ---: |")
    for call, figures in report.items():
        lines.append(f"| `{call}` | {figures['median_s']:.2f} s | {figures['min_s']:.2f} s |")
    return "\n".join(lines) + "\n"


def measure(*, runs: int) -> dict[str, dict[str, float]]:
    """Seconds of each call: median and least."""
    report = {}
    with tempfile.TemporaryDirectory() as folder:
        soundfile.write(Path(folder) / "clip.wav", _chords(), SR)
        for call, arguments in CALLS.items():
            times = [_seconds(arguments, folder, data=f"data-{n}" if "cold" in call else "data") for n in range(runs)]
            times = times[1:] if "known" in call and runs > 1 else times  # the first run computes it
            report[call] = {"median_s": round(statistics.median(times), 3), "min_s": round(min(times), 3)}
    return report


def _seconds(arguments: list[str], folder: str, *, data: str) -> float:
    """Whole time of a process; each cold run has an empty data folder, so nothing is remembered."""
    environment = os.environ | {
        "GENRELAB_DATA_DIR": os.path.join(folder, data),
        "GENRELAB_BACKBONE_DIR": str(backbone_dir()),
    }
    genrelab = Path(sys.executable).with_name("genrelab")
    started = time.perf_counter()
    subprocess.run([genrelab, *arguments], cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


def _chords() -> np.ndarray:
    t = np.arange(SR * CLIP_S) / SR
    roots = np.array([220.0, 174.6, 261.6, 196.0])[(t // 2).astype(int) % 4]
    return sum(0.1 * np.sin(2 * np.pi * roots * ratio * t) for ratio in (1, 1.25, 1.5, 2))


if __name__ == "__main__":
    main()
