"""Every measurement of the documentation, one after the other, into docs/benchmarks.md: `make bench`.

It needs recordings: those of `GENRELAB_RECORDINGS` (a folder), or of the development data.
"""

import os
import platform
import sys
import tempfile
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from benchmarks import cli_start, genre_head, hour_recording, library_throughput, music_gate, original_musicnn

TARGET = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main() -> None:
    folder = Path(os.environ.get("GENRELAB_RECORDINGS", "../shared/data/audio"))
    recordings = sorted(map(str, folder.glob("*.ogg")))
    if not recordings:
        sys.exit(f"no recordings (.ogg, about 30 s) in {folder}: name their folder in GENRELAB_RECORDINGS")
    parts = [
        ("genre head", lambda: genre_head.main([])),
        ("music gate", lambda: music_gate.main([])),
        ("original", lambda: original_musicnn.main(recordings)),
        ("library", lambda: library_throughput.main(recordings)),
        ("hour", lambda: hour_recording.main(recordings)),
        ("command line", lambda: cli_start.main([])),
    ]
    texts = [_heading()]
    for name, measure in parts:
        print(f"measuring: {name}", file=sys.stderr)
        with redirect_stdout(StringIO()) as text:
            measure()
        texts.append(text.getvalue().strip())
    with tempfile.NamedTemporaryFile("w", dir=TARGET.parent, delete=False, encoding="utf-8") as file:
        file.write("\n\n".join(texts) + "\n")
    os.replace(file.name, TARGET)
    print(f"wrote {TARGET.relative_to(Path.cwd())}")


def _heading() -> str:
    return (
        "# Measurements\n\n"
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {platform.system()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}.\nMachines differ and are noisy: ratios and medians say more than seconds."
    )


if __name__ == "__main__":
    main()
