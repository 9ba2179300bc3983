"""The nearest training clip: directions whose angles are known, and sounds that are nearly the same."""

import json

import numpy as np
import pytest

from features.log_mel import SR
from models.backbone import Backbone
from models.errors import IntegrityError, ModelError
from models.neighbours import KIND, Neighbours, embedding_of

CARD = {"name": "neighbours", "version": "1", "created": "2026-01-01"}
MEAN = np.array([5.0, 5.0])
COMPASS = {"north": (0, 1), "east": (1, 0), "south": (0, -1), "west": (-1, 0)}  # each a right angle from the next


@pytest.fixture
def compass() -> Neighbours:
    return Neighbours.build((name, MEAN + direction) for name, direction in COMPASS.items())


def test_the_nearest_is_the_one_of_the_smallest_angle(compass):
    found = compass.nearest(MEAN + np.array([0.5, 5]))
    assert found.id == "north"
    assert found.similarity == pytest.approx(np.cos(np.arctan(0.1)), abs=1e-4)
    assert found.percentile == 100.0  # the training clips themselves are a right angle apart


def test_a_clip_fed_back_is_its_own_neighbour(compass):
    for name, direction in COMPASS.items():
        found = compass.nearest(MEAN + direction)
        assert (found.id, found.similarity) == (name, pytest.approx(1))


def test_the_percentile_counts_training_clips_that_are_less_like_another():
    angles = np.radians([0, 90, 180, 270, 275])  # two are close together
    spread = Neighbours.build((str(k), [np.cos(angle), np.sin(angle)]) for k, angle in enumerate(angles))
    assert spread.among_training[-2:] == pytest.approx(spread.among_training[-1])
    between = spread.nearest(np.array([np.cos(np.radians(45)), np.sin(np.radians(45))]))
    assert between.percentile == 60.0
    assert json.loads(json.dumps(between.to_dict()))["percentile"] == 60.0


def test_neighbours_that_were_saved_answer_as_before(compass, tmp_path):
    card = compass.save(tmp_path, CARD)
    assert (card["kind"], card["n_clips"]) == (KIND, 4)
    assert Neighbours.load(tmp_path).nearest(MEAN + np.array([3, 4])) == compass.nearest(MEAN + np.array([3, 4]))
    (tmp_path / "weights.npz").write_bytes(b"others")
    with pytest.raises(IntegrityError, match="the card says"):
        Neighbours.load(tmp_path)


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([], "no neighbours"),
        ([("a", np.ones(3))], "1 clips, expected 2 or more"),
        ([("a", np.ones(3)), ("b", np.ones(4))], "no neighbours"),
        ([("a", np.ones(3)), ("b", np.full(3, np.nan))], r"embeddings \(2, 3\) of 2 clips"),
    ],
)
def test_what_are_no_embeddings_is_refused(clips, message):
    with pytest.raises(ModelError, match=message):
        Neighbours.build(clips)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"ids": np.array(["a", "b"])}, "KeyError\\('embeddings'\\)"),
        ({"ids": np.array(["a"]), "embeddings": np.ones((2, 3))}, r"embeddings \(2, 3\) of 1 clips"),
    ],
)
def test_arrays_that_do_not_fit_are_no_neighbours(arrays, message):
    with pytest.raises(ModelError, match=message):
        Neighbours(arrays)


@pytest.mark.parametrize("embedding", [np.ones(3), np.array([1.0, np.inf])])
def test_an_embedding_of_another_kind_is_refused(compass, embedding):
    with pytest.raises(ModelError, match=r"expected finite numbers \(2,\)"):
        compass.nearest(embedding)


@pytest.mark.usefixtures("backbone_weights")
def test_the_same_sound_a_little_louder_and_later_has_the_same_neighbour(rng):
    backbone, t = Backbone.load(), np.arange(4 * SR) / SR
    sounds = {f"{f} Hz": 0.2 * np.sign(np.sin(2 * np.pi * f * t)) * np.exp(-(t % 0.5) * 8) for f in (110, 440)}
    sounds |= {"noise": rng.normal(0, 0.1, t.size), "short": 0.3 * np.sin(2 * np.pi * 220 * t[: SR // 2])}
    near = Neighbours.build((name, embedding_of(y.astype(np.float32), backbone)) for name, y in sounds.items())
    for name in ("110 Hz", "440 Hz"):
        found = near.nearest(embedding_of(np.roll(1.1 * sounds[name], 1000).astype(np.float32), backbone))
        assert found.id == name
        assert found.similarity > 0.9
