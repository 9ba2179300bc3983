"""A recording of an hour: time, memory above the idle process, and whether its pieces give the same answer.

python -m benchmarks.hour_recording song.ogg other.ogg --json result.json
"""

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from benchmarks.recordings import write_long
from service.engine import Engine
from service.settings import Settings

HOUR_S = 3600.0
PIECE_S = 600.0  # a whole number of windows, and of the backbone's frames
SAMPLING_S = 0.05


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a fragment of Markdown, and keep the figures where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="recordings to make the hour of")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    result = measure(options.files)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    print(markdown(result))


def measure(files: Sequence[Path]) -> dict[str, Any]:
    """Seconds, MB above the warmed-up process with its decoding processes, and the largest differences of windows."""
    with tempfile.TemporaryDirectory() as folder:
        hour = write_long(files, Path(folder, f"hour{files[0].suffix}"), HOUR_S)
        engine = Engine(Settings(data_dir=Path(folder, "data")))
        engine.warm_up()
        shares: list[float] = []
        with _MemoryWatch() as memory:
            begun = time.perf_counter()
            whole = engine.classify(hour, progress=shares.append).classification
            seconds = time.perf_counter() - begun
        differences = []
        for index, piece in enumerate(_pieces(hour, Path(folder))):
            answer = engine.classify(piece).classification
            first = round(index * PIECE_S / 1.5)
            for window, same in zip(answer.segments, whole.segments[first:], strict=False):
                differences.append(max(abs(window.probabilities[g] - p) for g, p in same.probabilities.items()))
        engine.close()
    return {
        "seconds": seconds,
        "above_idle_mb": memory.most_mb - memory.idle_mb,
        "idle_mb": memory.idle_mb,
        "progress_reports": len(shares),
        "n_windows": len(whole.segments),
        "n_compared": len(differences),
        "largest_difference": max(differences),
        "median_difference": float(np.median(differences)),
    }


def markdown(result: dict[str, Any]) -> str:
    """The figures as a section of the documentation."""
    return (
        "## An hour\n\n"
        f"One recording of an hour, full analysis: {result['seconds']:.1f} s "
        f"({HOUR_S / result['seconds']:.0f} × real time), at most {result['above_idle_mb']:.0f} MB of resident memory "
        f"above\nthe idle service ({result['idle_mb']:.0f} MB with its decoding processes), "
        f"{result['progress_reports']} reports of progress.\n\n"
        f"Cut into pieces of {PIECE_S / 60:.0f} minutes, {result['n_compared']} of its {result['n_windows']} windows "
        "can be compared: probabilities differ by at\n"
        f"most {result['largest_difference']:.1e} (median {result['median_difference']:.1e}), the largest where a "
        "piece begins or ends.\n"
    )


def _pieces(recording: Path, folder: Path) -> list[Path]:
    """The recording cut into files, decoded as it is: no second compression."""
    paths = []
    with sf.SoundFile(recording) as source:
        while source.tell() < source.frames:
            path = folder / f"piece-{len(paths)}.wav"
            y = source.read(int(PIECE_S * source.samplerate), dtype="float32")
            sf.write(path, y, source.samplerate, subtype="FLOAT")
            paths.append(path)
    return paths


class _MemoryWatch:
    """Resident memory of this process and its children, now and the most while the block runs (Linux)."""

    def __enter__(self) -> "_MemoryWatch":
        self.idle_mb = self.most_mb = _resident_mb()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(SAMPLING_S):
            self.most_mb = max(self.most_mb, _resident_mb())


def _resident_mb() -> float:
    children = Path("/proc/self/task").glob("*/children")
    pids = [os.getpid(), *(int(pid) for path in children for pid in path.read_text().split())]
    total = 0
    for pid in pids:
        try:
            fields = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        except OSError:  # ended meanwhile
            continue
        total += int(fields["VmRSS"].split()[0])
    return total / 1024


if __name__ == "__main__":
    main()
