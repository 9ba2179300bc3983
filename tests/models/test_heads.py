"""The card says of which kind a head is; an unknown one is refused."""

import numpy as np
import pytest

from models.errors import IntegrityError, ModelError
from models.genre_head import GenreHead
from models.heads import load_head
from models.hybrid_head import HybridHead
from models.model_folder import WEIGHTS_FILE, save_model
from models.paths import PRETRAINED_DIR
from tests.support.hybrid_inputs import hybrid_input
from tests.support.hybrid_models import HYBRID_CARD, hybrid_arrays, network_arrays
from tests.support.taggrams import tag_head, tag_head_arrays

CARD = HYBRID_CARD | {"version": "1", "kind": "genre", "created": "2026-01-01"}


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    return hybrid_arrays(network_arrays(1))


def test_a_hybrid_head_is_loaded_and_answers_as_before(arrays, tmp_path, rng):
    save_model(tmp_path, CARD | {"architecture": "hybrid"}, arrays)
    head, before = load_head(tmp_path), HybridHead(CARD, arrays)
    assert isinstance(head, HybridHead)
    recording = hybrid_input(rng, n_windows=3)
    np.testing.assert_array_equal(
        head.track_probabilities(head.encoded(recording)), before.track_probabilities(before.encoded(recording))
    )


@pytest.mark.parametrize("architecture", [{}, {"architecture": "members"}], ids=["not stated", "members"])
def test_a_head_of_members_is_loaded_and_answers_as_before(architecture, tmp_path, rng):
    save_model(tmp_path, CARD | architecture, tag_head_arrays())
    head = load_head(tmp_path)
    assert isinstance(head, GenreHead)
    taggram = rng.random((3, 50)).astype(np.float32)
    np.testing.assert_allclose(
        head.track_probabilities(head.views_of_taggram(taggram)), tag_head().track_probabilities(taggram), atol=1e-6
    )


def test_the_shipped_head_is_loaded():
    assert load_head(PRETRAINED_DIR / "gtzan-musicnn-1").name == "gtzan-musicnn-1"


@pytest.mark.parametrize("architecture", ["transformer", "Hybrid", "", None, 3, ["hybrid"]])
def test_an_unknown_architecture_is_refused(architecture, arrays, tmp_path):
    save_model(tmp_path, CARD | {"architecture": architecture}, arrays)
    with pytest.raises(ModelError, match=r"a head of architecture .*, expected members, hybrid or few_labels"):
        load_head(tmp_path)


def test_the_arrays_of_members_are_no_hybrid(tmp_path):
    save_model(tmp_path, CARD | {"architecture": "hybrid"}, tag_head_arrays())
    with pytest.raises(ModelError, match="no hybrid head"):
        load_head(tmp_path)


def test_a_model_of_another_kind_is_refused(arrays, tmp_path):
    save_model(tmp_path, CARD | {"kind": "gate", "architecture": "hybrid"}, arrays)
    with pytest.raises(ModelError, match="a model of kind 'gate', expected 'genre'"):
        load_head(tmp_path)


def test_weights_that_are_not_those_of_the_card_are_refused(arrays, tmp_path):
    save_model(tmp_path, CARD | {"architecture": "hybrid"}, arrays)
    np.savez(tmp_path / WEIGHTS_FILE, **tag_head_arrays())
    with pytest.raises(IntegrityError):
        load_head(tmp_path)
