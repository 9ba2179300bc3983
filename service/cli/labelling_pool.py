"""`genrelab labels add`, `import` and `export`: what goes into a project and what comes out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from service.cli.exits import INTERRUPTED, SOME_FAILED, complain
from service.cli.labelling_options import ProjectName, annotator_of, opened, print_json, user
from service.cli.options import Json

if TYPE_CHECKING:
    from service.services import Services
    from service.storage.projects import Project

# Those of `datasets.labels.FORMATS`, whose modules take long to import.
ReadFormat = Literal["csv", "jsonl", "jams", "label-studio", "tags"]
WrittenFormat = Literal["csv", "jsonl", "jams", "label-studio"]
WRITTEN_AS: dict[str, WrittenFormat] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".json": "label-studio",
    ".zip": "jams",
    "": "jams",
}
SHOWN = 10  # recordings that were not found


def add(
    project: ProjectName,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH…", help="Audio files, and folders that are searched for them.", show_default=False
        ),
    ] = None,
    library: Annotated[bool, typer.Option("--library", help="Add every track of the library.")] = False,
    artist_from: Annotated[
        Literal["tag", "folder", "none"],
        typer.Option(help="Where the artist of a file stands: one is never on both sides of a measurement."),
    ] = "tag",
    later: Annotated[
        bool, typer.Option("--later", help="Let a server hear them; by default that is done now.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take recordings into the library and into a project's pool.

    A recording that the library has is not copied again. A call that was stopped goes on where it was: just start it
    again. Exit code 3 when some files cannot be used.
    """
    if not paths and not library:
        raise typer.BadParameter("name files or folders, or say --library")

    from service.usecases.labelling import pool

    with opened() as services:
        found = services.projects.get(project)
        tracks: dict[str, str] = {}  # artist of each
        copied = 0
        failures: list[tuple[Path, str]] = []
        try:
            if paths:
                tracks, copied, failures = _take_in(paths, artist_from, services)
            if library:
                tracks |= {track_id: "" for track_id in services.tracks.ids() if track_id not in tracks}
            added, _ = pool.add_tracks(found, tracks, actor=user(), services=services, artists=tracks)
            learned = None if later else _hear(found, added, services)
        except KeyboardInterrupt:
            complain("stopped; the same command goes on from there")
            raise typer.Exit(INTERRUPTED) from None
        counts = services.projects.counts(found.id)
    if as_json:
        problems = [{"path": str(path), "problem": problem} for path, problem in failures]
        print_json({"added": added, "copied": copied, "items": counts.items, "learned": learned, "problems": problems})
    else:
        typer.echo(f"{added} added ({copied} new in the library); {found.name} has {counts.items} items")
        if learned is not None and learned["unheard"]:
            typer.echo(f"{learned['unheard']} could not be heard and are asked last")
    for path, problem in failures:
        complain(f"{path}: {problem}")
    if failures:
        raise typer.Exit(SOME_FAILED)


def import_labels(
    project: ProjectName,
    path: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="Labels; or audio files with genres as tags.")],
    format: Annotated[ReadFormat | None, typer.Option(help="Told by the file itself by default.")] = None,
    add_genres: Annotated[bool, typer.Option("--add-genres", help="Let unknown genres join the taxonomy.")] = False,
    annotator: Annotated[
        str, typer.Option(help="Whose labels they are where the file does not say.", show_default=False)
    ] = "",
    as_json: Json = False,
) -> None:
    """Take in labels that were given elsewhere, by the content or name of the recordings in the pool.

    Exit code 3 when some are of recordings that the pool lacks.
    """
    from dataclasses import asdict, replace

    from datasets.labels import read_labels
    from service.usecases.labelling.exchange import import_records

    who = annotator_of(annotator) if annotator else ""
    with opened() as services:
        found = services.projects.get(project)
        records = [each if each.annotator else replace(each, annotator=who) for each in read_labels(path, format or "")]
        imported = import_records(
            found, records, actor=user(), source=path.name, services=services, add_genres=add_genres
        )
    if as_json:
        print_json(asdict(imported))
    else:
        known = f", {imported.known} known already" if imported.known else ""
        typer.echo(f"{imported.added} labels are new{known}; {imported.unlabelled} recordings without a label")
        for name in imported.unknown[:SHOWN]:
            complain(f"{name}: not in the pool")
        if len(imported.unknown) > SHOWN:
            complain(f"and {len(imported.unknown) - SHOWN} more that are not in the pool")
    if imported.unknown:
        raise typer.Exit(SOME_FAILED)


def export(
    project: ProjectName,
    out: Annotated[Path, typer.Option(metavar="PATH", help="Where to; its ending tells the format.")],
    format: Annotated[
        WrittenFormat | None, typer.Option(help="By default .csv, .jsonl, .json (Label Studio), .zip or folder (JAMS).")
    ] = None,
    unlabelled: Annotated[bool, typer.Option("--unlabelled", help="Recordings without a label too.")] = False,
    model: Annotated[bool, typer.Option("--model", help="The model instead, into a folder.")] = False,
    version: Annotated[
        int | None, typer.Option(min=1, help="Of the model; the one that answers by default.", show_default=False)
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="For the model: a-z, 0-9, '-', '_', '.'.", show_default=False)
    ] = None,
) -> None:
    """Write the labels of a project, or its model, for other tools."""
    if not model and (version is not None or name is not None):
        raise typer.BadParameter("--version and --name are about --model, which is missing")
    if not model and format is None and out.suffix.lower() not in WRITTEN_AS:
        raise typer.BadParameter(f"{out}: no ending that tells the format; say it with --format")

    from service.usecases.labelling.exchange import records_of, save_version

    with opened() as services:
        found = services.projects.get(project)
        if model:
            typer.echo(f"model: {save_version(found, version, out, name=name, services=services)} in {out}")
            return

        from datasets.labels import write_labels

        records = records_of(found, services=services, unlabelled=unlabelled)
        chosen = format or WRITTEN_AS[out.suffix.lower()]
        write_labels(records, out, chosen, project=found.name, genres=[genre.name for genre in found.genres])
    typer.echo(f"{sum(record.answered for record in records)} labels in {out}")


def _take_in(
    paths: list[Path], artist_from: Literal["tag", "folder", "none"], services: "Services"
) -> tuple[dict[str, str], int, list[tuple[Path, str]]]:
    """Artist by track, how many tracks are new, and what cannot be used."""
    from service.cli.progress import LibraryProgress
    from service.usecases.find_recordings import find_recordings
    from service.usecases.labelling.files import take_in_files

    found = list(find_recordings(paths))
    artists: dict[str, str] = {}
    copied, failures = 0, []
    with LibraryProgress(len(found)) as bar:
        bar.phase("taking in")
        for index, taken in enumerate(take_in_files(found, artist_from=artist_from, services=services)):
            if taken.track_id is None:
                failures.append((taken.path, taken.problem))
            else:
                artists[taken.track_id] = taken.artist
                copied += taken.copied
            bar.done(index)
    return artists, copied, failures


def _hear(project: "Project", added: int, services: "Services") -> dict[str, Any] | None:
    """Hear what is new; nothing where nothing is."""
    from models.track_summary import BACKBONE

    if not added and not services.features.missing(project.id, BACKBONE):
        return None

    from service.cli.progress import StageProgress
    from service.usecases.labelling.learn_here import learn_here

    with StageProgress() as bar:
        return learn_here(project, services=services, progress=lambda share: bar.share("hearing the new items", share))
