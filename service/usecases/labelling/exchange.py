"""Labels of a project in the formats of other tools, both ways, and its model as files."""

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.labels.record import LabelRecord
from features.npz import unpack_npz
from models.model_folder import NAME, save_model
from models.registry import ModelEntry
from service.errors import Conflict, Invalid
from service.storage.known_recordings import KnownRecordings
from service.storage.label_queue import Answer, check_answer
from service.storage.projects import MAX_GENRES, Genre, Project, checked_name, fold
from service.usecases.labelling.training import model_name

if TYPE_CHECKING:
    from service.services import Services

UNKNOWN_ANNOTATOR = "imported"
AT_ONCE = 250  # answers that one transaction records
NAMED = 5  # of what was not found, in a message


@dataclass(frozen=True)
class Imported:
    """What came of an import.

    Attributes
    ----------
    added : int
        Answers that are new.
    known : int
        Answers that their annotators had given already, or give otherwise further down.
    unlabelled : int
        Records that say nothing.
    unknown : tuple of str
        Recordings that are not in the pool.
    """

    added: int
    known: int
    unlabelled: int
    unknown: tuple[str, ...]


def records_of(project: Project, *, services: "Services", unlabelled: bool = False) -> list[LabelRecord]:
    """What was said in a project, in the order of its items; with `unlabelled`, items without a word too."""
    said = defaultdict(list)
    for act in services.label_queue.acts(project.id, limit=None):
        if act.kind != "skip":
            said[act.item_id].append(act)
    predictions = services.labels.predictions(project.id)
    durations = services.tracks.durations()
    records = []
    for item in services.projects.all_items(project.id):
        shares = project.shares_of(predictions.get(item.id, {}))
        about = LabelRecord(
            filename=item.filename,
            sha256=item.sha256,
            track=item.track_id or "",
            duration_s=durations.get(item.track_id or "") or None,
            probabilities=shares,
            model=f"{model_name(project)}-v{project.version}" if shares else "",
        )
        for act in reversed(said[item.id]):
            records.append(
                replace(
                    about,
                    annotator=act.annotator,
                    genres=act.genres,
                    none=act.none,
                    unsure=act.unsure,
                    flag=act.flag or "",
                    note=act.note or "",
                    at=act.at,
                    version=act.version,
                )
            )
        if unlabelled and not said[item.id]:
            records.append(about)
    return records


def import_records(
    project: Project,
    records: Sequence[LabelRecord],
    *,
    actor: str,
    source: str,
    services: "Services",
    add_genres: bool = False,
) -> Imported:
    """Take in labels that were given elsewhere.

    A recording is known by its id in the library, else by its content, else by its file name where only one item has
    it. An annotator's new answer replaces an earlier one; nothing is lost, for both stay among the events.

    Parameters
    ----------
    project : Project
        Where to.
    records : sequence of LabelRecord
        What was said.
    actor : str
        Who imports it.
    source : str
        Where it comes from, for the events.
    services : Services
        Where the project is.
    add_genres : bool
        Whether unknown genres join the taxonomy.

    Raises
    ------
    Invalid
        If genres are unknown and may not be added, or the project does not allow an answer. Nothing is kept then.
    """
    named: dict[str, str] = {}
    for genre in (genre for record in records for genre in record.genres):
        named.setdefault(fold(genre), genre)
    known = {fold(genre.name) for genre in project.genres}
    missing = [checked_name(genre, "genre") for folded, genre in named.items() if folded not in known]
    if len(project.genres) + len(missing) > MAX_GENRES:
        raise Invalid(f"{len(missing)} genres to be added: a project has {MAX_GENRES} at most.")
    if missing and not add_genres:
        raise Invalid(
            f"The project {project.name!r} has no genre {', '.join(map(repr, missing[:NAMED]))}"
            f"{' and others' if len(missing) > NAMED else ''}: add them first, or ask for unknown genres to be added."
        )
    items = KnownRecordings(services.projects.all_items(project.id))
    given: dict[tuple[str, str], Answer] = {}
    answered, unknown, unlabelled = 0, [], 0
    for record in records:
        item = items.find(record)
        if not record.answered:
            unlabelled += 1
        elif item is None:
            unknown.append(record.filename or record.track or record.sha256)
        else:
            given[item.id, record.annotator or UNKNOWN_ANNOTATOR] = _answer(record)
            answered += 1
    extended = replace(project, genres=(*project.genres, *(Genre(genre, genre) for genre in missing)))
    for (_, annotator), answer in given.items():
        check_answer(extended, answer, annotator)
    for genre in missing:
        services.projects.add_genre(project.id, genre, actor=actor)
    answers = [(item_id, annotator, answer) for (item_id, annotator), answer in given.items()]
    added = sum(
        services.label_queue.import_answers(project.id, answers[start : start + AT_ONCE], source=source, actor=actor)
        for start in range(0, len(answers), AT_ONCE)
    )
    return Imported(added, answered - added, unlabelled, tuple(unknown))


def save_version(project: Project, version: int | None, folder: Path, *, name: str | None, services: "Services") -> str:
    """Write a version of a project's model as a folder with card and weights; returns the model's name.

    Raises
    ------
    Conflict
        If no version is active and none was named.
    Invalid
        If `name` is no name of a model.
    NotFound
        If there is no such version.
    """
    chosen = project.version if version is None else version
    if chosen is None:
        raise Conflict(f"The project {project.name!r} has no model yet: label recordings of two genres or more.")
    card, weights = services.versions.model(project.id, chosen)
    named = {"name": name or f"{model_name(project)}-v{chosen}", "version": str(chosen)}
    if not NAME.fullmatch(named["name"]):
        raise Invalid(f"{name!r} is no name of a model: it has up to 64 of a-z, 0-9, '-', '_' and '.'.")
    arrays = unpack_npz(weights, name=f"version {chosen} of {project.name}")
    return str(save_model(folder, card | named, arrays)["name"])


def publish(project: Project, version: int | None, *, name: str | None, services: "Services") -> ModelEntry:
    """Let a version join the models of this machine, where it can be activated for everybody.

    Raises
    ------
    Conflict
        If no version is active and none was named.
    Invalid
        If `name` is no name of a model.
    NotFound
        If there is no such version.
    ModelError
        If another model has the name.
    """
    with tempfile.TemporaryDirectory() as folder:
        save_version(project, version, Path(folder), name=name, services=services)
        return services.models.register(Path(folder))


def _answer(record: LabelRecord) -> Answer:
    if record.flag:
        return Answer("flag", flag=record.flag, note=record.note)
    return Answer("label", genres=record.genres, none=record.none, unsure=record.unsure, note=record.note)
