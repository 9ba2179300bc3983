"""`genrelab labels next`, `label`, `skip`, `flag`, `undo` and `session`: working through the queue of a project."""

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.exits import FAILED, complain
from service.cli.labelling_options import Annotator, ProjectName, annotator_of, clock, opened, print_json
from service.cli.options import Json

if TYPE_CHECKING:
    from service.services import Services
    from service.storage.label_queue import Act, Answer, Lease
    from service.storage.projects import Project

LeaseId = Annotated[str, typer.Argument(metavar="LEASE", help="Id of a lease, as `labels next` prints it.")]
KEYS = (
    "a number or a name labels (several with commas where the project allows it), ? behind it: unsure, "
    "n none of these, s skip, b broken, m several genres, z undo, q quit"
)


def next_item(project: ProjectName, annotator: Annotator = "", as_json: Json = False) -> None:
    """Get the next recording to label: its lease, its name, where to listen.

    Exit code 1 when there is none to be had now.
    """
    with opened() as services:
        lease = _next(services.projects.get(project), annotator_of(annotator), services)
        if lease is None:
            raise typer.Exit(FAILED)
        _print_lease(lease, services, as_json)


def label(
    lease: LeaseId,
    genres: Annotated[
        list[str] | None, typer.Argument(metavar="GENRE…", help="What it is.", show_default=False)
    ] = None,
    annotator: Annotator = "",
    none: Annotated[bool, typer.Option("--none", help="None of the project's genres.")] = False,
    unsure: Annotated[bool, typer.Option("--unsure", help="You are not sure: the label counts half.")] = False,
    note: Annotated[str | None, typer.Option(help="Words about it.", show_default=False)] = None,
    then_next: Annotated[bool, typer.Option("--next", help="Print the next lease, as `labels next` does.")] = False,
    as_json: Json = False,
) -> None:
    """Say what genre a leased recording is."""
    from service.storage.label_queue import Answer

    said = Answer("label", genres=tuple(genres or ()), none=none, unsure=unsure, note=note)
    _answer(lease, said, annotator, then_next, as_json)


def skip(
    lease: LeaseId,
    annotator: Annotator = "",
    reason: Annotated[str | None, typer.Option(help="Why.", show_default=False)] = None,
    then_next: Annotated[bool, typer.Option("--next", help="Print the next lease, as `labels next` does.")] = False,
    as_json: Json = False,
) -> None:
    """Leave a leased recording to others; it comes back when nothing else is left."""
    from service.storage.label_queue import Answer

    _answer(lease, Answer("skip", reason=reason), annotator, then_next, as_json)


def flag(
    lease: LeaseId,
    flag: Annotated[Literal["broken", "several_genres"], typer.Argument(help="What is wrong.")],
    annotator: Annotator = "",
    note: Annotated[str | None, typer.Option(help="Words about it.", show_default=False)] = None,
    then_next: Annotated[bool, typer.Option("--next", help="Print the next lease, as `labels next` does.")] = False,
    as_json: Json = False,
) -> None:
    """Set a leased recording aside: nobody is asked about it any more."""
    from service.storage.label_queue import Answer

    _answer(lease, Answer("flag", flag=flag, note=note), annotator, then_next, as_json)


def undo(project: ProjectName, annotator: Annotator = "", as_json: Json = False) -> None:
    """Take back your latest label, skip or flag, and get its recording again."""
    from service.errors import Conflict

    with opened() as services:
        found, who = services.projects.get(project), annotator_of(annotator)
        number = services.label_queue.latest_act(found.id, who)
        if number is None:
            raise Conflict(f"{who} has said nothing in {found.name!r} that could be undone.")
        _print_lease(services.label_queue.undo(number, who), services, as_json)


def session(project: ProjectName, annotator: Annotator = "") -> None:
    """Label one recording after the other in this terminal; every answer is kept at once.

    Names the recordings and plays nothing: play them with a program of your own.
    """
    with opened() as services:
        found, who = services.projects.get(project), annotator_of(annotator)
        for number, genre in enumerate(found.genres, start=1):
            typer.echo(f"{number:>3}  {genre.name}")
        typer.echo(KEYS)
        _work(found, who, services)
        counts = services.projects.counts(found.id)
    typer.echo(f"{found.name}: {counts.labels} labels, {counts.open} items are open")


def _work(project: "Project", annotator: str, services: "Services") -> None:
    """Ask until there is nothing to ask or nobody answers."""
    from service.errors import Conflict, Invalid

    queue = services.label_queue
    put_off: list[Lease] = []  # while an earlier one is answered anew
    lease = _next(project, annotator, services)
    while lease is not None:
        _print_lease(lease, services, as_json=False)
        typer.echo("> ", nl=False)
        line = sys.stdin.readline()
        if not line or line.strip() == "q":
            typer.echo()
            return
        if line.strip() == "z":
            if (number := queue.latest_act(project.id, annotator)) is None:
                complain("there is nothing to undo")
            else:
                put_off.append(lease)
                lease = queue.undo(number, annotator)
            continue
        try:
            queue.answer(lease.id, _read(line, project), annotator)
        except Invalid as error:
            complain(str(error))
            continue
        except Conflict as error:  # answered in another place meanwhile; a closed project has no next item either
            complain(str(error))
        lease = put_off.pop() if put_off else _next(project, annotator, services)


def _read(line: str, project: "Project") -> "Answer":
    """What a line says. Raises Invalid."""
    from service.errors import Invalid
    from service.storage.label_queue import Answer

    text = line.strip()
    unsure = text.endswith("?")
    text = text.rstrip("?").strip()
    match text:
        case "":
            raise Invalid(KEYS)
        case "n":
            return Answer("label", none=True, unsure=unsure)
        case "s":
            return Answer("skip")
        case "b":
            return Answer("flag", flag="broken")
        case "m":
            return Answer("flag", flag="several_genres")
    return Answer("label", genres=tuple(_genre(word.strip(), project) for word in text.split(",")), unsure=unsure)


def _genre(word: str, project: "Project") -> str:
    """A genre by its number or its name."""
    if word.isdecimal() and 1 <= int(word) <= len(project.genres):
        return project.genres[int(word) - 1].name
    return project.genre_named(word).name


def _answer(lease_id: str, said: "Answer", annotator: str, then_next: bool, as_json: bool) -> None:
    with opened() as services:
        act, new, following = services.label_queue.answer(lease_id, said, annotator_of(annotator), then_next=then_next)
        if as_json:
            more = {"next": None if following is None else following.to_dict()} if then_next else {}
            print_json({"label": act.to_dict(), **more} if then_next else act.to_dict())
            return
        typer.echo(f"{_words(act)}: {'kept' if new else 'known already'} as {act.number}", err=then_next)
        if following is not None:
            _print_lease(following, services, as_json)
        elif then_next:
            complain("there is nothing to label now")


def _words(act: "Act") -> str:
    """What was said, in a few words."""
    if act.kind != "label":
        return act.flag or "skipped"
    return ", ".join(act.genres) + ("none of these" if act.none else "") + (" (unsure)" if act.unsure else "")


def _next(project: "Project", annotator: str, services: "Services") -> "Lease | None":
    """The next lease; None, and a word about it, where there is none."""
    from service.storage.label_queue import Lease
    from service.usecases.labelling import queue

    found = queue.lease(project.id, annotator, services=services)
    if isinstance(found, Lease):
        return found
    held = f": {found.leased} items are with annotators, and come back when they do not answer" if found.leased else ""
    complain(f"there is nothing to label now{held}")
    return None


def _print_lease(lease: "Lease", services: "Services", as_json: bool) -> None:
    """The lease, the name of the recording and where to listen; below, its file and what the model thinks."""
    file = _file(lease, services)
    if as_json:
        print_json(lease.to_dict() | {"file": file})
        return
    length = "" if lease.duration_s is None else f" of {clock(lease.duration_s)}"
    typer.echo(f"{lease.id}  {lease.filename}  from {clock(lease.start_s)}{length}")
    if file is not None:
        typer.echo(f"    {file}")
    if lease.suggestion is not None:
        thinks = ", ".join(f"{each['genre']} {each['probability']:.0%}" for each in lease.suggestion["genres"])
        typer.echo(f"    version {lease.suggestion['version']} thinks: {thinks}")


def _file(lease: "Lease", services: "Services") -> str | None:
    """Where the recording can be played from; None where recordings lie on another machine."""
    from service.storage.tracks import blob_key

    if not services.settings.resolved_blob_url.startswith("file://"):
        return None
    with services.blobs.local(blob_key(lease.track_id)) as path:
        return str(path)
