"""All commands of `genrelab` together."""

from typing import Annotated

import typer

from service.cli import (
    classify,
    datasets,
    doctor,
    embed,
    evaluate,
    generate,
    labels,
    models,
    render,
    serve,
    simulate_labelling,
    tokens,
    train,
)
from service.cli.exits import GenrelabGroup


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"genrelab {version('genrelab')}")
        raise typer.Exit


app = typer.Typer(
    name="genrelab",
    cls=GenrelabGroup,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: importing Rich would take longer than all the rest
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _genrelab(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hear what genre a recording is: how sure that is, where it changes, and why."""


app.command("classify")(classify.classify)
app.command("embed")(embed.embed)
app.command("generate")(generate.generate)
app.command("reproduce")(generate.reproduce)
app.command("render")(render.render)
app.command("simulate-labelling")(simulate_labelling.simulate_labelling)
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)
app.add_typer(datasets.app, name="datasets")
app.add_typer(train.app, name="train")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(models.app, name="models")
app.add_typer(labels.app, name="labels")
app.add_typer(tokens.app, name="tokens")
