"""`genrelab evaluate generator`: how good the clips are that the generator makes."""

import json
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import Json


def generator(
    per_genre: Annotated[
        int, typer.Option(min=2, max=1000, help="Clips of each genre that ask for nothing else.")
    ] = 20,
    controls: Annotated[int, typer.Option(min=0, max=1000, help="Clips of each genre that ask for tempo and key.")] = 5,
    per_blend: Annotated[
        int, typer.Option(min=0, max=1000, help="Clips of each pair of genres at each of five shares.")
    ] = 4,
    seconds: Annotated[float, typer.Option(min=3.0, max=60.0, help="Length of every clip.")] = 10.0,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Another seed, other clips.")] = 0,
    genre: Annotated[
        list[str] | None, typer.Option(help="Only this genre; may be given several times. All by default.")
    ] = None,
    source: Annotated[
        str, typer.Option(help="Who makes the clips: prior (the generator), ngram, gru, gan, composers, autoencoder.")
    ] = "prior",
    model: Annotated[
        Path | None, typer.Option("--generator", help="Folder of the generator; the shipped one by default.")
    ] = None,
    corpus: Annotated[
        Path | None, typer.Option(help="The rendered corpus, whose held-out recordings the autoencoder is given.")
    ] = None,
    baselines: Annotated[Path | None, typer.Option(help="Folder of trained baselines, for ngram, gru and gan.")] = None,
    as_json: Json = False,
) -> None:
    """Make clips, and measure them against real recordings.

    Genre by a judge that neither training nor ranking ever heard; Fréchet and kernel distances per genre, beside those
    of real recordings of the same number; tempo and key against the wish; diversity, novelty, blends. About a second a
    clip on top of what making it takes.
    """
    from datasets.composers import GENRES
    from models.evaluation.clip_sources import evaluate_source
    from models.evaluation.evaluate_generator import EvaluationSettings
    from models.evaluation.generation_text import generation_text
    from service.cli.progress import StageProgress

    settings = EvaluationSettings(
        genres=tuple(genre or GENRES),
        per_genre=per_genre,
        controls=controls,
        per_blend=per_blend,
        seconds=seconds,
        seed=seed,
    )
    with StageProgress() as bar:
        report = evaluate_source(
            source, settings, generator=model, corpus=corpus, baselines=baselines, progress=bar.share
        )
    typer.echo(json.dumps(report) if as_json else generation_text(report))
