import threading

import pytest

from models.errors import IntegrityError, ModelError
from service.generation import Generation
from tests.support.stand_in_generation import CARD, stand_in_generation


def test_nothing_is_loaded_before_it_is_needed_and_then_once():
    loads = []
    generation = Generation(lambda: loads.append(1) or object(), lambda: CARD)
    assert generation.model_name == "stand-in-generator-1"
    assert loads == []
    threads = [threading.Thread(target=lambda: generation.generator) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == [1]
    assert generation.generator is generation.generator


def test_what_could_not_be_loaded_is_tried_again():
    tries = []

    def load():
        tries.append(1)
        if len(tries) < 2:
            raise IntegrityError("weights.npz: sha256 0, the card says 1")
        return "generator"

    generation = Generation(load, load)
    with pytest.raises(IntegrityError):
        _ = generation.generator
    assert generation.generator == "generator"


def test_the_generator_that_is_shipped_is_the_default(monkeypatch, tmp_path):
    monkeypatch.setattr("models.generator.FOLDER", tmp_path)
    generation = Generation()
    with pytest.raises(ModelError, match="no model card"):
        _ = generation.card
    with pytest.raises(ModelError, match="no model card"):
        _ = generation.generator


def test_a_stand_in_makes_clips():
    assert stand_in_generation().generator.genres
