"""Train the generator's autoencoder: `python -m models.train_autoencoder --data CORPUS --out FOLDER --config FILE`.

Reads the corpus into log-mels once, fits the network, then its decoder against a critic where `decoder` says so,
measures it on recordings that it never saw, and saves the model with its card. Stopped at any moment and called again,
it goes on where it was. While it runs, `FOLDER/logs` can be watched with TensorBoard, and `FOLDER/samples` shows and
plays what the network makes of three validation recordings.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from datasets.manifest import Manifest
from datasets.readers import read_corpus
from features.log_mel import FRAMES_PER_S, N_MELS
from models.autoencoder_fit import AutoencoderFitSettings, Figures, fit_autoencoder
from models.code_source import codes_sha256
from models.corpus_facts import corpus_facts
from models.decoder_fit import DecoderFitSettings, fit_decoder
from models.errors import ModelError
from models.evaluation.reconstruction import reconstruction_report
from models.log_mel_shards import cached_log_mels
from models.model_folder import NAME, save_model
from models.reconstruction_samples import write_sample
from models.setting_ranges import check_ranges
from models.settings_file import read_fields, settings_of
from models.tensorflow_runtime import keras
from models.vqvae import Vqvae, arrays_of
from models.vqvae_inference import KIND, VqvaeInference
from models.vqvae_settings import VqvaeSettings

ARCHITECTURE = "vqvae-log-mel"
WORK_FOLDER, LOG_FOLDER, SHARD_FOLDER, SAMPLE_FOLDER = "work", "logs", "log-mels", "samples"
DECODER_FOLDER = "decoder"  # in each of the first two
SPLIT_GROUPS = (("", "train"), ("validation",), ("test",))  # to learn from, to watch, to measure
N_SAMPLES, SAMPLE_FRAMES = 3, 256  # recordings that samples are made of, and their first 6 s
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Settings:
    """What is trained, on what.

    Attributes
    ----------
    data : Path
        Corpus, read as `layout` says. Its splits count: without "validation" and "test" nothing is measured there.
    out : Path
        Folder of the model; log-mels, checkpoints, logs and samples lie in it while it is trained.
    name, version : str
        Of the model.
    layout : str
        Of `datasets.readers.LAYOUTS`.
    licence : str
        Of the model, as its card states it.
    seed : int
        Of weights and crops.
    sample_minutes : float
        Between two samples.
    network : VqvaeSettings
        What is fitted.
    fit : AutoencoderFitSettings
        How.
    decoder : DecoderFitSettings
        How its decoder is fitted afterwards, against a critic.
    """

    data: Path
    out: Path
    name: str = "autoencoder"
    version: str = "1"
    layout: str = "manifest"
    licence: str = "as the recordings allow"
    seed: int = 0
    sample_minutes: float = 10.0
    network: VqvaeSettings = field(default_factory=VqvaeSettings)
    fit: AutoencoderFitSettings = field(default_factory=AutoencoderFitSettings)
    decoder: DecoderFitSettings = field(default_factory=DecoderFitSettings)

    def __post_init__(self) -> None:
        check_ranges(self, seed=(0, 2**31 - 1), sample_minutes=(0.0, 1e6))
        if not NAME.fullmatch(self.name):
            raise ModelError(f"name {self.name!r}: expected a-z, 0-9, '-', '_', '.', at most 64, no other characters")


def train(settings: Settings, *, progress: Progress | None = None) -> dict[str, Any]:
    """Train, measure, save.

    Parameters
    ----------
    settings : Settings
        Everything that decides on the result.
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
    manifest = read_corpus(settings.data, settings.layout).with_hashes()
    training, validation, test = (_log_mels(settings, manifest, splits, tell) for splits in SPLIT_GROUPS)
    if not training:
        raise ModelError(f"{settings.data}: no recording of the train split, or without split; expected some")

    keras.utils.set_random_seed(settings.seed)
    network = Vqvae(settings.network, precision=settings.fit.precision)
    samples = _Samples(settings, network, validation[:N_SAMPLES])

    def tell_figures(step: int, share: float, figures: Figures) -> None:
        tell(_words(step, figures), share)
        samples.write(step, last=share >= 1)

    history = fit_autoencoder(
        network,
        training,
        validation,
        settings=settings.fit,
        seed=settings.seed,
        checkpoints=settings.out / WORK_FOLDER,
        logs=settings.out / LOG_FOLDER,
        progress=tell_figures,
    )
    n_before = int(history[-1]["step"])
    sharpened = fit_decoder(
        network,
        training,
        validation,
        settings=settings.decoder,
        seed=settings.seed,
        checkpoints=settings.out / WORK_FOLDER / DECODER_FOLDER,
        logs=settings.out / LOG_FOLDER / DECODER_FOLDER,
        progress=lambda step, share, figures: tell_figures(n_before + step, share, figures),
    )
    arrays = arrays_of(network)
    autoencoder = VqvaeInference(settings.network, arrays)  # what is measured is what is shipped
    card = _card(settings, manifest, training) | {
        "steps": n_before,
        "codes_sha256": codes_sha256(arrays),
        "decoder_steps": int(sharpened[-1]["step"]) if sharpened else 0,
    }
    for split, log_mels in (("validation", validation), ("test", test)):
        tell(f"measuring {len(log_mels)} recordings of the {split} split", 1.0)
        card[split] = reconstruction_report(autoencoder, log_mels) if log_mels else None
    return save_model(settings.out, card, arrays)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, train, print what came of it."""
    settings = read_settings(arguments)
    card = train(settings, progress=lambda words, share: print(f"{share:4.0%}  {words}", flush=True))
    print(json.dumps({split: card[split] for split in ("validation", "test")}, indent=1))


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from flags; `--config FILE` holds `network`, `fit` and any other field as JSON or TOML.

    A flag counts more than the file. `--steps` and `--hours` are those of `fit`.
    """
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    parser.add_argument("--config", type=Path, help="JSON or TOML with fields of the settings")
    parser.add_argument("--steps", type=int, default=argparse.SUPPRESS, help="batches at most")
    parser.add_argument("--hours", type=float, default=argparse.SUPPRESS, help="time for fitting, at most")
    for name in ("name", "version", "layout", "licence"):
        parser.add_argument(f"--{name}", default=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=argparse.SUPPRESS)
    parser.add_argument("--sample_minutes", type=float, default=argparse.SUPPRESS)
    flags = vars(parser.parse_args(arguments))
    config, data, out = flags.pop("config"), flags.pop("data"), flags.pop("out")
    of_fit = {name: flags.pop(name) for name in ("steps", "hours") if name in flags}
    fields = {} if config is None else read_fields(config)
    if not isinstance(fields, dict) or {"data", "out"} & set(fields):
        raise ModelError(f"{config}: expected an object with settings, without data and out, which are flags")
    settings = settings_of(Settings, {**fields, **flags, "data": data, "out": out}, where=str(config or "flags"))
    return replace(settings, fit=replace(settings.fit, **of_fit))


def _log_mels(settings: Settings, manifest: Manifest, splits: Sequence[str], tell: Progress) -> list[np.ndarray]:
    """Log-mels of the recordings of some splits."""
    chosen = manifest.select(recording for recording in manifest if recording.split in splits)
    return cached_log_mels(
        chosen,
        settings.out / SHARD_FOLDER,
        progress=lambda done, total: tell(f"reading {done} of {total} recordings", done / total),
    )


class _Samples:
    """Samples of some recordings, written now and then."""

    def __init__(self, settings: Settings, network: Vqvae, log_mels: Sequence[np.ndarray]) -> None:
        self._settings, self._network = settings, network
        self._log_mels = [S[:SAMPLE_FRAMES].astype(np.float32) for S in log_mels]
        self._written_at = time.monotonic()

    def write(self, step: int, *, last: bool) -> None:
        """Write them if it is time, or the last."""
        if not last and time.monotonic() - self._written_at < 60 * self._settings.sample_minutes:
            return
        self._written_at = time.monotonic()
        autoencoder = VqvaeInference(self._settings.network, arrays_of(self._network))
        for index, S in enumerate(self._log_mels):
            decoded = autoencoder.decode(autoencoder.encode(S))[: len(S)]
            write_sample(self._settings.out / SAMPLE_FOLDER, f"step-{step:07d}-{index}", S, decoded)


def _words(step: int, figures: Figures) -> str:
    words = f"step {step}, loss {figures['loss']:.3f}"
    if "val_absolute" in figures:
        words += f", validation {figures['val_absolute']:.3f}"
    if usage := [value for name, value in figures.items() if name.startswith("usage_")]:
        words += f", usage {' '.join(f'{value:.0%}' for value in usage)}"
    if "critic" in figures:
        words += f", critic {figures['critic']:.3f}"
    return words


def _card(settings: Settings, manifest: Manifest, training: Sequence[np.ndarray]) -> dict[str, Any]:
    return {
        "name": settings.name,
        "version": settings.version,
        "kind": KIND,
        "architecture": ARCHITECTURE,
        "created": f"{datetime.now(UTC):%Y-%m-%d}",
        "licence": settings.licence,
        "data": corpus_facts(manifest, settings.layout)
        | {
            "n_training": len(training),
            "training_hours": round(sum(map(len, training)) / FRAMES_PER_S / 3600, 3),
        },
        "latents_per_s": FRAMES_PER_S / settings.network.time_stride,
        "n_mels": N_MELS,
        "seed": settings.seed,
        "network": dataclasses.asdict(settings.network),
        "fit": dataclasses.asdict(settings.fit),
        "decoder": dataclasses.asdict(settings.decoder),
    }


def _say_nothing(_words: str, _share: float) -> None:
    """Nobody wants to know."""


if __name__ == "__main__":
    main()
