"""`genrelab evaluate symbolic`: what the composers write, compared as notes."""

import json
from typing import Annotated, Any

import typer

from service.cli.options import Json


def symbolic(
    genre: Annotated[
        list[str] | None, typer.Option(help="One composer; may be given several times. All by default.")
    ] = None,
    per_genre: Annotated[int, typer.Option(min=3, max=200, help="Songs in each set.")] = 20,
    as_json: Json = False,
) -> None:
    """Compare the composers' songs, as notes, with more of their own and with baselines.

    By the measures of Yang and Lerch. For each genre the same number of other songs by its composer shows how alike
    two sets can be; then come a Markov chain and independent notes, both counted on the songs, and other genres.
    """
    from datasets.composers import GENRES
    from models.evaluation.symbolic_comparison import compare_composer
    from service.cli.progress import StageProgress

    reports = []
    with StageProgress() as bar:
        for name in genre or GENRES:

            def share(done: float, name: str = name) -> None:
                bar.share(name, done)

            reports.append(compare_composer(name, per_genre, progress=share))
    if as_json:
        typer.echo(json.dumps(reports))
    else:
        _print(reports)


def _print(reports: list[dict[str, Any]]) -> None:
    """A row a genre: overlap of the distances, the mean over all features."""
    names = list(reports[0]["overlap_area"])
    typer.echo(f"overlap area, {reports[0]['n']} songs in a set (1: as alike as songs of the composer are)")
    typer.echo(f"{'genre':<15}" + "".join(f"{name:>19}" for name in names))
    for report in reports:
        typer.echo(f"{report['genre']:<15}" + "".join(f"{report['overlap_area'][name]:>19.3f}" for name in names))
