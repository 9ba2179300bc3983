"""Precisions that are known, and the error for others."""

import pytest

from models.errors import ModelError
from models.precision import PRECISIONS, check_precision


@pytest.mark.parametrize("precision", PRECISIONS)
def test_known_precisions_pass(precision):
    check_precision(precision)


def test_another_one_is_refused_by_name():
    with pytest.raises(ModelError, match="precision='float16': expected one of float32, mixed_bfloat16"):
        check_precision("float16")
