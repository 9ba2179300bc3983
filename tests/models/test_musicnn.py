"""The Keras networks: shapes, sizes, known outputs; against the original where its activations are at hand."""

import numpy as np
import pytest

from models.musicnn_weights import load_weights

PATCH = (187, 96)


def test_musicnn_has_the_published_number_of_weights_and_shapes():
    from models.musicnn import musicnn

    network = musicnn()
    assert network.count_params() == 792_079  # values in the published checkpoint, the optimiser's left out
    tags, embedding = network(np.zeros((2, *PATCH), np.float32))
    assert tags.shape == (2, 50)
    assert embedding.shape == (2, 200)


def test_vgg_shapes():
    from models.musicnn import vgg

    tags, embedding = vgg()(np.zeros((2, *PATCH), np.float32))
    assert tags.shape == (2, 50)
    assert embedding.shape == (2, 256)


def test_musicnn_can_be_rebuilt_from_its_config(rng):
    from models.musicnn import musicnn
    from models.tensorflow_runtime import keras

    network = musicnn()
    copy = keras.Model.from_config(network.get_config())
    copy.set_weights(network.get_weights())
    S = rng.random((1, *PATCH), dtype=np.float32)
    for a, b in zip(network(S), copy(S), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("builder", ["musicnn", "vgg"])
def test_every_published_weight_has_its_place(builder, backbone_weights):
    import models.musicnn as networks

    weights = load_weights(f"MTT_{builder}")
    network = getattr(networks, builder)(weights)
    placed = {f"{layer.name}/{weight.name}": weight.numpy() for layer in network.layers for weight in layer.weights}
    assert placed.keys() == weights.keys()
    for name, value in weights.items():
        np.testing.assert_array_equal(placed[name], value)


def test_musicnn_can_be_fine_tuned(rng, backbone_weights):
    from models.musicnn import musicnn
    from models.tensorflow_runtime import keras

    network = musicnn(load_weights("MSD_musicnn"))
    classifier = keras.Model(network.input, keras.layers.Dense(3, name="genre")(network.outputs[1]))
    classifier.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = network.get_layer("conv2d").get_weights()[0].copy()
    classifier.fit(rng.random((4, *PATCH), dtype=np.float32), np.array([0, 1, 2, 0]), epochs=1, verbose=0)
    assert np.abs(network.get_layer("conv2d").get_weights()[0] - before).max() > 0
