"""`genrelab render`: hours of music by our own composers, to learn from."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.exits import INTERRUPTED, complain
from service.cli.options import Jobs


def render(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to; made if missing.", show_default=False)],
    hours: Annotated[float, typer.Option(help="Length of all clips together.", show_default=False)],
    seed: Annotated[int, typer.Option(help="Another seed gives other songs.")] = 0,
    genres: Annotated[
        str, typer.Option(metavar="A,B", help="Genres, separated by commas; all that there are by default.")
    ] = "",
    genre: Annotated[list[str] | None, typer.Option(help="One genre; may be given several times.")] = None,
    clip_seconds: Annotated[float, typer.Option(help="Length of a clip.")] = 30.0,
    sample_rate: Annotated[int, typer.Option(help="In Hz.")] = 44100,
    midi: Annotated[bool, typer.Option("--midi", help="Also write the score of each clip beside it.")] = False,
    sound_font: Annotated[
        Path | None, typer.Option(metavar="FILE.sf2", help="General MIDI sound font; the system's by default.")
    ] = None,
    jobs: Jobs = None,
) -> None:
    """Render a corpus of songs by our own composers.

    Writes FOLDER/<genre>/<id>.flac and FOLDER/manifest.jsonl: every clip has a known genre, tempo, key, form, seed and
    licence. A call that was stopped goes on where it was:
    just start it again.
    """
    import time

    from datasets.composers import GENRES
    from datasets.manifest import MANIFEST_FILE
    from datasets.rendered_corpus import render_corpus
    from service.cli.progress import StageProgress

    wanted = [name.strip() for name in genres.split(",") if name.strip()] + list(genre or [])
    began: tuple[int, float] | None = None
    done = total = 0

    def tell(n_done: int, n_clips: int) -> None:
        nonlocal began, done, total
        done, total = n_done, n_clips
        began = began or (n_done, time.monotonic())
        bar.share(f"rendered {n_done} of {n_clips} clips", n_done / n_clips)

    try:
        with StageProgress() as bar:
            manifest = render_corpus(
                out,
                hours=hours,
                seed=seed,
                genres=wanted or GENRES,
                clip_s=clip_seconds,
                sr=sample_rate,
                jobs=jobs,
                sound_font=sound_font,
                midi=midi,
                progress=tell,
            )
    except KeyboardInterrupt:
        complain(f"stopped after {done} of {total} clips; the same command goes on from there")
        raise typer.Exit(INTERRUPTED) from None
    assert began is not None
    found, since = began
    rendered_s = (len(manifest) - found) * clip_seconds
    speed = f" ({rendered_s / (time.monotonic() - since):.1f} × real time)" if rendered_s else ""
    kept = f", {found} of them from earlier" if found else ""
    typer.echo(f"{len(manifest)} clips{kept}, {len(manifest) * clip_seconds / 3600:.2f} h{speed}")
    typer.echo(f"manifest: {out / MANIFEST_FILE}")
