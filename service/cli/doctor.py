"""`genrelab doctor`: is everything here that Genrelab needs?"""

import json
from dataclasses import asdict

import typer

from service.cli.exits import FAILED
from service.cli.options import Json, load_settings


def doctor(as_json: Json = False) -> None:
    """Check that everything is here: packages, weights, folders.

    Exit code 1 when something that is needed is missing.
    """
    from service.usecases.doctor import examine
    from service.web.vendor import VENDOR, WAVESURFER

    checks = []
    for check in examine(load_settings(), player=VENDOR / WAVESURFER):
        checks.append(check)
        if not as_json:
            typer.echo(f"{check.state:<4}  {check.name:<12} {check.detail}")
            if check.remedy:
                typer.echo(f"{'':<18} → {check.remedy}")
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], indent=2))
    if any(check.state == "fail" for check in checks):
        raise typer.Exit(FAILED)
