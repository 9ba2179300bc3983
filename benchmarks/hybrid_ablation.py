"""What each branch of the hybrid brings, and what transfer brings, on the rendered corpus.

python -m benchmarks.hybrid_ablation --data CORPUS --out FOLDER     # an hour or two; goes on where it was stopped

Test clips are by other seeds of the composers and played on presets that no training clip has; there are more of them
than the corpus has, since good variants differ by few. Every variant is a
committee of the same size, trained in the same way from the same recordings; intervals are 95 % by bootstrap over
test clips, and differences are paired: the same clips are drawn for both.
"""

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets.composers import GENRES
from datasets.manifest import MANIFEST_FILE, Manifest, Recording, read_manifest, write_manifest
from datasets.rendered_corpus import CLIP_S, plan, render_clip
from datasets.rendering import SR, find_sound_font
from features.cache import FeatureCache
from models.backbone import Backbone
from models.cross_fit import CommitteeSettings, cross_fit, head_arrays
from models.evaluation.metrics import bootstrap_interval, log_loss
from models.fine_tuning import FineTuning, fine_tune
from models.genre_recipe import MEMBERS
from models.hear_corpus import hear_corpus, log_mel_patches
from models.hybrid_head import HybridHead
from models.hybrid_network import NetworkSettings
from models.musicnn_weights import load_weights
from models.network_fit import FitSettings
from models.paths import data_dir
from models.train_classifier import CACHE_BYTES, PATCHES_KEPT
from models.training_data import TrainingData, training_data

PLAIN = CommitteeSettings(members=(), n_folds=3, fit=FitSettings(epochs=30))
VARIANTS: dict[str, CommitteeSettings] = {
    "hybrid: all branches": PLAIN,
    "spectrogram only (MusiCNN)": replace(PLAIN, network=NetworkSettings(branches=("musicnn",))),
    "wavelets only": replace(PLAIN, network=NetworkSettings(branches=("wavelet",))),
    "attributes only": replace(PLAIN, network=NetworkSettings(branches=("attributes",))),
    "hybrid without wavelets": replace(PLAIN, network=NetworkSettings(branches=("musicnn", "attributes"))),
    "hybrid without attributes": replace(PLAIN, network=NetworkSettings(branches=("musicnn", "wavelet"))),
    "hybrid and members": replace(PLAIN, members=MEMBERS),
}
BACKBONES = {
    "spectrogram only, back end fine-tuned": FineTuning(),
    "spectrogram only, from scratch": FineTuning(
        layers="all", pretrained=False, epochs=6, batch_size=16, patches=1, learning_rate=1e-3
    ),
}
FULL = "hybrid: all branches"
SEED = 1  # of the test clips; the corpus has another


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of a rendered corpus")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints and answers, so that it can go on")
    parser.add_argument("--test-clips", type=int, default=40, help="of each genre, rendered for this")
    parser.add_argument("--skip-backbones", action="store_true", help="leave out the training of backbones")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    answers = {}
    labels = np.zeros(0, dtype=np.int64)
    folders = (options.data, render_test_clips(options.out / "test-clips", options.test_clips))
    data = _heard(folders, Backbone.load())
    for name, settings in VARIANTS.items():
        answers[name], labels = _answers(data, settings, name, options.out)
    if not options.skip_backbones:
        for name, tuning in BACKBONES.items():
            folder = options.out / _slug(name)
            tuned = _heard(folders, _trained(options.data, tuning, folder))
            answers[name], labels = _answers(tuned, VARIANTS["spectrogram only (MusiCNN)"], name, folder)
    test = data.of_split("test")
    print("## What each branch brings\n")
    print(
        f"{len(data.of_split('train'))} training, {len(data.of_split('validation'))} validation and {len(test)} test "
        f"clips of {len(data.genres)} genres.\n"
    )
    print("| variant | accuracy | 95 % interval | log-loss | hybrid ahead by |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, probabilities in answers.items():
        right = probabilities.argmax(axis=1) == labels
        low, high = bootstrap_interval(right)
        print(
            f"| {name} | {right.mean():.1%} | {low:.1%} to {high:.1%} | {log_loss(probabilities, labels):.3f} | "
            f"{_ahead(answers[FULL].argmax(axis=1) == labels, right) if name != FULL else ''} |"
        )


def render_test_clips(folder: Path, n_clips: int) -> Path:
    """Clips of every genre by held-out seeds and instruments, as a corpus of their own."""
    hours = 5 * n_clips * len(GENRES) * CLIP_S / 3600  # every fifth clip is one for testing
    orders = [o for o in plan(folder, hours=hours, seed=SEED, genres=GENRES, clip_s=CLIP_S) if o.split == "test"]
    font = find_sound_font()
    todo = [order for order in orders if not order.target.is_file()]
    for order in todo:
        order.target.parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda order: render_clip(order, font, SR), todo))
    recordings = tuple(
        Recording(o.target, o.brief.genre, artist=f"composer {o.brief.seed}", split=o.split) for o in orders
    )
    write_manifest(Manifest("test clips", recordings), folder / MANIFEST_FILE)
    return folder


def _heard(folders: Sequence[Path], backbone: Backbone) -> TrainingData:
    cache = FeatureCache(data_dir() / "training-cache", max_bytes=CACHE_BYTES)
    manifests = [read_manifest(folder / MANIFEST_FILE) for folder in folders]
    return training_data([(manifest.name, hear_corpus(manifest, backbone, cache=cache)) for manifest in manifests])


def _trained(folder: Path, tuning: FineTuning, work: Path) -> Backbone:
    manifest = read_manifest(folder / MANIFEST_FILE).of_split("train")
    labels = np.array([manifest.labels.index(recording.label) for recording in manifest])
    patches = log_mel_patches(manifest.recordings, PATCHES_KEPT)
    weights = fine_tune(load_weights("MSD_musicnn"), patches, labels, tuning, work=work)
    return Backbone.of_weights("MSD_musicnn", weights)


def _answers(data: TrainingData, settings: CommitteeSettings, name: str, out: Path) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the test clips, (n, n_genres), and their labels; computed once."""
    test = data.of_split("test")
    path = out / f"{_slug(name)}.json"
    work = out / "-".join(settings.network.branches)  # variants with the same networks share them
    if path.exists():
        return np.array(json.loads(path.read_text(encoding="utf-8"))), test.labels
    learned = data.of_split("train")
    folds = learned.folds(settings.n_folds, seed=settings.seed)
    found = cross_fit(learned, folds, settings, validation=data.of_split("validation"), work=work)
    card = {"name": "variant", "genres": data.genres, "backbone": "any", "coverage": settings.coverage}
    head = HybridHead(card, head_arrays(learned, found, settings))
    probabilities = np.stack([head.track_probabilities(head.encoded(each)) for each in _asked(test, settings)])
    path.write_text(json.dumps(probabilities.tolist()), encoding="utf-8")
    return probabilities, test.labels


def _asked(test: TrainingData, settings: CommitteeSettings) -> list:
    """Test recordings with the views that a variant knows of."""
    branches = settings.network.branches
    return [
        replace(
            each,
            scalogram=each.scalogram if "wavelet" in branches else None,
            attributes=each.attributes if "attributes" in branches else None,
        )
        for each in test.inputs
    ]


def _ahead(full: np.ndarray, other: np.ndarray) -> str:
    """Difference of two accuracies with its paired interval, in points."""
    difference = 100 * (full.astype(float) - other)
    draws = np.random.default_rng(0).integers(0, len(difference), (2000, len(difference)))
    low, high = np.quantile(difference[draws].mean(axis=1), [0.025, 0.975])
    return f"{difference.mean():.1f} ({low:.1f} to {high:.1f})"


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)


if __name__ == "__main__":
    main()
