"""The generator: genre, distances to real recordings, tempo, key, diversity, novelty and blends of many clips.

python -m benchmarks.generator                                  # what the shipped figures say
python -m benchmarks.generator --source prior --per-genre 20    # made and measured again, half an hour
python -m benchmarks.generator --source autoencoder --corpus FOLDER --json FILE

The figures of every source that was measured lie in `benchmarks/figures/generator.json`; `--keep` puts new ones there.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from models.evaluation.evaluate_generator import EvaluationSettings
from models.evaluation.generation_text import generation_text

FIGURES = Path(__file__).parent / "figures" / "generator.json"
AMOUNTS = ("per_genre", "controls", "per_blend", "seconds", "seed")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is named, print a fragment of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", action="append", default=[], help="who makes clips; may be given several times")
    defaults = {each.name: each.default for each in fields(EvaluationSettings)}
    for name in AMOUNTS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(defaults[name]), default=defaults[name])
    parser.add_argument("--generator", type=Path, help="folder of the generator; the shipped one by default")
    parser.add_argument("--corpus", type=Path, help="the rendered corpus, for the autoencoder")
    parser.add_argument("--baselines", type=Path, help="folder of trained baselines, for ngram, gru and gan")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--keep", action="store_true", help="keep them as the shipped figures")
    options = parser.parse_args(arguments)
    reports = _measured(options) if options.source else kept_figures()
    print("## The generator\n")
    if not reports:
        print("Nothing was measured yet: `python -m benchmarks.generator --source prior --keep` does.")
        return
    print(comparison_table(reports))
    for report in reports.values():
        print(f"\n```text\n{generation_text(report)}\n```")
    if options.json is not None:
        _write(options.json, reports)
    if options.keep:
        _write(FIGURES, kept_figures() | reports)


def kept_figures() -> dict[str, dict[str, Any]]:
    """Reports by source, as they were kept; none where nothing was."""
    if not FIGURES.exists():
        return {}
    reports: dict[str, dict[str, Any]] = json.loads(FIGURES.read_text(encoding="utf-8"))
    return reports


def comparison_table(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each source: the figures by which they are compared, each beside that of real recordings."""
    lines = [
        "| source | clips | genre right | Fréchet, all genres | real, same n | kernel, all genres | real, same n | "
        "right genre nearest | tempo within 4 % | key right or related |",
        "| --- |" + " ---: |" * 9,
    ]
    for source, report in reports.items():
        pooled, nearest = report["distances"]["pooled"], report["distances"]["nearest"]
        cells = [
            source,
            str(report["n_clips"]),
            _percent(report["genre_accuracy"]["all"]),
            *(f"{pooled['frechet'][side]['value']:.1f}" for side in ("generated", "real")),
            *(f"{pooled['kernel'][side]['value']:.3f}" for side in ("generated", "real")),
            f"{nearest['generated']} of {nearest['n_genres']}",
            "–" if report["tempo"] is None else _percent(report["tempo"]["generated"]["right"]),
            "–" if report["key"] is None else _percent(report["key"]["generated"]["right_or_related"]),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _measured(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    from models.evaluation.clip_sources import evaluate_source
    from models.evaluation.evaluate_generator import Court

    settings = EvaluationSettings(**{name: getattr(options, name) for name in AMOUNTS})
    court = Court.load()
    said: tuple[str, str, int] = ("", "", -1)

    def measure(source: str) -> dict[str, Any]:
        def progress(words: str, share: float) -> None:
            nonlocal said
            if (source, words, int(share * 10)) != said:
                said = (source, words, int(share * 10))
                print(f"{source}: {words}, {share:.0%}", file=sys.stderr, flush=True)

        return evaluate_source(
            source,
            settings,
            generator=options.generator,
            corpus=options.corpus,
            baselines=options.baselines,
            court=court,
            progress=progress,
        )

    return {source: measure(source) for source in options.source}


def _percent(row: Mapping[str, Any]) -> str:
    return "–" if row["share"] is None else f"{row['share']:.1%}"


def _write(path: Path, reports: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(reports, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
