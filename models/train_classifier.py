"""Train a hybrid classifier on a corpus: `python -m models.train_classifier --data FOLDER --out FOLDER`.

Reads the corpus, hears every recording once, cross-fits a committee of hybrid networks, calibrates it on answers
about artists that the answering network never heard, scores it on the corpus's own test split where it has one, and
saves model, card and report. Stopped at any moment and called again, it goes on where it was.
"""

import argparse
import dataclasses
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from datasets.manifest import Manifest
from datasets.readers import read_corpus
from datasets.taggrams import load_taggrams
from features.cache import FeatureCache, sha256_of
from models.backbone import Backbone
from models.calibrated_head import KIND
from models.cross_fit import (
    CommitteeSettings,
    CrossFit,
    CrossValidation,
    answers_about,
    cross_fit,
    cross_validated,
    head_arrays,
)
from models.errors import ModelError
from models.evaluation.pictures import reliability_bins
from models.evaluation.report import report
from models.evaluation.training_report import DataSummary, TrainingReport
from models.fine_tuning import FineTuning, fine_tune
from models.genre_members import MemberSettings
from models.hear_corpus import HeardCorpus, hear_corpus, log_mel_patches
from models.hybrid_head import ARCHITECTURE, HybridHead
from models.hybrid_network import NetworkSettings
from models.model_folder import NAME, save_model
from models.musicnn_weights import load_weights
from models.network_fit import FitSettings
from models.paths import data_dir
from models.settings_file import read_fields
from models.training_data import TrainingData, training_data

CACHE_BYTES = 20_000_000_000
WORK_FOLDER, LOG_FOLDER = "work", "logs"
PATCHES_KEPT = 8  # of a recording, for fine-tuning: 24 s of log-mel, 290 kB
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Settings:
    """What is trained, on what.

    Attributes
    ----------
    data : tuple of Path
        Corpora, read as `layout` says.
    out : Path
        Folder of the model; checkpoints and logs lie in it while it is trained.
    name, version : str
        Of the model.
    layout : str
        Of `datasets.readers.LAYOUTS`.
    taggrams : Path, optional
        Published tag activations that join the training (`datasets.taggrams`).
    licence : str
        Of the model, as its card states it.
    backbone : str
        Pretrained listener.
    committee : CommitteeSettings
        What is fitted.
    fine_tuning : FineTuning, optional
        Trains the backbone on the corpus before anything else. Its recordings then tell nothing about new ones any
        more, so that calibration needs the corpus to have a validation split, and figures a test split.
    """

    data: tuple[Path, ...]
    out: Path
    name: str = "my-genres"
    version: str = "1"
    layout: str = "folders"
    taggrams: Path | None = None
    licence: str = "as the recordings allow"
    backbone: str = "MSD_musicnn"
    committee: CommitteeSettings = field(default_factory=CommitteeSettings)
    fine_tuning: FineTuning | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ModelError(f"name {self.name!r}: expected a-z, 0-9, '-', '_', '.', at most 64, no other characters")
        if not self.data:
            raise ModelError("no corpus to learn from: give a folder of recordings")


def train(
    settings: Settings, *, jobs: int | None = None, progress: Progress | None = None, problems: Sequence[str] = ()
) -> TrainingReport:
    """Train, save, report.

    Parameters
    ----------
    settings : Settings
        Everything that decides on the result.
    jobs : int, optional
        Recordings heard at the same time; one per core by default.
    progress : callable, optional
        Called with what is going on, in words, and the share of it that is done. What it raises ends the work.
    problems : sequence of str
        What was found when the recordings were checked, for the report.

    Returns
    -------
    TrainingReport
        As saved beside the model.

    Raises
    ------
    DatasetError, ModelError
        If the corpus cannot be read or is too small; the message says what is missing.
    """
    tell = progress or _say_nothing
    sources = read_and_hear(settings, jobs=jobs, progress=tell)
    backbone, heard, data = sources.backbone, sources.corpora, sources.data
    settings.out.mkdir(parents=True, exist_ok=True)
    learned, validation = data.of_split("", "train"), data.of_split("validation")
    test = data.of_split("test")
    committee = settings.committee
    folds = learned.folds(committee.n_folds, seed=committee.seed)

    n_epochs = committee.n_folds * committee.fit.epochs

    def tell_epoch(fold: int, epoch: int, figures: dict[str, float]) -> None:
        words = f"fold {fold + 1} of {committee.n_folds}, epoch {epoch}, loss {figures['loss']:.2f}"
        tell(words, (fold * committee.fit.epochs + epoch) / n_epochs)

    found = cross_fit(
        learned,
        folds,
        committee,
        validation=validation if len(validation) else None,
        work=settings.out / WORK_FOLDER,
        logs=settings.out / LOG_FOLDER,
        progress=tell_epoch,
    )
    if settings.fine_tuning is not None:
        found = replace(found, answers=answers_about(validation, found, learned, committee), folds=validation.folds(2))
    arrays = head_arrays(learned, found, committee)
    if backbone.tuned_weights is not None:
        arrays |= {f"backbone/{name}": array for name, array in backbone.tuned_weights.items()}
    card = _card(settings, data, heard)
    head = HybridHead(card, arrays)
    validated = cross_validated(found, committee, data.genres)
    scored = _Scored(validated.report(), validated.probabilities, validated.labels)
    if len(test):
        scored = _score(head, test)
    finished = _report(settings, card, data, heard, found, scored, validated if len(test) else None, problems)
    card |= {"cross_validation": validated.summary(), "test": scored.figures if len(test) else None}
    save_model(settings.out, card, arrays)
    finished.write(settings.out)
    return finished


@dataclass(frozen=True)
class Sources:
    """What there is to learn from: the backbone that heard the corpora, each as heard, and all of them as one."""

    backbone: Backbone
    corpora: tuple[HeardCorpus, ...]
    data: TrainingData


def read_and_hear(settings: Settings, *, jobs: int | None = None, progress: Progress | None = None) -> Sources:
    """Read the corpora and hear every recording of them once. Raises what `train` does."""
    tell = progress or _say_nothing
    manifests = [read_corpus(folder, settings.layout) for folder in settings.data]
    backbone = _backbone(settings, manifests, jobs, tell)
    heard = tuple(_hear(manifest, backbone, jobs, tell) for manifest in manifests)
    taggrams = [load_taggrams(settings.taggrams)] if settings.taggrams is not None else []
    return Sources(backbone, heard, training_data(list(zip(map(str, settings.data), heard, strict=True)), taggrams))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, train, print what to expect."""
    settings = read_settings(arguments)
    finished = train(settings, progress=lambda words, share: print(f"{share:4.0%}  {words}", flush=True))
    print(finished.expectation)


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from flags; `--config FILE` holds those of the committee as JSON or TOML."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of recordings")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    parser.add_argument("--config", type=Path, help="JSON or TOML with fields of the committee's settings")
    parser.add_argument("--taggrams", type=Path, default=argparse.SUPPRESS)
    for name in ("name", "version", "layout", "licence", "backbone"):
        parser.add_argument(f"--{name}", default=argparse.SUPPRESS)
    flags = vars(parser.parse_args(arguments))
    config = flags.pop("config")
    committee = CommitteeSettings() if config is None else read_committee(config)
    return Settings(data=tuple(flags.pop("data")), committee=committee, **flags)


def read_committee(path: Path) -> CommitteeSettings:
    """Settings of a committee from a file: TOML where its name ends in .toml, else JSON.

    Raises
    ------
    ModelError
        If the file cannot be read, or a field is unknown or out of range; the message names it.
    """
    return committee_of(read_fields(path), where=str(path))


def committee_of(fields: Any, *, where: str) -> CommitteeSettings:
    """Settings of a committee from plain data: nested objects for `network`, `fit` and each of `members`."""
    if not isinstance(fields, dict):
        raise ModelError(f"{where}: expected an object with settings, got {type(fields).__name__}")
    fields = dict(fields)
    nested: dict[str, type] = {"network": NetworkSettings, "fit": FitSettings}
    found: dict[str, Any] = {
        name: _built(kind, fields.pop(name), f"{where}, {name}") for name, kind in nested.items() if name in fields
    }
    if "members" in fields:
        members = fields.pop("members")
        if not isinstance(members, list):
            raise ModelError(f"{where}, members: expected a list, got {type(members).__name__}")
        found["members"] = tuple(_built(MemberSettings, each, f"{where}, members") for each in members)
    return _built(CommitteeSettings, fields | found, where)


def _built(kind: type, fields: Any, where: str) -> Any:
    names = [each.name for each in dataclasses.fields(kind)]
    if not isinstance(fields, dict):
        raise ModelError(f"{where}: expected an object, got {type(fields).__name__}")
    if unknown := set(fields) - set(names):
        raise ModelError(f"{where}: unknown settings {', '.join(sorted(unknown))}, expected {', '.join(names)}")
    try:
        return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()})
    except (TypeError, ModelError) as error:
        raise ModelError(f"{where}: {error}") from error


def _backbone(settings: Settings, manifests: Sequence[Manifest], jobs: int | None, tell: Progress) -> Backbone:
    """The published backbone, or one that is fine-tuned on the training split."""
    backbone = Backbone.load(settings.backbone)
    tuning = settings.fine_tuning
    if tuning is None:
        return backbone
    for split in ("train", "validation", "test"):
        if not any(recording.split == split for manifest in manifests for recording in manifest):
            raise ModelError(f"no recording of the {split} split: fine-tuning needs train, validation and test splits")
    heard = [_hear(manifest, backbone, jobs, tell) for manifest in manifests]  # leaves out what is broken
    learned = [r for corpus in heard for r in corpus.recordings if r.label and r.split == "train"]
    genres = sorted({recording.label for recording in learned})
    tell("cutting patches for the backbone", 0.0)
    patches = log_mel_patches(learned, PATCHES_KEPT, jobs=jobs)
    tuned = fine_tune(
        load_weights(settings.backbone),
        patches,
        np.array([genres.index(recording.label) for recording in learned]),
        tuning,
        seed=settings.committee.seed,
        work=settings.out / WORK_FOLDER,
        progress=lambda epoch, loss: tell(f"backbone, epoch {epoch}, loss {loss:.2f}", epoch / tuning.epochs),
    )
    return Backbone.of_weights(settings.backbone, tuned)


def _say_nothing(_words: str, _share: float) -> None:
    """Nobody wants to know."""


def _hear(manifest: Manifest, backbone: Backbone, jobs: int | None, tell: Progress) -> HeardCorpus:
    cache = FeatureCache(data_dir() / "training-cache", max_bytes=CACHE_BYTES)
    return hear_corpus(
        manifest,
        backbone,
        cache=cache,
        jobs=jobs,
        progress=lambda done, total: tell(f"hearing {done} of {total} recordings", done / total),
    )


@dataclass(frozen=True)
class _Scored:
    """Figures, and the answers that they are of: (n, n_genres) and (n,)."""

    figures: dict[str, Any]
    probabilities: np.ndarray
    labels: np.ndarray


def _score(head: HybridHead, test: TrainingData) -> _Scored:
    probabilities = np.stack([head.track_probabilities(head.encoded(each)) for each in test.inputs])
    figures = report(
        probabilities,
        test.labels,
        genres=test.genres,
        member_of_set=head.in_set(probabilities),
        abstained=np.array([head.abstains(head.prediction_set(row)) for row in probabilities]),
    )
    return _Scored(figures, probabilities, test.labels)


def _card(settings: Settings, data: TrainingData, heard: Sequence[HeardCorpus]) -> dict[str, Any]:
    licences = sorted({recording.licence for corpus in heard for recording in corpus.recordings if recording.licence})
    return {
        "name": settings.name,
        "version": settings.version,
        "kind": KIND,
        "architecture": ARCHITECTURE,
        "created": _today(),
        "genres": list(data.genres),
        "backbone": settings.backbone,
        "coverage": settings.committee.coverage,
        "licence": settings.licence,
        "data": {
            "corpora": [folder.name for folder in settings.data],
            "layout": settings.layout,
            "taggrams": None if settings.taggrams is None else sha256_of(settings.taggrams),
            "n_recordings": len(data),
            "licences": licences,
        },
        "fine_tuning": None if settings.fine_tuning is None else dataclasses.asdict(settings.fine_tuning),
        "settings": dataclasses.asdict(settings.committee),
    }


def _today() -> str:
    """Date of the card; `SOURCE_DATE_EPOCH` fixes it for a build that shall be the same again."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    when = datetime.now(UTC) if epoch is None else datetime.fromtimestamp(int(epoch), UTC)
    return f"{when:%Y-%m-%d}"


def _report(
    settings: Settings,
    card: dict[str, Any],
    data: TrainingData,
    heard: Sequence[HeardCorpus],
    found: CrossFit,
    scored: _Scored,
    validated: CrossValidation | None,
    problems: Sequence[str],
) -> TrainingReport:
    counts: dict[str, dict[str, int]] = {genre: {} for genre in data.genres}
    for label, split in zip(data.labels, data.splits, strict=True):
        of_genre = counts[data.genres[label]]
        of_genre[split or "train"] = of_genre.get(split or "train", 0) + 1
    licences: dict[str, int] = {}
    for corpus in heard:
        for recording in corpus.recordings:
            licences[recording.licence or "not stated"] = licences.get(recording.licence or "not stated", 0) + 1
    unheard = [f"{recording.path.name}: {reason}" for corpus in heard for recording, reason in corpus.failures]
    return TrainingReport(
        name=settings.name,
        created=card["created"],
        genres=data.genres,
        settings=json.loads(json.dumps(card["settings"])),
        data=DataSummary(
            n_recordings=counts,
            hours=sum(corpus.hours for corpus in heard),
            n_artists=len({artist for artist in data.artists if artist}) or None,
            licences=licences,
            problems=(*unheard, *problems),
        ),
        figures=scored.figures,
        reliability=reliability_bins(scored.probabilities, scored.labels),
        history=found.fits[0].history,
        best_epoch=found.fits[0].best_epoch,
        cross_validation=None if validated is None else validated.summary(),
    )


if __name__ == "__main__":
    main()
