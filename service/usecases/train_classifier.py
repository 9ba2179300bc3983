"""Train a classifier on a corpus of the user's, from a check of the recordings to a model that answers."""

import hashlib
import itertools
import json
import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from datasets.errors import DatasetError
from datasets.manifest import Manifest
from datasets.readers import read_corpus
from datasets.taggrams import load_taggrams
from datasets.validation import KINDS, ValidationReport, validate_manifest
from features.inspection import InspectorPool
from models.errors import ModelError, UnknownModel
from models.evaluation.training_report import HTML_FILE, TrainingReport
from models.model_folder import CARD_FILE, read_card
from models.registry import ModelEntry, ModelRegistry
from models.train_classifier import Progress, Settings, train

CHECK_FILE = "check.json"
LEAST_PER_SIDE = 2  # recordings of a genre that must be left to learn from while a fold is held out
UNHEARD = "unreadable"  # kind of finding that training itself reports, with every recording that it leaves out


@dataclass(frozen=True)
class Trained:
    """What a training came to; `entry` is None where the model was not registered."""

    report: TrainingReport
    page: Path
    entry: ModelEntry | None


def train_classifier(
    settings: Settings,
    *,
    progress: Progress,
    check: bool = True,
    register: bool = True,
    activate: bool = False,
    jobs: int = 2,
    registry: ModelRegistry | None = None,
) -> Trained:
    """Check the recordings, train, write the report, register the model.

    What can be known to fail is found before the hours of work. A call that was stopped goes on when it is made again.

    Parameters
    ----------
    settings : Settings
        What is trained, on what.
    progress : callable
        Called with what is going on, in words, and the share of it that is done. What it raises ends the work.
    check : bool
        Whether the recordings are checked first; what is found goes into the report.
    register, activate : bool
        Whether the model joins the user's models, and whether it answers from then on.
    jobs : int
        Recordings at the same time.
    registry : ModelRegistry, optional
        The user's by default.

    Raises
    ------
    DatasetError, ModelError
        If the corpus cannot be read or is too small, or another model has the name or the folder.
    OSError
        If the folder cannot be written.
    """
    registry = registry or ModelRegistry()
    _refuse_other_model(settings)
    if register:
        _refuse_taken_name(settings, registry)
    if settings.taggrams is not None:
        load_taggrams(settings.taggrams)  # read later: what is wrong with it must be known now
    manifests = [read_corpus(folder, settings.layout) for folder in settings.data]
    _refuse_too_few(manifests, settings)
    corpus = Manifest(_name(manifests), tuple(each for manifest in manifests for each in manifest if each.label))
    settings.out.mkdir(parents=True, exist_ok=True)
    if not os.access(settings.out, os.W_OK):
        raise ModelError(f"{settings.out}: may not be written; give another folder")
    problems = _check(corpus, settings.out, jobs=jobs, progress=progress) if check else ()
    report = train(settings, jobs=jobs, progress=progress, problems=problems)
    entry = registry.register(settings.out) if register else None
    if entry is not None and activate:
        entry = registry.activate(entry.name)
    return Trained(report, settings.out / HTML_FILE, entry)


def _refuse_other_model(settings: Settings) -> None:
    """A folder that holds a model of another name stays as it is."""
    out = settings.out
    if out.exists() and not out.is_dir():
        raise ModelError(f"{out}: a file lies there; give a folder")
    if (out / CARD_FILE).exists() and (name := read_card(out)["name"]) != settings.name:
        raise ModelError(f"{out}: holds the model {name!r}; give another folder for {settings.name!r}")


def _refuse_taken_name(settings: Settings, registry: ModelRegistry) -> None:
    """A name that another model has would be refused at the end. The model of this very training has it rightly."""
    try:
        taken = registry.get(settings.name)
    except UnknownModel:
        return
    own = read_card(settings.out) if (settings.out / CARD_FILE).exists() else None
    asked = json.loads(json.dumps(asdict(settings.committee)))  # as a card holds them
    if own is None or own["weights"] != taken.card["weights"] or own.get("settings") != asked:
        raise ModelError(
            f"there is another model {settings.name!r} already, or one that was trained with other settings: give this "
            "one a new name, or don't register it"
        )


def _refuse_too_few(manifests: Sequence[Manifest], settings: Settings) -> None:
    """Genres that cannot fill the folds are found before anything is heard. Taggrams bring recordings of their own."""
    labels = {label for manifest in manifests for label in manifest.labels}
    if len(labels) < 2 and settings.taggrams is None:
        found = f"only {labels.pop()} is labelled" if labels else "nothing is labelled"
        raise DatasetError(f"{_name(manifests)}: {found}; a classifier needs recordings of two genres or more")
    n_folds = settings.committee.n_folds
    for manifest in manifests:
        learned = [each for each in manifest if each.label and each.split in ("", "train")]
        named = all(each.artist for each in learned)
        for label in manifest.labels:
            own = [each for each in learned if each.label == label]
            n, what = (len({each.artist for each in own}), "artists") if named else (len(own), "recordings")
            if n < n_folds:
                raise DatasetError(
                    f"{manifest.name}: {n} {what} of {label} to learn from, {n_folds} folds need {n_folds} or more; "
                    f"add some, leave {label} out, or ask for fewer folds"
                )
    counts = Counter(each.label for manifest in manifests for each in manifest if each.split in ("", "train"))
    least = next(n for n in itertools.count(n_folds) if n - math.ceil(n / n_folds) >= LEAST_PER_SIDE)
    for label in sorted(labels):
        if (n := counts[label]) < least and settings.taggrams is None:
            raise DatasetError(
                f"{_name(manifests)}: {n} recordings of {label} to learn from, {n_folds} folds need {least} or more; "
                f"add some, or leave {label} out"
            )


def _name(manifests: Sequence[Manifest]) -> str:
    return ", ".join(manifest.name for manifest in manifests)


def _check(corpus: Manifest, out: Path, *, jobs: int, progress: Progress) -> tuple[str, ...]:
    """What is wrong with the recordings; known from before where none has changed since."""
    path, state = out / CHECK_FILE, _state_of(corpus)
    if (known := _known(path, state)) is not None:
        return known

    def tell(done: int, total: int) -> None:
        progress(f"checking {done} of {total} recordings", done / total)

    with InspectorPool(jobs) as pool:
        problems = _lines(validate_manifest(corpus, pool=pool, progress=tell))
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps({"recordings": state, "problems": problems}) + "\n", encoding="utf-8")
    draft.replace(path)
    return problems


def _lines(report: ValidationReport) -> tuple[str, ...]:
    return tuple(f"{KINDS[each.kind]}: {each.line()}" for each in report.findings if each.kind != UNHEARD)


def _state_of(corpus: Manifest) -> str:
    """Hash of which files there are, with size and time of change, and of what is said of them."""
    parts: list[Sequence[object]] = []
    for each in corpus:
        status = each.path.stat()
        parts.append([str(each.path), each.label, each.artist, each.split, status.st_size, status.st_mtime_ns])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _known(path: Path, state: str) -> tuple[str, ...] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return tuple(map(str, found["problems"])) if found["recordings"] == state else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):  # none yet, or one that is damaged
        return None
