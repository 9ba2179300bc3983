"""An autoencoder's folder as a source of codes: what it encodes is what the network says of the log-mel."""

from dataclasses import asdict

import numpy as np
import pytest
import soundfile

from features.log_mel import FRAMES_PER_S, SR, log_mel
from models.code_source import code_source, codes_sha256, name_of_codes
from models.errors import ModelError
from models.model_folder import save_model
from models.vqvae import Vqvae, arrays_of
from models.vqvae_inference import KIND, VqvaeInference
from models.vqvae_settings import VqvaeSettings

SMALL = VqvaeSettings(width=4, dilations=(1,), time_stride=2, latent_dim=3, n_codebooks=2, n_codes=5)


def test_recordings_are_encoded_as_the_autoencoder_does(tmp_path, rng):
    network = Vqvae(SMALL)
    network(np.zeros((1, 4, 96), np.float32))
    arrays = arrays_of(network)
    card = {"name": "ae", "version": "2", "kind": KIND, "created": "2026-01-01", "network": asdict(SMALL)}
    saved = save_model(tmp_path / "ae", card, arrays)
    y = rng.uniform(-0.5, 0.5, SR).astype(np.float32)
    soundfile.write(tmp_path / "y.wav", y, SR, subtype="FLOAT")

    source = code_source(tmp_path / "ae")
    assert source.name == f"ae 2 {saved['weights']['sha256']}"
    assert (source.n_codebooks, source.n_codes, source.frames_per_s) == (2, 5, FRAMES_PER_S / 2)
    codes = source.encode(tmp_path / "y.wav")
    np.testing.assert_array_equal(codes, VqvaeInference(SMALL, arrays).encode(log_mel(y)))
    assert codes.shape == (2, 22)


def test_codes_keep_their_name_while_the_decoder_learns_on():
    arrays = arrays_of(Vqvae(SMALL))
    card = {"name": "ae", "version": "2", "weights": {"sha256": "0" * 64}}

    def changed(name: str) -> str:
        return name_of_codes(card | {"codes_sha256": codes_sha256({**arrays, name: arrays[name] + 1})})

    own = name_of_codes(card | {"codes_sha256": codes_sha256(arrays)})
    assert changed("decoder/out/bias") == own
    assert len({own, changed("encoder/out/bias"), changed("quantizer/codebooks"), name_of_codes(card)}) == 4


def test_a_folder_that_is_no_autoencoder_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no model card"):
        code_source(tmp_path)
