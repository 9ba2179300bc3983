"""Songs of a composer against its own and against baselines."""

import pytest

from models.errors import ModelError
from models.evaluation import symbolic_comparison
from models.evaluation.symbolic_comparison import compare_composer
from models.evaluation.symbolic_features import FEATURES


def test_a_composer_is_more_like_itself_than_independent_notes_are(monkeypatch):
    monkeypatch.setattr(symbolic_comparison, "SECONDS", 4.0)
    shares = []
    report = compare_composer("drum_and_bass", 4, progress=shares.append)
    assert (report["genre"], report["n"]) == ("drum_and_bass", 4)
    areas = report["overlap_area"]
    assert list(areas) == ["same composer", "markov", "independent notes", "other genres"]
    assert areas["same composer"] > areas["independent notes"] + 0.1
    assert report["sets"]["markov"].keys() == FEATURES.keys()
    assert report["absolute"].keys() == {name for name, shape in FEATURES.items() if not shape}
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("n", [2, 10_000])
def test_sets_have_a_size(n):
    with pytest.raises(ModelError, match=f"n={n}"):
        compare_composer("blues", n)
