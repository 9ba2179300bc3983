import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelError
from models.evaluation.pictures import Variant, reliability_bins
from models.evaluation.report import report
from models.evaluation.training_report import DataSummary, TrainingReport

GENRES = ("fado", "polka")
N_RECORDINGS = {genre: {"train": 60, "held out": 200} for genre in GENRES}
HISTORY = {"loss": [0.9, 0.6, 0.4], "val_loss": [0.8, 0.5, 0.6], "accuracy": [0.5, 0.7, 0.9]}
CREATED = "2026-11-24T18:00:00Z"


def figures(counts=((186, 14), (18, 182)), genres=GENRES, sure: float = 0.92) -> dict:
    """Of answers that are all given with the same probability."""
    labels, predicted = (
        np.array([pair[i] for pair in np.ndindex(np.shape(counts)) for _ in range(counts[pair[0]][pair[1]])])
        for i in (0, 1)
    )
    probabilities = np.full((len(labels), len(genres)), (1 - sure) / (len(genres) - 1))
    probabilities[np.arange(len(labels)), predicted] = sure
    sets = probabilities > 0.5
    return report(probabilities, labels, genres=genres, member_of_set=sets, abstained=~sets.any(axis=1))


def good(**changes) -> TrainingReport:
    """A report that nothing is to be warned of, but for what is changed."""
    plain = {
        "name": "evening",
        "created": CREATED,
        "genres": GENRES,
        "settings": {"seed": 7},
        "data": DataSummary(N_RECORDINGS),
        "figures": figures(),
    }
    return TrainingReport(**(plain | changes))


def full() -> TrainingReport:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    scores = dict.fromkeys(("accuracy", "log_loss", "ece", "coverage", "mean_set_size", "abstention_rate"), 0.5)
    scores["selective_accuracy"] = None
    return good(
        settings={"seed": 7, "optimizer": {"kind": "adamw", "betas": (0.9, np.float32(0.5))}, "out": Path("x")},
        data=DataSummary(N_RECORDINGS, hours=12.5, n_artists=31, licences={"CC0": 520}, problems=("a.wav: silent",)),
        reliability=reliability_bins(probabilities, np.array([0, 1, 1])),
        history=HISTORY,
        cross_validation=dict.fromkeys(("mean", "spread", "lowest", "highest"), scores) | {"layouts": [{}] * 12},
        ablation=(Variant("whole", 0.92, (0.89, 0.94), 400), Variant("no wavelets", 0.9, (0.87, 0.93), 400)),
        comparison={"older": figures(((150, 50), (40, 160)))},
    )


def codes(found: TrainingReport) -> list[str]:
    return [warning.code for warning in found.warnings]


def warning_of(found: TrainingReport, code: str) -> str:
    (text,) = (warning.text for warning in found.warnings if warning.code == code)
    return text


class Page(HTMLParser):
    def __init__(self, html: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.shown: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.shown.append(data.strip())


def test_nothing_is_warned_of_where_nothing_is_wrong():
    assert codes(good()) == []
    assert "Nothing stands out" in good().to_html()


def test_what_to_expect_is_the_interval_rounded_outwards():
    found = good(figures=figures() | {"accuracy_interval": [0.8412, 0.93]})
    assert found.expectation[0] == (
        "Of 100 new recordings like these, expect 84 to 93 to be named rightly on average: "
        "of the 400 that were held out, 368 were."
    )
    assert any("polka for fado (18 of 200)" in sentence for sentence in found.expectation)


def test_rounding_outwards_keeps_whole_numbers():
    found = good(figures=figures() | {"accuracy_interval": [0.57, 0.58]})  # 100 * 0.57 = 56.99999999999999
    assert "expect 57 to 58 to" in found.expectation[0]


def test_all_right_of_ten_is_not_certainty():
    found = good(figures=figures(((5, 0), (0, 5))))
    # Wilson's interval of n of n is n / (n + 1.96^2) to 1.
    assert found.accuracy_interval == (pytest.approx(10 / (10 + 1.959964**2), abs=1e-6), pytest.approx(1.0))
    assert "expect 72 to 100 to" in found.expectation[0]
    assert not any("mistake" in sentence for sentence in found.expectation)


@pytest.mark.parametrize(("n", "warned"), [(19, True), (20, False)])
def test_few_recordings_are_warned_of(n, warned):
    data = DataSummary({"fado": {"train": n - 5, "held out": 5}, "polka": {"train": 50, "held out": 30}})
    found = good(data=data)
    assert codes(found) == ["few_recordings"] * warned
    if warned:
        assert "fado (19)" in warning_of(found, "few_recordings")
        assert "polka" not in warning_of(found, "few_recordings")


@pytest.mark.parametrize(("n", "warned"), [(200, False), (201, True)])
def test_uneven_genres_are_warned_of(n, warned):
    found = good(data=DataSummary({"fado": {"train": 40}, "polka": {"train": n}}))
    assert codes(found) == ["imbalanced"] * warned


def test_a_genre_without_any_recording_is_uneven_too():
    found = good(data=DataSummary({"fado": {}, "polka": {"train": 40}}))
    assert codes(found) == ["few_recordings", "imbalanced"]
    assert "0 recordings of fado, 40 of polka." in warning_of(found, "imbalanced")


@pytest.mark.parametrize(("interval", "warned"), [([0.86, 0.95], False), ([0.8, 0.95], True)])
def test_a_wide_interval_is_stated(interval, warned):
    found = good(figures=figures() | {"accuracy_interval": interval})
    assert codes(found) == ["wide_interval"] * warned
    if warned:
        assert "between 80.0 % and 95.0 %" in warning_of(found, "wide_interval")


@pytest.mark.parametrize(("ece", "warned"), [(0.08, False), (0.081, True)])
def test_a_large_calibration_error_is_stated(ece, warned):
    found = good(figures=figures() | {"ece": ece})
    assert codes(found) == ["miscalibrated"] * warned
    if warned:
        assert "0.081, over 0.08" in warning_of(found, "miscalibrated")


@pytest.mark.parametrize(("n_right", "warned"), [(100, False), (99, True)])
def test_a_genre_that_is_mostly_missed_is_named(n_right, warned):
    found = good(figures=figures(((n_right, 200 - n_right), (10, 390))) | {"ece": 0.01})
    assert codes(found) == ["low_recall"] * warned
    if warned:
        assert "fado (99 of 200)" in warning_of(found, "low_recall")


@pytest.mark.parametrize(("n_right", "warned"), [(60, True), (61, False)])
def test_a_model_that_is_no_better_than_the_largest_genre_is_told(n_right, warned):
    # 400 of 600 are polka; 340 of them are recognised, and 60 or 61 of the others.
    found = good(figures=figures(((n_right, 200 - n_right), (60, 340))) | {"ece": 0.01})
    assert ("no_better_than_majority" in codes(found)) == warned
    if warned:
        text = warning_of(found, "no_better_than_majority")
        assert "66.7 % is not better than always answering polka (66.7 %)" in text


def test_a_genre_that_was_not_held_out_is_named():
    genres = (*GENRES, "ska")
    counts = ((186, 14, 0), (18, 182, 0), (0, 0, 0))
    data = DataSummary({genre: {"train": 60} for genre in genres})
    found = good(genres=genres, data=data, figures=figures(counts, genres, sure=0.92))
    assert codes(found) == ["untested_genre"]
    assert "ska" in warning_of(found, "untested_genre")
    assert "none was held out" in found.to_html()


def test_a_loss_that_came_apart_is_warned_of_and_is_null_in_json():
    found = good(history={"loss": [0.9, float("nan"), float("inf")]})
    assert codes(found) == ["loss_not_finite"]
    assert "2 epochs, first in epoch 2" in warning_of(found, "loss_not_finite")
    assert found.to_dict()["history"] == {"loss": [0.9, None, None]}
    assert found.best_epoch == 1


def test_the_best_epoch_is_that_of_the_lowest_validation_loss_unless_told():
    assert good(history=HISTORY).best_epoch == 2
    assert good(history={"loss": HISTORY["loss"]}).best_epoch == 3
    assert good(history=HISTORY, best_epoch=1).best_epoch == 1
    assert good().best_epoch is None


def test_the_dictionary_goes_through_strict_json_unchanged():
    found = full().to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["genres"] == ["fado", "polka"]
    assert found["settings"] == {"seed": 7, "optimizer": {"kind": "adamw", "betas": [0.9, 0.5]}, "out": "x"}
    assert found["ablation"][1] == {
        "name": "no wavelets",
        "accuracy": 0.9,
        "interval": [0.87, 0.93],
        "n_tracks": 400,
    }
    assert found["figures"]["confusion"] == [[186, 14], [18, 182]]


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", {1: "a"}])
def test_settings_that_json_cannot_hold_are_refused(value):
    with pytest.raises(ModelError, match=r"settings\.odd: JSON cannot hold"):
        good(settings={"odd": value}).to_dict()


def test_both_files_are_written_whole_and_nothing_else(tmp_path):
    page = full().write(tmp_path / "model")
    assert page == tmp_path / "model" / "report.html"
    assert sorted(path.name for path in page.parent.iterdir()) == ["report.html", "report.json"]
    assert json.loads((page.parent / "report.json").read_text("utf-8")) == full().to_dict()


def test_a_report_that_cannot_be_written_leaves_the_earlier_one(tmp_path):
    good().write(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ModelError):
        good(name="later", settings={"odd": {1}}).write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_same_report_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        full().write(tmp_path / name)
    for file in ("report.html", "report.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_the_page_needs_nothing_but_itself():
    html = full().to_html()
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("href", "src", "xlink:href", "action", "data", "poster", "srcset"):
            assert value.startswith("#")
        if "http" in value:
            assert name.startswith("xmlns")
    assert "@import" not in html
    assert set(re.findall(r"url\((.)", html)) <= {"#"}


def test_names_from_users_are_escaped_everywhere():
    bad = '<script>alert("1")</script>'
    found = full()
    genres = (bad, "polka & more")
    n_recordings = dict(zip(genres, N_RECORDINGS.values(), strict=True))
    html = dataclasses.replace(
        found,
        name=bad,
        created=bad,
        genres=genres,
        settings={bad: bad},
        data=DataSummary(n_recordings, licences={bad: 1}, problems=(bad,)),
        figures=figures(genres=genres),
        ablation=(Variant(bad, 0.9, (0.8, 0.95), 10),),
        comparison={bad: found.figures},
        history={**HISTORY, bad: [1.0, 2.0, 3.0]},
    ).to_html()
    assert "<script" not in html
    assert "script" not in Page(html).tags
    assert Page(html).shown.count(bad) >= 8


def test_headings_are_in_order_and_each_picture_has_its_table():
    page = Page(full().to_html())
    headings = [tag for tag in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == "h1"
    assert set(headings[1:]) == {"h2"}
    assert page.tags.count("figure") == page.tags.count("svg") == 4
    assert page.tags.count("details") == 5  # four tables and the problems
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value for name, value in page.attributes if name == "aria-labelledby"} <= set(ids)


def test_the_page_states_the_figures():
    shown = Page(full().to_html()).shown
    assert "92.0 %" in shown
    assert "93 %" in shown  # recall of fado: 186 of 200
    assert {"186", "14", "18", "182"} <= set(shown)
    assert "polka (14)" in shown
    assert {"optimizer.betas", "[0.9, 0.5]", "a.wav: silent", "CC0 (520)", "12.5"} <= set(shown)


def test_parts_that_are_not_there_leave_no_heading():
    shown = set(Page(good().to_html()).shown)
    assert "What to expect" in shown
    assert not {"Cross-validation", "How training went", "What each part brings", "Beside other models"} & shown


def test_a_file_name_that_is_no_utf8_can_be_written(tmp_path):
    page = good(data=DataSummary(N_RECORDINGS, problems=("take\udcff.wav: cannot be decoded",))).write(tmp_path)
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["data"]["problems"] == [
        "take\udcff.wav: cannot be decoded"
    ]
    assert r"take\udcff.wav" in page.read_text("utf-8")


def test_only_the_first_problems_are_on_the_page():
    html = good(data=DataSummary(N_RECORDINGS, problems=tuple(f"file {i}" for i in range(53)))).to_html()
    assert "file 49" in html
    assert "file 50" not in html
    assert "And 3 more" in html


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"genres": ("polka", "fado")}, "figures of the genres"),
        ({"genres": ("fado", "fado")}, "each once"),
        ({"data": DataSummary({"fado": {"train": 3}})}, "recordings of"),
        ({"figures": {"accuracy": 0.5}}, "figures without"),
        ({"figures": figures() | {"ece": float("nan")}}, "'ece' is nan"),
        ({"figures": figures() | {"confusion": [[1, 0], [0, 1]]}}, "confusion of shape"),
        ({"history": {"accuracy": [0.5]}}, "expected 'loss'"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ModelError, match=message):
        good(**changes)
