"""Learning curves as a PNG."""

import pytest

from models.errors import ModelError
from models.evaluation.labelling_pictures import strategy_curves

FIGURES = {
    "full": 0.85,
    "fractions": [0.05, 0.15, 1.0],
    "default": "mixed",
    "strategies": {
        "mixed": [[0.7, 0.72], [0.8, 0.82], [0.85, 0.85]],
        "random": [[0.6, 0.65], [0.7, 0.72], [0.85, 0.85]],
    },
}


def test_the_curves_are_a_png_and_the_same_again():
    picture = strategy_curves(FIGURES)
    assert picture.startswith(b"\x89PNG\r\n")
    assert picture == strategy_curves(FIGURES)
    assert picture != strategy_curves(FIGURES | {"full": 0.9})


def test_one_seed_has_no_error_and_the_default_may_be_missing():
    one = {"random": [[0.6], [0.7], [0.85]]}
    assert strategy_curves(FIGURES | {"strategies": one}).startswith(b"\x89PNG")


def test_many_strategies_have_curves_each():
    many = {f"strategy {i}": FIGURES["strategies"]["random"] for i in range(20)}
    assert strategy_curves(FIGURES | {"strategies": many}).startswith(b"\x89PNG")


def test_without_a_share_below_all_there_is_no_curve():
    with pytest.raises(ModelError, match="no fraction below 1"):
        strategy_curves(FIGURES | {"fractions": [1.0], "strategies": {"mixed": [[0.85, 0.85]]}})
