"""Train the prior's baselines: `python -m models.train_baselines --data CORPUS --autoencoder FOLDER --out FOLDER`.

N-grams, a recurrent network and an adversarial one learn from the same codes as the prior, and each becomes a model
folder, `FOLDER/ngram`, `FOLDER/gru`, `FOLDER/gan`, that `models.baselines.sources` makes codes with. Stopped at any
moment and called again, it goes on where it was.
"""

import argparse
import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from datasets.composers import GENRES
from datasets.readers import read_corpus
from models.baselines.gan import GanInference, GanSettings
from models.baselines.gan_fit import GanFitSettings, fit_gan
from models.baselines.gru import GruInference
from models.baselines.gru import build as build_gru
from models.baselines.ngram import Ngrams, NgramSettings
from models.code_source import CodeSource, code_source
from models.corpus_facts import corpus_facts
from models.errors import ModelError
from models.model_folder import save_model
from models.prior import arrays_of
from models.prior_data import CodedClip, by_split, coded_clips
from models.prior_fit import PriorFitSettings, bits_of, fit
from models.prior_settings import GruSettings
from models.setting_ranges import check_ranges
from models.settings_file import read_fields, settings_of
from models.tensorflow_runtime import keras
from models.vqvae_inference import VqvaeInference

KINDS = ("ngram", "gru", "gan")
WORK_FOLDER, LOG_FOLDER, SHARD_FOLDER = "work", "logs", "codes"
MEASURED_CROPS = 400  # of each split, evenly spread
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Settings:
    """What is trained, on what.

    Attributes
    ----------
    data : Path
        Corpus, read as `layout` says.
    out : Path
        Folder of the models' folders.
    autoencoder : Path
        Folder of the model whose codes are learned.
    codes : Path, optional
        Where encoded recordings are kept; that of the prior's training saves encoding them again. `out`/codes by
        default.
    kinds : tuple of str
        What is trained, of `KINDS`.
    version : str
        Of the models.
    layout : str
        Of `datasets.readers.LAYOUTS`.
    licence : str
        Of the models, as their cards state it.
    genres : tuple of str
        In the order of the genre mix.
    seed : int
        Of weights and everything drawn.
    gru_hours : float
        For fitting the recurrent network, of one call, at most.
    ngram, gru, gan : NgramSettings, GruSettings, GanSettings
        What is fitted; the numbers of codebooks, codes and genres and the size of latents are those of the autoencoder
        and of `genres`.
    gru_fit, gan_fit : PriorFitSettings, GanFitSettings
        How.
    """

    data: Path
    out: Path
    autoencoder: Path
    codes: Path | None = None
    kinds: tuple[str, ...] = KINDS
    version: str = "1"
    layout: str = "manifest"
    licence: str = "as the recordings allow"
    genres: tuple[str, ...] = GENRES
    seed: int = 0
    gru_hours: float = 0.5
    ngram: NgramSettings = field(default_factory=NgramSettings)
    gru: GruSettings = field(default_factory=GruSettings)
    gru_fit: PriorFitSettings = field(default_factory=PriorFitSettings)
    gan: GanSettings = field(default_factory=GanSettings)
    gan_fit: GanFitSettings = field(default_factory=GanFitSettings)

    def __post_init__(self) -> None:
        check_ranges(self, seed=(0, 2**31 - 1), gru_hours=(0.0, 1e6))
        if not self.kinds or not set(self.kinds) <= set(KINDS):
            raise ModelError(f"kinds {', '.join(self.kinds) or 'none'}: expected some of {', '.join(KINDS)}")
        if not self.genres or len(set(self.genres)) != len(self.genres):
            raise ModelError(f"genres {', '.join(self.genres) or 'none'}: expected at least one, each once")


@dataclass(frozen=True)
class _Material:
    """Coded clips by split, and what their codes are."""

    training: list[CodedClip]
    validation: list[CodedClip]
    test: list[CodedClip]
    source: CodeSource
    codebooks: np.ndarray
    facts: dict[str, Any]

    @property
    def held_out(self) -> dict[str, list[CodedClip]]:
        return {"validation": self.validation, "test": self.test}


def train(settings: Settings, *, progress: Progress | None = None) -> dict[str, dict[str, Any]]:
    """Train, measure, save.

    Parameters
    ----------
    settings : Settings
        Everything that decides on the result.
    progress : callable, optional
        Called with what is going on, in words, and the share of it that is done. What it raises ends the work.

    Returns
    -------
    dict of str to dict
        The cards by kind, as saved.

    Raises
    ------
    DatasetError, ModelError
        If the corpus cannot be read or is too small; the message says what is missing.
    """
    tell = progress or _say_nothing
    material = _material(settings, tell)
    trainers = {"ngram": _train_ngram, "gru": _train_gru, "gan": _train_gan}
    cards = {}
    for kind in settings.kinds:
        fields, arrays = trainers[kind](settings, material, _prefixed(kind, tell))
        cards[kind] = save_model(settings.out / kind, _card(settings, kind, material) | fields, arrays)
    return cards


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, train, print what came of it."""
    settings = read_settings(arguments)
    cards = train(settings, progress=lambda words, share: print(f"{share:4.0%}  {words}", flush=True))
    print(json.dumps({kind: {name: card[name] for name in ("validation", "test")} for kind, card in cards.items()}))


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from flags; `--config FILE` holds any other field as JSON or TOML. A flag counts more than the file."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--out", type=Path, required=True, help="folder of the models")
    parser.add_argument("--autoencoder", type=Path, required=True, help="folder of the model whose codes are learned")
    parser.add_argument("--codes", type=Path, default=argparse.SUPPRESS, help="folder of encoded recordings")
    parser.add_argument("--kinds", nargs="+", default=argparse.SUPPRESS, help=f"some of {', '.join(KINDS)}")
    parser.add_argument("--config", type=Path, help="JSON or TOML with fields of the settings")
    parser.add_argument("--seed", type=int, default=argparse.SUPPRESS)
    flags = vars(parser.parse_args(arguments))
    config = flags.pop("config")
    fields = {} if config is None else read_fields(config)
    if not isinstance(fields, dict) or {"data", "out", "autoencoder", "codes"} & set(fields):
        raise ModelError(f"{config}: expected an object with settings, without data, out, autoencoder and codes: flags")
    return settings_of(Settings, {**fields, **flags}, where=str(config or "flags"))


def _material(settings: Settings, tell: Progress) -> _Material:
    source = code_source(settings.autoencoder)
    manifest = read_corpus(settings.data, settings.layout).with_hashes()
    clips = coded_clips(
        manifest,
        source,
        folder=settings.codes or settings.out / SHARD_FOLDER,
        genres=settings.genres,
        progress=lambda done, total: tell(f"encoding {done} of {total} recordings", done / total),
    )
    training, validation, test = by_split(clips)
    if not training:
        raise ModelError(f"{settings.data}: no recording of the train split, or without split; expected some")
    hours = sum(clip.plan.n_frames for clip in training) / source.frames_per_s / 3600
    facts = corpus_facts(manifest, settings.layout) | {
        "n_training": len(training),
        "training_hours": round(hours, 3),
    }
    return _Material(training, validation, test, source, VqvaeInference.load(settings.autoencoder).codebooks, facts)


Trained = tuple[dict[str, Any], dict[str, np.ndarray]]  # fields of the card, and weights


def _train_ngram(settings: Settings, material: _Material, _tell: Progress) -> Trained:
    shape = replace(settings.ngram, **_codes(settings, material))
    ngrams = Ngrams.fit([clip.codes for clip in material.training], [clip.genre for clip in material.training], shape)
    fields: dict[str, Any] = {"network": dataclasses.asdict(shape)}
    for split, clips in material.held_out.items():
        lengths = [clip.plan.n_frames for clip in clips]
        bits = [ngrams.bits(clip.codes, clip.genre) for clip in clips]
        fields[split] = {"bits": _rounded(np.average(bits, axis=0, weights=lengths))} if clips else None
    return fields, ngrams.arrays()


def _train_gru(settings: Settings, material: _Material, tell: Progress) -> Trained:
    shape = replace(settings.gru, **_codes(settings, material))
    keras.utils.set_random_seed(settings.seed)
    network = build_gru(shape)
    fitted = fit(
        network,
        material.training,
        material.validation,
        codes=shape,
        settings=settings.gru_fit,
        seed=settings.seed,
        checkpoints=settings.out / "gru" / WORK_FOLDER,
        logs=settings.out / "gru" / LOG_FOLDER,
        budget_s=3600 * settings.gru_hours,
        progress=lambda epoch, figures: tell(
            f"epoch {epoch}, " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items() if "_" not in name),
            epoch / settings.gru_fit.epochs,
        ),
    )
    arrays = _in_float16(arrays_of(network))
    GruInference(arrays, shape)  # what is saved can be run
    fields: dict[str, Any] = {
        "network": dataclasses.asdict(shape),
        "fit": dataclasses.asdict(settings.gru_fit),
        "epochs": len(fitted.history["bits"]),
        "best_epoch": fitted.best_epoch,
        "finished": fitted.finished,
    }
    for split, clips in material.held_out.items():
        fields[split] = None
        if clips:
            bits = bits_of(
                network,
                clips,
                codes=shape,
                crop_frames=settings.gru_fit.crop_frames,
                most_crops=MEASURED_CROPS,
                batch_size=settings.gru_fit.batch_size,
            )
            fields[split] = {"bits": _rounded(bits)}
    return fields, arrays


def _train_gan(settings: Settings, material: _Material, tell: Progress) -> Trained:
    shape = replace(settings.gan, latent_dim=int(material.codebooks.shape[-1]), n_genres=len(settings.genres))
    arrays, history = fit_gan(
        material.training,
        material.validation,
        material.codebooks,
        shape=shape,
        settings=settings.gan_fit,
        seed=settings.seed,
        checkpoints=settings.out / "gan" / WORK_FOLDER,
        logs=settings.out / "gan" / LOG_FOLDER,
        progress=lambda step, share, figures: tell(
            f"step {step}, " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()), share
        ),
    )
    weights = {name: array for name, array in arrays.items() if name.startswith("generator/")}
    arrays |= _in_float16(weights)
    GanInference(arrays, shape)  # what is saved can be run
    last = history[-1]
    fields = {
        "network": dataclasses.asdict(shape),
        "fit": dataclasses.asdict(settings.gan_fit),
        "steps": last["step"],
        "validation": {"frechet_of_latents": round(last["val_frechet"], 4)} if "val_frechet" in last else None,
        "test": None,
    }
    return fields, arrays


def _codes(settings: Settings, material: _Material) -> dict[str, int]:
    source = material.source
    return {"n_codebooks": source.n_codebooks, "n_codes": source.n_codes, "n_genres": len(settings.genres)}


def _in_float16(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array.astype(np.float16) for name, array in arrays.items()}


def _rounded(bits: np.ndarray) -> list[float]:
    return [round(float(each), 4) for each in bits]


def _card(settings: Settings, kind: str, material: _Material) -> dict[str, Any]:
    return {
        "name": kind,
        "version": settings.version,
        "kind": kind,
        "created": f"{datetime.now(UTC):%Y-%m-%d}",
        "licence": settings.licence,
        "genres": list(settings.genres),
        "codes": {"source": material.source.name, "frames_per_s": material.source.frames_per_s},
        "data": material.facts,
        "seed": settings.seed,
    }


def _prefixed(kind: str, tell: Progress) -> Progress:
    """Progress that says what it is of."""
    tell(f"{kind}: begun", 0.0)
    return lambda words, share: tell(f"{kind}: {words}", share)


def _say_nothing(_words: str, _share: float) -> None:
    """Nobody wants to know."""


if __name__ == "__main__":
    main()
