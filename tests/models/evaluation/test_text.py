import pytest

from models.evaluation.text import FIGURES, cross_validation_text
from models.model_folder import read_card
from models.paths import PRETRAINED_DIR


def validation(guard: int = 0) -> dict:
    """Figure n has mean n / 10, spread n / 100, lowest n / 20 and highest n / 5."""
    parts = {"mean": 10, "spread": 100, "lowest": 20, "highest": 5}
    return {
        "guard": guard,
        **{part: {name: n / over for n, name in enumerate(FIGURES, start=1)} for part, over in parts.items()},
        "layouts": [
            {"n_folds": 4, "rotation": 0.0, "accuracy": 0.81, "ece": 0.04, "coverage": 0.9},
            {"n_folds": 8, "rotation": 0.25, "accuracy": 0.8266, "ece": 0.05, "coverage": 0.91},
        ],
        "per_class": {"fado": {"recall": 0.5, "precision": 0.25, "f1": 1 / 3, "coverage": 1.0}},
    }


def text_of(*validations: dict) -> list[str]:
    card = {"name": "small-1", "data": {"n_tracks": 36}, "cross_validation": list(validations)}
    return cross_validation_text(card).splitlines()


def test_each_table_has_its_rows():
    assert [line.split() for line in text_of(validation())] == [
        ["small-1:", "block", "cross-validation", "on", "36", "tracks"],
        [],
        ["mean", "spread", "lowest", "highest"],
        ["accuracy", "0.100", "0.010", "0.050", "0.200"],
        ["log-loss", "0.200", "0.020", "0.100", "0.400"],
        ["calibration", "error", "0.300", "0.030", "0.150", "0.600"],
        ["coverage", "0.400", "0.040", "0.200", "0.800"],
        ["genres", "in", "a", "set", "0.500", "0.050", "0.250", "1.000"],
        ["abstained", "0.600", "0.060", "0.300", "1.200"],
        ["accuracy", "where", "answered", "0.700", "0.070", "0.350", "1.400"],
        [],
        ["layout", "accuracy", "ece", "coverage"],
        ["4", "folds,", "moved", "by", "0.0", "0.810", "0.040", "0.900"],
        ["8", "folds,", "moved", "by", "0.25", "0.827", "0.050", "0.910"],
        [],
        ["genre", "recall", "precision", "coverage"],
        ["fado", "0.500", "0.250", "1.000"],
    ]


def test_columns_are_one_below_the_other():
    lines = text_of(validation())
    widths = [{len(line) for line in table} for table in (lines[2:10], lines[11:14], lines[15:17])]
    assert [len(width) for width in widths] == [1, 1, 1]


def test_what_was_left_out_at_the_cuts_is_said():
    assert text_of(validation(guard=2))[0].endswith("on 36 tracks, 2 tracks on either side of a cut left out")


def test_validations_follow_each_other():
    lines = text_of(validation(), validation(guard=1))
    assert lines.count("") == 7
    assert [line for line in lines if line.startswith("small-1")] == [text_of(validation(guard=g))[0] for g in (0, 1)]


def test_the_shipped_card_is_told_in_full():
    card = read_card(PRETRAINED_DIR / "gtzan-musicnn-1")
    text = cross_validation_text(card)
    assert "gtzan-musicnn-1: block cross-validation on 443 tracks\n" in text
    for each in card["cross_validation"]:
        assert f"{each['mean']['accuracy']:10.3f}{each['spread']['accuracy']:10.3f}" in text
        assert all(f"{layout['accuracy']:10.3f}{layout['ece']:10.3f}" in text for layout in each["layouts"])
        assert all(f"\n{genre:<24}{of['recall']:10.3f}" in text for genre, of in each["per_class"].items())


def test_a_card_without_cross_validation_is_an_empty_text():
    assert text_of() == []


@pytest.mark.parametrize("missing", ["mean", "layouts", "per_class"])
def test_a_table_without_its_figures_is_not_passed_over(missing):
    incomplete = validation()
    del incomplete[missing]
    with pytest.raises(KeyError, match=missing):
        text_of(incomplete)
