"""Train the gate that tells music from the rest.

`python -m models.train_music_gate --taggrams FILE.npz --material FOLDER --out FOLDER`

Music is the labelled tag activations and the recordings under `music`; the rest is synthesised
(`datasets.non_music`), or cut together from the short recordings under `speech` and `effect`. The material is laid
out as `train/<family>/<source>/` and `test/<family>/<source>/`, each source with a one-line `LICENCE`
(`python -m benchmarks.gate_material` lays it out). Each source in `train` is scored by a gate that never heard it, as
is each kind of synthetic sound and each block of artists; those in `test` by the gate that is shipped. The limit is
the score that all but `refused_share` of the unheard music reaches.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.non_music import KINDS, non_music
from datasets.sources import Source, load_sources
from datasets.splits import block_folds
from datasets.taggrams import TaggramSet, load_taggrams
from features.audio import load
from features.cache import sha256_of
from features.errors import AudioError
from features.spectrogram import MUSICNN_SR, PATCH_FRAMES, musicnn_log_mel
from models.backbone import SEGMENT_HOP_FRAMES, Backbone
from models.errors import ModelError
from models.evaluation.text import gate_text
from models.genre_head import GenreHead, laplacian_kernel
from models.model_folder import save_model
from models.music_gate import KIND, MusicGate, gate_features
from models.paths import PRETRAINED_DIR

FAMILIES = ("music", "speech", "effect")
TONAL = ("tone", "sweep", "hum", "alarm")  # the other synthetic kinds are noises
SPREAD_FLOOR = 1e-6
Row = tuple[np.ndarray, str, str, bool]  # of `Sounds`


@dataclass(frozen=True)
class Settings:
    """What is trained, on what, and how strict it is.

    Attributes
    ----------
    clips_per_kind : int
        Of each synthetic kind, and of each folder of speech or effects.
    head : Path
        Folder of the genre head that follows the gate: it abstains on much of what passes.
    refused_share : float
        Share of unheard music that is refused.
    """

    taggrams: Path
    material: Path
    out: Path
    name: str = "music-gate-1"
    version: str = "1"
    created: str = "2026-11-24"
    backbone: str = "MSD_musicnn"
    head: Path = PRETRAINED_DIR / "gtzan-musicnn-1"
    clips_per_kind: int = 40
    n_folds: int = 5
    width: float = 0.5
    ridge: float = 0.1
    refused_share: float = 0.01
    seed: int = 0


@dataclass(frozen=True)
class Sounds:
    """Gate features (n, 100) of clips, their families ("music", "speech", …), the source that each came from, and
    whether the genre head would name a genre for it.
    """

    features: np.ndarray
    families: np.ndarray
    sources: np.ndarray
    named: np.ndarray

    def where(self, chosen: np.ndarray) -> "Sounds":
        """The clips where `chosen`, bool of shape (n,), is true."""
        return Sounds(self.features[chosen], self.families[chosen], self.sources[chosen], self.named[chosen])


def train(settings: Settings) -> dict[str, Any]:
    """Collect, cross-validate over sources, fit on everything, save; returns the card."""
    rng = np.random.default_rng(settings.seed)
    listener = Listener(Backbone.load(settings.backbone), GenreHead.load(settings.head))
    training, tests = (load_sources(settings.material / part, families=FAMILIES) for part in ("train", "test"))
    taggrams = load_taggrams(settings.taggrams)
    own = _labelled(taggrams, settings, listener, rng) + _synthetic(settings, listener, rng)
    sounds = _sounds(own + _recorded(training, settings, listener, rng))
    scores = _unheard_scores(sounds, settings)
    music = sounds.families == "music"
    arrays = fit_gate(sounds, settings) | {"limit": np.array(np.quantile(scores[music], settings.refused_share))}
    heard = _sounds(_recorded(tests, settings, listener, rng))
    card = {
        "name": settings.name,
        "version": settings.version,
        "kind": KIND,
        "created": settings.created,
        "backbone": settings.backbone,
        "head": listener.head.name,
        "licence": "Apache-2.0",
        "data": {
            "taggrams": {"sha256": sha256_of(settings.taggrams), "n_tracks": len(taggrams), "licence": "ISC"},
            "train": [_described(source) for source in training],
            "test": [_described(source) for source in tests],
            "n_sounds": len(scores),
        },
        "settings": {
            field.name: getattr(settings, field.name)
            for field in dataclasses.fields(Settings)
            if field.type in (int, float)
        },
        "unheard": _figures(sounds, scores < arrays["limit"]),
        "test": _figures(heard, _music_scores(arrays, heard.features) < arrays["limit"]),
    }
    return save_model(settings.out, card, arrays)


class Listener:
    """What the product would hear in samples at 16 kHz."""

    def __init__(self, backbone: Backbone, head: GenreHead) -> None:
        self.backbone = backbone
        self.head = head

    def listen(self, y: np.ndarray) -> np.ndarray:
        """Taggram of (n_samples,); a clip shorter than a patch is repeated, as the classifier does."""
        log_mel = musicnn_log_mel(y)
        if len(log_mel) < PATCH_FRAMES:
            log_mel = np.take(log_mel, np.arange(PATCH_FRAMES), axis=0, mode="wrap")
        return self.backbone.activations(log_mel, patch_hop=SEGMENT_HOP_FRAMES).taggram

    def names(self, taggram: np.ndarray) -> bool:
        """Whether the genre head does not abstain."""
        return not self.head.abstains(self.head.prediction_set(self.head.track_probabilities(taggram)))

    def row(self, taggram: np.ndarray, family: str, source: str) -> Row:
        """One clip of `Sounds`."""
        return gate_features(taggram), family, source, self.names(taggram)


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
        scores[held_out] = _music_scores(fit_gate(sounds.where(~held_out), settings), sounds.features[held_out])
    return scores


def _music_scores(arrays: dict[str, np.ndarray], features: np.ndarray) -> np.ndarray:
    """As the product scores; no limit is needed for that."""
    return MusicGate({"limit": np.array(np.nan)} | arrays).feature_scores(features)[:, 0]


def _figures(sounds: Sounds, refused: np.ndarray) -> dict[str, Any]:
    """Shares that are refused, and that are given a genre all the same; of music, of the rest, and by source."""

    def of(chosen: np.ndarray) -> dict[str, Any]:
        named = sounds.named & ~refused
        return {
            "n": int(chosen.sum()),
            "refused": float(refused[chosen].mean()),
            "named": float(named[chosen].mean()),
        }

    music = sounds.families == "music"
    by_source = {source: of(sounds.sources == source) for source in sorted(set(sounds.sources.tolist()))}
    return {"music": of(music), "other": of(~music), "sources": by_source}


def _sounds(rows: list[Row]) -> Sounds:
    return Sounds(*(np.array(column) for column in zip(*rows, strict=True)))


def _labelled(tracks: TaggramSet, settings: Settings, listener: Listener, rng: np.random.Generator) -> list[Row]:
    """Of each track the whole and a clip of 1 to 7 patches."""
    rows = []
    folds = block_folds(tracks.ids, tracks.labels, n_folds=settings.n_folds)
    for taggram, fold in zip(tracks.tracks, folds.tolist(), strict=True):
        n_patches = int(rng.integers(1, 8))
        start = int(rng.integers(0, len(taggram) - n_patches + 1)) if len(taggram) > n_patches else 0
        for clip in (taggram, taggram[start : start + n_patches]):
            rows.append(listener.row(clip, "music", f"taggrams, block {fold}"))
    return rows


def _synthetic(settings: Settings, listener: Listener, rng: np.random.Generator) -> list[Row]:
    rows = []
    for kind in KINDS:
        family = "tone" if kind in TONAL else "noise"
        for _ in range(settings.clips_per_kind):
            y = non_music(kind, rng, duration_s=rng.uniform(3, 15), sr=MUSICNN_SR)
            rows.append(listener.row(listener.listen(y), family, f"synthetic {kind}"))
    return rows


def _recorded(sources: Sequence[Source], settings: Settings, listener: Listener, rng: np.random.Generator) -> list[Row]:
    rows = []
    for source in sources:
        if source.family == "music":
            clips = _music_clips(source.recordings, rng)
        else:
            clips = _mixed_clips(source.recordings, rng, n_clips=settings.clips_per_kind)
        rows += [listener.row(listener.listen(y), source.family, source.name) for y in clips]
    return rows


def _described(source: Source) -> dict[str, Any]:
    return dataclasses.asdict(source) | {"recordings": len(source.recordings)}


def _music_clips(recordings: Sequence[Path], rng: np.random.Generator) -> list[np.ndarray]:
    """Of each recording the first 90 s and two clips of 4 to 25 s; recordings shorter than 15 s once."""
    clips = []
    for path in recordings:
        y = _read(path)
        clips.append(y[: 90 * MUSICNN_SR])
        if y.size > 15 * MUSICNN_SR:
            for _ in range(2):
                length = int(rng.uniform(4, 25) * MUSICNN_SR)
                start = int(rng.uniform(0, max(y.size - length, 1)))
                clips.append(y[start : start + length])
    return clips


def _mixed_clips(recordings: Sequence[Path], rng: np.random.Generator, *, n_clips: int) -> list[np.ndarray]:
    """Clips of 4 to 15 s from recordings in random order with short pauses."""
    spoken = [_read(path) for path in recordings]
    clips = []
    for _ in range(n_clips):
        length = int(rng.uniform(4, 15) * MUSICNN_SR)
        parts: list[np.ndarray] = []
        while sum(part.size for part in parts) < length:
            pause = np.zeros(int(rng.uniform(0.05, 0.6) * MUSICNN_SR), dtype=np.float32)
            parts += [spoken[rng.integers(len(spoken))], pause]
        clips.append(np.concatenate(parts)[:length])
    return clips


def _read(path: Path) -> np.ndarray:
    try:
        return load(path, sr=MUSICNN_SR)
    except AudioError as error:
        raise ModelError(f"{path}: cannot be learned from ({error})") from error


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from flags, which are the fields of `Settings`."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    for setting in dataclasses.fields(Settings):
        required = setting.default is dataclasses.MISSING
        flag = f"--{setting.name.replace('_', '-')}"
        parser.add_argument(flag, type=setting.type, required=required, default=argparse.SUPPRESS)
    return Settings(**vars(parser.parse_args(arguments)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, train, print what is refused."""
    print(gate_text(train(read_settings(arguments))))


if __name__ == "__main__":
    main()
