"""Pictures of simulated labelling: accuracy over the share of labels, a curve for each strategy."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import ModelError
from models.evaluation.pictures import COLOURS, SMALL_PT, TEXT_PT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 150
SIZE_IN = (7.2, 4.4)
GOAL = 0.95  # of the accuracy with all labels
# Apart in hue and in lightness, the markers besides; the default strategy is drawn in the first colour of all pictures.
STRATEGY_COLOURS = ("#b85400", "#3a7d34", "#8d4fae", "#b3203f", "#7a6a00", "#0f8a8a", "#6b6f76", "#5b4636")
MARKERS = ("s", "^", "v", "D", "P", "X", "<", ">")


def strategy_curves(figures: dict[str, Any]) -> bytes:
    """Mean accuracy of each strategy with its standard error, as PNG.

    Parameters
    ----------
    figures : dict
        As `models.simulate_labelling.simulate_labelling` gives them.

    Returns
    -------
    bytes
        The share of labels runs up to the last fraction below 1; the accuracy with all labels is a line.

    Raises
    ------
    ModelError
        If no fraction below 1 was simulated.
    """
    from matplotlib.figure import Figure

    fractions = np.asarray(figures["fractions"])
    shown = fractions < 1
    if not shown.any():
        raise ModelError("no fraction below 1: there is no curve to draw")
    figure = Figure(figsize=SIZE_IN, layout="constrained")
    figure.patch.set_facecolor(_light("panel"))
    ax = figure.add_subplot()
    ax.axhline(figures["full"], color=_light("muted"), linewidth=1)
    ax.axhline(GOAL * figures["full"], color=_light("muted"), linewidth=1, linestyle=(0, (4, 3)))
    default = figures["default"]
    others = [name for name in figures["strategies"] if name != default]
    for place, name in enumerate(others):
        _curve(ax, name, figures, shown, colour=STRATEGY_COLOURS[place % 8], marker=MARKERS[place % 8], width=1.1)
    if default in figures["strategies"]:
        _curve(ax, default, figures, shown, colour=_light("first"), marker="o", width=2.4)
    for height, words in ((figures["full"], "all labels"), (GOAL * figures["full"], f"{GOAL:.0%} of that")):
        ax.annotate(
            words,
            (0, height),
            xycoords=ax.get_yaxis_transform(),
            xytext=(4, 3),
            textcoords="offset points",
            ha="left",
            fontsize=SMALL_PT,
            color=_light("muted"),
        )
    ax.set_xticks(fractions[shown], [f"{fraction:.3g} %" for fraction in 100 * fractions[shown]])
    ax.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    ax.set_xlabel("share of the pool that is labelled", fontsize=TEXT_PT, color=_light("muted"))
    ax.set_ylabel("accuracy on recordings of other artists", fontsize=TEXT_PT, color=_light("muted"))
    ax.grid(True, axis="y", color=_light("grid"), linewidth=0.7)
    ax.tick_params(length=0, labelsize=SMALL_PT, labelcolor=_light("muted"))
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_light("muted"))
    ax.legend(loc="lower right", frameon=False, fontsize=SMALL_PT, labelcolor=_light("ink"), ncols=2)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI, metadata={"Software": None})
    return drawn.getvalue()


def _curve(
    ax: "Axes", name: str, figures: dict[str, Any], shown: np.ndarray, *, colour: str, marker: str, width: float
) -> None:
    accuracy = np.asarray(figures["strategies"][name])[shown]
    n_seeds = accuracy.shape[1]
    error = accuracy.std(axis=1, ddof=1) / np.sqrt(n_seeds) if n_seeds > 1 else np.zeros(len(accuracy))
    ax.errorbar(
        np.asarray(figures["fractions"])[shown],
        accuracy.mean(axis=1),
        yerr=error,
        color=colour,
        marker=marker,
        markersize=4,
        linewidth=width,
        capsize=2,
        label=name.replace("_", " "),
    )


def _light(role: str) -> str:
    return COLOURS[role][0]
