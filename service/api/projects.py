"""Labelling projects: their taxonomies, settings, pools and events; how they stand; labels that come in and go out."""

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import IO, Any, ParamSpec, TypeVar

from apiflask import APIBlueprint, FileSchema
from flask import Response, current_app, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import UnprocessableEntity
from werkzeug.wsgi import wrap_file

from datasets.labels import FORMATS, read_labels, write_labels
from datasets.labels.record import LabelRecord
from service.api.context import services
from service.api.idempotency import idempotent
from service.api.labelling import in_project, takes_json
from service.api.labelling_schemas import (
    CONFIG,
    AddedItemsSchema,
    DashboardSchema,
    EventPageSchema,
    EventsQuery,
    ExportQuery,
    ImportedSchema,
    ImportForm,
    ItemPageSchema,
    ItemsQuery,
    Merge,
    NewGenre,
    NewItems,
    NewProject,
    ProjectChange,
    ProjectListSchema,
    ProjectSchema,
)
from service.api.uploads import upload_place
from service.project_settings import settings_of
from service.security.access import principal
from service.storage.projects import Project
from service.usecases.labelling import exchange, pool
from service.usecases.labelling.dashboard import dashboard
from service.usecases.labelling.training import model_name
from service.usecases.tracks import display_name

MAX_IMPORT_MB = 64
UNKNOWN_SHOWN = 100
TELLING_ENDINGS = re.compile(r"\.(csv|tsv|jsonl|ndjson|jams|zip)", re.IGNORECASE)
COPY_BYTES = 64 << 10
XML = "application/xml"

_FILE = {"schema": {"type": "string", "format": "binary"}}
_MORE_FORMATS: Any = {
    "content": {"application/json": {"schema": {}}, "application/jsonl": _FILE, "application/zip": _FILE, XML: _FILE}
}

P = ParamSpec("P")
R = TypeVar("R")

bp = APIBlueprint("projects", __name__, tag="Projects", url_prefix="/v1/projects")


@bp.get("")
@bp.output(ProjectListSchema)
def list_projects() -> ResponseReturnValue:
    """The labelling projects, newest first."""
    store = services().projects
    return {"items": [store.to_dict(project) for project in store.list()]}


@bp.post("")
@idempotent
@takes_json(bp, NewProject)
@bp.output(ProjectSchema, status_code=201)
def create_project(body: dict[str, Any]) -> ResponseReturnValue:
    """Begin a project."""
    store = services().projects
    project = store.create(
        body["name"], genres=body["genres"], settings=settings_of(body["settings"]), actor=principal().name
    )
    return store.to_dict(project), 201, {"Location": url_for("projects.get_project", project_id=project.id)}


@bp.get("/<project_id>")
@in_project
@bp.output(ProjectSchema)
def get_project(project: Project) -> ResponseReturnValue:
    """A project, by id or name."""
    return services().projects.to_dict(project)


@bp.patch("/<project_id>")
@in_project
@takes_json(bp, ProjectChange)
@bp.output(ProjectSchema)
def change_project(project: Project, body: dict[str, Any]) -> ResponseReturnValue:
    """Change name or settings; close a project or open it again."""
    return _changed(services().projects.change(project.id, actor=principal().name, **body))


@bp.post("/<project_id>/genres")
@in_project
@idempotent
@takes_json(bp, NewGenre)
@bp.output(ProjectSchema)
def add_genre(project: Project, body: dict[str, Any]) -> ResponseReturnValue:
    """Add a genre at the end of the taxonomy."""
    return _changed(services().projects.add_genre(project.id, body["name"], actor=principal().name))


@bp.patch("/<project_id>/genres/<genre_id>")
@in_project
@takes_json(bp, NewGenre)
@bp.output(ProjectSchema)
def rename_genre(project: Project, genre_id: str, body: dict[str, Any]) -> ResponseReturnValue:
    """Rename a genre; its labels follow."""
    return _changed(services().projects.rename_genre(project.id, genre_id, body["name"], actor=principal().name))


@bp.post("/<project_id>/genres/<genre_id>/merge")
@in_project
@idempotent
@takes_json(bp, Merge)
@bp.output(ProjectSchema)
def merge_genres(project: Project, genre_id: str, body: dict[str, Any]) -> ResponseReturnValue:
    """Take a genre for another one from now on, its labels included."""
    return _changed(services().projects.merge_genres(project.id, genre_id, body["into"], actor=principal().name))


@bp.get("/<project_id>/items")
@in_project
@bp.input(ItemsQuery, location="query", arg_name="query")
@bp.output(ItemPageSchema)
def list_items(project: Project, query: dict[str, Any]) -> ResponseReturnValue:
    """The pool, newest first."""
    page = services().projects.items(project.id, **query)
    return {"items": [item.to_dict() for item in page.items], "next_cursor": page.next_cursor}


@bp.post("/<project_id>/items")
@in_project
@idempotent
@takes_json(bp, NewItems)
@bp.output(AddedItemsSchema)
def add_items(project: Project, body: dict[str, Any]) -> ResponseReturnValue:
    """Take tracks of the library into the pool; a job hears and ranks what is new."""
    parts = services()
    if ("tracks" in body) == body["all"]:
        raise UnprocessableEntity("Please send either `tracks`, a list of ids, or `all` as true.")
    tracks = parts.tracks.ids() if body["all"] else body["tracks"]
    added, job = pool.add_tracks(project, tracks, actor=principal().name, services=parts)
    return {"added": added, "items": parts.projects.counts(project.id).items, "job": job and job.to_dict()}


@bp.get("/<project_id>/dashboard")
@in_project
@bp.output(DashboardSchema)
def get_dashboard(project: Project) -> ResponseReturnValue:
    """Who did how much, how they agree, how good the model is, what more labels would bring."""
    return dashboard(project, services=services())


@bp.get("/<project_id>/events")
@in_project
@bp.input(EventsQuery, location="query", arg_name="query")
@bp.output(EventPageSchema)
def list_events(project: Project, query: dict[str, Any]) -> ResponseReturnValue:
    """Everything that happened, oldest first: from it alone the labels follow."""
    limit = query["limit"]
    events = services().projects.events(project.id, after=query["after"], limit=limit + 1)
    return {
        "items": [event.to_dict() for event in events[:limit]],
        "next_after": events[limit - 1].number if len(events) > limit else None,
    }


@bp.get("/<project_id>/export")
@in_project
@bp.input(ExportQuery, location="query", arg_name="query")
@bp.output(FileSchema(), content_type="text/csv", description="A file with the labels")
@bp.doc(responses={200: _MORE_FORMATS})
def export_labels(project: Project, query: dict[str, Any]) -> ResponseReturnValue:
    """Labels in a format of other tools, or the configuration of Label Studio that goes with them."""
    name, format = model_name(project), query["format"]
    if format == CONFIG:
        response = Response(_labelling_config(project), content_type=f"{XML}; charset=utf-8")
        response.headers.set("Content-Disposition", "attachment", filename=f"{name}-labelling-config.xml")
        return response
    records = exchange.records_of(project, services=services(), unlabelled=query["unlabelled"])
    response = _streamed(_written(project, records, format), FORMATS[format].media_type)
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}-labels{FORMATS[format].suffix}")
    return response


def _takes_labels(view: Callable[P, R]) -> Callable[P, R]:
    """Let a view read a file of labels, while there is a place left among the uploads."""

    @wraps(view)
    def bounded(*args: P.args, **kwargs: P.kwargs) -> R:
        refusal = f"This file is over the limit of {MAX_IMPORT_MB} MB: split it."
        with upload_place(MAX_IMPORT_MB, refusal=refusal):
            return view(*args, **kwargs)

    return bounded


@bp.post("/<project_id>/import")
@in_project
@_takes_labels
@idempotent
@bp.input(ImportForm, location="form_and_files", arg_name="form")
@bp.output(ImportedSchema)
def import_labels(project: Project, form: dict[str, Any]) -> ResponseReturnValue:
    """Take in labels that were given elsewhere; all of them, or none where one cannot be."""
    with _kept(form["file"]) as path:
        records = read_labels(path, form["format"])
    imported = exchange.import_records(
        project,
        records,
        actor=principal().name,
        source=display_name(form["file"].filename or ""),
        services=services(),
        add_genres=form["add_genres"],
    )
    return {
        "added": imported.added,
        "known": imported.known,
        "unlabelled": imported.unlabelled,
        "first_unknown": imported.unknown[:UNKNOWN_SHOWN],
        "n_unknown": len(imported.unknown),
    }


def _changed(project: Project) -> dict[str, Any]:
    return services().projects.to_dict(project)


def _labelling_config(project: Project) -> str:
    from datasets.labels.labelling_config import labelling_config

    settings = project.settings
    genres = [genre.name for genre in project.genres]
    return labelling_config(genres, settings.multi_label, none_of_these=settings.none_of_these)


def _written(project: Project, records: list[LabelRecord], format: str) -> IO[bytes]:
    """A nameless file with the labels, to be read from its beginning."""
    about: dict[str, Any] = {"project": project.name, "genres": [genre.name for genre in project.genres]}
    file = tempfile.TemporaryFile(dir=_incoming())  # noqa: SIM115 - the response closes it
    try:
        if format == "label-studio":
            from datasets.labels import label_studio

            label_studio.write(records, file, audio_of=_audio_url, **about)
        else:
            write_labels(records, file, format, **about)
    except BaseException:
        file.close()
        raise
    return file


def _audio_url(record: LabelRecord) -> str:
    return url_for("tracks.get_audio", track_id=record.track, _external=True) if record.track else record.filename


def _streamed(file: IO[bytes], media_type: str) -> Response:
    size = file.tell()
    file.seek(0)
    response = Response(wrap_file(request.environ, file, COPY_BYTES), content_type=media_type, direct_passthrough=True)
    response.call_on_close(file.close)
    response.content_length = size
    return response


@contextmanager
def _kept(upload: FileStorage) -> Iterator[Path]:
    """An upload as a file, for as long as it is read; of its name only an ending stays that tells the format."""
    ending = TELLING_ENDINGS.search(Path(upload.filename or "").suffix)
    with tempfile.TemporaryDirectory(dir=_incoming()) as folder:
        path = Path(folder) / f"labels{ending[0].lower() if ending else ''}"
        upload.save(path)
        yield path


def _incoming() -> Path:
    folder: Path = current_app.config["INCOMING_DIR"]
    folder.mkdir(parents=True, exist_ok=True)
    return folder
