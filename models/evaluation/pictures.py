"""Pictures of how right a model is, as SVG text.

Each function returns one `<svg>` element, for a file of its own or to stand in a page. Colours are custom properties
that follow the reader's light or dark mode, text stays text, and the same input gives the same bytes. Shares and
probabilities are 0 to 1, epochs count from 1.
"""

import hashlib
import io
import math
import re
import threading
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from models.errors import ModelError
from models.evaluation.metrics import ECE_BINS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Role: (in light mode, in dark mode). Blue against orange stays apart in all three colour-vision deficiencies; ink has
# a contrast of at least 4.5 on the panel and on both fills.
COLOURS = {
    "panel": ("#ffffff", "#171a20"),
    "ink": ("#17191d", "#f1f2f4"),
    "muted": ("#5a5f68", "#a3aab6"),
    "grid": ("#dcdcd8", "#363c47"),
    "first": ("#0067a8", "#5cb3f2"),
    "second": ("#b85400", "#f5a04c"),
    "right": ("#6db2ea", "#1f6aab"),
    "wrong": ("#f4a95f", "#a04c10"),
}
TEXT_PT, SMALL_PT = 9.0, 7.5
CHARACTER_IN = 0.078  # width of a mean character at TEXT_PT
GENRE_WIDTH, VARIANT_WIDTH = 26, 40  # columns of a terminal; a longer name ends in an ellipsis
MARGIN_IN = 0.15
PT_PER_IN = 72.0

# Settings of the SVG writer live in a dictionary of the whole process: they are set for the time of one drawing.
_DRAWING = threading.Lock()


@dataclass(frozen=True)
class ReliabilityBin:
    """The answers whose confidence lies in (`low`, `high`]."""

    low: float
    high: float
    n_tracks: int
    confidence: float | None  # mean over the answers, None without any
    accuracy: float | None


@dataclass(frozen=True)
class Variant:
    """A way of building the model, as scored on `n_tracks` recordings."""

    name: str
    accuracy: float
    interval: tuple[float, float]  # 95 %
    n_tracks: int


def reliability_bins(
    probabilities: np.ndarray, labels: np.ndarray, *, n_bins: int = ECE_BINS
) -> tuple[ReliabilityBin, ...]:
    """The bins over which `models.evaluation.metrics.expected_calibration_error` is a mean.

    Parameters
    ----------
    probabilities : np.ndarray, shape (n_tracks, n_genres)
        Of each track.
    labels : np.ndarray, shape (n_tracks,)
        True genres.
    n_bins : int
        Number of bins of equal width.

    Raises
    ------
    ModelError
        If the shapes do not fit, or there are no tracks.
    """
    if probabilities.ndim != 2 or labels.shape != (len(probabilities),) or len(labels) == 0:
        raise ModelError(
            f"probabilities {probabilities.shape} and labels {labels.shape}: expected (n >= 1, k) and (n,)"
        )
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, n_bins + 1)
    bin_of = np.searchsorted(edges[1:-1], confidence, side="left")
    return tuple(
        ReliabilityBin(
            low=float(edges[index]),
            high=float(edges[index + 1]),
            n_tracks=int(inside.sum()),
            confidence=float(confidence[inside].mean()) if inside.any() else None,
            accuracy=float(right[inside].mean()) if inside.any() else None,
        )
        for index in range(n_bins)
        for inside in [bin_of == index]
    )


def confusion_matrix(counts: Sequence[Sequence[float]], genres: Sequence[str]) -> str:
    """What was taken for what: a row per true genre, a column per answer.

    Parameters
    ----------
    counts : sequence of sequences, (n_genres, n_genres)
        Recordings, or their mean over several layouts; at least 0.
    genres : sequence of str
        Names, in the order of rows and columns.

    Returns
    -------
    str
        SVG. A cell holds the count and its share of the row, and is the darker the larger the share; empty cells stay
        empty. Right answers are blue, mistakes orange.

    Raises
    ------
    ModelError
        If `counts` is not a square of that size with counts in it.
    """
    table = np.asarray(counts, dtype=float)
    n = len(genres)
    if n == 0 or table.shape != (n, n) or not np.isfinite(table).all() or (table < 0).any():
        raise ModelError(f"counts of shape {table.shape} for {n} genres: expected ({n}, {n}), finite, at least 0")
    names = [_short(genre, width=GENRE_WIDTH) for genre in genres]
    totals = table.sum(axis=1)
    cell = float(np.clip(6.2 / n, 0.40, 0.75))  # in; holds "100 %" down to the smallest
    label = max(_columns(name) for name in names) * CHARACTER_IN
    left, top = MARGIN_IN + max(0.85, label), MARGIN_IN + max(0.4, 0.15 + label * 0.71)
    right_of = max(0.8, label * 0.71)
    width, height = left + n * cell + right_of, top + n * cell + MARGIN_IN
    figure, ax = _sheet(width, height)
    for i in range(n + 1):
        ax.plot([left, left + n * cell], [top + i * cell] * 2, color=_light("grid"), linewidth=0.6, clip_on=False)
        ax.plot([left + i * cell] * 2, [top, top + n * cell], color=_light("grid"), linewidth=0.6, clip_on=False)
    for i, j in zip(*np.nonzero(table), strict=True):
        share = table[i, j] / totals[i]
        _cell(ax, (left + j * cell, top + i * cell), cell, table[i, j], share=share, right=bool(i == j))
    for i, name in enumerate(names):
        middle = (i + 0.5) * cell
        _text(ax, left - 0.08, top + middle, name, ha="right", va="center")
        _text(ax, left + middle - 0.02, top - 0.08, name, ha="left", va="bottom", rotation=45)
        total = f"{_count(totals[i])} in all"
        _text(ax, left + n * cell + 0.07, top + middle, total, size=SMALL_PT, role="muted", ha="left", va="center")
    _text(ax, left - 0.08, top - 0.24, "answered →", size=SMALL_PT, role="muted", ha="right", va="bottom")
    _text(ax, left - 0.08, top - 0.08, "true genre ↓", size=SMALL_PT, role="muted", ha="right", va="bottom")
    summary = f"Confusion matrix of {n} genres and {_count(totals.sum())} recordings, a row per true genre"
    return _svg(figure, summary=summary)


def reliability_diagram(bins: Sequence[ReliabilityBin], *, ece: float) -> str:
    """Confidence against accuracy, bin by bin, over the number of answers in each.

    Parameters
    ----------
    bins : sequence of ReliabilityBin
        Lowest confidence first.
    ece : float
        Expected calibration error, stated in the picture.

    Returns
    -------
    str
        SVG. On the diagonal, confidence is what it promises; below it, the model is too sure of itself.

    Raises
    ------
    ModelError
        If all bins are empty.
    """
    filled = [each for each in bins if each.confidence is not None and each.accuracy is not None]
    if not filled:
        raise ModelError("all bins are empty: a reliability diagram needs at least one answer")
    width, height = 5.6, 5.4
    figure, _ = _sheet(width, height)
    ax = figure.add_axes((0.13, 0.385, 0.83, 0.53))
    below = figure.add_axes((0.13, 0.1, 0.83, 0.2))
    ax.plot([0, 1], [0, 1], color=_light("muted"), linewidth=1, linestyle=(0, (4, 3)))
    confidence = np.array([each.confidence for each in filled], dtype=float)
    accuracies = np.array([each.accuracy for each in filled], dtype=float)
    ax.vlines(confidence, confidence, accuracies, color=_light("wrong"), linewidth=4)
    ax.plot(confidence, accuracies, "o", color=_light("first"), markersize=6, clip_on=False)
    legend = "mean distance (orange) from as sure as right (dashed)"
    _text(ax, 0, 1.09, f"ECE {ece:.3f}", size=TEXT_PT + 2, weight="bold", ha="left", va="center")
    _text(ax, 1, 1.09, legend, size=SMALL_PT, role="muted", ha="right", va="center")
    ax.set_ylim(0, 1)
    ax.set_ylabel("accuracy")
    tallest = max(each.n_tracks for each in bins)
    for each in filled:
        middle = (each.low + each.high) / 2
        below.bar(middle, each.n_tracks, width=0.86 * (each.high - each.low), color=_light("right"))
        _text(
            below, middle, each.n_tracks + 0.04 * tallest, str(each.n_tracks), size=SMALL_PT, ha="center", va="bottom"
        )
    below.set_ylim(0, 1.25 * tallest)
    below.set_yticks([])
    below.set_ylabel("answers")
    below.set_xlabel("confidence (probability of the answer)")
    for each_ax in (ax, below):
        each_ax.set_xlim(0, 1)
        each_ax.set_xticks(np.linspace(0, 1, 6))
        _style(each_ax, grid="both" if each_ax is ax else "none")
    n_tracks = sum(each.n_tracks for each in bins)
    return _svg(figure, summary=f"Reliability diagram of {n_tracks} answers, expected calibration error {ece:.3f}")


def learning_curves(history: Mapping[str, Sequence[float]], *, best_epoch: int) -> str:
    """Loss and accuracy over the epochs, on what was trained on and on what was held back for validation.

    Parameters
    ----------
    history : mapping
        A value per epoch of `loss` and, where there are any, of `val_loss`, `accuracy` and `val_accuracy`, as Keras
        names them. Other keys are left out; values that are not finite leave a gap.
    best_epoch : int
        The epoch that is marked.

    Raises
    ------
    ModelError
        If there is no `loss`, curves differ in length, or the best epoch is none of them.
    """
    curves = {name: np.asarray(history[name], dtype=float) for name in _CURVES if name in history}
    n_epochs = len(curves.get("loss", ()))
    if n_epochs == 0 or any(curve.shape != (n_epochs,) for curve in curves.values()):
        shapes = {name: curve.shape for name, curve in curves.items()}
        raise ModelError(f"history {shapes}: expected 'loss' and other curves, with one value per epoch each")
    if not 1 <= best_epoch <= n_epochs:
        raise ModelError(f"best_epoch={best_epoch}: expected 1 to {n_epochs}")
    panels = [name for name in ("loss", "accuracy") if name in curves or f"val_{name}" in curves]
    figure, _ = _sheet(0.5 + 3.7 * len(panels), 3.1)
    for place, panel in enumerate(panels):
        left = (0.65 + 3.7 * place) / (0.5 + 3.7 * len(panels))
        ax = figure.add_axes((left, 0.16, 3.3 / (0.5 + 3.7 * len(panels)), 0.68))
        _curves(ax, panel, curves, n_epochs=n_epochs, best_epoch=best_epoch)
    summary = f"Learning curves of {n_epochs} epochs ({' and '.join(panels)}), best epoch {best_epoch}"
    return _svg(figure, summary=summary)


def ablation_chart(variants: Sequence[Variant]) -> str:
    """Accuracy of each variant with its 95 % interval, in the order given; the first is what others are held against.

    Raises
    ------
    ModelError
        If there are no variants.
    """
    from matplotlib.ticker import MaxNLocator

    if not variants:
        raise ModelError("no variants: an ablation chart needs at least one")
    names = [_short(each.name, width=VARIANT_WIDTH) for each in variants]
    label, figures, row = max(_columns(name) for name in names) * CHARACTER_IN, 1.65, 0.34
    width, height = 2 * MARGIN_IN + label + 4.2 + figures, 0.8 + row * len(variants)
    figure, _ = _sheet(width, height)
    ax = figure.add_axes(((MARGIN_IN + label + 0.1) / width, 0.5 / height, 4.0 / width, 1 - 0.65 / height))
    ax.axvline(variants[0].accuracy, color=_light("muted"), linewidth=1, linestyle=(0, (4, 3)))
    for place, (name, each) in enumerate(zip(names, variants, strict=True)):
        colour = _light("first" if place == 0 else "second")
        ax.hlines(place, *each.interval, color=colour, linewidth=2)
        ax.plot(each.accuracy, place, "o" if place == 0 else "D", color=colour, markersize=6, clip_on=False)
        _text(ax, -0.1 / 4.0, place, name, ha="right", va="center", transform=ax.get_yaxis_transform())
        low, high = each.interval
        stated = f"{100 * each.accuracy:.1f} % ({100 * low:.1f}–{100 * high:.1f})"
        _text(ax, 1 + 0.1 / 4.0, place, stated, ha="left", va="center", transform=ax.get_yaxis_transform())
    ax.set_ylim(len(variants) - 0.5, -0.5)
    low = min(each.interval[0] for each in variants)
    high = max(each.interval[1] for each in variants)
    pad = max(0.01, 0.08 * (high - low))
    ax.set_xlim(max(0.0, low - pad), min(1.0, high + pad))
    ax.xaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6))
    ax.set_xlabel("accuracy with 95 % interval")
    _style(ax, grid="x")
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    return _svg(figure, summary=f"Accuracy of {len(variants)} variants with 95 % intervals")


_CURVES = ("loss", "val_loss", "accuracy", "val_accuracy")


def _short(name: str, *, width: int) -> str:
    """The name on one line, of at most `width` columns; what XML cannot hold becomes a question mark."""
    name = "".join(character if character.isprintable() else "?" for character in " ".join(name.split()))
    if _columns(name) <= width:
        return name
    while _columns(name) > width - 1:
        name = name[:-1]
    return f"{name.rstrip()}…"


def _columns(name: str) -> int:
    """Width of a name in columns of a terminal: two for an ideograph, none for a mark that combines."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in name
    )


def _sheet(width: float, height: float) -> "tuple[Figure, Axes]":
    """A figure of that size (inches), and axes all over it whose units are inches from the upper left corner."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    figure.patch.set_facecolor(_light("panel"))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.axis("off")
    return figure, ax


def _light(role: str) -> str:
    return COLOURS[role][0]


def _cell(ax: "Axes", corner: tuple[float, float], side: float, count: float, *, share: float, right: bool) -> None:
    from matplotlib.patches import Rectangle

    colour = _light("right" if right else "wrong")
    # By the square root, so that a twentieth of a genre can be seen.
    ax.add_patch(Rectangle(corner, side, side, facecolor=colour, alpha=math.sqrt(share), linewidth=0, clip_on=False))
    x, y = corner[0] + side / 2, corner[1] + side / 2
    _text(ax, x, y + 0.01, _count(count), weight="bold" if right else "normal", ha="center", va="bottom")
    _text(ax, x, y + 0.03, f"{100 * share:.0f} %", size=SMALL_PT - 0.5, ha="center", va="top")


def _count(count: float) -> str:
    return f"{count:.0f}" if float(count).is_integer() else f"{count:.1f}"


def _text(
    ax: "Axes", x: float, y: float, text: str, *, size: float = TEXT_PT, role: str = "ink", **style: object
) -> None:
    # A name may hold dollar signs, which is not meant as mathematics.
    anchored = {"rotation_mode": "anchor"} if "rotation" in style else {}
    ax.text(x, y, text, fontsize=size, color=_light(role), parse_math=False, **anchored, **style)  # type: ignore[arg-type]


def _curves(ax: "Axes", panel: str, curves: dict[str, np.ndarray], *, n_epochs: int, best_epoch: int) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = np.arange(1, n_epochs + 1)
    marker = {"marker": "o", "markersize": 3.5} if n_epochs <= 30 else {}
    rows = ((panel, "training", "first", "-"), (f"val_{panel}", "validation", "second", (0, (5, 2))))
    drawn = [row for row in rows if row[0] in curves]
    for place, (name, title, role, dashes) in enumerate(drawn):
        values = np.where(np.isfinite(curves[name]), curves[name], np.nan)
        ax.plot(epochs, values, color=_light(role), linewidth=1.7, linestyle=dashes, **marker)  # type: ignore[arg-type]
        axes = ax.transAxes
        x = 0.44 + 0.3 * place
        ax.plot([x, x + 0.07], [1.07, 1.07], transform=axes, color=_light(role), linestyle=dashes, clip_on=False)
        _text(ax, x + 0.085, 1.07, title, size=SMALL_PT + 0.5, ha="left", va="center", transform=axes)
    _text(ax, 0, 1.07, panel, weight="bold", ha="left", va="center", transform=ax.transAxes)
    ax.axvline(best_epoch, color=_light("muted"), linewidth=1, linestyle=(0, (1.5, 2)))
    left_half = best_epoch <= (1 + n_epochs) / 2
    x, side = (0.012, "left") if left_half else (-0.012, "right")
    span = max(n_epochs - 1, 1)
    y = 0.96 if panel == "loss" else 0.06  # away from where the curves end
    _text(
        ax,
        best_epoch + x * span,
        y,
        f"best: epoch {best_epoch}",
        size=SMALL_PT,
        role="muted",
        ha=side,
        va="center",
        transform=ax.get_xaxis_transform(),
    )
    ax.set_xlim(max(0.5, 1 - 0.03 * span), n_epochs + max(0.1, 0.03 * span))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7, min_n_ticks=1, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5))
    ax.set_xlabel("epoch")
    _style(ax, grid="y")


def _style(ax: "Axes", *, grid: str) -> None:
    ax.set_facecolor("none")
    ax.set_axisbelow(True)
    if grid != "none":
        ax.grid(True, axis=grid, color=_light("grid"), linewidth=0.7)  # type: ignore[arg-type]
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_light("muted"))
    ax.tick_params(length=0, pad=4, labelsize=SMALL_PT + 0.5, labelcolor=_light("muted"))
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set(fontsize=TEXT_PT, color=_light("muted"))


def _svg(figure: "Figure", *, summary: str) -> str:
    """The figure as one element: with its summary for who cannot see it, without names that could collide in a page."""
    import matplotlib

    # Paths that are used again are named by a hash of this and their own shape.
    salt = hashlib.sha256(summary.encode()).hexdigest()
    text = io.StringIO()
    with _DRAWING, warnings.catch_warnings():
        # The reader's own fonts draw the text, whatever the font that it is measured with lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        with matplotlib.rc_context(
            {"svg.fonttype": "none", "svg.hashsalt": salt, "font.sans-serif": ["DejaVu Sans"], "path.simplify": False}
        ):
            figure.savefig(text, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    drawn = text.getvalue()
    inner = drawn[drawn.index("</defs>") + len("</defs>") : drawn.rindex("</svg>")]  # after the writer's own style
    inner = re.sub(r"\n\s*", " ", inner)
    # Tags only: a "<" in a name is written as an entity.
    inner = re.sub(r"<[^<>]*>", lambda tag: _themed(tag.group()), inner)
    width, height = (PT_PER_IN * side for side in figure.get_size_inches())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" class="picture" role="img"'
        f' aria-label="{escape(summary)}" width="{width:.1f}pt" height="{height:.1f}pt"'
        f' viewBox="0 0 {width:.1f} {height:.1f}"><style>{_STYLE}</style>{inner.strip()}</svg>\n'
    )


def _themed(tag: str) -> str:
    tag = re.sub(r' id="[A-Za-z0-9_.]+_\d+"', "", tag)
    return _LIGHT_COLOUR.sub(lambda colour: f"var(--{_ROLES[colour.group()]})", tag)


_ROLES = {light: role for role, (light, _) in COLOURS.items()}
_LIGHT_COLOUR = re.compile("|".join(_ROLES))


def _properties(mode: int) -> str:
    return "".join(f"--{role}:{colours[mode]};" for role, colours in COLOURS.items())


_STYLE = (
    f".picture{{{_properties(0)}}}.picture *{{stroke-linejoin:round;stroke-linecap:butt}}"
    f"@media (prefers-color-scheme:dark){{.picture{{{_properties(1)}}}}}"
)
