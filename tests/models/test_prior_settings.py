"""Shapes that cannot be built are refused by name."""

import pytest

from models.errors import ModelError
from models.prior_settings import CodeSettings, GruSettings, PriorSettings


@pytest.mark.parametrize("kind", [CodeSettings, PriorSettings, GruSettings])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n_codebooks", 0),
        ("n_codes", 1),
        ("n_codes", 65_535),
        ("n_genres", 0),
        ("look_ahead", -1),
        ("n_codes", 2.5),
        ("recent_steps", 0),
    ],
)
def test_codes_out_of_range_are_named_whatever_predicts_them(kind, field, value):
    with pytest.raises(ModelError, match=f"{field}={value}: expected a whole number"):
        kind(**{field: value})


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        (PriorSettings, {"width": 0}, "width=0"),
        (PriorSettings, {"width": 12, "n_heads": 4}, r"width=12: expected a multiple of 2 \* n_heads = 8"),
        (PriorSettings, {"n_layers": 0}, "n_layers=0"),
        (PriorSettings, {"window": 0}, "window=0"),
        (PriorSettings, {"dropout": 0.95}, "dropout=0.95"),
        (GruSettings, {"width": 0}, "width=0"),
        (GruSettings, {"n_layers": 0}, "n_layers=0"),
        (GruSettings, {"dropout": -0.1}, "dropout=-0.1"),
    ],
)
def test_networks_out_of_range_are_named(kind, fields, message):
    with pytest.raises(ModelError, match=message):
        kind(**fields)
