"""Settings that are no numbers or out of range are refused by name."""

from types import SimpleNamespace

import numpy as np
import pytest

from models.errors import ModelError
from models.setting_ranges import check_ranges


@pytest.mark.parametrize("value", [1, 7, 10])
def test_whole_numbers_within_whole_bounds_pass(value):
    check_ranges(SimpleNamespace(n=value), n=(1, 10))


@pytest.mark.parametrize("value", [0, 0.0, 0.5, 1, 1.0, np.float64(0.3)])
def test_numbers_within_bounds_pass(value):
    check_ranges(SimpleNamespace(share=value), share=(0.0, 1.0))


@pytest.mark.parametrize("value", [0, 11, 2.0, 2.5, True, "2", None, (2,), float("nan")])
def test_what_is_no_whole_number_within_the_bounds_is_named(value):
    with pytest.raises(ModelError, match=r"n=.*: expected a whole number from 1 to 10"):
        check_ranges(SimpleNamespace(m=1, n=value), m=(1, 10), n=(1, 10))


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf"), False, "0.5", None, [0.5]])
def test_what_is_no_number_within_the_bounds_is_named(value):
    with pytest.raises(ModelError, match=r"share=.*: expected 0 to 1"):
        check_ranges(SimpleNamespace(share=value), share=(0.0, 1.0))
