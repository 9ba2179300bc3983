"""The fast network against the readable one: the same numbers, whatever the weights and the patches are."""

import numpy as np
import pytest

from models.musicnn_inference import MusicnnInference


@pytest.fixture(scope="module")
def random_weights() -> dict[str, np.ndarray]:
    """Weights under which no path of the network is trivial: normalisation with scales of both signs, and zero."""
    from models.musicnn import musicnn

    rng = np.random.default_rng(1)
    weights = {}
    for layer in musicnn().layers:
        for variable in layer.weights:
            shape = tuple(variable.shape)
            if variable.name == "moving_variance":
                value = rng.uniform(0.5, 2, shape)
            elif variable.name == "kernel":
                value = rng.normal(0, np.prod(shape[:-1]) ** -0.5, shape)
            else:
                value = rng.normal(0, 0.5, shape)
            weights[f"{layer.name}/{variable.name}"] = value.astype(np.float32)
    weights["batch_normalization_1/gamma"][:3] = 0
    return weights


def keras_answer(weights, frames, starts):
    from models.musicnn import musicnn

    patches = np.stack([frames[start : start + 187] for start in starts])
    return [output.numpy() for output in musicnn(weights)(patches)]


@pytest.mark.parametrize(
    "starts",
    [[0], [0, 187], [0, 94, 188, 281], [5, 6, 190], [0, 0]],
    ids=["one patch", "side by side", "half overlapping", "uneven, with a gap", "twice the same"],
)
def test_equals_the_keras_network(starts, random_weights, rng):
    frames = rng.uniform(0, 4, (max(starts) + 190, 96)).astype(np.float32)
    heard = MusicnnInference(random_weights)(frames, np.array(starts))
    expected_tags, expected_embedding = keras_answer(random_weights, frames, starts)
    np.testing.assert_allclose(heard.tags, expected_tags, atol=1e-5)
    np.testing.assert_allclose(heard.embedding, expected_embedding, atol=1e-4)


@pytest.mark.parametrize("name", ["MSD_musicnn", "MTT_musicnn"])
def test_equals_the_keras_network_with_the_published_weights(name, backbone_weights, rng):
    from models.musicnn_weights import load_weights

    weights = load_weights(name)
    # Loud and soft, noise and a steady band: log-mel between 0 and 5.
    frames = rng.uniform(0, 5, (400, 96)).astype(np.float32) * np.linspace(0, 1, 400, dtype=np.float32)[:, None]
    frames[100:200, 40] = 5
    heard = MusicnnInference(weights)(frames, np.array([0, 94, 188, 213]))
    expected_tags, expected_embedding = keras_answer(weights, frames, [0, 94, 188, 213])
    # Both round in float32, each in an order of its own that depends on the processor.
    np.testing.assert_allclose(heard.tags, expected_tags, atol=1e-5)
    np.testing.assert_allclose(heard.embedding, expected_embedding, atol=1e-4)


@pytest.mark.parametrize("n_known", [0, 2, 100, 200])
def test_known_rows_change_nothing(n_known, random_weights, rng):
    network = MusicnnInference(random_weights)
    frames = rng.uniform(0, 4, (300, 96)).astype(np.float32)
    starts = np.array([0, 100])
    fresh = network(frames, starts)
    again = network(frames, starts, fresh.rows[:n_known])
    np.testing.assert_allclose(again.tags, fresh.tags, atol=1e-6)
    np.testing.assert_allclose(again.rows[3:], fresh.rows[3:], atol=1e-4)


def test_leaves_its_input_alone(random_weights, rng):
    frames = rng.uniform(0, 4, (187, 96)).astype(np.float32)
    before = frames.copy()
    MusicnnInference(random_weights)(frames, np.array([0]))
    np.testing.assert_array_equal(frames, before)


def test_leaves_the_threads_of_linear_algebra_as_they_were(random_weights, rng):
    from threadpoolctl import threadpool_info, threadpool_limits

    with threadpool_limits(limits=2, user_api="blas"):
        before = [library["num_threads"] for library in threadpool_info()]
        MusicnnInference(random_weights)(rng.uniform(0, 4, (187, 96)).astype(np.float32), np.array([0]))
        assert [library["num_threads"] for library in threadpool_info()] == before
