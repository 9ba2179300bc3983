"""A shape that no network has is refused by name; the context is what an answer depends on."""

import pytest

from models.errors import ModelError
from models.vocoder_settings import VocoderSettings


def test_context_counts_every_convolution():
    assert VocoderSettings(kernel=7, n_blocks=6).context == 21
    assert VocoderSettings(kernel=1, n_blocks=6).context == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"width": 0}, "width=0"),
        ({"hidden": 1.5}, "hidden=1.5"),
        ({"kernel": 4}, "kernel=4: expected an odd number"),
        ({"n_blocks": 33}, "n_blocks=33"),
        ({"rounds": -1}, "rounds=-1"),
        ({"matchings": 65}, "matchings=65"),
    ],
)
def test_what_is_out_of_range_is_named(fields, words):
    with pytest.raises(ModelError, match=words):
        VocoderSettings(**fields)
