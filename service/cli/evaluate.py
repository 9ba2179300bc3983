"""`genrelab evaluate`: how right the shipped models are."""

import json
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import Json

app = typer.Typer(no_args_is_help=True, help="Measure how right the models are.")


@app.callback()
def _evaluate() -> None:
    """Measure how right the models are."""


@app.command()
def taggrams(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE.npz", help="X [n, 50] tag activations, Y [n] genre, IDS [n] track of each row."),
    ],
    as_json: Json = False,
) -> None:
    """Score the active classifier on tag activations that were computed before."""
    from models.evaluation.taggrams import evaluate_taggrams

    report = evaluate_taggrams(file)
    if as_json:
        typer.echo(json.dumps(report))
        return
    for name in ("n_tracks", "accuracy", "log_loss", "ece"):
        typer.echo(f"{name:<10} {report[name]:.4g}")
