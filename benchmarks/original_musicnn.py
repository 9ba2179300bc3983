"""Genrelab against the original MusiCNN, side by side on the same files: parity, speed, memory.

    python -m benchmarks.original_musicnn song.ogg other.ogg --json result.json

Both run in processes of their own that have heard a recording before, and take turns, so that whatever else the
machine does meets both. The original's time is that of its `extractor` (file to tag activations, one patch of 3 s after
the other); Genrelab's is from the file to genre probabilities, over patches that overlap by half, twice as many.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import soundfile as sf

from benchmarks.contestant import Contestant
from benchmarks.original_environment import ROOT, default_folder, python_of
from benchmarks.recordings import write_long
from models.musicnn_weights import BACKBONES

MODEL = "MSD_musicnn"  # that Genrelab's classifier listens with
LONG_S = 600.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a fragment of Markdown, and keep the figures where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="recordings of about 30 s")
    parser.add_argument("--environment", type=Path, default=default_folder(), help="of the original; built if need be")
    parser.add_argument("--python", help="Python 3.9 to 3.11 to build it with, where this one is newer")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each over all files")
    parser.add_argument("--long-rounds", type=int, default=3, help="turns of each over the 10-minute file")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    original = python_of(options.environment, python=options.python)
    result = measure(options.files, original, rounds=options.rounds, long_rounds=options.long_rounds)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    print(markdown(result))


def measure(files: Sequence[Path], original_python: Path, *, rounds: int, long_rounds: int) -> dict[str, Any]:
    """All figures: `parity`, `start`, `clip` and `long` with seconds and MB of both, see `markdown`."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    paths = [str(path.resolve()) for path in files]

    def original() -> Contestant:
        return Contestant(original_python, "original_worker", **environment)

    def product() -> Contestant:
        return Contestant(sys.executable, "product_worker", **environment, PYTHONPATH=str(ROOT))

    with tempfile.TemporaryDirectory() as folder:
        long = write_long(files, Path(folder, f"long{files[0].suffix}"), LONG_S)
        with original() as theirs, product() as ours:
            start = {
                "original": theirs.started | {"first_s": theirs.ask(path=paths[0], model=MODEL)["seconds"]},
                "genrelab": ours.started | {"first_s": ours.ask(path=paths[0], attributes=False)["seconds"]},
            }
            clip = _race(theirs, ours, paths, rounds)
            long_race = _race(theirs, ours, [str(long)], long_rounds)
        with original() as theirs, product() as ours:
            parity = _parity(theirs, ours, paths)
    clip["duration_s"] = median(sf.info(path).duration for path in paths)
    long_race["duration_s"] = LONG_S
    return {"parity": parity, "start": start, "clip": clip, "long": long_race, "cores": os.cpu_count()}


def markdown(result: dict[str, Any]) -> str:
    """The figures as a section of the documentation."""
    start = result["start"]
    lines = [
        "## Against the original MusiCNN",
        "",
        f"{result['cores']} cores; medians of interleaved runs, steady state. The original is musicnn 0.1.0 on",
        "TensorFlow 2.15, file to tag activations every 3 s; Genrelab goes from the file to genre probabilities every",
        "1.5 s. Peak memory is resident memory, of Genrelab with its decoding process.",
        "",
        "| | original | Genrelab | ratio | full analysis | against the genre alone |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, race in (("clip", result["clip"]), ("long", result["long"])):
        theirs, ours, full = (race[key] for key in ("original_s", "genrelab_s", "genrelab_full_s"))
        what = f"{race['duration_s']:.0f} s, each file" if name == "clip" else f"{race['duration_s'] / 60:.0f} min"
        lines.append(
            f"| {what} | {theirs:.2f} s | {ours:.2f} s "
            f"| {theirs / ours:.1f} × faster | {full:.2f} s | {full / ours:.1f} × |"
        )
        if race["original_mb"] is not None:
            theirs, ours, full = (race[key] for key in ("original_cpu_s", "genrelab_cpu_s", "genrelab_full_cpu_s"))
            lines.append(
                f"| … CPU time | {theirs:.2f} s | {ours:.2f} s | {theirs / ours:.1f} × less "
                f"| {full:.2f} s | {full / ours:.1f} × |"
            )
            theirs, ours, full = (race[key] for key in ("original_mb", "genrelab_mb", "genrelab_full_mb"))
            lines.append(
                f"| … peak memory | {theirs:.0f} MB | {ours:.0f} MB | {theirs / ours:.1f} × less "
                f"| {full:.0f} MB | {full / ours:.1f} × |"
            )
    lines += [
        "",
        "Paid once, and not part of the above:",
        "",
        "| | import and load | warm-up | first recording |",
        "| --- | ---: | ---: | ---: |",
        f"| original | {start['original']['start_s']:.1f} s | – | {start['original']['first_s']:.2f} s |",
        f"| Genrelab | {start['genrelab']['start_s']:.1f} s | {start['genrelab']['warm_up_s']:.1f} s "
        f"| {start['genrelab']['first_s']:.2f} s |",
        "",
        "Largest differences of the activations (tags: 0 to 1). The original's extractor returns the penultimate layer",
        "of the first patch for all patches, so the embedding is compared for that one.",
        "",
        "| backbone | file | patches | tags, mean over patches | tags, any patch | embedding |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in result["parity"]:
        embedding = "–" if row["embedding"] is None else f"{row['embedding']:.1e}"
        lines.append(
            f"| {row['backbone']} | {row['file']} | {row['n_patches']} | {row['tags_mean']:.1e} "
            f"| {row['tags_max']:.1e} | {embedding} |"
        )
    return "\n".join(lines) + "\n"


def _race(theirs: Contestant, ours: Contestant, paths: Sequence[str], rounds: int) -> dict[str, Any]:
    """Medians over all runs: seconds of wall clock (`_s`) and of CPU (`_cpu_s`); peak memory until then (`_mb`)."""
    runs = {
        "original": (theirs, {"model": MODEL}),
        "genrelab": (ours, {"attributes": False}),
        "genrelab_full": (ours, {"attributes": True}),
    }
    result: dict[str, Any] = {}
    for name, (contestant, request) in runs.items():
        contestant.ask(path=paths[0], **request)  # once before it counts
        result[f"{name}_mb"] = contestant.peak_memory_mb()  # the full analysis comes last: it needs more
    seconds: dict[str, list[float]] = {f"{name}{unit}": [] for name in runs for unit in ("_s", "_cpu_s")}
    for i in range(rounds):
        for path in paths:
            for name, (contestant, request) in runs.items():
                before = contestant.cpu_s()
                seconds[f"{name}_s"].append(contestant.ask(path=path, **request)["seconds"])
                after = contestant.cpu_s()
                if before is not None and after is not None:
                    seconds[f"{name}_cpu_s"].append(after - before)
        last = ", ".join(f"{name} {values[-1]:.3f}" for name, values in seconds.items() if values)
        print(f"round {i + 1} of {rounds}: {last}", file=sys.stderr)
    result |= {name: median(values) if values else None for name, values in seconds.items()}
    return result | {"runs": seconds}


def _parity(theirs: Contestant, ours: Contestant, paths: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for name in BACKBONES:
        has_embedding = name.endswith("musicnn")
        for path in paths:
            expected = theirs.ask(path=path, model=name, penultimate=has_embedding)
            found = ours.ask(path=path, model=name)
            want, have = np.array(expected["taggram"]), np.array(found["taggram"])
            if want.shape != have.shape:
                raise RuntimeError(f"{path}: the original has {want.shape} activations, Genrelab {have.shape}")
            embedding = None
            if has_embedding:
                embedding = float(np.abs(np.subtract(expected["penultimate"], found["penultimate"])).max())
            rows.append(
                {
                    "backbone": name,
                    "file": Path(path).name,
                    "n_patches": len(want),
                    "tags_mean": float(np.abs(want.mean(axis=0) - have.mean(axis=0)).max()),
                    "tags_max": float(np.abs(want - have).max()),
                    "embedding": embedding,
                }
            )
    return rows


if __name__ == "__main__":
    main()
