"""A project's model learns from its labels: heard, fitted, measured, compared, and set to rank what comes next."""

import io
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

from features.errors import AudioError
from features.npz import unpack_npz
from models.active import rank
from models.agreement import AnswerTable, observed_agreement
from models.blas_threads import one_blas_thread
from models.calibrated_head import KIND
from models.consensus import Consensus, consensus
from models.few_label_head import FewLabelHead, fit_few_label_head
from models.label_pool import N_FEATURES, LabelPool
from models.label_training import LabelTraining, train_from_labels
from models.track_summary import BACKBONE
from service.errors import Cancelled, NotFound
from service.storage.labels import PoolEntry
from service.storage.pages import utc_now
from service.storage.project_versions import Version
from service.storage.projects import Genre, Project
from service.usecases.labelling.answers import answers

if TYPE_CHECKING:
    from service.services import Services

MACHINE = "genrelab"  # actor of what no person did
HEARING_SHARE = 0.5  # of the progress, where there is something to hear
ASKED_AGAIN_AT_ONCE = 20
DECIMALS = 4  # of probabilities that are kept

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Material:
    """What a project gives to learn from.

    Attributes
    ----------
    pool : LabelPool
        Items that were heard, in the order of the random slice.
    entries : list of PoolEntry
        The same items.
    genres : tuple of Genre
        The taxonomy, in the order of the columns of `targets`.
    labelled, targets
        Rows of the pool with a label, in the order of their first one, and their soft labels.
    numbers : np.ndarray of int
        Event of the last label of each of them.
    on_random_slice : np.ndarray of bool
        Which of them measure.
    table, agreed : AnswerTable, Consensus
        Who said what, and what they say together.
    agreement : float or None
        Share of answers in which people agree, without items that were asked again because a label was suspicious.
    """

    pool: LabelPool
    entries: list[PoolEntry]
    genres: tuple[Genre, ...]
    labelled: np.ndarray
    targets: np.ndarray
    numbers: np.ndarray
    on_random_slice: np.ndarray
    table: AnswerTable
    agreed: Consensus
    agreement: float | None


def learn(
    project_id: str,
    *,
    services: "Services",
    progress: Callable[[float], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Hear what was not heard yet, learn from the labels, and rank the queue.

    Returns
    -------
    dict
        `heard`, `unheard` (how many recordings could not be), `labels`, `version` (None where there was not enough
        to learn from), `activated`, `reason`.

    Raises
    ------
    NotFound
        If there is no such project.
    Cancelled
        If `cancelled` said so.
    """

    def tick(share: float) -> None:
        if cancelled():
            raise Cancelled("the training was cancelled")
        progress(share)

    project = services.projects.get(project_id)
    heard, unheard = _hear(project, services, lambda share: tick(HEARING_SHARE * share))
    start = HEARING_SHARE if heard else 0.0
    project = services.projects.get(project_id)  # hearing takes hours: people go on meanwhile
    last_event = services.labels.last_number(project.id)
    material = gather(project, services)
    known = int((material.targets.sum(axis=0) > 0).sum()) if len(material.labelled) else 0
    result: dict[str, Any] = {"heard": heard, "unheard": unheard, "labels": len(material.labelled), "version": None}
    if known < 2:
        reason = "label recordings of two genres or more: then there is something to learn"
        _rank(project, material, None, services)
        return result | {"activated": False, "reason": reason}
    training = _train(project, material, services, lambda share: tick(start + (0.95 - start) * share))
    version = _keep(project, material, training, last_event, services)
    # The genres stay those of the material; which version answers may have changed.
    project = replace(project, version=services.projects.get(project.id).version)
    assert project.version is not None  # the first one is always activated
    probabilities = _probabilities(project, material, head_of(project, project.version, services))
    _tell(project, material, probabilities, services)
    _rank(project, material, probabilities, services)
    _ask_again(project, material, training, services)
    progress(1.0)  # too late to cancel it
    activated = version.version == project.version
    return result | {"version": version.version, "activated": activated, "reason": version.reason}


def answer_with(project: Project, version: int | None, *, actor: str, services: "Services") -> Version:
    """Let a version answer from now on, and rank the queue by it.

    Parameters
    ----------
    project : Project
        Whose model.
    version : int or None
        Which one; None for the one that answered before the active one.
    actor : str
        Who wants it.
    services : Services
        Where the project is.

    Raises
    ------
    Conflict
        If none answered before.
    NotFound
        If there is no such version.
    """
    if version is None:
        activated = services.versions.roll_back(project.id, actor=actor)
    else:
        activated = services.versions.activate(project.id, version, actor=actor)
    project = services.projects.get(project.id)
    material = gather(project, services)
    if material.entries:
        probabilities = _probabilities(project, material, head_of(project, activated.version, services))
        _tell(project, material, probabilities, services)
        _rank(project, material, probabilities, services)
    return activated


def gather(project: Project, services: "Services") -> Material:
    """Read what a project gives to learn from."""
    entries = [entry for entry in services.labels.pool(project.id) if entry.track_id is not None]
    vectors = services.features.of_tracks([entry.track_id or "" for entry in entries], BACKBONE)
    entries = [entry for entry in entries if entry.track_id in vectors]
    stacked = [vectors[entry.track_id or ""] for entry in entries]
    pool = LabelPool.from_vectors(
        np.stack(stacked) if stacked else np.empty((0, N_FEATURES), np.float32),
        [entry.artist for entry in entries],
    )
    row_of = {entry.item_id: row for row, entry in enumerate(entries)}
    known = {genre.id for genre in project.genres}  # labels of a genre that is newer than `project` come next time
    labels = [
        label
        for label in services.labels.in_force(project.id)
        if label.item_id in row_of and known.issuperset(label.genres)
    ]
    table = answers(labels)
    agreed = consensus(table, genres=[genre.id for genre in project.genres])
    says = agreed.targets.sum(axis=1) > 0
    unflagged = np.array([entries[row_of[str(item)]].flag is None for item in table.items], dtype=bool)
    chosen = np.flatnonzero(says & unflagged) if len(table.items) else np.empty(0, np.int64)
    rows = np.array([row_of[str(table.items[i])] for i in chosen], dtype=np.int64)
    last = {label.item_id: label.number for label in labels}
    return Material(
        pool=pool,
        entries=entries,
        genres=project.genres,
        labelled=rows,
        targets=agreed.targets[chosen],
        numbers=np.array([last[str(table.items[i])] for i in chosen], dtype=np.int64),
        on_random_slice=rows < random_slice_length(entries),
        table=table,
        agreed=agreed,
        agreement=observed_agreement(
            answers(each for each in labels if entries[row_of[each.item_id]].wanted == project.settings.overlap)
        ),
    )


def random_slice_length(entries: Sequence[PoolEntry]) -> int:
    """How long the beginning of the random order is that is done with: labelled, skipped or flagged.

    What lies in it does not depend on any strategy, whoever served it: its labels are a random sample of the pool.
    """
    return next((row for row, entry in enumerate(entries) if not entry.acted), len(entries))


def head_of(project: Project, version: int, services: "Services") -> FewLabelHead:
    """The head of a version. Raises NotFound."""
    card, weights = services.versions.model(project.id, version)
    return FewLabelHead(card, unpack_npz(weights, name=f"version {version} of {project.name}"))


def _hear(project: Project, services: "Services", tick: Callable[[float], None]) -> tuple[int, int]:
    """Sum up the tracks that were not: how many were heard, and how many could not be."""
    missing = services.features.missing(project.id, BACKBONE)
    failed = 0
    for done, track_id in enumerate(missing):
        tick(done / len(missing))
        try:
            track = services.tracks.get(track_id)
            with services.blobs.local(track.blob) as path:
                summary = services.engine.summarise(path, sha256=track.sha256)
        except (AudioError, NotFound) as error:
            failed += 1
            log.warning("not heard", track=track_id, reason=str(error))
            continue
        services.features.put(track_id, summary.backbone, summary.vector, start_s=summary.start_s)
    return len(missing) - failed, failed


def _train(
    project: Project, material: Material, services: "Services", progress: Callable[[float], None]
) -> LabelTraining:
    known_before = None
    if project.version is not None:
        known_before = material.numbers <= services.versions.get(project.id, project.version).last_event
    names = [genre.name for genre in material.genres]

    fit = partial(fit_few_label_head, genres=names, name=model_name(project), backbone=BACKBONE)
    with one_blas_thread():
        return train_from_labels(
            material.pool,
            material.labelled,
            material.targets,
            genres=names,
            on_random_slice=material.on_random_slice,
            fit=fit,
            known_before=known_before,
            agreement=material.agreement,
            progress=progress,
        )


def _keep(
    project: Project, material: Material, training: LabelTraining, last_event: int, services: "Services"
) -> Version:
    head = training.predictor
    assert isinstance(head, FewLabelHead)
    report = training.to_dict()
    for suspicious in report["suspicious"]:
        suspicious["item"] = material.entries[material.labelled[suspicious.pop("row")]].item_id
    card = head.card | {
        "kind": KIND,
        "genre_ids": [genre.id for genre in material.genres],
        "created": utc_now().date().isoformat(),
        "licence": "that of the labels",
        "data": {
            "project": project.name,
            "n_labels": training.n_labels,
            "n_evaluated": training.n_evaluated,
            "annotators": list(material.table.annotators),
        },
        "measured": {name: report[name] for name in ("accuracy", "low", "high", "ece", "per_class")},
    }
    return services.versions.add(
        project.id,
        activate=training.activate,
        actor=MACHINE,
        reason=training.reason,
        n_labels=training.n_labels,
        last_event=last_event,
        accuracy=training.accuracy,
        low=training.low,
        high=training.high,
        report=report,
        card=card,
        weights=_packed(head.arrays),
    )


def _probabilities(project: Project, material: Material, head: FewLabelHead) -> np.ndarray:
    """What a head thinks of each item, by the genres of today: merged ones add up, new ones have 0."""
    columns = {genre.id: column for column, genre in enumerate(material.genres)}
    of_today = np.zeros((len(head.genres), len(columns)))
    for row, genre_id in enumerate(head.card["genre_ids"]):
        if (column := columns.get(project.merged.get(genre_id, genre_id))) is not None:
            of_today[row, column] = 1.0
    return head.probabilities_of(material.pool) @ of_today


def _tell(project: Project, material: Material, probabilities: np.ndarray, services: "Services") -> None:
    """Keep what the active version thinks of each item."""
    assert project.version is not None
    ids = [genre.id for genre in material.genres]
    rounded = probabilities.round(DECIMALS).tolist()
    services.labels.write_predictions(
        project.version,
        {entry.item_id: dict(zip(ids, row, strict=True)) for entry, row in zip(material.entries, rounded, strict=True)},
    )


def _rank(project: Project, material: Material, probabilities: np.ndarray | None, services: "Services") -> None:
    """Give every item that is still wanted its place: those of which one opinion is missing before the others."""
    if not material.entries or len(material.genres) < 2:  # nothing to choose between: the order stays a random one
        return
    order = rank(
        material.pool,
        material.labelled,
        material.targets,
        probabilities,
        strategy=project.settings.strategy,
        n=len(material.entries),
        seed=len(material.labelled),
    )
    ranks = {material.entries[row].item_id: place for place, row in enumerate(order.tolist())}
    for entry in material.entries:
        if 0 < entry.n_labels < entry.wanted:
            ranks[entry.item_id] = entry.n_labels - entry.wanted
    services.labels.write_ranks(ranks)


def _ask_again(project: Project, material: Material, training: LabelTraining, services: "Services") -> None:
    """Offer suspicious labels to another annotator, each item once."""
    asked = 0
    for suspicious in training.suspicious:
        entry = material.entries[int(material.labelled[suspicious.row])]
        if asked == ASKED_AGAIN_AT_ONCE:
            break
        if entry.wanted == project.settings.overlap == entry.n_labels:
            services.labels.write_ranks({entry.item_id: -1})
            asked += services.label_queue.ask_again(entry.item_id, wanted=entry.wanted + 1, actor=MACHINE)


def model_name(project: Project) -> str:
    """A name for a project's model in a registry of models."""
    plain = unicodedata.normalize("NFKD", project.name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48] or "project"


def _packed(arrays: dict[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    contents: dict[str, Any] = dict(sorted(arrays.items()))
    np.savez_compressed(file, **contents)
    return file.getvalue()
