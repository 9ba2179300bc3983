"""Projects that learn in a moment."""

import pytest

from models import label_training


@pytest.fixture
def without_curve(monkeypatch):
    """A learning curve of one point, for each further one takes as many heads as all the rest."""
    monkeypatch.setattr(label_training, "CURVE_SIZES", 1)
