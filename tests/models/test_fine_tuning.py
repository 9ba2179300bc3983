from dataclasses import replace

import numpy as np
import pytest

from models.errors import ModelError
from models.fine_tuning import FineTuning, fine_tune
from models.musicnn import musicnn
from models.musicnn_inference import MusicnnInference

QUICK = FineTuning(epochs=3, batch_size=8, patches=1, learning_rate=3e-3)
BACK_END = ("batch_normalization_9", "dense", "batch_normalization_10", "dense_1")
LABELS = np.arange(8) % 2


class Stopped(Exception):
    pass


@pytest.fixture(scope="module")
def weights():
    from models.tensorflow_runtime import keras

    keras.utils.set_random_seed(0)
    return {f"{layer.name}/{v.name}": v.numpy() for layer in musicnn().layers for v in layer.variables if v.shape}


@pytest.fixture(scope="module")
def patches():
    """Genre 0 sounds in the low bands, genre 1 in the high ones."""
    rng = np.random.default_rng(0)
    bands = np.arange(96)
    low = np.where(bands < 40, 3.0, 0.2)
    return [(rng.random((2, 187, 96)) * (low if label == 0 else low[::-1])).astype(np.float16) for label in LABELS]


def test_the_back_end_learns_and_the_rest_stays(weights, patches):
    losses = []
    tuned = fine_tune(weights, patches, LABELS, QUICK, progress=lambda _, loss: losses.append(loss))
    assert losses[-1] < losses[0]
    assert {name: array.shape for name, array in tuned.items()} == {n: a.shape for n, a in weights.items()}
    changed = {name.split("/")[0] for name in weights if not np.array_equal(weights[name], tuned[name])}
    assert changed
    assert changed <= set(BACK_END)


def test_it_goes_on_naming_the_tags_as_before(weights, patches):
    def tags(of: dict[str, np.ndarray]) -> np.ndarray:
        frames = patches[0][0].astype(np.float32)
        return MusicnnInference(of)(frames, np.array([0])).tags

    kept = fine_tune(weights, patches, LABELS, replace(QUICK, keep_tags=100.0))
    free = fine_tune(weights, patches, LABELS, replace(QUICK, keep_tags=0.0))
    before = tags(weights)
    assert np.abs(tags(kept) - before).mean() < np.abs(tags(free) - before).mean() + 1e-6


def test_a_training_that_was_stopped_goes_on_to_the_same_weights(weights, patches, tmp_path):
    def stop(epoch: int, _: float) -> None:
        if epoch == 2:
            raise Stopped

    whole = fine_tune(weights, patches, LABELS, QUICK, seed=5)
    with pytest.raises(Stopped):
        fine_tune(weights, patches, LABELS, QUICK, seed=5, work=tmp_path, progress=stop)
    resumed = fine_tune(weights, patches, LABELS, QUICK, seed=5, work=tmp_path)
    for name, array in whole.items():
        np.testing.assert_allclose(resumed[name], array, atol=1e-6, err_msg=name)


def test_a_checkpoint_of_another_seed_is_refused(weights, patches, tmp_path):
    fine_tune(weights, patches, LABELS, replace(QUICK, epochs=1), work=tmp_path)
    with pytest.raises(ModelError, match=r"of another training .* remove it to begin anew"):
        fine_tune(weights, patches, LABELS, replace(QUICK, epochs=1), seed=1, work=tmp_path)


def test_recordings_and_labels_must_be_as_many(weights, patches):
    with pytest.raises(ModelError, match="8 recordings and 7 labels"):
        fine_tune(weights, patches, LABELS[:7], QUICK)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"layers": "front"}, "layers='front': expected back_end or all"),
        ({"pretrained": False}, "pretrained=False: a network of random weights needs all"),
        ({"epochs": 0}, "epochs=0: expected 1 to 1000"),
        ({"learning_rate": 0.0}, r"learning_rate=0\.0"),
        ({"keep_tags": -1.0}, r"keep_tags=-1\.0"),
    ],
)
def test_impossible_settings_are_told(fields, message):
    with pytest.raises(ModelError, match=message):
        FineTuning(**fields)
