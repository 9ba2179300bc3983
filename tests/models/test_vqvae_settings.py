"""Settings of the autoencoder are refused by name."""

import pytest

from models.errors import ModelError
from models.vqvae_settings import VqvaeSettings


def test_context_is_what_the_convolutions_reach():
    assert VqvaeSettings(kernel=3, dilations=(1, 3, 9)).context == 1 + 1 + 3 + 9
    assert VqvaeSettings(kernel=5, dilations=(2,)).context == 2 + 4
    assert VqvaeSettings(kernel=1, dilations=(1, 1)).context == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"width": 0}, "width=0"),
        ({"width": 1.5}, "width=1.5"),
        ({"kernel": 4}, "kernel=4: expected an odd number"),
        ({"time_stride": 0}, "time_stride=0"),
        ({"latent_dim": True}, "latent_dim=True"),
        ({"n_codebooks": 33}, "n_codebooks=33"),
        ({"n_codes": 1}, "n_codes=1"),
        ({"dilations": ()}, "dilations"),
        ({"dilations": (0,)}, "dilations"),
        ({"dilations": "139"}, "dilations"),
        ({"dilations": (1, True)}, "dilations"),
    ],
)
def test_what_no_network_can_have_is_refused(fields, words):
    with pytest.raises(ModelError, match=words):
        VqvaeSettings(**fields)
