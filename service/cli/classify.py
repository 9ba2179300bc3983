"""`genrelab classify`: files and folders in, genres out."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from features.cores import usable_cores
from service.cli.exits import INTERRUPTED, SOME_FAILED, complain
from service.cli.options import Jobs, Model, Paths, load_settings

if TYPE_CHECKING:
    from service.cli.output import Writer
    from service.cli.progress import LibraryProgress
    from service.settings import Settings
    from service.usecases.journal import Journal
    from service.usecases.library import LibraryResult, Runner
    from service.usecases.tag_files import TagOutcome, TagSettings


def classify(
    paths: Paths,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, with everything; an error object for a failure.")
    ] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="One row a recording; with --segments, one row a segment.")
    ] = False,
    segments: Annotated[
        bool, typer.Option("--segments", help="Also where in the recording the genre changes.")
    ] = False,
    tags: Annotated[bool, typer.Option("--tags", help="Also what else is heard: instruments, mood, decade.")] = False,
    write_tags: Annotated[
        bool, typer.Option("--write-tags", help="Write the genre into the files; the sound is not touched.")
    ] = False,
    min_probability: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Write a genre that is at least so probable.")
    ] = 0.7,
    only_empty: Annotated[bool, typer.Option("--only-empty", help="Write into files without a genre only.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute again what earlier runs have computed.")] = False,
    model: Model = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Where the work is done: on this machine, or on a Ray cluster.")
    ] = "local",
    jobs: Jobs = None,
) -> None:
    """Name the genre of recordings: how sure, and where it changes.

    Folders are searched to any depth. A run that was stopped goes on where it was: just start it again.
    Exit code 0 when all succeeded, 3 when some failed.
    """
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other: choose one")
    if (dry_run or only_empty) and not write_tags:
        raise typer.BadParameter("--dry-run and --only-empty are about --write-tags, which is missing")

    from contextlib import ExitStack, closing

    from service.cli.listening import answering_models, open_journal, runner_of_this_machine
    from service.cli.progress import LibraryProgress
    from service.cli.report import Report
    from service.usecases.find_recordings import find_recordings
    from service.usecases.library import classify_library, known_answers, remember_changed_tags
    from service.usecases.tag_files import TagSettings

    settings = load_settings(decode_workers=jobs or usable_cores())
    models = answering_models(model)
    tagging = TagSettings(min_probability, only_empty, dry_run) if write_tags else None
    found = list(find_recordings(paths))
    report = Report(len(found))
    done = 0
    journal: Journal | None = None
    try:
        with ExitStack() as stack:
            journal = open_journal(settings, stack)
            known = {} if journal is None or fresh else known_answers(found, journal=journal, model=models)
            bar = stack.enter_context(LibraryProgress(len(found)))
            if engine == "ray":
                run = _ray_runner(settings, name=model, model=models, jobs=jobs, journal=journal)
            else:
                run = runner_of_this_machine(settings, bar, name=model, model=models, journal=journal, fresh=fresh)
            results = classify_library(found, known=known, model=models, run=run, journal=journal, progress=bar.share)
            writer = _writer("json" if as_json else "csv" if as_csv else "lines", bar, segments=segments, tags=tags)
            for done, result in enumerate(stack.enter_context(closing(results)), start=1):
                tag, error = _tag(result, tagging)
                report.count(
                    "failed" if result.answer is None else "classified" if result.computed else "known from earlier"
                )
                if tag is not None:
                    report.count(f"genre tags {tag.state}")
                    if tag.state == "written" and journal is not None:
                        remember_changed_tags(result, model=models, journal=journal)
                writer.write(result, tag, None if error is None else report.fail(result.path, error))
                bar.done(done - 1, heard_s=result.answer["duration_s"] if result.answer and result.computed else 0.0)
            report.speed = bar.speed()
    except KeyboardInterrupt:
        onwards = "nothing was kept" if journal is None else "the same command goes on from there"
        complain(f"stopped after {done} of {len(found)}; {onwards}")
        raise typer.Exit(INTERRUPTED) from None
    report.print()
    if report.failures:
        raise typer.Exit(SOME_FAILED)


def _ray_runner(
    settings: "Settings", *, name: str | None, model: str, jobs: int | None, journal: "Journal | None"
) -> "Runner":
    from functools import partial

    from service.usecases.ray_engine import make_engine, ray_runner

    made = partial(make_engine, model=name)
    return ray_runner(settings, model=model, workers=jobs, journal=journal, make_engine=made)


def _writer(form: str, bar: "LibraryProgress", *, segments: bool, tags: bool) -> "Writer":
    from service.cli.output import Csv, JsonLines, Lines

    if form == "json":
        return JsonLines()
    if form == "csv":
        return Csv(segments=segments)
    return Lines(bar.say if bar.terminal else None, segments=segments, tags=tags)


def _tag(result: "LibraryResult", tagging: "TagSettings | None") -> "tuple[TagOutcome | None, BaseException | None]":
    from service.usecases.tag_files import TagError, tag_file

    if tagging is None or result.answer is None:
        return None, result.error
    try:
        return tag_file(result.path, result.answer, tagging), None
    except TagError as error:
        return None, error
