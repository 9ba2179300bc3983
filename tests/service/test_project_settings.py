import math

import pytest

from models.active import DEFAULT_STRATEGY, STRATEGIES
from service.errors import Invalid
from service.project_settings import MAX_OVERLAP, ProjectSettings, settings_of


def test_without_a_word_they_are_those_of_the_design():
    settings = settings_of({})
    assert settings == ProjectSettings()
    assert settings.model_dump() == {
        "strategy": DEFAULT_STRATEGY,
        "random_share": 0.2,
        "overlap": 1,
        "lease_s": 600.0,
        "multi_label": False,
        "none_of_these": True,
        "suggestions": "hidden",
        "retrain_every": 0,
    }


def test_what_is_kept_is_read_again():
    settings = settings_of({"strategy": STRATEGIES[0], "random_share": 1, "overlap": MAX_OVERLAP, "lease_s": 5})
    assert settings_of(settings.model_dump()) == settings
    assert isinstance(settings.random_share, float)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("strategy", value) for value in ("guess", "", None, 1)),
        *(("random_share", value) for value in (-0.1, 1.1, math.nan, "0.2", True, None)),
        *(("overlap", value) for value in (0, MAX_OVERLAP + 1, 1.5, "2", True)),
        *(("lease_s", value) for value in (4.9, 24 * 3600 + 1, math.inf, math.nan, "600")),
        *(("multi_label", value) for value in (1, "true", None)),
        *(("suggestions", value) for value in ("", "SHOWN", True)),
        *(("retrain_every", value) for value in (-1, 100_001, 2.0)),
        ("colour", "red"),
    ],
)
def test_what_cannot_be_set_is_named(name, value):
    with pytest.raises(Invalid, match=name):
        settings_of({name: value})
