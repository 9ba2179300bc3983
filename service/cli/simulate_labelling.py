"""`genrelab simulate-labelling`: which strategy of labelling would have paid."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.options import Json


def simulate_labelling(
    pool: Annotated[
        Path,
        typer.Option(
            metavar="FILE.npz",
            help="Tag activations with labels: X [n, 50], Y [n] genre, IDS [n] track of each row.",
            show_default=False,
        ),
    ],
    test: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            help="Recordings of other artists to score on; without them the pool is cut into blocks.",
        ),
    ] = None,
    strategy: Annotated[
        list[str] | None, typer.Option(help="One to compare; may be given several times. All by default.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Repetitions of each strategy.")] = 10,
    fractions: Annotated[
        str, typer.Option(metavar="A,B", help="Shares of the pool to label, separated by commas; ascending, up to 1.")
    ] = "",
    genres: Annotated[
        str, typer.Option(metavar="A,B", help="Names of the genres that Y counts; GTZAN's ten by default.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also write figures.json and learning_curves.png there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Replay the labelling of a corpus whose labels are known.

    Labels are bought in the order of each strategy, the head learns as they come, and recordings of other artists are
    scored. Takes minutes.
    """
    from datasets.taggrams import GTZAN_GENRES
    from service.cli.progress import StageProgress
    from service.usecases.simulate_labelling import simulate_labelling as simulate

    with StageProgress() as bar:
        figures = simulate(
            pool,
            test,
            strategies=strategy or (),
            n_seeds=seeds,
            fractions=_shares(fractions),
            genres=tuple(name.strip() for name in genres.split(",") if name.strip()) or GTZAN_GENRES,
            out=out,
            progress=bar.share,
        )
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        _print(figures)


def _shares(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(share) for share in text.split(",") if share.strip())
    except ValueError:
        raise typer.BadParameter(f"{text!r}: expected shares such as 0.05,0.15", param_hint="--fractions") from None


def _print(figures: dict[str, Any]) -> None:
    """A row a strategy: mean accuracy after each share of the labels; the default is marked."""
    from statistics import fmean

    typer.echo(f"accuracy with all labels {figures['full']:.1%}")
    shares = "".join(f"{f'{100 * share:.3g} %':>9}" for share in figures["fractions"])
    typer.echo(f"{'labelled':<18}{shares}")
    for name, by_share in figures["strategies"].items():
        marked = f"{name} *" if name == figures["default"] else name
        typer.echo(f"{marked:<18}" + "".join(f"{fmean(each):>9.1%}" for each in by_share))
    if figures["default"] in figures["strategies"]:
        typer.echo("* the default")
