"""A model of niche genres from 20 clips of each: how long its training takes, and how right it is.

python -m benchmarks.niche_model     # renders its clips first, some minutes

The clips that it is tested on are by other seeds of the composers and played on presets that no training clip has.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from datasets.composers import NICHE
from datasets.manifest import MANIFEST_FILE, Manifest, write_manifest
from datasets.rendered_corpus import render_corpus
from models.paths import backbone_dir
from models.train_classifier import Settings, train

N_TRAINING, N_TEST = 20, 8  # clips of each genre
CLIP_S = 30.0


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "niche"
        n_clips = 10 * -(-N_TRAINING // 7)  # seven of ten are training clips
        n_clips = max(n_clips, 5 * N_TEST)
        manifest = render_corpus(folder, hours=n_clips * len(NICHE) * CLIP_S / 3600, seed=options.seed, genres=NICHE)
        write_manifest(chosen(manifest), folder / MANIFEST_FILE)
        os.environ["GENRELAB_BACKBONE_DIR"] = str(backbone_dir())
        os.environ["GENRELAB_DATA_DIR"] = temporary  # nothing that was heard before shall help
        since = time.perf_counter()
        report = train(Settings(data=(folder,), out=Path(temporary) / "model", layout="manifest", name="niche"))
        elapsed_s = time.perf_counter() - since
    figures = report.figures
    low, high = report.accuracy_interval
    print("## A model of niche genres\n")
    print(
        f"{', '.join(NICHE)}: {N_TRAINING} clips of each, trained in {elapsed_s / 60:.1f} min on "
        f"{os.cpu_count()} cores. "
        f"Of {figures['n_tracks']} held-out clips it names {figures['accuracy']:.1%} ({low:.1%} to {high:.1%}); "
        f"expected calibration error {figures['ece']:.3f}."
    )


def chosen(manifest: Manifest) -> Manifest:
    """As many training and test clips of each genre as are wanted."""
    kept = []
    for genre in manifest.labels:
        own = [recording for recording in manifest if recording.label == genre]
        kept += [replace(r, split="train") for r in own if r.split == "train"][:N_TRAINING]
        kept += [recording for recording in own if recording.split == "test"][:N_TEST]
    return manifest.select(kept)


if __name__ == "__main__":
    main()
