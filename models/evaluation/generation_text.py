"""The report of `models.evaluation.generation` as text for people."""

from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]


def generation_text(report: Row) -> str:
    """Everything that was measured of a maker of clips, as tables; what was not measured is left out."""
    seconds = ", ".join(f"{each:g}" for each in report["seconds"])
    parts = [
        [f"{report['source']}: {report['n_clips']} clips of {seconds} s, seed {report['seed']}"],
        _accuracy(report["genre_accuracy"], report["judge"]),
        _distances(report["distances"], report["reference"]),
        _asked(report),
        _sound(report),
        _novelty(report["novelty"]),
        _blends(report["blends"]),
        _cost(report["cost"]),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _accuracy(figures: Row, judge: Row) -> list[str]:
    lines = [
        f"genre as {judge['name']} hears it ({judge['backbone']}; {judge['accuracy_on_real']:.1%} right on real clips, "
        "other instruments)"
    ]
    for name, words in (
        ("all", "all"),
        ("gtzan", "the ten of GTZAN"),
        ("named", "those that it names right on real clips"),
    ):
        lines.append(f"{words:<42}{_share(figures[name])}")
    genres = figures["genres"]
    lines.append(f"{'genre':<15}{'clips':>6}{'right':>8}{'on real':>9}  mostly taken for")
    for genre, row in figures["per_genre"].items():
        counts = figures["confusion"][genres.index(genre)]
        wrong = {name: n for name, n in zip(genres, counts, strict=True) if name != genre and n}
        worst = max(wrong, key=lambda name: wrong[name], default="")
        taken = f"{worst} ({wrong[worst]})" if worst else ""
        lines.append(f"{genre:<15}{row['n']:>6}{row['share']:>8.0%}{_percent(row['on_real']):>9}  {taken}".rstrip())
    return lines


def _distances(figures: Row, reference: Row) -> list[str]:
    parts = f", {' and '.join(reference['splits'])} part" if reference["splits"] else ""
    lines = [
        f"distances to real recordings ({reference['name']}{parts}), embeddings of {reference['backbone']}, "
        f"{reference['dimensions']} dimensions",
        f"{'genre':<15}{'n':>6}{'n real':>8}{'Fréchet':>9}{'95 %':>16}{'real':>9}{'ratio':>7}"
        f"{'kernel':>10}{'95 %':>18}{'real':>10}",
    ]
    lines += [_distance_row(genre, row) for genre, row in figures["per_genre"].items()]
    pooled = figures["pooled"]
    lines.append(_distance_row("all together", pooled))
    if (limit := pooled["extrapolated"]) is not None:
        lines.append(
            f"extrapolated to infinite n: {limit['generated']['value']:.1f}, real {limit['real']['value']:.1f}, "
            f"ratio {_number(limit['ratio'])}"
        )
    nearest = figures["nearest"]
    lines.append(
        f"nearest to real recordings of the right genre: {nearest['generated']} of {nearest['n_genres']} genres; "
        f"real clips: {nearest['real']}"
    )
    if any(row["shrinkage"] for row in figures["per_genre"].values()):
        lines.append(
            "covariances of single genres are shrunk (Ledoit and Wolf): compare with the real column, of equal n"
        )
    return lines


def _distance_row(name: str, row: Row) -> str:
    frechet, kernel = row["frechet"], row["kernel"]
    return (
        f"{name:<15}{row['n']:>6}{row['n_real']:>8}{_value(frechet['generated'], 1):>9}"
        f"{_interval(frechet['generated'], 1):>16}{_value(frechet['real'], 1):>9}{_number(frechet['ratio']):>7}"
        f"{_value(kernel['generated'], 3):>10}{_interval(kernel['generated'], 3):>18}{_value(kernel['real'], 3):>10}"
    )


def _asked(report: Row) -> list[str]:
    lines = []
    for what, nearly, words in (
        ("tempo", "right_or_octave", "right or an octave off"),
        ("key", "right_or_related", "right or related"),
    ):
        if report[what] is None:
            continue
        for side, whose in (("generated", "clips"), ("real", "real recordings, by the same estimator")):
            row = report[what][side]
            relations = ", ".join(f"{name} {n}" for name, n in row["relations"].items())
            lines.append(f"{what} of {whose}: right {_share(row['right'])}; {words} {_share(row[nearly])}")
            lines.append(f"  {relations}")
    return lines


def _sound(report: Row) -> list[str]:
    names = {
        "onset_rate_hz": "onsets/s",
        "spectral_centroid_hz": "centroid Hz",
        "dynamic_range_db": "range dB",
        "crest_factor_db": "crest dB",
        "pitch_class_entropy_bits": "entropy bits",
    }
    width = 18
    lines = [
        "statistics (clips / real), distance of mean spectra in dB, and diversity: mean distance between clips, over "
        "that of real ones",
        f"{'genre':<15}" + "".join(f"{words:>{width}}" for words in (*names.values(), "spectrum", "diversity")),
    ]
    for genre, row in report["statistics"].items():
        cells = [f"{_mean(row[name]['generated'])} / {_mean(row[name]['real'])}" for name in names]
        spectrum = row["spectral_distance_db"]
        cells += [
            f"{spectrum['generated']:.1f} / {spectrum['real']:.1f}",
            _number(report["diversity"]["per_genre"][genre]["ratio"]),
        ]
        lines.append(f"{genre:<15}" + "".join(f"{cell:>{width}}" for cell in cells))
    lines.append("distances within the clips against those to real ones (Yang and Lerch), means over genres")
    for name, row in report["likeness"].items():
        if row["n_genres"]:
            made, real = row["generated"], row["real"]
            lines.append(
                f"{name:<28}overlap {_number(made['overlap_area'])} (real {_number(real['overlap_area'])}), "
                f"divergence {_number(made['kl_divergence'])} (real {_number(real['kl_divergence'])})"
            )
    return lines


def _novelty(figures: Row) -> list[str]:
    lines = []
    made, real = (figures["nearest_training_clip"][side] for side in ("generated", "real"))
    if made is not None:
        lines.append(
            f"nearest training clip, distance of embeddings: median {made['median']:.2f}, lowest 5 % "
            f"{made['low']:.2f}; of real clips that nobody trained on {real['median']:.2f} and {real['low']:.2f}"
        )
    if (codes := figures["codes"]) is not None:
        lines.append(
            f"codes shared with the training material: longest run {codes['longest_run_s']:.2f} s of {codes['n']} "
            f"clips (mean {codes['mean_run_s']:.2f} s), {codes['over_limit']} over {codes['limit_s']:g} s; "
            f"{codes['mean_shared_ngrams']:.1%} of n-grams"
        )
    return lines


def _blends(figures: Row | None) -> list[str]:
    if figures is None:
        return []
    lines = [
        f"blends: of {figures['n_pairs']} pairs, the second genre's probability rises at every step in "
        f"{figures['answers_rising']} ({figures['answers_rising_to_a_point']} to a point), its share of the two in "
        f"{figures['rising']} ({figures['rising_to_a_point']} to a point)",
        "to a point: a step down by one percentage point or less counts as level; means over clips",
    ]
    for pair in figures["pairs"]:
        names, wished = " to ".join(pair["genres"]), _row(f"{wished:.0%}" for wished in pair["wished"])
        lines.append(f"{names:<25}wished       {wished}  rises")
        of_answer = pair["answers"], pair["answer_rises"], pair["answer_rises_to_a_point"]
        of_two = pair["shares"], pair["rises"], pair["rises_to_a_point"]
        for what, (heard, rises, to_a_point) in (("probability", of_answer), ("of the two", of_two)):
            verdict = "yes" if rises else "to a point" if to_a_point else "no"
            lines.append(f"{'':<25}{what:<13}{_row(f'{share:.4f}' for share in heard)}  {verdict}")
    return lines


def _row(cells: Iterable[str]) -> str:
    return "".join(f"{cell:>8}" for cell in cells)


def _cost(figures: Row | None) -> list[str]:
    if figures is None:
        return []
    return [
        f"cost: median {figures['wall_s']:.2f} s a clip, {figures['realtime_factor']:.1f} × real time; "
        f"{figures['retried']:.1%} of the clips were made again"
    ]


def _share(row: Row) -> str:
    if row["share"] is None:
        return "– of 0"
    low, high = row["interval"]
    return f"{row['share']:.1%} ({low:.1%} to {high:.1%}) of {row['n']}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _value(row: Row | None, digits: int) -> str:
    return "–" if row is None else f"{row['value']:.{digits}f}"


def _interval(row: Row | None, digits: int) -> str:
    return "–" if row is None else f"{row['interval'][0]:.{digits}f} to {row['interval'][1]:.{digits}f}"


def _mean(row: Row) -> str:
    if row["mean"] is None:
        return "–"
    return f"{row['mean']:.0f}" if abs(row["mean"]) >= 100 else f"{row['mean']:.3g}"
