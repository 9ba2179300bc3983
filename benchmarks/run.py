"""Every measurement of the documentation, one after the other, into docs/benchmarks.md: `make bench`.

It needs recordings: those of `GENRELAB_RECORDINGS` (a folder), or of the development data.
"""

import os
import platform
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from threadpoolctl import ThreadpoolController

from benchmarks import (
    cli_start,
    generator,
    generator_speed,
    genre_head,
    hour_recording,
    library_throughput,
    music_gate,
    niche_model,
    original_musicnn,
    originality,
    rendered_corpus,
    symbolic,
)

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
        ("rendered corpus", lambda: rendered_corpus.main([])),
        ("niche model", lambda: niche_model.main([])),
        ("generator", lambda: generator.main([])),
        ("generator's speed", lambda: generator_speed.main([])),
        ("originality", lambda: originality.main([])),
        ("composers as notes", lambda: symbolic.main([])),
    ]
    texts = [_heading()]
    for name, measure in parts:
        print(f"measuring: {name}", file=sys.stderr)
        with redirect_stdout(StringIO()) as text:
            measure()
        texts.append(text.getvalue().strip())
    TARGET.write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    print(f"wrote {TARGET.relative_to(Path.cwd())}")


def _heading() -> str:
    return (
        "# Measurements\n\n"
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {platform.system()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, NumPy's linear algebra as on {_kernels()}.\n"
        "Machines differ and are noisy: ratios and medians say more than seconds."
    )


def _kernels() -> str:
    """The kind of processor whose matrix kernels run here; `OPENBLAS_CORETYPE` may force another one than it has."""
    import numpy  # noqa: F401  (loads the library that is asked for)

    libraries = ThreadpoolController().select(user_api="blas").info()
    forced = ", forced by OPENBLAS_CORETYPE" if "OPENBLAS_CORETYPE" in os.environ else ""
    return f"{libraries[0].get('architecture', libraries[0]['internal_api'])}{forced}"


if __name__ == "__main__":
    main()
