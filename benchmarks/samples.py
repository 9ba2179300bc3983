"""Clips to listen to, with their spectrograms and a page that shows them side by side: `make samples`.

python -m benchmarks.samples [--out build/samples] [--seconds 10] [--seed 1]

One clip of every genre; a blend in five steps; one wish at three tempi and in three keys; a clip that is continued,
played in another genre, filled in and varied; a loop that is repeated.
"""

import argparse
import html
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from datasets.composers import GENRES
from features.clip_file import write_clip
from features.pictures import mel_picture
from models.clip import Clip
from models.clip_wish import ClipWish
from models.generator import Generator
from service.usecases.generate import provenance_of

BLEND = ("jazz", "disco")
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
TEMPI_BPM = (80.0, 120.0, 160.0)
KEYS = ("C major", "A minor", "F# minor")
PICTURE = {"width": 900, "height": 200}


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the clips, and say where they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/samples"))
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for title, clip in clips(Generator.load(), seconds=options.seconds, seed=options.seed):
        name = f"{len(rows):02d}-{title.lower().replace(' ', '-').replace(',', '').replace('#', 'sharp')}"
        sound = options.out / f"{name}.flac"
        write_clip(sound, clip.blocks(), sr=clip.sr, provenance=provenance_of(clip))
        (options.out / f"{name}.png").write_bytes(mel_picture(sound, **PICTURE))
        rows.append((title, name, clip))
        print(f"{sound}  {_words(clip)}", flush=True)
    page = options.out / "index.html"
    page.write_text(_page(rows), encoding="utf-8")
    print(f"open {page}")


def clips(generator: Generator, *, seconds: float, seed: int) -> Iterator[tuple[str, Clip]]:
    """All clips with their titles."""
    for genre in GENRES:
        yield genre, generator.make(ClipWish(genre, seconds, seed=seed))
    one, other = BLEND
    for share in SHARES:
        mix = {one: 1 - share, other: share}
        yield f"{one} with {share:.0%} {other}", generator.make(ClipWish(mix, seconds, seed=seed, tempo_bpm=116.0))
    for tempo_bpm in TEMPI_BPM:
        yield f"rock at {tempo_bpm:g} bpm", generator.make(ClipWish("rock", seconds, seed=seed, tempo_bpm=tempo_bpm))
    for key in KEYS:
        yield f"pop in {key}", generator.make(ClipWish("pop", seconds, seed=seed, key=key))
    clip = generator.make(ClipWish("reggae", seconds, seed=seed))
    y = clip.samples()
    for title, use, genre in (
        ("reggae, continued", "continue", "reggae"),
        ("the same in country", "restyle", "country"),
        ("filled in from 3 to 6 s", "inpaint", "reggae"),
        ("varied", "vary", "reggae"),
    ):
        span = {"start_s": 3.0, "end_s": 6.0} if use == "inpaint" else {}
        source = generator.source_of(y, sr=clip.sr, use=use, **span)
        longer = seconds + 5 if use == "continue" else seconds
        yield title, generator.make(ClipWish(genre, longer, seed=seed + 1), source=source)
    loop = generator.make(ClipWish("hiphop", seconds / 2, seed=seed, loop=True))
    y = np.tile(loop.samples(), 3)
    yield "a loop, three times", Clip(loop.wish, loop.codes, loop.sr, y.size, loop.report, lambda: iter([y]))


def _words(clip: Clip) -> str:
    report = clip.report
    tempo = "no beat" if report["tempo_bpm"] is None else f"{report['tempo_bpm']:.0f} bpm"
    copied = report["originality"]["longest_run_s"]
    return f"{tempo}, {report['key'] or 'no key'}, longest shared run {copied:.2f} s, takes {report['takes_tried']}"


def _page(rows: Sequence[tuple[str, str, Clip]]) -> str:
    parts = [
        f"<section><h2>{html.escape(title)}</h2><p>{html.escape(_words(clip))}</p>"
        f'<audio controls src="{name}.flac"></audio><p><img src="{name}.png" alt="spectrogram"></p>'
        f"<details><summary>how it was made</summary><pre>{html.escape(json.dumps(clip.report, indent=1))}</pre>"
        "</details></section>"
        for title, name, clip in rows
    ]
    return f'<!doctype html><meta charset="utf-8"><title>Samples</title><h1>Samples</h1>{"".join(parts)}\n'


if __name__ == "__main__":
    main()
