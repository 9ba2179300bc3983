"""Reports as text for people."""

from typing import Any

FIGURES = {
    "accuracy": "accuracy",
    "log_loss": "log-loss",
    "ece": "calibration error",
    "coverage": "coverage",
    "mean_set_size": "genres in a set",
    "abstention_rate": "abstained",
    "selective_accuracy": "accuracy where answered",
}


def cross_validation_text(card: dict[str, Any]) -> str:
    """The block cross-validations of a genre head's card as tables: per figure, per layout and per genre."""
    lines: list[str] = []
    for validation in card["cross_validation"]:
        guard = f", {validation['guard']} tracks on either side of a cut left out" if validation["guard"] else ""
        lines += [f"{card['name']}: block cross-validation on {card['data']['n_tracks']} tracks{guard}", ""]
        lines += [*_figures(validation), "", *_layouts(validation), "", *_classes(validation), ""]
    return "\n".join(lines)


def gate_text(card: dict[str, Any]) -> str:
    """What a music gate refuses, and what is given a genre all the same, per source: its card as a table."""
    lines = [f"{card['name']}{'':<28}{'clips':>8}{'refused':>10}{'given a genre':>16}"]
    for title in ("unheard", "test"):
        figures = card[title]
        rows = {"all music": figures["music"], "all the rest": figures["other"], **figures["sources"]}
        for name, row in rows.items():
            lines.append(f"{title:<10}{name:<30}{row['n']:>8}{row['refused']:>10.1%}{row['named']:>16.1%}")
    return "\n".join(lines)


def _figures(validation: dict[str, Any]) -> list[str]:
    parts = ("mean", "spread", "lowest", "highest")
    rows = [f"{text:<24}" + "".join(_cell(validation[part][name]) for part in parts) for name, text in FIGURES.items()]
    return [f"{'':<24}" + "".join(f"{part:>10}" for part in parts), *rows]


def _layouts(validation: dict[str, Any]) -> list[str]:
    names = ("accuracy", "ece", "coverage")
    rows = [
        f"{each['n_folds']} folds, moved by {each['rotation']:<6}" + "".join(_cell(each[name]) for name in names)
        for each in validation["layouts"]
    ]
    return [f"{'layout':<24}" + "".join(f"{name:>10}" for name in names), *rows]


def _classes(validation: dict[str, Any]) -> list[str]:
    names = ("recall", "precision", "coverage")
    rows = [
        f"{genre:<24}" + "".join(_cell(of_class[name]) for name in names)
        for genre, of_class in validation["per_class"].items()
    ]
    return [f"{'genre':<24}" + "".join(f"{name:>10}" for name in names), *rows]


def _cell(figure: float | None) -> str:
    return f"{'–':>10}" if figure is None else f"{figure:10.3f}"
