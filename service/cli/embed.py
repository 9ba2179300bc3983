"""`genrelab embed`: what the backbone hears, as arrays for other tools."""

from pathlib import Path
from typing import Annotated

import typer

from features.cores import usable_cores
from service.cli.exits import SOME_FAILED
from service.cli.options import Jobs, Paths, load_settings


def embed(
    paths: Paths,
    out: Annotated[Path, typer.Option(metavar="FILE.npz", help="File to write.")],
    backbone: Annotated[
        str, typer.Option(help="MSD_musicnn, MTT_musicnn, MSD_vgg or MTT_vgg: what it was trained on, and its form.")
    ] = "MSD_musicnn",
    jobs: Jobs = None,
) -> None:
    """Write tag activations and embeddings of recordings, every 3 s.

    For each file three arrays: NAME/taggram [n, 50], NAME/embedding [n, 200], NAME/times (start of each
    patch in seconds); NAME is the file's name, with as much of its folders as tells it from the others.
    """
    from contextlib import ExitStack, closing

    from features.isolation import AnalyserPool
    from models.backbone import Backbone
    from service.cli.progress import LibraryProgress
    from service.cli.report import Report
    from service.usecases.embed import embed_files
    from service.usecases.find_recordings import find_recordings

    settings = load_settings(decode_workers=jobs or usable_cores())
    found = list(find_recordings(paths))
    report = Report(len(found))
    with ExitStack() as stack:
        bar = stack.enter_context(LibraryProgress(len(found)))
        bar.phase("loading the backbone")
        network = Backbone.load(backbone)
        pool = stack.enter_context(
            AnalyserPool(
                settings.decode_workers, memory_mb=settings.decode_memory_mb, total_s=settings.decode_timeout_s
            )
        )
        bar.phase("listening")
        results = embed_files(found, out=out, backbone=network, pool=pool, jobs=settings.decode_workers)
        for index, result in enumerate(stack.enter_context(closing(results))):
            report.count("failed" if result.error else "written")
            if result.error is not None:
                report.fail(result.path, result.error)
            bar.done(index, heard_s=result.duration_s)
        report.speed = bar.speed()
    report.print()
    if report.failures:
        raise typer.Exit(SOME_FAILED)
