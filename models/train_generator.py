"""Train a generator, stage by stage: `python -m models.train_generator --data CORPUS --out FOLDER --config FILE`.

Autoencoder, vocoder, prior, the baselines that the prior is measured against, the index of the training material; each
in a folder of its own, `OUT/<stage>`, and at the end all that makes music together in `OUT/generator`. A stage that is
done is passed over as long as its settings, the corpus and the stages that it builds upon are what they were; one that
was stopped goes on where it was.
"""

import argparse
import dataclasses
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from datasets.composers import GENRES
from datasets.manifest import Manifest
from datasets.readers import read_corpus
from models import train_autoencoder, train_baselines, train_prior, train_vocoder
from models.code_source import code_source
from models.corpus_facts import corpus_facts
from models.errors import ModelError
from models.generator_folder import save_generator
from models.model_folder import CARD_FILE, NAME, check_weights, read_card
from models.originality import OriginalityIndex
from models.prior_data import coded_clips
from models.setting_ranges import check_ranges
from models.settings_file import read_fields, settings_of

STAGES = ("autoencoder", "vocoder", "prior", "baselines", "originality")
TIMED_STAGES = ("autoencoder", "vocoder", "prior")
PART_STAGES = ("autoencoder", "vocoder", "prior", "originality")  # whose models are parts of the generator
BUILT_UPON = {
    "autoencoder": (),
    "vocoder": ("autoencoder",),
    "prior": ("autoencoder",),
    "baselines": ("autoencoder",),
    "originality": ("autoencoder",),
}
GENERATOR_FOLDER = "generator"
DONE_FILE = "done.json"
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Settings:
    """What is trained, on what.

    Attributes
    ----------
    data : Path
        Corpus, read as `layout` says.
    out : Path
        Folder of the stages and of the generator.
    name, version : str
        Of the generator.
    layout : str
        Of `datasets.readers.LAYOUTS`.
    licence : str
        Of the generator and its parts, as their cards state it.
    sources : tuple of str
        What the corpus itself was made from, with licences, for the card.
    genres : tuple of str
        In the order of the genre mix; every recording must be of one.
    seed : int
        Of everything drawn.
    stages : tuple of str
        What is done, of `STAGES`; those that are left out must be done already where others build upon them.
    hours : mapping of str to float
        Time for fitting, at most, of some of `TIMED_STAGES`; it counts more than what the stage's settings say.
    autoencoder, vocoder, prior, baselines : mapping
        Further fields of the stage's settings: those of `train_autoencoder.Settings` and so on, as a file gives them.
    """

    data: Path
    out: Path
    name: str = "generator"
    version: str = "1"
    layout: str = "manifest"
    licence: str = "as the recordings allow"
    sources: tuple[str, ...] = ()
    genres: tuple[str, ...] = GENRES
    seed: int = 0
    stages: tuple[str, ...] = STAGES
    hours: Mapping[str, float] = field(default_factory=dict)
    autoencoder: Mapping[str, Any] = field(default_factory=dict)
    vocoder: Mapping[str, Any] = field(default_factory=dict)
    prior: Mapping[str, Any] = field(default_factory=dict)
    baselines: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_ranges(self, seed=(0, 2**31 - 1))
        if not NAME.fullmatch(self.name):
            raise ModelError(f"name {self.name!r}: expected a-z, 0-9, '-', '_', '.', at most 64, no other characters")
        if not self.stages or not set(self.stages) <= set(STAGES):
            raise ModelError(f"stages {', '.join(self.stages) or 'none'}: expected some of {', '.join(STAGES)}")
        if not isinstance(self.hours, Mapping) or not set(self.hours) <= set(TIMED_STAGES):
            raise ModelError(f"hours={self.hours!r}: expected an object with some of {', '.join(TIMED_STAGES)}")
        self.of_stages()

    def of_stages(self) -> dict[str, Any]:
        """Settings of each stage that learns. Raises ModelError where a field is unknown or out of range."""
        shared = {"data": self.data, "version": self.version, "layout": self.layout, "licence": self.licence}
        shared["seed"] = self.seed
        autoencoder = {"autoencoder": self.out / "autoencoder"}
        of_codes = autoencoder | {"genres": self.genres}
        kinds: dict[str, tuple[type, dict[str, Any]]] = {
            "autoencoder": (train_autoencoder.Settings, {}),
            "vocoder": (train_vocoder.Settings, autoencoder | {"start": None}),
            "prior": (train_prior.Settings, of_codes | {"start": None}),
            "baselines": (
                train_baselines.Settings,
                of_codes | {"codes": self.out / "prior" / train_prior.SHARD_FOLDER},
            ),
        }
        found: dict[str, Any] = {}
        for stage, (kind, own) in kinds.items():
            fields = getattr(self, stage)
            if not isinstance(fields, Mapping):
                raise ModelError(f"{stage}: expected an object with settings, got {fields!r}")
            fixed = shared | own | {"out": self.out / stage}
            if taken := sorted(set(fields) & set(fixed)):
                raise ModelError(f"{stage}: {', '.join(taken)} cannot be set for a stage alone")
            if stage in self.hours:
                fields = _with_hours(fields, self.hours[stage], stage)
            found[stage] = settings_of(kind, {**fixed, **fields}, where=stage)
        return found


def train(settings: Settings, *, progress: Progress | None = None) -> dict[str, Any] | None:
    """Train what is not trained yet, and gather the generator.

    Parameters
    ----------
    settings : Settings
        Everything that decides on the result.
    progress : callable, optional
        Called with the stage and what is going on in it, in words, and the share of that which is done. What it
        raises ends the work.

    Returns
    -------
    dict or None
        The generator's card, as saved; None where stages were left out that it needs.

    Raises
    ------
    DatasetError, ModelError
        If the corpus cannot be read or is too small, a stage is missing that another builds upon, or the folder holds
        the training of other settings; the message says what to do.
    """
    tell = progress or _say_nothing
    manifest = read_corpus(settings.data, settings.layout).with_hashes()
    of_stages = settings.of_stages()
    for stage in (each for each in STAGES if each in settings.stages):
        for needed in BUILT_UPON[stage]:
            if not _has_model(settings.out / needed):
                raise ModelError(f"{settings.out / needed}: no {needed} yet, which {stage} builds upon; train it first")
        fingerprint = _fingerprint(settings, stage, of_stages, manifest)
        if _is_done(settings.out / stage, fingerprint):
            tell(f"{stage}: done before", 1.0)
            continue
        (settings.out / stage / DONE_FILE).unlink(missing_ok=True)
        if _run(stage, settings, of_stages, manifest, _prefixed(stage, tell)):
            _note_done(settings.out / stage, fingerprint)
    if not all(_has_model(settings.out / stage) for stage in PART_STAGES):
        return None
    tell("generator: gathering", 1.0)
    parts = {stage: settings.out / stage for stage in PART_STAGES}
    return save_generator(settings.out / GENERATOR_FOLDER, parts, _card(settings, manifest))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, train, print what came of it."""
    settings = read_settings(arguments)
    card = train(settings, progress=lambda words, share: print(f"{share:4.0%}  {words}", flush=True))
    print(json.dumps(card and card["metrics"], indent=1))


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from flags; `--config FILE` holds any other field as JSON or TOML. A flag counts more than the file."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--out", type=Path, required=True, help="folder of stages and generator")
    parser.add_argument("--config", type=Path, help="JSON or TOML with fields of the settings")
    parser.add_argument("--stages", nargs="+", default=argparse.SUPPRESS, help=f"some of {', '.join(STAGES)}")
    for name in ("name", "version", "layout", "licence"):
        parser.add_argument(f"--{name}", default=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=argparse.SUPPRESS)
    flags = vars(parser.parse_args(arguments))
    config, data, out = flags.pop("config"), flags.pop("data"), flags.pop("out")
    return settings_from(config, data=data, out=out, **flags)


def settings_from(config: Path | None, *, data: Path, out: Path, **fields: Any) -> Settings:
    """Settings from a file, or those by default, and from fields that count more than the file.

    Raises
    ------
    ModelError
        If the file cannot be read, or a field is unknown or out of range; the message names it.
    """
    where = str(config or "settings")
    found = {} if config is None else read_fields(config)
    if not isinstance(found, dict) or {"data", "out"} & set(found):
        raise ModelError(f"{where}: expected an object with settings, without data and out, which are flags")
    if isinstance(found.get("hours", {}), dict):
        fields["hours"] = {**found.get("hours", {}), **fields.get("hours", {})}
    return settings_of(Settings, {**found, **fields, "data": data, "out": out}, where=where)


def _run(stage: str, settings: Settings, of_stages: Mapping[str, Any], manifest: Manifest, tell: Progress) -> bool:
    """Train a stage; whether it is finished, or the same call would go on."""
    if stage == "autoencoder":
        train_autoencoder.train(of_stages[stage], progress=tell)
    elif stage == "vocoder":
        train_vocoder.train(of_stages[stage], progress=tell)
    elif stage == "prior":
        return bool(train_prior.train(of_stages[stage], progress=tell)["finished"])
    elif stage == "baselines":
        cards = train_baselines.train(of_stages[stage], progress=tell)
        return all(card.get("finished", True) for card in cards.values())
    else:
        _build_index(settings, manifest, tell)
    return True


def _build_index(settings: Settings, manifest: Manifest, tell: Progress) -> None:
    """The codes that were learned from, to compare clips with."""
    source = code_source(settings.out / "autoencoder")
    clips = coded_clips(
        manifest,
        source,
        folder=settings.out / "prior" / train_prior.SHARD_FOLDER,
        genres=settings.genres,
        progress=lambda done, total: tell(f"encoding {done} of {total} recordings", done / total),
    )
    learned = [
        (os.path.relpath(recording.path, settings.data), clip.codes)
        for recording, clip in zip(manifest, clips, strict=True)
        if clip.split in ("", "train")
    ]
    tell(f"building the index of {len(learned)} recordings", 0.0)
    index = OriginalityIndex.build(learned, n_codes=source.n_codes, frames_per_s=source.frames_per_s)
    card = {
        "name": "originality",
        "version": settings.version,
        "created": _today(),
        "licence": settings.licence,
        "codes": {"source": source.name, "frames_per_s": source.frames_per_s},
        "data": corpus_facts(manifest, settings.layout),
    }
    index.save(settings.out / "originality", card)


def _fingerprint(settings: Settings, stage: str, of_stages: Mapping[str, Any], manifest: Manifest) -> str:
    """What a stage that is done must be done with: settings, corpus, and the stages that it builds upon."""
    own = dataclasses.asdict(of_stages[stage]) if stage in of_stages else {"genres": settings.genres}
    parts = [
        {name: value for name, value in own.items() if not isinstance(value, Path)},
        corpus_facts(manifest, settings.layout),
        [read_card(settings.out / needed)["weights"]["sha256"] for needed in BUILT_UPON[stage]],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _is_done(folder: Path, fingerprint: str) -> bool:
    """Whether a stage is done with just this, and what it made is still there and whole."""
    try:
        done = json.loads((folder / DONE_FILE).read_text(encoding="utf-8"))
        if done["fingerprint"] != fingerprint:
            return False
        for model in done["models"]:
            check_weights(folder / model, read_card(folder / model))
    except (OSError, ValueError, KeyError, TypeError):  # not done yet, or damaged; ModelError is a ValueError
        return False
    return True


def _note_done(folder: Path, fingerprint: str) -> None:
    models = sorted(os.path.relpath(card.parent, folder) for card in folder.glob(f"**/{CARD_FILE}"))
    draft = folder / f".{DONE_FILE}.{os.getpid()}"
    draft.write_text(json.dumps({"fingerprint": fingerprint, "models": models}) + "\n", encoding="utf-8")
    draft.replace(folder / DONE_FILE)


def _has_model(folder: Path) -> bool:
    return (folder / CARD_FILE).is_file()


def _card(settings: Settings, manifest: Manifest) -> dict[str, Any]:
    licences = Counter(recording.licence or "not stated" for recording in manifest)
    cards = {stage: read_card(settings.out / stage) for stage in PART_STAGES}
    return {
        "name": settings.name,
        "version": settings.version,
        "created": _today(),
        "licence": settings.licence,
        "genres": list(settings.genres),
        "sources": [
            *(
                {"corpus": manifest.name, "licence": licence, "n_recordings": n}
                for licence, n in sorted(licences.items())
            ),
            *({"made_from": source} for source in settings.sources),
        ],
        "data": corpus_facts(manifest, settings.layout),
        "seed": settings.seed,
        "metrics": {
            stage: {split: card[split] for split in ("validation", "test") if card.get(split)}
            for stage, card in cards.items()
        },
    }


def _with_hours(fields: Mapping[str, Any], hours: float, stage: str) -> dict[str, Any]:
    """The prior's hours are those of a call; of the other two, of the fitting."""
    if stage == "prior":
        return {**fields, "hours": hours}
    fit = fields.get("fit", {})
    return {**fields, "fit": {**fit, "hours": hours} if isinstance(fit, dict) else fit}  # else it is refused by name


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def _prefixed(stage: str, tell: Progress) -> Progress:
    return lambda words, share: tell(f"{stage}: {words}", share)


def _say_nothing(_words: str, _share: float) -> None:
    """Nobody wants to know."""


if __name__ == "__main__":
    main()
