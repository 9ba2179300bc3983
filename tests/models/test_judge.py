import json

import numpy as np
import pytest

from datasets.composers import GENRES as GENRES_OF_CLIPS
from datasets.composers import GTZAN
from models.errors import IntegrityError, ModelError
from models.evaluation.clip_hearing import JUDGE_BACKBONE
from models.judge import Judge
from models.model_folder import save_model
from tests.support.heard_music import DIM, GENRES, small_judge


def card():
    return {
        "name": "a-judge",
        "version": "1",
        "kind": "judge",
        "created": "2026-11-30",
        "genres": list(GENRES),
        "backbone": "MSD_vgg",
        "named": ["blues"],
        "test": {"accuracy": 0.8, "recall": {"blues": 0.9}},
    }


def arrays():
    return {
        "centre": np.full(DIM, 2.0),
        "spread": np.full(DIM, 2.0),
        "weights": np.eye(DIM)[:, :3],
        "bias": np.array([0.0, 0.0, np.log(2)]),
        "temperature": np.array(1.0),
    }


def test_a_clip_is_judged_by_its_mean():
    judge = Judge(card(), arrays())
    at_the_centre = np.stack([np.full(DIM, 1.0), np.full(DIM, 3.0)])
    assert judge.probabilities(at_the_centre) == pytest.approx([0.25, 0.25, 0.5])
    one_spread_away = np.full((1, DIM), 2.0)
    one_spread_away[0, 0] = 4.0
    assert judge.probabilities(one_spread_away) == pytest.approx(np.array([np.e, 1, 2]) / (3 + np.e))


def test_a_high_temperature_doubts():
    doubting = Judge(card(), arrays() | {"temperature": np.array(1e6)})
    assert doubting.probabilities(np.eye(DIM)) == pytest.approx([1 / 3] * 3, abs=1e-5)


def test_a_saved_judge_answers_as_before(tmp_path):
    save_model(tmp_path, card(), arrays())
    loaded = Judge.load(tmp_path)
    X = np.random.default_rng(0).normal(size=(4, DIM))
    assert loaded.probabilities(X) == pytest.approx(Judge(card(), arrays()).probabilities(X))
    assert (loaded.named, loaded.recall) == (("blues",), {"blues": 0.9})
    assert json.loads(json.dumps(loaded.facts()))["accuracy_on_real"] == 0.8


def test_other_weights_than_the_cards_are_refused(tmp_path):
    save_model(tmp_path, card(), arrays())
    np.savez(tmp_path / "weights.npz", **arrays())
    with pytest.raises(IntegrityError, match="the card says"):
        Judge.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": np.zeros((DIM, 2))}, "no judge: weights"),
        ({"bias": np.zeros(2)}, "no judge: weights"),
        ({"spread": np.zeros(2)}, "no judge: spread"),
        ({"temperature": np.zeros(2)}, "no judge"),
    ],
)
def test_arrays_that_do_not_fit(changes, message):
    with pytest.raises(ModelError, match=message):
        Judge(card(), arrays() | changes)


@pytest.mark.parametrize("missing", ["genres", "backbone", "named", "test"])
def test_a_card_without(missing):
    with pytest.raises(ModelError, match=f"no judge.*{missing}"):
        Judge({name: value for name, value in card().items() if name != missing}, arrays())


@pytest.mark.parametrize("shape", [(0, DIM), (3, DIM + 1), (DIM,)])
def test_embeddings_of_another_network(shape):
    with pytest.raises(ModelError, match=f"expected \\(n >= 1, {DIM}\\)"):
        small_judge().probabilities(np.zeros(shape))


def test_the_shipped_judge_knows_every_genre_that_clips_are_made_of():
    judge = Judge.load()
    assert judge.genres == GENRES_OF_CLIPS
    assert set(GTZAN) <= set(judge.named)
    assert judge.backbone == JUDGE_BACKBONE
    assert all((judge.recall[genre] >= 0.7) == (genre in judge.named) for genre in judge.genres)
