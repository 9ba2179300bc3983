"""How fast clips are made, in how much memory, and whether they come out the same again.

python -m benchmarks.generator_speed [--json FILE]
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CLIP_S, LONG_S = 10.0, 300.0
N_CLIPS = 7
GENRES = ("reggae", "jazz", "metal", "classical", "disco", "waltz", "drum_and_bass")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a fragment of Markdown, and keep the figures where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--worker", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        print(json.dumps(_work(options.worker)))
        return
    result = {"short": _in_a_process(CLIP_S), "long": _in_a_process(LONG_S), "again": _in_a_process(CLIP_S)}
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    print(markdown(result))


def markdown(result: dict[str, Any]) -> str:
    """The figures as a section of the documentation."""
    short, long = result["short"], result["long"]
    same = short["sha256"] == result["again"]["sha256"]
    return (
        "## Making clips\n\n"
        f"Loading the generator takes {short['load_s']:.2f} s. Warm, a clip of {CLIP_S:g} s is made, measured, checked "
        f"and at its level after {statistics.median(short['seconds']):.2f} s\n"
        f"(median of {len(short['seconds'])}, at most {max(short['seconds']):.2f} s): "
        f"{CLIP_S / statistics.median(short['seconds']):.1f} × real time, in at most {short['peak_mb']:.0f} MB of "
        "resident memory.\n"
        f"One of {LONG_S / 60:.0f} minutes takes {long['seconds'][0]:.0f} s "
        f"({LONG_S / long['seconds'][0]:.1f} × real time) and {long['peak_mb']:.0f} MB.\n"
        f"Made again in another process, {len(short['sha256'])} clips have "
        f"{'the same bytes' if same else 'OTHER bytes'}.\n"
    )


def _in_a_process(seconds: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.generator_speed", "--worker", str(seconds)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, Any] = json.loads(answer.splitlines()[-1])
    return found


def _work(seconds: float) -> dict[str, Any]:
    """Make clips in this process, and read every sample as one who writes a file does."""
    import hashlib
    import resource

    from models.clip_wish import ClipWish
    from models.generator import Generator

    begun = time.perf_counter()
    generator = Generator.load()
    load_s = time.perf_counter() - begun
    genres = GENRES[:N_CLIPS] if seconds == CLIP_S else GENRES[:1]
    if seconds == CLIP_S:
        generator.make(ClipWish("rock", seed=0))  # warm
    times, hashes = [], []
    for seed, genre in enumerate(genres):
        begun = time.perf_counter()
        digest = hashlib.sha256()
        for block in generator.make(ClipWish(genre, seconds, seed=seed)).blocks():
            digest.update(block.tobytes())
        times.append(time.perf_counter() - begun)
        hashes.append(digest.hexdigest())
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"load_s": load_s, "seconds": times, "sha256": hashes, "peak_mb": peak_mb}


if __name__ == "__main__":
    main()
