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
    """The cross-validation of a genre head's card as a table per figure, per layout and per genre."""
    validation = card["cross_validation"]
    lines = [f"{card['name']}: block cross-validation on {card['data']['n_tracks']} tracks", ""]
    lines.append(f"{'':<24}{'mean':>8}{'spread':>8}{'lowest':>8}{'highest':>8}")
    lines += [
        f"{text:<24}" + "".join(f"{validation[part][name]:8.3f}" for part in ("mean", "spread", "lowest", "highest"))
        for name, text in FIGURES.items()
    ]
    lines += ["", f"{'layout':<24}" + "".join(f"{name:>10}" for name in ("accuracy", "ece", "coverage"))]
    lines += [
        f"{each['n_folds']} folds, moved by {each['rotation']:<5}"
        + "".join(f"{each[name]:10.3f}" for name in ("accuracy", "ece", "coverage"))
        for each in validation["layouts"]
    ]
    lines += ["", f"{'genre':<12}{'recall':>8}{'precision':>10}{'coverage':>10}  (mean over layouts)"]
    n_layouts = len(validation["layouts"])
    for genre in card["genres"]:
        means = [
            sum(each["per_class"][genre][name] or 0.0 for each in validation["layouts"]) / n_layouts
            for name in ("recall", "precision", "coverage")
        ]
        lines.append(f"{genre:<12}{means[0]:8.3f}{means[1]:10.3f}{means[2]:10.3f}")
    return "\n".join(lines)
