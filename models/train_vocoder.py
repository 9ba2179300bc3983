"""Train the generator's vocoder: `python -m models.train_vocoder --data CORPUS --out FOLDER --config FILE`.

Decodes the corpus once, fits the network, then by the sound that comes of it where `sound` says so, measures it beside
Griffin-Lim on recordings that it never heard, and saves the model with its card. Stopped at any moment and called
again, it goes on where it was. While it runs, `FOLDER/logs` can be watched with TensorBoard, and `FOLDER/samples`
shows and plays what it makes of three validation recordings. With `--autoencoder FOLDER` a part of what it learns from
is log-mel that this autoencoder coded and decoded.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets.manifest import Manifest
from datasets.readers import read_corpus
from features.cache import sha256_of
from features.log_mel import HOP_LENGTH, N_MELS, SR, log_mel
from models.corpus_facts import corpus_facts
from models.errors import ModelError
from models.evaluation.vocoding import EXCERPT_FRAMES, vocoding_report
from models.model_folder import NAME, WEIGHTS_FILE, load_weights, save_model
from models.precision import check_precision
from models.reconstruction_samples import write_picture, write_sounds
from models.setting_ranges import check_ranges
from models.settings_file import read_fields, settings_of
from models.sound_shards import FULL_SCALE, cached_sounds
from models.tensorflow_runtime import keras
from models.vocoder import KIND, GriffinLim, Vocoder
from models.vocoder_fit import Figures, VocoderFitSettings, fit_vocoder
from models.vocoder_network import VocoderNetwork, arrays_of, set_arrays
from models.vocoder_settings import VocoderSettings
from models.vocoder_sound_fit import SoundFitSettings, fit_vocoder_sound
from models.vqvae_inference import VqvaeInference

ARCHITECTURE = "spectra-and-phase-differences"
WORK_FOLDER, LOG_FOLDER, SHARD_FOLDER, SAMPLE_FOLDER = "work", "logs", "sounds", "samples"
TRAINING_SPLITS = ("", "train")
SOUND_FOLDER = "sound"  # in each of the first two
TOLD_FIGURES = ("loss", "bins", "mel", "phase", "levels", "critic")
N_SAMPLES, SAMPLE_FRAMES = 3, 256  # recordings that samples are made of, and their first 6 s
N_MEASURED = 28  # recordings of a split, spread over it
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Settings:
    """What is trained, on what.

    Attributes
    ----------
    data : Path
        Corpus, read as `layout` says. Its splits count: without "validation" and "test" nothing is measured there.
    out : Path
        Folder of the model; sounds, checkpoints, logs and samples lie in it while it is trained.
    autoencoder : Path or None
        Folder of the autoencoder whose log-mel it shall learn to make audible too.
    start : Path or None
        Folder of a vocoder of the same shape to begin from.
    name, version : str
        Of the model.
    layout : str
        Of `datasets.readers.LAYOUTS`.
    licence : str
        Of the model, as its card states it.
    seed : int
        Of weights and crops.
    precision : str
        Of the layers while they are fitted: "float32", or "mixed_bfloat16", twice as fast where the processor has it.
    sample_minutes : float
        Between two samples.
    network : VocoderSettings
        What is fitted.
    fit : VocoderFitSettings
        How.
    sound : SoundFitSettings
        How it is fitted afterwards, by the sound that comes of it.
    """

    data: Path
    out: Path
    autoencoder: Path | None = None
    start: Path | None = None
    name: str = "vocoder"
    version: str = "1"
    layout: str = "manifest"
    licence: str = "as the recordings allow"
    seed: int = 0
    precision: str = "float32"
    sample_minutes: float = 10.0
    network: VocoderSettings = field(default_factory=VocoderSettings)
    fit: VocoderFitSettings = field(default_factory=VocoderFitSettings)
    sound: SoundFitSettings = field(default_factory=SoundFitSettings)

    def __post_init__(self) -> None:
        check_ranges(self, seed=(0, 2**31 - 1), sample_minutes=(0.0, 1e6))
        if not NAME.fullmatch(self.name):
            raise ModelError(f"name {self.name!r}: expected a-z, 0-9, '-', '_', '.', at most 64, no other characters")
        check_precision(self.precision)


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
    autoencoder = None if settings.autoencoder is None else VqvaeInference.load(settings.autoencoder)
    training, validation = (_sounds(settings, manifest, splits, tell) for splits in (TRAINING_SPLITS, ("validation",)))
    if not training:
        raise ModelError(f"{settings.data}: no recording of the train split, or without split; expected some")

    network = _first_network(settings)
    samples = _Samples(settings, network, validation[:N_SAMPLES])

    def tell_figures(step: int, share: float, figures: Figures) -> None:
        tell(_words(step, figures), share)
        samples.write(step, last=share >= 1)

    fitted = [
        fit(
            network,
            training,
            validation,
            autoencoder=autoencoder,
            seed=settings.seed,
            checkpoints=settings.out / WORK_FOLDER / part,
            logs=settings.out / LOG_FOLDER / part,
            progress=tell_figures,
        )
        for fit, part in (
            (partial(fit_vocoder, settings=settings.fit), ""),
            (partial(fit_vocoder_sound, settings=settings.sound), SOUND_FOLDER),
        )
    ]
    arrays = arrays_of(network)
    vocoder = Vocoder(settings.network, arrays)  # what is measured is what is shipped
    steps, sound_steps = (int(history[-1]["step"]) if history else 0 for history in fitted)
    card = _card(settings, manifest, training) | {"steps": steps, "sound_steps": sound_steps}
    test = _sounds(settings, manifest, ("test",), tell)
    for split, sounds in (("validation", validation), ("test", test)):
        tell(f"measuring {min(N_MEASURED, len(sounds))} recordings of the {split} split", 1.0)
        card[split] = _report(vocoder, sounds, autoencoder)
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
    parser.add_argument("--autoencoder", type=Path, default=argparse.SUPPRESS, help="folder of an autoencoder")
    parser.add_argument("--start", type=Path, default=argparse.SUPPRESS, help="folder of a vocoder to begin from")
    parser.add_argument("--steps", type=int, default=argparse.SUPPRESS, help="batches at most")
    parser.add_argument("--hours", type=float, default=argparse.SUPPRESS, help="time for fitting, at most")
    for name in ("name", "version", "layout", "licence", "precision"):
        parser.add_argument(f"--{name}", default=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=argparse.SUPPRESS)
    parser.add_argument("--sample_minutes", type=float, default=argparse.SUPPRESS)
    flags = vars(parser.parse_args(arguments))
    config = flags.pop("config")
    paths = {name: flags.pop(name) for name in ("data", "out", "autoencoder", "start") if name in flags}
    of_fit = {name: flags.pop(name) for name in ("steps", "hours") if name in flags}
    fields = {} if config is None else read_fields(config)
    if not isinstance(fields, dict) or {"data", "out", "autoencoder", "start"} & set(fields):
        raise ModelError(f"{config}: expected an object with settings, without those of folders, which are flags")
    settings = settings_of(Settings, {**fields, **flags, **paths}, where=str(config or "flags"))
    return replace(settings, fit=replace(settings.fit, **of_fit))


def _sounds(settings: Settings, manifest: Manifest, splits: Sequence[str], tell: Progress) -> list[np.ndarray]:
    """Recordings of some splits."""
    chosen = manifest.select(recording for recording in manifest if recording.split in splits)
    return cached_sounds(
        chosen,
        settings.out / SHARD_FOLDER,
        progress=lambda done, total: tell(f"reading {done} of {total} recordings", done / total),
    )


def _first_network(settings: Settings) -> VocoderNetwork:
    """A new network, or that of the folder to start from."""
    keras.utils.set_random_seed(settings.seed)
    network = VocoderNetwork(settings.network, precision=settings.precision)
    if settings.start is not None:
        _, arrays = load_weights(settings.start, kind=KIND)
        set_arrays(network, arrays)
    return network


class _Samples:
    """Samples of some recordings, written now and then."""

    def __init__(self, settings: Settings, network: VocoderNetwork, sounds: Sequence[np.ndarray]) -> None:
        self._settings, self._network = settings, network
        self._sounds = [_samples_of(y[: (SAMPLE_FRAMES - 1) * HOP_LENGTH]) for y in sounds]
        self._written_at = time.monotonic()

    def write(self, step: int, *, last: bool) -> None:
        """Write them if it is time, or the last."""
        if not last and time.monotonic() - self._written_at < 60 * self._settings.sample_minutes:
            return
        self._written_at = time.monotonic()
        vocoder = Vocoder(self._settings.network, arrays_of(self._network))
        for index, y in enumerate(self._sounds):
            S = log_mel(y)
            made = vocoder.audio(S)
            sounds = {"true": y, "made": made}
            name = f"step-{step:07d}-{index}"
            write_sounds(self._settings.out / SAMPLE_FOLDER, name, sounds)
            write_picture(self._settings.out / SAMPLE_FOLDER, name, S, log_mel(made))


def _report(
    vocoder: Vocoder, sounds: Sequence[np.ndarray], autoencoder: VqvaeInference | None
) -> dict[str, Any] | None:
    """The network beside Griffin-Lim on recordings spread over a split; None where there are none."""
    if not sounds:
        return None
    places = np.linspace(0, len(sounds) - 1, min(N_MEASURED, len(sounds))).astype(int)
    chosen = [_samples_of(sounds[place][: EXCERPT_FRAMES * HOP_LENGTH]) for place in places]
    vocoders = {"griffin_lim": GriffinLim().audio, "vocoder": vocoder.audio}
    report = {"true_log_mel": vocoding_report(vocoders, chosen)}
    if autoencoder is not None:
        decoded = [autoencoder.decode(autoencoder.encode(log_mel(y))) for y in chosen]
        report["decoded_log_mel"] = vocoding_report(vocoders, chosen, log_mels=decoded)
    return report


def _samples_of(y: np.ndarray) -> np.ndarray:
    """16-bit integers as float32, full scale at 1.0."""
    return y.astype(np.float32) / np.float32(FULL_SCALE)


def _words(step: int, figures: Figures) -> str:
    words = f"step {step}"
    for title, prefix in (("", ""), ("validation ", "val_")):
        names = [name for name in TOLD_FIGURES if prefix + name in figures]
        if names:
            words += f", {title}" + ", ".join(f"{name} {figures[prefix + name]:.3f}" for name in names)
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
            "training_hours": round(sum(map(len, training)) / SR / 3600, 3),
        },
        "heard": {
            name: None if folder is None else sha256_of(folder / WEIGHTS_FILE)
            for name, folder in (("autoencoder", settings.autoencoder), ("start", settings.start))
        },
        "n_mels": N_MELS,
        "seed": settings.seed,
        "precision": settings.precision,
        "network": dataclasses.asdict(settings.network),
        "fit": dataclasses.asdict(settings.fit),
        "sound": dataclasses.asdict(settings.sound),
    }


def _say_nothing(_words: str, _share: float) -> None:
    """Nobody wants to know."""


if __name__ == "__main__":
    main()
