"""What the network answers with, and weights that go from one to another."""

import numpy as np
import pytest

from features.log_mel import N_MELS
from models.errors import ModelError
from models.phases import N_BINS
from models.vocoder_network import VocoderNetwork, arrays_of, set_arrays
from models.vocoder_settings import VocoderSettings
from tests.support.vocoders import TINY, drawn_network


def test_every_frame_has_its_spectrum_and_differences():
    made = VocoderNetwork(VocoderSettings(**TINY))(np.zeros((2, 5, N_MELS), np.float32))
    assert made.log_power.shape == (2, 5, N_BINS)
    assert made.advance.shape == made.delay.shape == (2, 5, 2, N_BINS)


def test_half_precision_answers_nearly_the_same():
    settings, S = VocoderSettings(**TINY), np.random.default_rng(0).normal(size=(1, 6, N_MELS)).astype(np.float32)
    exact = drawn_network(settings)
    rough = VocoderNetwork(settings, precision="mixed_bfloat16")
    set_arrays(rough, arrays_of(exact))
    for one, other in zip(exact(S), rough(S), strict=True):
        assert other.dtype == np.float32
        np.testing.assert_allclose(one, other, atol=0.15)


def test_weights_go_from_one_network_to_another():
    network, other = drawn_network(VocoderSettings(**TINY)), VocoderNetwork(VocoderSettings(**TINY))
    arrays = arrays_of(network)
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float16)}
    set_arrays(other, arrays)
    for name, array in arrays_of(other).items():
        np.testing.assert_array_equal(array, arrays[name])


def test_weights_of_another_shape_are_refused():
    with pytest.raises(ModelError, match="of another shape"):
        set_arrays(
            VocoderNetwork(VocoderSettings(**TINY | {"width": 7})), arrays_of(drawn_network(VocoderSettings(**TINY)))
        )
