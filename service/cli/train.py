"""`genrelab train`: models of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.cores import usable_cores
from service.cli.exits import INTERRUPTED, complain
from service.cli.options import Jobs, LayoutName

if TYPE_CHECKING:
    from models.cross_fit import CommitteeSettings
    from models.evaluation.training_report import TrainingReport

app = typer.Typer(no_args_is_help=True, help="Train models of your own.")
DEFAULT_NAME = "my-genres"
PROBLEMS_SHOWN = 10  # kinds of problems in the terminal; the report has all


@app.callback()
def _train() -> None:
    """Train models of your own."""


@app.command()
def classifier(
    data: Annotated[
        list[Path], typer.Option(metavar="FOLDER", help="Recordings to learn from; may be given several times.")
    ],
    layout: Annotated[LayoutName, typer.Option(help="How they are laid out: see `datasets layouts`.")] = "folders",
    name: Annotated[str, typer.Option(help="Of the model: a-z, 0-9, '-', '_' and '.'.")] = DEFAULT_NAME,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="For model and report; `trainings/NAME` in the data folder by default."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings of the training, as JSON or TOML.")
    ] = None,
    taggrams: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="Published tag activations that join the training.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything that is drawn.")] = None,
    folds: Annotated[int | None, typer.Option(help="Networks, each tried on the part that it did not learn.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Of each network, at most.")] = None,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Look for faults in the recordings first.")] = True,
    register: Annotated[
        bool, typer.Option("--register/--no-register", help="Let the model join yours, for `classify --model NAME`.")
    ] = True,
    activate: Annotated[bool, typer.Option("--activate", help="Let the model answer from then on.")] = False,
    jobs: Jobs = None,
) -> None:
    """Learn the genres of a collection from its own recordings.

    Writes a model, a report of what to expect of it, and checkpoints: a call that was stopped goes on where it was,
    just start it again.
    """
    if activate and not register:
        raise typer.BadParameter("--activate and --no-register exclude each other: only a registered model can answer")

    from models.paths import data_dir
    from models.train_classifier import Settings
    from service.cli.progress import StageProgress
    from service.usecases.train_classifier import train_classifier

    settings = Settings(
        data=tuple(data),
        out=out or data_dir() / "trainings" / name,
        name=name,
        layout=layout,
        taggrams=taggrams,
        committee=_committee(config, seed=seed, folds=folds, epochs=epochs),
    )
    began = False

    def tell(words: str, share: float) -> None:
        nonlocal began
        if not began:  # and nothing was wrong with what was asked for
            typer.echo(f"training {name} in {settings.out}", err=True)
            began = True
        bar.share(words, share)

    try:
        with StageProgress() as bar:
            trained = train_classifier(
                settings,
                progress=tell,
                check=check,
                register=register,
                activate=activate,
                jobs=jobs or usable_cores(),
            )
    except KeyboardInterrupt:
        complain("stopped; the same command goes on from there")
        raise typer.Exit(INTERRUPTED) from None
    _print(trained.report)
    typer.echo(f"report: {trained.page}")
    if trained.entry is None:
        typer.echo(f"model: {settings.out}")
    elif trained.entry.active:
        typer.echo(f"model: {name} answers now; `genrelab models rollback` lets the one before answer again")
    else:
        typer.echo(f"model: {name}; `genrelab models activate {name}` lets it answer")


@app.command()
def generator(
    data: Annotated[Path, typer.Option(metavar="CORPUS", help="Recordings to learn from, as `render` writes them.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="For the stages, and for the generator at the end.")],
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings of the training, as JSON or TOML.")
    ] = None,
    stages: Annotated[
        str | None,
        typer.Option(help="Some of autoencoder,vocoder,prior,baselines,originality; all by default."),
    ] = None,
    layout: Annotated[LayoutName | None, typer.Option(help="How the recordings are laid out.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the generator: a-z, 0-9, '-', '_' and '.'.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything that is drawn.")] = None,
    hours_autoencoder: Annotated[float | None, typer.Option(help="Time for fitting the autoencoder, at most.")] = None,
    hours_vocoder: Annotated[float | None, typer.Option(help="Time for fitting the vocoder, at most.")] = None,
    hours_prior: Annotated[float | None, typer.Option(help="Time for fitting the prior in this call, at most.")] = None,
) -> None:
    """Learn to make music like that of a corpus, stage by stage.

    What is done is not done again, and a call that was stopped goes on where it was: just start it again. Meanwhile
    `samples` in the folder of a stage shows and plays what it makes.
    """
    from models.train_generator import settings_from
    from service.cli.progress import StageProgress
    from service.usecases.train_generator import train_generator

    hours = {"autoencoder": hours_autoencoder, "vocoder": hours_vocoder, "prior": hours_prior}
    given = {
        "stages": None if stages is None else [stage.strip() for stage in stages.split(",")],
        "layout": layout,
        "name": name,
        "seed": seed,
        "hours": {stage: limit for stage, limit in hours.items() if limit is not None},
    }
    settings = settings_from(
        config, data=data, out=out, **{field: value for field, value in given.items() if value is not None}
    )
    try:
        with StageProgress() as bar:
            trained = train_generator(settings, progress=bar.share)
    except KeyboardInterrupt:
        complain("stopped; the same command goes on from there")
        raise typer.Exit(INTERRUPTED) from None
    for sentence in trained.sentences:
        typer.echo(sentence)
    if trained.card is None:
        typer.echo(f"stages: {settings.out}; the generator needs the others too")
    else:
        typer.echo(f"generator: {trained.folder}")


def _committee(config: Path | None, *, seed: int | None, folds: int | None, epochs: int | None) -> "CommitteeSettings":
    """Settings of the file, or those by default, with what the flags say."""
    from dataclasses import replace

    from models.cross_fit import CommitteeSettings
    from models.train_classifier import read_committee

    found = CommitteeSettings() if config is None else read_committee(config)
    return replace(
        found,
        seed=found.seed if seed is None else seed,
        n_folds=found.n_folds if folds is None else folds,
        fit=found.fit if epochs is None else replace(found.fit, epochs=epochs),
    )


def _print(report: "TrainingReport") -> None:
    low, high = report.accuracy_interval
    figures = report.figures
    typer.echo(
        f"accuracy {figures['accuracy']:.1%} ({low:.1%} to {high:.1%}) on {figures['n_tracks']} held-out recordings"
    )
    for sentence in report.expectation:
        typer.echo(sentence)
    for warning in report.warnings:
        typer.echo(f"warning: {warning.text}")
    alike: dict[str, list[str]] = {}  # by what is wrong; a recording that could not be heard stands for itself
    for problem in report.data.problems:
        alike.setdefault(problem.partition(": ")[0], []).append(problem)
    for first, *others in list(alike.values())[:PROBLEMS_SHOWN]:
        typer.echo(f"recordings: {first}{f' (and {len(others)} more like this)' if others else ''}")
    if len(alike) > PROBLEMS_SHOWN:
        typer.echo("recordings: the report lists all that was found")
