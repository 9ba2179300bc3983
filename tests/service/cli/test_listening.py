"""Which models an answer depends on."""

import shutil

import numpy as np
import pytest

from models.errors import ModelError, UnknownModel
from models.model_folder import save_model
from models.registry import ModelRegistry
from service.cli.listening import answering_models


@pytest.fixture
def register(tmp_path):
    """Register a model whose weights are one number."""

    def make(name: str, weight: float, kind: str = "genre") -> None:
        card = {"name": name, "version": "1", "kind": kind, "created": "2026-01-01"}
        save_model(tmp_path / "model", card, {"weight": np.array(weight)})
        ModelRegistry().register(tmp_path / "model")

    return make


def test_the_active_ones_by_default():
    genre, gate = (part.split(":")[0] for part in answering_models().split("+"))
    assert (genre, gate) == tuple(ModelRegistry().active(kind).name for kind in ("genre", "gate"))


def test_a_model_that_is_named_need_not_be_active(register):
    before = answering_models()
    register("mine-1", 1.0)
    assert answering_models("mine-1").startswith("mine-1:")
    assert answering_models() == before


def test_other_weights_under_the_same_name_are_another_model(register):
    register("mine-1", 1.0)
    first = answering_models("mine-1")
    shutil.rmtree(ModelRegistry().path("mine-1"))
    register("mine-1", 2.0)
    assert answering_models("mine-1") != first


def test_only_models_that_name_genres_answer(register):
    register("vocoder-1", 1.0, kind="vocoder")
    with pytest.raises(ModelError, match="of kind 'vocoder', expected one that names genres"):
        answering_models("vocoder-1")
    with pytest.raises(UnknownModel, match="nobody"):
        answering_models("nobody")
