"""`genrelab tokens`: who may use a server that others can reach."""

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.options import Json, load_settings

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from service.storage.tokens import TokenStore

app = typer.Typer(no_args_is_help=True, help="Tokens: who may use a server that others can reach.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose token it is.")],
    role: Annotated[
        Literal["listener", "annotator", "admin"],
        typer.Option(help="What its owner may do; each role includes those before."),
    ] = "listener",
) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    with _tokens() as tokens:
        typer.echo(tokens.create(name, role))


@app.command("list")
def list_tokens(as_json: Json = False) -> None:
    """List the tokens: names and roles."""
    with _tokens() as tokens:
        entries = tokens.list()
    if as_json:
        typer.echo(json.dumps([entry.to_dict() for entry in entries], indent=2))
        return
    for entry in entries:
        typer.echo(f"{entry.name:<20} {entry.role:<10} {entry.created_at}")


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="Whose token ends.")]) -> None:
    """End a token; whoever has it is let in no more."""
    with _tokens() as tokens:
        tokens.revoke(name)
    typer.echo(f"the token of {name} is revoked")


def _tokens() -> "AbstractContextManager[TokenStore]":
    raise NotImplementedError
