"""`genrelab labels train`, `stats`, `versions` and others: what a project learned, and what happened in it."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.exits import FAILED, INTERRUPTED, complain
from service.cli.labelling_options import ProjectName, measured, opened, print_json, user
from service.cli.options import Json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.services import Services
    from service.storage.label_events import Event
    from service.storage.projects import Project

EVENTS_AT_ONCE = 500
SUSPICIOUS_SHOWN = 10


def train(project: ProjectName, as_json: Json = False) -> None:
    """Hear what is new, learn from the labels, and put the queue in order, all in this process."""
    from service.cli.progress import StageProgress
    from service.usecases.labelling.learn_here import learn_here

    with opened() as services:
        found = services.projects.get(project)
        try:
            with StageProgress() as bar:
                learned = learn_here(found, services=services, progress=lambda share: bar.share("learning", share))
        except KeyboardInterrupt:
            complain("stopped; what was heard is kept")
            raise typer.Exit(INTERRUPTED) from None
        if as_json:
            print_json(learned)
            return
        if learned["version"] is None:
            typer.echo(f"no model yet: {learned['reason']}")
            return
        version = services.versions.get(found.id, learned["version"])
    accuracy = measured(version.accuracy, version.low, version.high)
    typer.echo(f"version {version.version} of {learned['labels']} labels, accuracy {accuracy}")
    state = "answers now" if learned["activated"] else "is kept and does not answer"
    typer.echo(f"version {version.version} {state}: {learned['reason']}")


def publish(
    project: ProjectName,
    version: Annotated[
        int | None, typer.Option(min=1, help="The one that answers by default.", show_default=False)
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="For the model: a-z, 0-9, '-', '_', '.'.", show_default=False)
    ] = None,
    activate: Annotated[bool, typer.Option("--activate", help="Let the model answer from then on.")] = False,
    as_json: Json = False,
) -> None:
    """Let a project's model join the models of this machine, for `classify --model NAME`."""
    from service.usecases.labelling import exchange

    with opened() as services:
        found = services.projects.get(project)
        entry = exchange.publish(found, version, name=name, services=services)
        if activate:
            entry = services.models.activate(entry.name)
    if as_json:
        print_json({"name": entry.name, "version": entry.version, "active": entry.active, "path": str(entry.path)})
    elif entry.active:
        typer.echo(f"model: {entry.name} answers now; `genrelab models rollback` lets the one before answer again")
    else:
        typer.echo(f"model: {entry.name}; `genrelab models activate {entry.name}` lets it answer")


def stats(project: ProjectName, as_json: Json = False) -> None:
    """How a project stands: who did what, how they agree, how good the model is, whether to label on."""
    from service.usecases.labelling.dashboard import dashboard
    from service.usecases.labelling.queue import stats as queue_stats

    with opened() as services:
        found = services.projects.get(project)
        counts = queue_stats(found, services=services)
        shown = dashboard(found, services=services)
    if as_json:
        print_json({"queue": counts, **shown})
        return
    typer.echo(
        f"{found.name}: {counts['items']} items, {counts['labelled']} labelled, {counts['open']} open, "
        f"{counts['set_aside']} set aside; {counts['labels']} labels"
    )
    for lines in (_annotators(shown), _agreement(shown), _classes(shown), _curve(shown), _suspicious(shown)):
        for line in lines:
            typer.echo(line)


def versions(project: ProjectName, as_json: Json = False) -> None:
    """List the versions of a project's model, the newest first; a star marks the one that answers."""
    with opened() as services:
        found = services.versions.list(services.projects.get(project).id)
    if as_json:
        print_json([version.to_dict() for version in found])
        return
    for version in found:
        star = "*" if version.state == "active" else " "
        accuracy = measured(version.accuracy, version.low, version.high)
        typer.echo(f"{star} {version.version:>3}  {version.n_labels:>5} labels  {accuracy:<26}  {version.reason}")


def activate(
    project: ProjectName,
    version: Annotated[int, typer.Argument(metavar="N", min=1, help="Number of a version, as `labels versions`.")],
) -> None:
    """Let a version of a project's model answer from now on, and put the queue in its order."""
    from service.usecases.labelling.training import answer_with

    with opened() as services:
        found = answer_with(services.projects.get(project), version, actor=user(), services=services)
    typer.echo(f"version {found.version} answers now")


def rollback(project: ProjectName) -> None:
    """Let the version answer that answered before."""
    from service.usecases.labelling.training import answer_with

    with opened() as services:
        found = answer_with(services.projects.get(project), None, actor=user(), services=services)
    typer.echo(f"version {found.version} answers again")


def events(
    project: ProjectName,
    after: Annotated[int, typer.Option(min=0, help="Only those after the event of this number.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with everything.")] = False,
) -> None:
    """Print everything that happened in a project, the oldest first; nothing of it is ever changed."""
    with opened() as services:
        for event in _events(services.projects.get(project), after, services):
            shown = event.to_dict()
            if as_json:
                typer.echo(json.dumps(shown))
            else:
                typer.echo(f"{event.number:>6}  {shown['at']}  {event.actor:<12}  {_what(event)}")


def check(project: ProjectName, as_json: Json = False) -> None:
    """Go through all events of a project and compare what follows from them with the tables.

    Exit code 1 when they differ.
    """
    from service.storage.project_state import differences

    with opened() as services:
        found = services.projects.get(project)
        happened = list(_events(found, 0, services))
        with services.database.reading() as session:
            differ = differences(session, found.id, happened)
    if as_json:
        print_json({"events": len(happened), "differences": differ})
    elif not differ:
        typer.echo(f"{len(happened)} events, the tables agree")
    else:
        typer.echo(f"{len(happened)} events, {len(differ)} differences:")
        for difference in differ:
            typer.echo(difference)
    if differ:
        raise typer.Exit(FAILED)


def _events(project: "Project", after: int, services: "Services") -> "Iterator[Event]":
    while page := services.projects.events(project.id, after=after, limit=EVENTS_AT_ONCE):
        yield from page
        after = page[-1].number


def _what(event: "Event") -> str:
    """An event in a line: its kind, its item, what it says."""
    undone = f" of {event.undoes}" if event.undoes is not None else ""
    item = f" {event.item_id}" if event.item_id is not None else ""
    content = f" {json.dumps(event.content, ensure_ascii=False)}" if event.content else ""
    return f"{event.kind}{undone}{item}{content}"


def _annotators(shown: dict[str, Any]) -> "Iterator[str]":
    for each in shown["annotators"]:
        pace = "" if each["median_s"] is None else f", {each['median_s']:.0f} s a label"
        yield f"  {each['name']}: {each['labels']} labels, {each['skips']} skips, {each['flags']} flags{pace}"


def _agreement(shown: dict[str, Any]) -> "Iterator[str]":
    agreement = shown["agreement"]
    if not agreement["cohen"]:
        return
    figures = [f"{name} {agreement[name]:.2f}" for name in ("fleiss", "krippendorff") if agreement[name] is not None]
    yield f"agreement on {agreement['items']} items: {', '.join(figures) or 'too few items in common'}"
    for pair in agreement["cohen"]:
        kappa = "–" if pair["kappa"] is None else f"{pair['kappa']:.2f}"
        yield f"  {pair['a']} and {pair['b']}: kappa {kappa} on {pair['n']} items"


def _classes(shown: dict[str, Any]) -> "Iterator[str]":
    width = max((len(each["genre"]) for each in shown["classes"]), default=0)
    yield f"  {'':<{width}}  labels  predicted"
    for each in shown["classes"]:
        yield f"  {each['genre']:<{width}}  {each['labels']:>6}  {each['predicted']:>9}"


def _curve(shown: dict[str, Any]) -> "Iterator[str]":
    curve = shown["curve"]
    for point in curve["points"]:
        yield f"accuracy with {point['labels']:>4} labels: {measured(point['accuracy'], point['low'], point['high'])}"
    if curve["gain"] is not None:
        gain = curve["gain"]
        points = f"{100 * gain['expected']:+.1f} points ({100 * gain['low']:+.1f} to {100 * gain['high']:+.1f})"
        yield f"the next {gain['labels']} labels: {points}"
    yield curve["advice"]["text"]


def _suspicious(shown: dict[str, Any]) -> "Iterator[str]":
    for each in shown["suspicious"][:SUSPICIOUS_SHOWN]:
        yield f"to be looked at: {each['filename']} is called {each['label']}, likely {each['likely']}"
