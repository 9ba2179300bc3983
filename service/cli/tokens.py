"""`genrelab tokens`: who may use a server that others can reach."""

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.options import Json, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.storage.tokens import TokenStore

app = typer.Typer(no_args_is_help=True, help="Tokens: who may use a server that others can reach.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose token it is.")],
    role: Annotated[
        Literal["listener", "annotator", "admin"],
        typer.Option(help="What its owner may do; each role may do what those before it may."),
    ] = "listener",
) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    with _tokens() as tokens:
        _, secret = tokens.create(name, role)
    typer.echo(secret)
    typer.echo(f"the token of {name} ({role}); it is not shown again", err=True)


@app.command("list")
def list_tokens(as_json: Json = False) -> None:
    """List the tokens: names and roles."""
    with _tokens() as tokens:
        entries = tokens.list()
    if as_json:
        typer.echo(json.dumps([entry.to_dict() for entry in entries], indent=2))
        return
    for entry in entries:
        typer.echo(f"{entry.id}  {entry.role:<10} {entry.created_at}  {entry.name}")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose token ends; or the id of one token.")],
) -> None:
    """End a token: whoever has it is let in no more."""
    with _tokens() as tokens:
        tokens.revoke(name)
    typer.echo(f"the token of {name} is revoked")


@contextmanager
def _tokens() -> "Iterator[TokenStore]":
    from service.services import Services

    services = Services.from_settings(load_settings())
    try:
        yield services.tokens
    finally:
        services.close()
