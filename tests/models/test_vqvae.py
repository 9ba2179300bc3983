"""The autoencoder's shapes, that it looks no further than it says, and that it can learn."""

import numpy as np
import pytest

from features.log_mel import N_MELS
from models.reconstruction_loss import reconstruction_terms
from models.tensorflow_runtime import tf
from models.vqvae import arrays_of
from models.vqvae_settings import VqvaeSettings
from tests.support.autoencoders import TINY, drawn_network


@pytest.mark.parametrize("stride", [1, 2])
def test_frames_go_in_and_come_out(rng, stride):
    network = drawn_network(VqvaeSettings(**TINY | {"time_stride": stride}))
    made = network(rng.normal(size=(3, 24, N_MELS)).astype(np.float32))
    assert made.S.shape == (3, 24, N_MELS)
    assert made.latents.codes.shape == (3, TINY["n_codebooks"], 24 // stride)
    assert made.latents.quantised.shape == (3, 24 // stride, TINY["latent_dim"])


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_an_answer_depends_on_its_context_and_on_no_more(rng, part):
    """A change in one latent is felt up to `context` away: at that distance it is, one further it is not."""
    settings = VqvaeSettings(**TINY | {"time_stride": 1})
    network = getattr(drawn_network(settings), part)
    x = rng.normal(size=(1, 60, network.input_shape[-1])).astype(np.float32)
    changed = x.copy()
    changed[0, 30] += 5.0
    difference = np.abs(network(changed).numpy() - network(x).numpy())
    differs = np.flatnonzero(difference.max(axis=-1)[0] > 1e-6)
    assert (differs[0], differs[-1]) == (30 - settings.context, 30 + settings.context)


def test_the_weights_are_named_and_half_size():
    network = drawn_network(VqvaeSettings(**TINY))
    arrays = arrays_of(network)
    assert len(arrays) == len(network.trainable_variables) + 1
    assert {name.split("/")[0] for name in arrays} == {"encoder", "decoder", "quantizer"}
    assert all(array.dtype == np.float16 for name, array in arrays.items() if not name.startswith("quantizer"))


def test_every_weight_has_a_gradient(rng):
    network = drawn_network(VqvaeSettings(**TINY))
    S = tf.constant(rng.normal(size=(2, 16, N_MELS)).astype(np.float32))
    with tf.GradientTape() as tape:
        made = network(S)
        loss = tf.add_n(list(reconstruction_terms(S, made.S).values())) + made.latents.commitment
    for variable, gradient in zip(
        network.trainable_variables, tape.gradient(loss, network.trainable_variables), strict=True
    ):
        assert float(tf.reduce_max(tf.abs(gradient))) > 0, variable.path
