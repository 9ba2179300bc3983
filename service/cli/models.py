"""`genrelab models`: which models there are, and which one answers."""

import json
from typing import Annotated

import typer

from service.cli.options import Json

app = typer.Typer(no_args_is_help=True, help="Models: list them, choose one, go back to the one before.")


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the models; a star marks the one that answers."""
    from models.registry import ModelRegistry

    entries = ModelRegistry().list()
    if as_json:
        names = ("name", "version", "kind", "created", "active")
        records = [{name: getattr(entry, name) for name in names} | {"path": str(entry.path)} for entry in entries]
        typer.echo(json.dumps(records, indent=2, default=str))
        return
    width = max((len(entry.name) for entry in entries), default=0)
    for entry in entries:
        typer.echo(f"{'*' if entry.active else ' '} {entry.name:<{width}}  {entry.kind:<6}  {entry.created}")


@app.command()
def activate(name: Annotated[str, typer.Argument(help="Name of a model, as `models list` prints it.")]) -> None:
    """Let this model answer from now on."""
    from models.registry import ModelRegistry

    entry = ModelRegistry().activate(name)
    typer.echo(f"{entry.name} answers now; a running server takes it from the next recording on")


@app.command()
def rollback(
    kind: Annotated[str, typer.Argument(help="Kind of model.")] = "genre",
) -> None:
    """Let the model answer that answered before."""
    from models.registry import ModelRegistry

    entry = ModelRegistry().rollback(kind)
    typer.echo(f"{entry.name} answers again")
