"""How fast `genrelab classify FOLDER` works through a library, and how busy it keeps the cores.

python -m benchmarks.library_throughput song.ogg other.ogg --json result.json
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.recordings import write_clips
from models.paths import backbone_dir

CLIP_S = 30.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a fragment of Markdown, and keep the figures where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="recordings to cut the clips from")
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    result = measure(options.files, n_clips=options.clips)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    print(markdown(result))


def measure(files: Sequence[Path], *, n_clips: int) -> dict[str, Any]:
    """Wall-clock and CPU seconds of the command, from its start to its end, with nothing cached.

    Also those of a single clip, cold.
    """
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "library")
        library.mkdir()
        clips = write_clips(files, library, n_clips=n_clips, duration_s=CLIP_S)
        one_s, one_cpu_s = _classify(clips[0], Path(folder, "data-of-one"), expected=1)
        wall_s, cpu_s = _classify(library, Path(folder, "data"), expected=n_clips)
    return {
        "n_clips": n_clips,
        "clip_s": CLIP_S,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "cores": os.cpu_count(),
        "times_real_time": n_clips * CLIP_S / wall_s,
        "one_clip_cold_s": one_s,
        "one_clip_cold_cpu_s": one_cpu_s,
    }


def markdown(result: dict[str, Any]) -> str:
    """The figures as a section of the documentation."""
    return (
        "## A library\n\n"
        f"`genrelab classify FOLDER --json`, {result['n_clips']} clips of {result['clip_s']:.0f} s with all "
        f"attributes,\nnothing cached, from the command's start to its end: {result['wall_s']:.1f} s, "
        f"**{result['times_real_time']:.0f} × real time**,\n"
        f"with {result['cpu_s'] / result['wall_s']:.1f} of {result['cores']} cores busy on average.\n\n"
        f"`genrelab classify CLIP --json`, one clip, cold: {result['one_clip_cold_s']:.1f} s "
        f"({result['one_clip_cold_cpu_s']:.1f} s of CPU time).\n"
    )


def _classify(path: Path, data: Path, *, expected: int) -> tuple[float, float]:
    """Wall-clock and CPU seconds of one call of the command."""
    environment = {**os.environ, "GENRELAB_DATA_DIR": str(data), "GENRELAB_BACKBONE_DIR": str(backbone_dir())}
    command = [Path(sys.executable).with_name("genrelab"), "classify", path, "--json"]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    wall_s, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    if len(answers) != expected or not all("probabilities" in answer for answer in answers):
        raise RuntimeError(f"{expected} answers expected, got {run.stdout[:1000]}")
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
