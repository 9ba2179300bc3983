"""Train the generator's prior: `python -m models.train_prior --data CORPUS --autoencoder FOLDER --out FOLDER`.

Encodes the corpus once, fits a transformer over its codes, measures it beside n-grams on recordings that neither ever
saw, and saves the model with its card. Stopped at any moment and called again, it goes on where it was; where its
time is up before its epochs are, it saves what it has, and the same call goes on. While it runs, `FOLDER/logs` can be
watched with TensorBoard, and `FOLDER/samples` shows and plays what it makes of the plans of three recordings.
"""

import argparse
import dataclasses
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from datasets.composers import GENRES
from datasets.manifest import Manifest
from datasets.readers import read_corpus
from features.cache import sha256_of
from models.baselines.ngram import Ngrams, NgramSettings
from models.code_source import CodeSource, code_source
from models.code_stream import make_codes
from models.corpus_facts import corpus_facts
from models.errors import ModelError
from models.model_folder import NAME, WEIGHTS_FILE, load_weights, save_model
from models.named_weights import set_weights
from models.plan import Plan
from models.prior import arrays_of, build
from models.prior_data import CodedClip, by_split, coded_clips
from models.prior_fit import PriorFit, PriorFitSettings, bits_of, fit
from models.prior_inference import KIND, PriorInference
from models.prior_settings import PriorSettings
from models.reconstruction_samples import write_made
from models.setting_ranges import check_ranges
from models.settings_file import read_fields, settings_of
from models.tensorflow_runtime import keras
from models.vqvae_inference import VqvaeInference

ARCHITECTURE = "transformer-delay-pattern"
WORK_FOLDER, LOG_FOLDER, SHARD_FOLDER, SAMPLE_FOLDER = "work", "logs", "codes", "samples"
N_SAMPLES, SAMPLE_FRAMES = 3, 256
MEASURED_CROPS = 400  # of each split, evenly spread
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Settings:
    """What is trained, on what.

    Attributes
    ----------
    data : Path
        Corpus, read as `layout` says. Its splits count: without "validation" and "test" nothing is measured there.
    out : Path
        Folder of the model; codes, checkpoints and logs lie in it while it is trained.
    autoencoder : Path
        Folder of the model whose codes are learned.
    start : Path or None
        Folder of a prior over the same codes, of the same shape, to begin from.
    name, version : str
        Of the model.
    layout : str
        Of `datasets.readers.LAYOUTS`.
    licence : str
        Of the model, as its card states it.
    genres : tuple of str
        In the order of the genre mix.
    seed : int
        Of weights, crops and what is dropped.
    hours : float
        For fitting, of one call, at most.
    sample_minutes : float
        Between two samples; some are made at the end in any case.
    network : PriorSettings
        What is fitted; the numbers of codebooks, codes and genres are those of the autoencoder and of `genres`.
    fit : PriorFitSettings
        How.
    """

    data: Path
    out: Path
    autoencoder: Path
    start: Path | None = None
    name: str = "prior"
    version: str = "1"
    layout: str = "manifest"
    licence: str = "as the recordings allow"
    genres: tuple[str, ...] = GENRES
    seed: int = 0
    hours: float = 1.5
    sample_minutes: float = 15.0
    network: PriorSettings = field(default_factory=PriorSettings)
    fit: PriorFitSettings = field(default_factory=PriorFitSettings)

    def __post_init__(self) -> None:
        check_ranges(self, seed=(0, 2**31 - 1), hours=(0.0, 1e6), sample_minutes=(0.0, 1e6))
        if not NAME.fullmatch(self.name):
            raise ModelError(f"name {self.name!r}: expected a-z, 0-9, '-', '_', '.', at most 64, no other characters")
        if not self.genres or len(set(self.genres)) != len(self.genres):
            raise ModelError(f"genres {', '.join(self.genres) or 'none'}: expected at least one, each once")


def train(settings: Settings, *, source: CodeSource | None = None, progress: Progress | None = None) -> dict[str, Any]:
    """Train, measure, save.

    Parameters
    ----------
    settings : Settings
        Everything that decides on the result.
    source : CodeSource, optional
        What encodes recordings; the autoencoder of the settings by default.
    progress : callable, optional
        Called with what is going on, in words, and the share of it that is done. What it raises ends the work.

    Returns
    -------
    dict
        The model's card, as saved.

    Raises
    ------
    DatasetError, ModelError
        If the corpus cannot be read or is too small; the message says what is missing.
    """
    tell = progress or _say_nothing
    autoencoder = None if source else VqvaeInference.load(settings.autoencoder)  # a source given makes no sound
    source = source or code_source(settings.autoencoder)
    manifest = read_corpus(settings.data, settings.layout).with_hashes()
    clips = coded_clips(
        manifest,
        source,
        folder=settings.out / SHARD_FOLDER,
        genres=settings.genres,
        progress=lambda done, total: tell(f"encoding {done} of {total} recordings", done / total),
    )
    training, validation, test = by_split(clips)
    if not training:
        raise ModelError(f"{settings.data}: no recording of the train split, or without split; expected some")

    shape = replace(
        settings.network, n_codebooks=source.n_codebooks, n_codes=source.n_codes, n_genres=len(settings.genres)
    )
    network = _first_network(settings, shape, source)
    samples = _Samples(settings, network, shape, autoencoder, [clip.plan for clip in validation or training])

    def tell_epoch(epoch: int, figures: dict[str, float]) -> None:
        tell(_words(epoch, figures), epoch / settings.fit.epochs)
        samples.write(epoch)

    fitted = fit(
        network,
        training,
        validation,
        codes=shape,
        settings=settings.fit,
        seed=settings.seed,
        checkpoints=settings.out / WORK_FOLDER,
        logs=settings.out / LOG_FOLDER,
        budget_s=3600 * settings.hours,
        progress=tell_epoch,
    )
    samples.write(fitted.best_epoch, last=True)
    arrays = {name: array.astype(np.float16) for name, array in arrays_of(network).items()}  # half the size
    PriorInference(arrays, shape)  # what is saved can be run
    card = _card(settings, manifest, source, shape, fitted, training)
    ngrams = _ngrams(training, shape)
    for split, held_out in (("validation", validation), ("test", test)):
        tell(f"measuring {len(held_out)} recordings of the {split} split", 1.0)
        card[split] = _figures(network, ngrams, held_out, settings, shape) if held_out else None
    return save_model(settings.out, card, arrays)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, train, print what came of it."""
    settings = read_settings(arguments)
    card = train(settings, progress=lambda words, share: print(f"{share:4.0%}  {words}", flush=True))
    print(json.dumps({name: card[name] for name in ("epochs", "finished", "validation", "test")}, indent=1))


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from flags; `--config FILE` holds `network`, `fit` and any other field as JSON or TOML.

    A flag counts more than the file.
    """
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    parser.add_argument("--autoencoder", type=Path, required=True, help="folder of the model whose codes are learned")
    parser.add_argument("--config", type=Path, help="JSON or TOML with fields of the settings")
    parser.add_argument("--start", type=Path, default=argparse.SUPPRESS, help="folder of a prior to begin from")
    parser.add_argument("--hours", type=float, default=argparse.SUPPRESS, help="time for fitting, at most")
    parser.add_argument("--seed", type=int, default=argparse.SUPPRESS)
    for name in ("name", "version", "layout", "licence"):
        parser.add_argument(f"--{name}", default=argparse.SUPPRESS)
    flags = vars(parser.parse_args(arguments))
    config = flags.pop("config")
    fields = {} if config is None else read_fields(config)
    if not isinstance(fields, dict) or {"data", "out", "autoencoder", "start"} & set(fields):
        raise ModelError(f"{config}: expected an object with settings, without those of folders, which are flags")
    return settings_of(Settings, {**fields, **flags}, where=str(config or "flags"))


def _first_network(settings: Settings, shape: PriorSettings, source: CodeSource) -> keras.Model:
    """A new network, or that of the folder to start from."""
    keras.utils.set_random_seed(settings.seed)
    network = build(shape, precision=settings.fit.precision)
    if settings.start is not None:
        card, arrays = load_weights(settings.start, kind=KIND)
        if card["codes"]["source"] != source.name:
            raise ModelError(
                f"{settings.start}: it learned the codes of {card['codes']['source']}, not of {source.name}: "
                "start from a prior over the same codes"
            )
        set_weights(network, arrays, what="prior")
    return network


class _Samples:
    """What the network makes of the plans of some recordings, written now and then."""

    def __init__(
        self,
        settings: Settings,
        network: keras.Model,
        shape: PriorSettings,
        autoencoder: VqvaeInference | None,
        plans: Sequence[Plan],
    ) -> None:
        self._settings, self._network, self._shape, self._autoencoder = settings, network, shape, autoencoder
        spread = np.unique(np.linspace(0, len(plans) - 1, N_SAMPLES).round().astype(int))
        self._plans = [plans[index][:SAMPLE_FRAMES] for index in spread]
        self._written_at = time.monotonic()

    def write(self, epoch: int, *, last: bool = False) -> None:
        """Write them if it is time, or the last."""
        due = last or time.monotonic() - self._written_at >= 60 * self._settings.sample_minutes
        if self._autoencoder is None or not due:
            return
        prior = PriorInference(arrays_of(self._network), self._shape)
        for index, plan in enumerate(self._plans):
            (codes,) = make_codes(prior, [plan], seeds=[index])
            name = f"{'best' if last else f'epoch-{epoch:04d}'}-{index}"
            write_made(self._settings.out / SAMPLE_FOLDER, name, self._autoencoder.decode(codes))
        self._written_at = time.monotonic()


def _ngrams(clips: Sequence[CodedClip], shape: PriorSettings) -> Ngrams:
    settings = NgramSettings(n_codebooks=shape.n_codebooks, n_codes=shape.n_codes, n_genres=shape.n_genres)
    return Ngrams.fit([clip.codes for clip in clips], [clip.genre for clip in clips], settings)


def _figures(
    network: keras.Model, ngrams: Ngrams, clips: Sequence[CodedClip], settings: Settings, shape: PriorSettings
) -> dict[str, Any]:
    """Bits of a code of each codebook: with the plan, told nothing, and of n-grams."""
    found = {}
    for name, told in (("bits", True), ("bits_untold", False)):
        found[name] = bits_of(
            network,
            clips,
            codes=shape,
            crop_frames=settings.fit.crop_frames,
            most_crops=MEASURED_CROPS,
            batch_size=settings.fit.batch_size,
            told=told,
        )
    lengths = [clip.plan.n_frames for clip in clips]
    found["bits_ngram"] = np.average([ngrams.bits(clip.codes, clip.genre) for clip in clips], axis=0, weights=lengths)
    rounded = {name: [round(float(each), 4) for each in bits] for name, bits in found.items()}
    return {"n_recordings": len(clips)} | rounded


def _card(
    settings: Settings,
    manifest: Manifest,
    source: CodeSource,
    shape: PriorSettings,
    fitted: PriorFit,
    training: Sequence[CodedClip],
) -> dict[str, Any]:
    return {
        "name": settings.name,
        "version": settings.version,
        "kind": KIND,
        "architecture": ARCHITECTURE,
        "created": f"{datetime.now(UTC):%Y-%m-%d}",
        "licence": settings.licence,
        "genres": list(settings.genres),
        "codes": {"source": source.name, "frames_per_s": source.frames_per_s},
        "start": None if settings.start is None else sha256_of(settings.start / WEIGHTS_FILE),
        "data": corpus_facts(manifest, settings.layout)
        | {
            "n_training": len(training),
            "training_hours": round(sum(clip.plan.n_frames for clip in training) / source.frames_per_s / 3600, 3),
        },
        "seed": settings.seed,
        "network": dataclasses.asdict(shape),
        "fit": dataclasses.asdict(settings.fit),
        "epochs": len(fitted.history["bits"]),
        "best_epoch": fitted.best_epoch,
        "finished": fitted.finished,
        "uniform_bits": round(math.log2(shape.n_codes), 4),
    }


def _words(epoch: int, figures: dict[str, float]) -> str:
    words = f"epoch {epoch}, {figures['bits']:.3f} bits"
    return words + (f", validation {figures['val_bits']:.3f}" if "val_bits" in figures else "")


def _say_nothing(_words: str, _share: float) -> None:
    """Nobody wants to know."""


if __name__ == "__main__":
    main()
