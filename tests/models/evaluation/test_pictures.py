import re
import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest

from models.errors import ModelError
from models.evaluation.metrics import expected_calibration_error
from models.evaluation.pictures import (
    COLOURS,
    ReliabilityBin,
    Variant,
    ablation_chart,
    confusion_matrix,
    learning_curves,
    reliability_bins,
    reliability_diagram,
)

GENRES = ("fado", "polka", "ska")
COUNTS = [[9, 1, 0], [2, 5, 1], [0, 0, 4]]
BINS = (
    ReliabilityBin(0.0, 0.5, 0, None, None),
    ReliabilityBin(0.5, 0.75, 8, 0.6, 0.5),
    ReliabilityBin(0.75, 1.0, 13, 0.9, 1.0),
)
HISTORY = {"loss": [1.5, 0.9, 0.6], "val_loss": [1.4, 1.0, 1.1], "accuracy": [0.3, 0.6, 0.8]}
VARIANTS = (Variant("whole", 0.875, (0.82, 0.93), 120), Variant("without wavelets", 0.8, (0.74, 0.86), 120))
PICTURES = {
    "confusion": lambda: confusion_matrix(COUNTS, GENRES),
    "reliability": lambda: reliability_diagram(BINS, ece=0.0857),
    "curves": lambda: learning_curves(HISTORY, best_epoch=2),
    "ablation": lambda: ablation_chart(VARIANTS),
}
every_picture = pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def positions(svg: str) -> dict[str, tuple[float, float]]:
    drawn = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return {e.text or "": (float(e.get("x", "nan")), float(e.get("y", "nan"))) for e in drawn}


@every_picture
def test_the_same_input_gives_the_same_bytes(draw):
    assert draw() == draw()


@every_picture
def test_a_picture_is_one_element_that_says_what_it_shows_and_names_no_place_outside(draw):
    svg = draw()
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label")
    without_namespaces = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    assert "http" not in without_namespaces
    assert not re.search(r"20\d\d-\d\d-\d\d", svg)


@every_picture
def test_colours_follow_the_readers_mode(draw):
    svg = draw()
    drawn = svg[svg.index("</style>") :]
    assert "var(--ink)" in drawn
    assert not re.search(r"(fill|stroke): #", drawn)
    assert "prefers-color-scheme:dark" in svg


@every_picture
def test_drawing_leaves_the_settings_of_matplotlib_alone(draw):
    before = dict(matplotlib.rcParams)
    draw()
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), [("ink", "panel"), ("muted", "panel"), ("ink", "right"), ("ink", "wrong")])
def test_text_stands_out_by_the_contrast_of_wcag(mode, text, ground):
    lighter, darker = sorted((luminance(COLOURS[text][mode]), luminance(COLOURS[ground][mode])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_cells_hold_counts_and_shares_of_the_row():
    drawn = texts(confusion_matrix(COUNTS, GENRES))
    cells = [text for text in drawn if re.fullmatch(r"\d+( %)?", text)]
    # 1 of 8 is 12.5 %, 5 of 8 is 62.5 %: halves go to the even number.
    assert cells == ["9", "90 %", "1", "10 %", "2", "25 %", "5", "62 %", "1", "12 %", "4", "100 %"]
    assert [text for text in drawn if text.endswith("in all")] == ["10 in all", "8 in all", "4 in all"]


def test_rows_are_the_truth():
    found = positions(confusion_matrix([[0, 3], [5, 0]], ("fado", "polka")))
    (x_3, y_3), (x_5, y_5) = found["3"], found["5"]
    assert x_3 > x_5  # fado taken for polka: upper right
    assert y_3 < y_5


def test_right_answers_and_mistakes_have_their_colours():
    svg = confusion_matrix([[3, 0], [0, 2]], ("fado", "polka"))
    assert svg.count("fill: var(--right)") == 2
    assert "fill: var(--wrong)" not in svg
    assert confusion_matrix([[3, 0], [1, 1]], ("fado", "polka")).count("fill: var(--wrong)") == 1


def test_means_over_layouts_keep_a_decimal():
    assert {"34.1", "0.9"} <= set(texts(confusion_matrix([[34.08, 0.92], [0, 1]], ("fado", "polka"))))


def test_a_genre_without_recordings_has_an_empty_row():
    assert "0 in all" in texts(confusion_matrix([[3, 0], [0, 0]], ("fado", "polka")))


@pytest.mark.parametrize("n_genres", [2, 14, 30])
def test_cells_are_wide_enough_for_their_text(n_genres):
    genres = [f"genre number {i}, which has a name of some length" for i in range(n_genres)]
    svg = confusion_matrix(np.full((n_genres, n_genres), 7), genres)
    sevens = [
        float(element.get("x", "nan"))
        for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
        if element.text == "7"
    ]
    columns = sorted({round(x, 1) for x in sevens})
    assert len(columns) == n_genres
    assert min(np.diff(columns)) >= 28  # pt; "100 %" takes 22
    width = float(ET.fromstring(svg).get("width", "").removesuffix("pt"))
    assert columns[-1] < width < 1200


@pytest.mark.parametrize(
    "name", ["<script>", "rock & roll", "a$x_1$b", '"quoted"', 'style="fill: #17191d"', "日本の演歌"]
)
def test_names_are_shown_as_they_are(name):
    svg = confusion_matrix([[1, 0], [0, 1]], (name, "polka"))
    assert texts(svg).count(name) == 2
    assert "<script" not in svg


def test_a_long_name_ends_in_an_ellipsis_and_breaks_no_line():
    drawn = texts(confusion_matrix([[1, 0], [0, 1]], ("from the\nfar north " * 3, "polka\x00")))
    assert "from the far north from t…" in drawn
    assert "polka?" in drawn


@pytest.mark.parametrize(
    ("counts", "genres"),
    [
        ([[1, 0]], ("fado", "polka")),
        ([[1, 0], [0, float("nan")]], ("fado", "polka")),
        ([[1, -1], [0, 1]], ("fado", "polka")),
        ([], ()),
    ],
)
def test_a_table_that_is_no_confusion_matrix_is_refused(counts, genres):
    with pytest.raises(ModelError, match="expected"):
        confusion_matrix(counts, genres)


def test_bins_by_hand():
    probabilities = np.array([[0.6, 0.4], [0.3, 0.7], [0.9, 0.1], [1.0, 0.0]])
    labels = np.array([0, 0, 0, 0])
    bins = reliability_bins(probabilities, labels, n_bins=4)
    assert [(each.low, each.high, each.n_tracks) for each in bins] == [
        (0.0, 0.25, 0),
        (0.25, 0.5, 0),
        (0.5, 0.75, 2),
        (0.75, 1.0, 2),
    ]
    assert (bins[0].confidence, bins[0].accuracy) == (None, None)
    assert (bins[2].confidence, bins[2].accuracy) == (pytest.approx(0.65), 0.5)
    assert (bins[3].confidence, bins[3].accuracy) == (pytest.approx(0.95), 1.0)


def test_bins_are_those_of_the_calibration_error():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([0.4, 0.4, 0.4], 200)
    labels = rng.integers(0, 3, 200)
    gaps = [
        each.n_tracks * abs(each.confidence - each.accuracy)
        for each in reliability_bins(probabilities, labels)
        if each.confidence is not None and each.accuracy is not None
    ]
    assert sum(gaps) / 200 == pytest.approx(expected_calibration_error(probabilities, labels))


def test_bins_of_nothing_are_refused():
    with pytest.raises(ModelError, match="expected"):
        reliability_bins(np.zeros((0, 3)), np.zeros(0, int))
    with pytest.raises(ModelError, match="at least one answer"):
        reliability_diagram(BINS[:1], ece=0.0)


def test_the_reliability_diagram_states_the_error_and_the_answers_of_each_bin():
    drawn = texts(reliability_diagram(BINS, ece=0.0857))
    assert "ECE 0.086" in drawn
    assert {"8", "13"} <= set(drawn)
    assert "0" not in drawn  # nothing over an empty bin


def test_the_best_epoch_is_marked_in_both_panels():
    drawn = texts(learning_curves(HISTORY, best_epoch=2))
    assert drawn.count("best: epoch 2") == 2
    assert drawn.count("training") == 2
    assert drawn.count("validation") == 1  # no val_accuracy


def test_a_loss_without_accuracy_has_one_panel_and_what_is_not_finite_leaves_a_gap():
    svg = learning_curves({"loss": [1.0, float("nan"), float("inf"), 0.5]}, best_epoch=4)
    assert texts(svg).count("best: epoch 4") == 1
    assert "nan" not in svg


@pytest.mark.parametrize(
    ("history", "best_epoch"),
    [({}, 1), ({"accuracy": [0.5]}, 1), ({"loss": [1.0, 0.5], "val_loss": [1.0]}, 1), (HISTORY, 0), (HISTORY, 4)],
)
def test_curves_that_do_not_fit_are_refused(history, best_epoch):
    with pytest.raises(ModelError, match="expected"):
        learning_curves(history, best_epoch=best_epoch)


def test_variants_have_their_accuracy_and_interval_in_the_order_given():
    drawn = texts(ablation_chart(VARIANTS))
    assert [text for text in drawn if "–" in text] == ["87.5 % (82.0–93.0)", "80.0 % (74.0–86.0)"]
    found = positions(ablation_chart(VARIANTS))
    assert found["whole"][1] < found["without wavelets"][1]


def test_an_ablation_of_nothing_is_refused():
    with pytest.raises(ModelError, match="at least one"):
        ablation_chart(())
