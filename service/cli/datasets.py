"""`genrelab datasets`: is a corpus fit to learn from, and how may it be laid out?"""

import json
from pathlib import Path
from typing import Annotated

import typer

from features.cores import usable_cores
from service.cli.exits import SOME_FAILED
from service.cli.options import Jobs, Json, LayoutName

app = typer.Typer(no_args_is_help=True, help="Corpora: look for faults in them, list how they may be laid out.")

# What each of `datasets.readers.LAYOUTS` expects of a folder.
LAYOUTS: dict[LayoutName, str] = {
    "folders": "<genre>/<recording> or <genre>/<artist>/<recording>, perhaps below train/, validation/ and test/",
    "csv": "a table with columns path and label, and perhaps artist, licence, split, sha256; or a folder with one",
    "manifest": "manifest.jsonl, one line of JSON per recording: path, label, artist, licence, split, sha256, details",
    "rendered": "what `genrelab render` wrote",
    "gtzan": "GTZAN: genres/<genre>/<genre>.00000.wav; the lists of the fault-filtered split are used where they lie",
    "ballroom": "Ballroom: BallroomData/<dance>/<recording>.wav, perhaps with tempo or beat annotations",
    "fma": "Free Music Archive: fma_metadata/tracks.csv and fma_small/, fma_medium/, fma_large/ or fma_full/",
    "jams": "JAMS files with tags, each beside its recording",
}


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The corpus; for csv, its table or folder.")],
    layout: Annotated[LayoutName, typer.Option(help="How it is laid out: see `datasets layouts`.")] = "folders",
    as_json: Json = False,
    jobs: Jobs = None,
) -> None:
    """Decode every recording of a corpus and say what is wrong with them: broken, silent, clipped, there twice.

    Exit code 3 when something is found that costs recordings or makes figures wrong, such as the same sound in
    training and test, or under two genres.
    """
    from datasets.readers import read_corpus
    from datasets.validation import validate_manifest
    from features.inspection import InspectorPool
    from service.cli.progress import StageProgress

    manifest = read_corpus(folder, layout)
    with StageProgress() as bar, InspectorPool(jobs or usable_cores()) as pool:
        report = validate_manifest(
            manifest,
            pool=pool,
            progress=lambda done, total: bar.share(f"checking {done} of {total} recordings", done / total),
        )
    typer.echo(json.dumps(report.to_dict(), indent=2) if as_json else report.text(), nl=as_json)
    if report.serious:
        raise typer.Exit(SOME_FAILED)


@app.command()
def layouts() -> None:
    """List the layouts that are understood, and what each expects."""
    for name, expected in LAYOUTS.items():
        typer.echo(f"{name:<9} {expected}")
