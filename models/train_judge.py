"""Train the judge of generated clips, and keep what it heard as the reference that clips are measured against.

`python -m models.train_judge --data CORPUS --judge FOLDER --reference FOLDER`

The corpus is a rendered one (`genrelab render`). The judge is fitted on its training part, its strength and
temperature are chosen on the validation part, and what it names right is measured on the test part, whose instruments
no other clip has. A part of each training recording is learned from twice: as it is, and turned into a log-mel and back
into sound by Griffin-Lim. The judge is to hear the genre of music that came out of a vocoder, not that it did; of our
generator, its codes and its vocoder it knows nothing.
"""

import argparse
import dataclasses
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.manifest import Manifest, Recording
from datasets.readers import read_corpus
from features.audio import load
from features.cache import FeatureCache, content_key, sha256_of
from features.log_mel import HOP_LENGTH, SR, log_mel
from features.rhythm import FRAMES_PER_S
from features.spectrogram import PATCH_FRAMES
from models.calibration import fit_temperature, scale
from models.corpus_facts import corpus_facts
from models.errors import ModelError
from models.evaluation.clip_hearing import HEARD_LUFS, Ears, hear_clip, level_log_mel
from models.evaluation.clip_statistics import FIGURES, clip_statistics
from models.evaluation.metrics import confusion, expected_calibration_error, log_loss
from models.evaluation.real_reference import EXCERPT_S, EXCERPT_START_S, NO_KEY, SPLITS, RealReference
from models.evaluation.real_reference import KIND as REFERENCE_KIND
from models.evaluation.real_reference import NAME as REFERENCE_NAME
from models.judge import KIND, NAME, Judge
from models.model_folder import save_model
from models.vocoder import GriffinLim

VERSION = "reference-1"  # part of every cache key
RESYNTHESIS = "griffin-lim-16"  # part of the key of what was turned into a log-mel and back
RESYNTHESIS_ROUNDS = 16
CACHE_BYTES = 2_000_000_000
PATCHES_PER_CLIP = 3  # 9 s
STRENGTHS = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 0.3, 1.0, 3.0, 10.0)  # C of the logistic regression
SPREAD_FLOOR = 1e-6
NAMED_RECALL = 0.7
SOURCES = (
    "compositions and renderings by Genrelab's composers (Apache-2.0)",
    "sound font FluidR3_GM (MIT)",
    "drum patterns learned from the Groove MIDI Dataset, Google LLC (CC BY 4.0)",
)


@dataclass(frozen=True)
class Settings:
    """What is learned from, and where it goes. Nothing in it is drawn at random."""

    data: Path
    judge: Path
    reference: Path
    name: str = NAME
    reference_name: str = REFERENCE_NAME
    version: str = "1"
    created: str = "2026-11-30"
    layout: str = "rendered"
    cache: Path | None = None


@dataclass(frozen=True)
class HeardRecording:
    """A recording with the judge's view of it, (n_patches, 256), and what the reference keeps."""

    recording: Recording
    arrays: dict[str, np.ndarray]


def train(settings: Settings, *, ears: Ears | None = None) -> dict[str, Any]:
    """Hear the corpus, fit and score the judge, save both folders; returns the judge's card."""
    manifest = read_corpus(settings.data, settings.layout).with_hashes()
    ears = Ears.load() if ears is None else ears
    cache = None if settings.cache is None else FeatureCache(settings.cache, max_bytes=CACHE_BYTES)
    heard = hear_recordings(manifest, ears, cache=cache, progress=_print_progress)
    genres = tuple(dict.fromkeys(each.recording.label for each in heard))
    data = corpus_facts(manifest, settings.layout) | {"sources": list(SOURCES)}
    shared = {
        "version": settings.version,
        "created": settings.created,
        "genres": list(genres),
        "licence": "Apache-2.0",
        "data": data,
        "heard_lufs": HEARD_LUFS,
    }
    reference = reference_of(heard, genres, name=settings.reference_name)
    save_model(
        settings.reference,
        shared | {"name": reference.name, "kind": REFERENCE_KIND, "backbone": ears.distance.name, **reference.facts()},
        reference.to_arrays(),
    )
    again = hear_resynthesised(heard, ears, cache=cache, progress=_print_progress)
    arrays, strength = fit_judge(heard, genres, resynthesised=again)
    card = shared | {
        "name": settings.name,
        "kind": KIND,
        "backbone": ears.judge.name,
        "named": [],
        "test": {"accuracy": 0.0, "recall": {}},  # until it is scored
        "settings": {
            "strength": strength,
            "patches_per_clip": PATCHES_PER_CLIP,
            "resynthesised_clips": len(again),
            "resynthesis": RESYNTHESIS,
        },
    }
    test = score(Judge(card, arrays), heard, split="test")
    card["named"] = [genre for genre, recall in test["recall"].items() if recall >= NAMED_RECALL]
    return save_model(settings.judge, card | {"test": test}, arrays)


def hear_recordings(
    recordings: Manifest | Sequence[Recording],
    ears: Ears,
    *,
    cache: FeatureCache | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[HeardRecording]:
    """Hear every recording, once: what is in the cache is not heard again."""
    return _hear_each(
        recordings,
        lambda path: _hear(path, ears),
        key=(VERSION, ears.distance.identity, ears.judge.identity),
        cache=cache,
        progress=progress,
    )


def hear_resynthesised(
    heard: Sequence[HeardRecording],
    ears: Ears,
    *,
    cache: FeatureCache | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[HeardRecording]:
    """Hear one clip of each training recording after it was turned into a log-mel and back, once.

    Its `judge_embedding` is (PATCHES_PER_CLIP, 256).
    """
    return _hear_each(
        [each.recording for each in heard if each.recording.split == "train"],
        lambda path: _hear_resynthesised(path, ears),
        key=(VERSION, RESYNTHESIS, ears.judge.identity),
        cache=cache,
        progress=progress,
    )


def reference_of(heard: Sequence[HeardRecording], genres: tuple[str, ...], *, name: str) -> RealReference:
    """What was heard, as the reference keeps it.

    Raises
    ------
    ModelError
        If a recording has no genre, split, tempo or key.
    """
    for each in heard:
        if not each.recording.split or not {"tempo_bpm", "key"} <= set(each.recording.details):
            raise ModelError(f"{each.recording.path}: expected a rendered recording with split, tempo_bpm and key")
    n_patches = [len(each.arrays["embedding"]) for each in heard]
    return RealReference(
        name=name,
        genres=genres,
        embedding=np.concatenate([each.arrays["embedding"] for each in heard]).astype(np.float32),
        recording=np.repeat(np.arange(len(heard), dtype=np.int32), n_patches),
        genre=np.array([genres.index(each.recording.label) for each in heard], np.int16),
        split=np.array([SPLITS.index(each.recording.split) for each in heard], np.int16),
        ids=np.array([each.recording.path.stem for each in heard]),
        figures=np.stack([each.arrays["figures"] for each in heard]).astype(np.float32),
        band_levels_db=np.stack([each.arrays["band_levels_db"] for each in heard]).astype(np.float32),
        key=np.array([str(each.arrays["key"]) for each in heard]),
        true_key=np.array([each.recording.details["key"] for each in heard]),
        true_tempo_bpm=np.array([each.recording.details["tempo_bpm"] for each in heard], np.float32),
    )


def fit_judge(
    heard: Sequence[HeardRecording], genres: tuple[str, ...], *, resynthesised: Sequence[HeardRecording] = ()
) -> tuple[dict[str, np.ndarray], float]:
    """Arrays of `models.judge.Judge`, and the strength that did best on the validation part."""
    X, labels = clips_of([*heard, *resynthesised], genres, split="train")
    held_out, truth = clips_of(heard, genres, split="validation")
    centre, spread = X.mean(axis=0), np.maximum(X.std(axis=0), SPREAD_FLOOR)
    found = []
    for strength in STRENGTHS:
        weights, bias = _logistic((X - centre) / spread, labels, strength)
        logits = (held_out - centre) / spread @ weights + bias
        temperature = fit_temperature(logits, truth)
        found.append((log_loss(scale(logits, temperature), truth), strength, weights, bias, temperature))
    _, strength, weights, bias, temperature = min(found, key=lambda each: each[:2])
    arrays = {"centre": centre, "spread": spread, "weights": weights, "bias": bias, "temperature": temperature}
    return {name: np.asarray(array, np.float32) for name, array in arrays.items()}, strength


def score(judge: Judge, heard: Sequence[HeardRecording], *, split: str) -> dict[str, Any]:
    """How often the judge names the genre of clips of one part of the corpus."""
    X, labels = clips_of(heard, judge.genres, split=split)
    p = np.stack([judge.probabilities(row[np.newaxis]) for row in X])
    counts = confusion(p.argmax(axis=1), labels, n_classes=len(judge.genres))
    return {
        "n_recordings": sum(each.recording.split == split for each in heard),
        "n_clips": len(X),
        "accuracy": float((p.argmax(axis=1) == labels).mean()),
        "log_loss": log_loss(p, labels),
        "ece": expected_calibration_error(p, labels),
        "recall": {g: float(counts[i, i] / max(counts[i].sum(), 1)) for i, g in enumerate(judge.genres)},
        "confusion": counts.tolist(),
    }


def clips_of(heard: Sequence[HeardRecording], genres: tuple[str, ...], *, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean embeddings of clips of 3 patches, side by side, and their genres: (n, 256), (n,).

    Raises
    ------
    ModelError
        If a genre has none in this split.
    """
    X, labels = [], []
    for each in heard:
        if each.recording.split != split:
            continue
        patches = each.arrays["judge_embedding"]
        for start in range(0, len(patches) - PATCHES_PER_CLIP + 1, PATCHES_PER_CLIP):
            X.append(patches[start : start + PATCHES_PER_CLIP].mean(axis=0, dtype=float))
            labels.append(genres.index(each.recording.label))
    if missing := [genre for index, genre in enumerate(genres) if index not in set(labels)]:
        raise ModelError(f"no {split} clip of {', '.join(missing)}, expected some of every genre")
    return np.stack(X), np.array(labels)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, train, print what the judge names right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    for setting in dataclasses.fields(Settings):
        parser.add_argument(
            f"--{setting.name.replace('_', '-')}",
            type=str if setting.type is str else Path,
            required=setting.default is dataclasses.MISSING,
            default=setting.default,
        )
    card = train(Settings(**vars(parser.parse_args(arguments))))
    test = card["test"]
    print(f"{card['name']}: {test['accuracy']:.1%} of {test['n_clips']} clips on held-out instruments")
    for genre, recall in test["recall"].items():
        print(f"{genre:<15}{recall:>7.1%}")


def _hear_each(
    recordings: Manifest | Sequence[Recording],
    hear: Callable[[Path], dict[str, np.ndarray]],
    *,
    key: tuple[str, ...],
    cache: FeatureCache | None,
    progress: Callable[[int, int], None] | None,
) -> list[HeardRecording]:
    heard = []
    for recording in recordings:
        of_recording = content_key((recording.sha256 or sha256_of(recording.path)).encode(), *key)
        arrays = cache.get(of_recording) if cache is not None else None
        if arrays is None:
            arrays = hear(recording.path)
            if cache is not None:
                cache.put(of_recording, arrays)
        heard.append(HeardRecording(recording, arrays))
        if progress is not None:
            progress(len(heard), len(recordings))
    return heard


def _hear_resynthesised(path: Path, ears: Ears) -> dict[str, np.ndarray]:
    clip_s = (PATCHES_PER_CLIP * PATCH_FRAMES + 1) / FRAMES_PER_S
    y = load(path, sr=SR)
    start = int(EXCERPT_START_S * SR) if y.size >= (EXCERPT_START_S + clip_s) * SR else 0
    y = GriffinLim(RESYNTHESIS_ROUNDS).audio(log_mel(y[start : start + int(clip_s * SR) + HOP_LENGTH]))
    patches = ears.judge.activations(level_log_mel(y, sr=SR), patch_hop=PATCH_FRAMES).embedding
    return {"judge_embedding": patches}


def _hear(path: Path, ears: Ears) -> dict[str, np.ndarray]:
    y = load(path, sr=SR)
    heard = hear_clip(y, sr=SR, ears=ears)
    start = int(EXCERPT_START_S * SR) if y.size >= (EXCERPT_START_S + EXCERPT_S) * SR else 0
    excerpt = y[start : start + int(EXCERPT_S * SR)]
    measured = clip_statistics(excerpt, level_log_mel(excerpt, sr=SR), sr=SR)
    return {
        "embedding": heard.embedding,
        "judge_embedding": heard.judge_embedding,
        "figures": np.array([measured.figures[name] for name in FIGURES], float),
        "key": np.array(measured.key or NO_KEY),
        "band_levels_db": measured.band_levels_db,
    }


def _logistic(X: np.ndarray, labels: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=strength, max_iter=500).fit(X, labels)
    if len(fitted.classes_) == 2:  # of two classes it gives the second one's margin alone
        return np.concatenate([np.zeros_like(fitted.coef_), fitted.coef_]).T, np.append(0.0, fitted.intercept_)
    return fitted.coef_.T, fitted.intercept_


def _print_progress(done: int, n: int) -> None:
    if done % 50 == 0 or done == n:
        print(f"heard {done} of {n}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
