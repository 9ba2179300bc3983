"""`genrelab serve`: the web page and the HTTP API."""

from typing import Annotated

import typer

from service.cli.options import load_settings


def serve(
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on: 127.0.0.1 by default; anything but loopback needs a token."),
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port, 8000 by default.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Web processes, each with a model of its own.")
    ] = None,
) -> None:
    """Serve the web page and the HTTP API."""
    settings = load_settings(host=host, port=port, workers=workers)
    from service import server

    server.serve(settings)
