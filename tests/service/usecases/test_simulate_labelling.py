"""From files to figures and a picture of them."""

import json

import numpy as np
import pytest

from datasets.errors import DatasetError
from models.active import STRATEGIES
from models.errors import ModelError
from service.usecases.simulate_labelling import FIGURES_FILE, PICTURE_FILE, simulate_labelling
from tests.support.taggrams import GENRES, synthetic_tracks, write_npz


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    tracks = synthetic_tracks(np.random.default_rng(0), per_genre=6)
    return write_npz(tmp_path_factory.mktemp("pool") / "pool.npz", tracks)


@pytest.fixture(scope="module")
def test_file(tmp_path_factory):
    tracks = synthetic_tracks(np.random.default_rng(1), per_genre=2)
    return write_npz(tmp_path_factory.mktemp("test") / "test.npz", tracks)


def test_the_figures_are_returned_and_written_beside_their_picture(pool, test_file, tmp_path):
    out = tmp_path / "new" / "folder"
    figures = simulate_labelling(
        pool, test_file, strategies=["random"], n_seeds=2, fractions=[0.3, 1.0], genres=GENRES, out=out
    )
    assert json.loads((out / FIGURES_FILE).read_text()) == figures
    assert (out / PICTURE_FILE).read_bytes().startswith(b"\x89PNG")


def test_all_strategies_are_compared_by_default(pool, test_file):
    figures = simulate_labelling(pool, test_file, n_seeds=1, fractions=[0.2], genres=GENRES)
    assert tuple(figures["strategies"]) == STRATEGIES


def test_of_all_labels_alone_there_is_no_picture(pool, test_file, tmp_path):
    simulate_labelling(pool, test_file, strategies=["random"], n_seeds=1, fractions=[1.0], genres=GENRES, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FIGURES_FILE]


def test_a_file_that_is_missing_or_of_other_genres_is_refused(pool, tmp_path):
    with pytest.raises(DatasetError, match="cannot be read"):
        simulate_labelling(tmp_path / "none.npz")
    with pytest.raises(DatasetError, match="expected 0 to 1"):
        simulate_labelling(pool, genres=GENRES[:2])
    with pytest.raises(ModelError, match="no strategy"):
        simulate_labelling(pool, strategies=["wisest"], genres=GENRES)
