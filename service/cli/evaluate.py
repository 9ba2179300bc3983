"""`genrelab evaluate`: how right the models are."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from features.cores import usable_cores
from service.cli.evaluate_generator import generator
from service.cli.evaluate_symbolic import symbolic
from service.cli.exits import INTERRUPTED, SOME_FAILED, complain
from service.cli.options import Jobs, Json, LayoutName, Model, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.usecases.evaluate_dataset import Questions
    from service.usecases.library import LibraryResult

app = typer.Typer(no_args_is_help=True, help="Measure how right the models are.")
app.command()(symbolic)
app.command()(generator)


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


@app.command()
def dataset(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The corpus; for csv, its table or folder.")],
    layout: Annotated[LayoutName, typer.Option(help="How it is laid out: see `datasets layouts`.")] = "folders",
    split: Annotated[
        Literal["train", "validation", "test"] | None, typer.Option(help="Only this split of the corpus.")
    ] = None,
    model: Model = None,
    as_json: Json = False,
    jobs: Jobs = None,
) -> None:
    """Score a classifier on the recordings of a labelled corpus.

    Labels are the model's genres in any spelling that differs in case, spaces, dashes and underscores only; recordings
    with other labels are counted and left out. A run that was stopped goes on where it was. Exit code 3 when some
    recordings could not be heard.
    """
    from datasets.readers import read_corpus
    from models.heads import load_head
    from models.registry import ModelRegistry
    from service.cli.listening import answering_models
    from service.usecases.evaluate_dataset import evaluate_dataset, questions_of

    models = answering_models(model)
    entry = ModelRegistry().active("genre") if model is None else ModelRegistry().get(model)
    genres = load_head(entry.path).genres
    manifest = read_corpus(folder, layout)
    questions = questions_of(manifest, genres, split=split or "")
    try:
        figures = evaluate_dataset(questions, _answers(questions, name=model, models=models, jobs=jobs), genres=genres)
    except KeyboardInterrupt:
        complain("stopped; the same command goes on from there")
        raise typer.Exit(INTERRUPTED) from None
    report = {"model": entry.name, "corpus": manifest.name, "split": split, **figures}
    if as_json:
        typer.echo(json.dumps(report))
    else:
        _print(report)
    if report["failures"]:
        raise typer.Exit(SOME_FAILED)


def _answers(questions: "Questions", *, name: str | None, models: str, jobs: int | None) -> "Iterator[LibraryResult]":
    """Answers in order, from the journal where it knows them."""
    from contextlib import ExitStack, closing

    from service.cli.listening import open_journal, runner_of_this_machine
    from service.cli.progress import LibraryProgress
    from service.usecases.find_recordings import Found
    from service.usecases.library import classify_library, known_answers

    settings = load_settings(decode_workers=jobs or usable_cores())
    found = [Found(recording.path) for recording in questions.recordings]
    with ExitStack() as stack:
        journal = open_journal(settings, stack)
        known = {} if journal is None else known_answers(found, journal=journal, model=models)
        bar = stack.enter_context(LibraryProgress(len(found)))
        run = runner_of_this_machine(settings, bar, name=name, model=models, journal=journal)
        results = classify_library(found, known=known, model=models, run=run, journal=journal, progress=bar.share)
        for index, result in enumerate(stack.enter_context(closing(results))):
            bar.done(index, heard_s=result.answer["duration_s"] if result.answer and result.computed else 0.0)
            yield result


def _print(report: dict[str, Any]) -> None:
    """The figures for people: of the whole, then genre by genre, then what was left out."""
    low, high = report["accuracy_interval"]
    typer.echo(f"{'model':<15} {report['model']}")
    typer.echo(f"{'recordings':<15} {report['n_tracks']}")
    typer.echo(f"{'accuracy':<15} {report['accuracy']:.1%} ({low:.1%} to {high:.1%})")
    for name in ("log_loss", "ece", "coverage", "abstention_rate"):
        typer.echo(f"{name:<15} {report[name]:.3f}")
    width = max(len("genre"), *(len(genre) for genre in report["per_class"]))
    typer.echo(f"\n{'genre':<{width}}  recordings  recall  precision  taken for")
    for genre, figures in report["per_class"].items():
        precision = "–" if figures["precision"] is None else f"{figures['precision']:.0%}"
        taken = _most_frequent_mistake(report, genre)
        line = f"{genre:<{width}}  {figures['n_tracks']:>10}  {figures['recall']:>6.0%}  {precision:>9}  {taken}"
        typer.echo(line.rstrip())
    for words, counts in (
        ("no music heard", report["no_music"]),
        ("not a genre of the model", report["unknown_labels"]),
    ):
        if counts:
            typer.echo(f"{words}: {', '.join(f'{label} ({count})' for label, count in counts.items())}")
    if report["n_unlabelled"]:
        typer.echo(f"without a label: {report['n_unlabelled']}")
    for failure in report["failures"]:
        typer.echo(f"failed: {failure['path']}: {failure['error']}", err=True)


def _most_frequent_mistake(report: dict[str, Any], genre: str) -> str:
    own = report["genres"].index(genre)
    counts = [0 if index == own else count for index, count in enumerate(report["confusion"][own])]
    return f"{report['genres'][counts.index(max(counts))]} ({max(counts)})" if max(counts) else ""
