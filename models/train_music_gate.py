"""Train the gate that tells music from the rest.

`python -m models.train_music_gate --taggrams FILE.npz --music FOLDER … --speech FOLDER …
--effects FOLDER … --out FOLDER`

Music is the labelled tag activations and the recordings in the `music` folders; the rest is synthesised
(`datasets.non_music`), or cut together from the short recordings in the `speech` and `effects` folders. Each source
is scored by a gate that never heard it: a folder, a kind of synthetic sound, a block of artists. The limit is the
score that all but `refused_share` of that unheard music reaches.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.non_music import KINDS, non_music
from datasets.splits import block_folds
from datasets.taggrams import load_taggrams
from features.audio import load
from features.cache import sha256_of
from features.errors import AudioError
from features.spectrogram import MUSICNN_SR, PATCH_FRAMES, musicnn_log_mel
from models.backbone import SEGMENT_HOP_FRAMES, Backbone
from models.errors import ModelError
from models.genre_head import laplacian_kernel
from models.model_folder import save_model
from models.music_gate import KIND, gate_features

SUFFIXES = (".flac", ".mp3", ".ogg", ".opus", ".wav")
TONAL = ("tone", "sweep", "hum", "alarm")  # the other synthetic kinds are noises
SPREAD_FLOOR = 1e-6


@dataclass(frozen=True)
class Settings:
    """What is trained, on what, and how strict it is.

    Attributes
    ----------
    clips_per_kind : int
        Of each synthetic kind, and of each folder of speech or effects.
    refused_share : float
        Share of unheard music that is refused.
    test_music, test_other : tuple of Path
        Folders that are only scored.
    """

    taggrams: Path
    out: Path
    music: tuple[Path, ...] = ()
    speech: tuple[Path, ...] = ()
    effects: tuple[Path, ...] = ()
    test_music: tuple[Path, ...] = ()
    test_other: tuple[Path, ...] = ()
    name: str = "music-gate-1"
    version: str = "1"
    created: str = "2026-11-24"
    backbone: str = "MSD_musicnn"
    clips_per_kind: int = 40
    n_folds: int = 5
    width: float = 0.5
    ridge: float = 0.1
    refused_share: float = 0.01
    seed: int = 0


@dataclass(frozen=True)
class Sounds:
    """Gate features (n, 100) with their family ("music", "speech", …) and the source that they came from."""

    features: np.ndarray
    families: np.ndarray
    sources: np.ndarray


def train(settings: Settings) -> dict[str, Any]:
    """Collect, cross-validate over sources, fit on everything, save; returns the card."""
    rng = np.random.default_rng(settings.seed)
    listener = Listener(Backbone.load(settings.backbone))
    sounds = _collect(settings, listener, rng)
    scores = _unheard_scores(sounds, settings)
    music = sounds.families == "music"
    limit = float(np.quantile(scores[music], settings.refused_share))
    arrays = fit_gate(sounds, settings) | {"limit": np.array(limit)}
    tested = _score_tests(settings, listener, arrays, rng)
    card = {
        "name": settings.name,
        "version": settings.version,
        "kind": KIND,
        "created": settings.created,
        "backbone": settings.backbone,
        "licence": "Apache-2.0",
        "data": {
            "taggrams_sha256": sha256_of(settings.taggrams),
            "folders": {
                name: [folder.name for folder in getattr(settings, name)] for name in ("music", "speech", "effects")
            },
            "n_sounds": len(scores),
        },
        "settings": {
            field.name: getattr(settings, field.name)
            for field in dataclasses.fields(Settings)
            if field.type in (int, float)
        },
        "music_refused": float((scores[music] < limit).mean()),
        "other_refused": float((scores[~music] < limit).mean()),
        "unheard_sources": {
            source: {
                "n": int((sounds.sources == source).sum()),
                "refused": float((scores[sounds.sources == source] < limit).mean()),
            }
            for source in sorted(set(sounds.sources.tolist()))
        },
        "tests": tested,
    }
    return save_model(settings.out, card, arrays)


class Listener:
    """Gate features of samples at 16 kHz."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone

    def features(self, y: np.ndarray) -> np.ndarray:
        """(n_samples,) -> (100,); a clip shorter than a patch is repeated, as the classifier does."""
        log_mel = musicnn_log_mel(y)
        if len(log_mel) < PATCH_FRAMES:
            log_mel = np.take(log_mel, np.arange(PATCH_FRAMES), axis=0, mode="wrap")
        return gate_features(self.backbone.activations(log_mel, patch_hop=SEGMENT_HOP_FRAMES).taggram)


def fit_gate(sounds: Sounds, settings: Settings) -> dict[str, np.ndarray]:
    """Kernel ridge on music against the rest, and on each family of the rest; both sides weigh the same."""
    centre = sounds.features.mean(axis=0)
    spread = np.maximum(sounds.features.std(axis=0), SPREAD_FLOOR)
    features = ((sounds.features - centre) / spread).astype(np.float32).astype(np.float64)
    gamma = settings.width / features.shape[1]
    music = sounds.families == "music"
    families = sorted(set(sounds.families[~music].tolist()))
    targets = np.stack([np.where(music, 1.0, -1.0), *(sounds.families == family for family in families)], axis=1)
    weight = np.where(music, 0.5 / music.mean(), 0.5 / (~music).mean())
    kernel = laplacian_kernel(features, features, gamma=gamma)
    return {
        "centre": centre.astype(np.float32),
        "spread": spread.astype(np.float32),
        "support": features.astype(np.float32),
        "weights": np.linalg.solve(kernel + settings.ridge * np.diag(1 / weight), targets).astype(np.float32),
        "gamma": np.array(gamma),
        "families": np.array(families),
    }


def _unheard_scores(sounds: Sounds, settings: Settings) -> np.ndarray:
    scores = np.empty(len(sounds.sources))
    for source in set(sounds.sources.tolist()):
        held_out = sounds.sources == source
        heard = Sounds(sounds.features[~held_out], sounds.families[~held_out], sounds.sources[~held_out])
        scores[held_out] = _music_scores(fit_gate(heard, settings), sounds.features[held_out])
    return scores


def _music_scores(arrays: dict[str, np.ndarray], features: np.ndarray) -> np.ndarray:
    standard = (features - arrays["centre"]) / arrays["spread"]
    return laplacian_kernel(standard, arrays["support"], gamma=float(arrays["gamma"])) @ arrays["weights"][:, 0]


def _collect(settings: Settings, listener: Listener, rng: np.random.Generator) -> Sounds:
    rows: list[tuple[np.ndarray, str, str]] = []
    tracks = load_taggrams(settings.taggrams)
    folds = block_folds(tracks.ids, tracks.labels, n_folds=settings.n_folds)
    for taggram, fold in zip(tracks.tracks, folds.tolist(), strict=True):
        n_patches = int(rng.integers(1, 8))
        start = int(rng.integers(0, len(taggram) - n_patches + 1)) if len(taggram) > n_patches else 0
        for clip in (taggram, taggram[start : start + n_patches]):
            rows.append((gate_features(clip), "music", f"taggrams, block {fold}"))
    for folder in settings.music:
        rows += [(listener.features(y), "music", folder.name) for y in _music_clips(folder, rng)]
    for kind in KINDS:
        family = "tone" if kind in TONAL else "noise"
        for _ in range(settings.clips_per_kind):
            y = non_music(kind, rng, duration_s=rng.uniform(3, 15), sr=MUSICNN_SR)
            rows.append((listener.features(y), family, f"synthetic {kind}"))
    for family, folders in (("speech", settings.speech), ("effect", settings.effects)):
        for folder in folders:
            clips = _mixed_clips(folder, rng, n_clips=settings.clips_per_kind)
            rows += [(listener.features(y), family, folder.name) for y in clips]
    return Sounds(*(np.array(column) for column in zip(*rows, strict=True)))


def _score_tests(
    settings: Settings, listener: Listener, arrays: dict[str, np.ndarray], rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    found = {}
    for folder, music in [(f, True) for f in settings.test_music] + [(f, False) for f in settings.test_other]:
        clips = _music_clips(folder, rng) if music else _mixed_clips(folder, rng, n_clips=settings.clips_per_kind)
        scores = _music_scores(arrays, np.array([listener.features(y) for y in clips]))
        found[folder.name] = {
            "music": music,
            "n": len(scores),
            "refused": float((scores < arrays["limit"]).mean()),
        }
    return found


def _music_clips(folder: Path, rng: np.random.Generator) -> list[np.ndarray]:
    """Of each recording the first 90 s and two clips of 4 to 25 s; recordings shorter than 15 s once."""
    clips = []
    for path in _recordings(folder):
        y = _read(path)
        clips.append(y[: 90 * MUSICNN_SR])
        if y.size > 15 * MUSICNN_SR:
            for _ in range(2):
                length = int(rng.uniform(4, 25) * MUSICNN_SR)
                start = int(rng.uniform(0, max(y.size - length, 1)))
                clips.append(y[start : start + length])
    return clips


def _mixed_clips(folder: Path, rng: np.random.Generator, *, n_clips: int) -> list[np.ndarray]:
    """Clips of 4 to 15 s from recordings in random order with short pauses."""
    recordings = [_read(path) for path in _recordings(folder)]
    clips = []
    for _ in range(n_clips):
        length = int(rng.uniform(4, 15) * MUSICNN_SR)
        parts: list[np.ndarray] = []
        while sum(part.size for part in parts) < length:
            pause = np.zeros(int(rng.uniform(0.05, 0.6) * MUSICNN_SR), dtype=np.float32)
            parts += [recordings[rng.integers(len(recordings))], pause]
        clips.append(np.concatenate(parts)[:length])
    return clips


def _recordings(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise ModelError(f"{folder}: no recordings ({', '.join(SUFFIXES)})")
    return found


def _read(path: Path) -> np.ndarray:
    try:
        return load(path, sr=MUSICNN_SR)
    except AudioError as error:
        raise ModelError(f"{path}: cannot be learned from ({error})") from error


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from flags, which are the fields of `Settings`."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    for setting in dataclasses.fields(Settings):
        flag = f"--{setting.name.replace('_', '-')}"
        if setting.default == ():
            parser.add_argument(flag, type=Path, nargs="+", default=())
        else:
            required = setting.default is dataclasses.MISSING
            parser.add_argument(flag, type=setting.type, required=required, default=argparse.SUPPRESS)
    flags = vars(parser.parse_args(arguments))
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in flags.items()}
    return Settings(**fields)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, train, print what is refused."""
    card = train(read_settings(arguments))
    print(
        f"{card['name']}: refuses {card['music_refused']:.1%} of unheard music, {card['other_refused']:.1%} of the rest"
    )
    for title in ("unheard_sources", "tests"):
        for source, figures in card[title].items():
            print(f"{title.replace('_', ' '):<16} {source:<28} {figures['n']:>5} {figures['refused']:>7.1%}")


if __name__ == "__main__":
    main()
