"""`genrelab labels`: projects whose recordings people label, on the database of this machine.

The commands are in three more modules: of the pool, of the queue, and of what is learned.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import labelling_models, labelling_pool, labelling_queue
from service.cli.labelling_options import ProjectName, measured, opened, print_json, user
from service.cli.options import Json

if TYPE_CHECKING:
    from service.services import Services
    from service.storage.projects import Project

app = typer.Typer(no_args_is_help=True, help="Label recordings with genres of your own, and learn from the labels.")

Strategy = Annotated[
    str | None,
    typer.Option(
        help="What is asked first: random, least_confidence, margin, entropy, core_set, typicality, badge, committee, "
        "mixed.",
        show_default=False,
    ),
]
RandomShare = Annotated[
    float | None,
    typer.Option(help="Share of items that are drawn at random, 0 to 1: they measure.", show_default=False),
]
Overlap = Annotated[int | None, typer.Option(help="Annotators that answer for each item.", show_default=False)]
LeaseS = Annotated[
    float | None, typer.Option(help="Seconds that an item stays with one who does not answer.", show_default=False)
]
MultiLabel = Annotated[
    bool | None,
    typer.Option("--multi-label/--one-label", help="Whether an item may have several genres.", show_default=False),
]
Suggestions = Annotated[
    bool | None,
    typer.Option(
        "--show-suggestions/--hide-suggestions",
        help="Whether annotators see what the model thinks: it sways them.",
        show_default=False,
    ),
]
NoneOfThese = Annotated[
    bool | None,
    typer.Option("--none/--no-none", help="Whether one may say that no genre fits.", show_default=False),
]
RetrainEvery = Annotated[
    int | None,
    typer.Option(help="Labels between two trainings by a server; 0: the more, the rarer.", show_default=False),
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the project.")],
    genre: Annotated[list[str], typer.Option(help="A genre of its taxonomy; given several times.")],
    overlap: Overlap = None,
    multi_label: MultiLabel = None,
    strategy: Strategy = None,
    random_share: RandomShare = None,
    lease_s: LeaseS = None,
    suggestions: Suggestions = None,
    none: NoneOfThese = None,
    retrain_every: RetrainEvery = None,
    as_json: Json = False,
) -> None:
    """Begin a project with a taxonomy of your own."""
    from service.project_settings import settings_of

    settings = settings_of(
        _chosen(overlap, multi_label, strategy, random_share, lease_s, suggestions, none, retrain_every)
    )
    with opened() as services:
        project = services.projects.create(name, genres=genre, settings=settings, actor=user())
        _print(project, services, as_json)


@app.command()
def projects(as_json: Json = False) -> None:
    """List the projects, the newest first."""
    with opened() as services:
        found = [services.projects.to_dict(project) for project in services.projects.list()]
    if as_json:
        print_json(found)
        return
    for project in found:
        typer.echo(_line(project))


@app.command()
def change(
    project: ProjectName,
    name: Annotated[str | None, typer.Option(help="Another name.", show_default=False)] = None,
    closed: Annotated[
        bool | None, typer.Option("--close/--reopen", help="Whether it asks for labels.", show_default=False)
    ] = None,
    overlap: Overlap = None,
    multi_label: MultiLabel = None,
    strategy: Strategy = None,
    random_share: RandomShare = None,
    lease_s: LeaseS = None,
    suggestions: Suggestions = None,
    none: NoneOfThese = None,
    retrain_every: RetrainEvery = None,
    as_json: Json = False,
) -> None:
    """Rename, close or reopen a project, or change its settings; without options, print them."""
    chosen = _chosen(overlap, multi_label, strategy, random_share, lease_s, suggestions, none, retrain_every)
    with opened() as services:
        found = services.projects.get(project)
        if name is not None or closed is not None or chosen:
            found = services.projects.change(found.id, actor=user(), name=name, closed=closed, settings=chosen)
        _print(found, services, as_json)


@app.command()
def genres(
    project: ProjectName,
    add: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Add a genre.", show_default=False)] = None,
    rename: Annotated[
        list[str] | None, typer.Option(metavar="OLD=NEW", help="Rename a genre; its labels follow.", show_default=False)
    ] = None,
    merge: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=INTO", help="Take a genre for another one from now on.", show_default=False),
    ] = None,
    label_studio: Annotated[
        bool, typer.Option("--label-studio", help="Print the labelling configuration of Label Studio.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Change the taxonomy of a project, and print it."""
    renamed = [_pair(each, "--rename") for each in rename or ()]
    merged = [_pair(each, "--merge") for each in merge or ()]
    with opened() as services:
        store, actor = services.projects, user()
        found = store.get(project)
        for each in add or ():
            found = store.add_genre(found.id, each, actor=actor)
        for old, new in renamed:
            found = store.rename_genre(found.id, found.genre_named(old).id, new, actor=actor)
        for old, into in merged:
            found = store.merge_genres(found.id, found.genre_named(old).id, found.genre_named(into).id, actor=actor)
    if label_studio:
        from datasets.labels.labelling_config import labelling_config

        allowed = found.settings
        names = [kept.name for kept in found.genres]
        typer.echo(labelling_config(names, allowed.multi_label, none_of_these=allowed.none_of_these))
        return
    if as_json:
        print_json([{"id": kept.id, "name": kept.name} for kept in found.genres])
        return
    for number, kept in enumerate(found.genres, start=1):
        typer.echo(f"{number:>3}  {kept.name}")


app.command("add")(labelling_pool.add)
app.command("import")(labelling_pool.import_labels)
app.command("export")(labelling_pool.export)
app.command("publish")(labelling_models.publish)
app.command("next")(labelling_queue.next_item)
app.command("label")(labelling_queue.label)
app.command("skip")(labelling_queue.skip)
app.command("flag")(labelling_queue.flag)
app.command("undo")(labelling_queue.undo)
app.command("session")(labelling_queue.session)
app.command("train")(labelling_models.train)
app.command("stats")(labelling_models.stats)
app.command("versions")(labelling_models.versions)
app.command("activate")(labelling_models.activate)
app.command("rollback")(labelling_models.rollback)
app.command("events")(labelling_models.events)
app.command("check")(labelling_models.check)


def _chosen(
    overlap: int | None,
    multi_label: bool | None,
    strategy: str | None,
    random_share: float | None,
    lease_s: float | None,
    suggestions: bool | None,
    none: bool | None,
    retrain_every: int | None,
) -> dict[str, Any]:
    """The settings that were given, as `service.project_settings` names them."""
    given = {
        "overlap": overlap,
        "multi_label": multi_label,
        "strategy": strategy,
        "random_share": random_share,
        "lease_s": lease_s,
        "suggestions": None if suggestions is None else "shown" if suggestions else "hidden",
        "none_of_these": none,
        "retrain_every": retrain_every,
    }
    return {name: value for name, value in given.items() if value is not None}


def _pair(text: str, option: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not equals or not old.strip() or not new.strip():
        raise typer.BadParameter(f"{option} {text!r}: expected two names with '=' between them")
    return old, new


def _print(project: "Project", services: "Services", as_json: bool) -> None:
    found = services.projects.to_dict(project)
    if as_json:
        print_json(found)
        return
    typer.echo(_line(found))
    typer.echo(f"  genres: {', '.join(genre['name'] for genre in found['genres'])}")
    typer.echo(f"  {', '.join(f'{name} {_plain(value)}' for name, value in found['settings'].items())}")


def _line(project: dict[str, Any]) -> str:
    """A project in a line: how far it is, and how good its model."""
    counts, model = project["counts"], project["model"]
    states = ", ".join(f"{counts[state]} {words}" for state, words in (("open", "open"), ("labelled", "labelled")))
    line = f"{project['name']}  {counts['items']} items ({states}), {counts['labels']} labels"
    if model is not None:
        line += f", version {model['version']}: {measured(model['accuracy'], model['low'], model['high'])}"
    return f"{line}, closed" if project["closed"] else line


def _plain(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
