"""A decoder that is fitted against a critic: codes stay, what is decoded is nearer to what is true in its texture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.log_mel import N_MELS
from models.autoencoder_fit import AutoencoderFitSettings, fit_autoencoder
from models.decoder_fit import DecoderFitSettings, fit_decoder
from models.errors import ModelError, TrainingDiverged
from models.tensorflow_runtime import keras
from models.vqvae import Vqvae
from models.vqvae_settings import VqvaeSettings
from tests.support.autoencoders import TINY

SHORT = DecoderFitSettings(
    steps=6, batch_size=4, crop_frames=16, warm_up=2, lead=2, figures_every=2, checkpoint_minutes=0.0
)
FIT = AutoencoderFitSettings(steps=60, batch_size=8, crop_frames=16, warm_up=2, free_steps=0, learning_rate=5e-3)


class Stopped(Exception):
    """What a caller raises who wants no more."""


def recordings(n: int = 4) -> list[np.ndarray]:
    """Noise around a level that the codes can tell: what is not told would be decoded as its mean, without noise."""
    rng = np.random.default_rng(0)
    levels = np.repeat(rng.choice([-8.0, 0.0], (n, 10)), 8, axis=1)
    return [(level[:, np.newaxis] + rng.normal(size=(80, N_MELS))).astype(np.float16) for level in levels]


@pytest.fixture(scope="module")
def fitted() -> list[np.ndarray]:
    """Weights of an autoencoder that has learned the levels."""
    keras.utils.set_random_seed(1)
    network = Vqvae(VqvaeSettings(**TINY))
    fit_autoencoder(network, recordings(), [], settings=FIT)
    return network.get_weights()


def network_of(weights) -> Vqvae:
    network = Vqvae(VqvaeSettings(**TINY))
    network.set_weights(weights)
    return network


@pytest.fixture(scope="module")
def undisturbed(fitted, tmp_path_factory) -> tuple[Vqvae, list[dict[str, float]], Path]:
    """A fit that nobody stops, and the folder of its checkpoint: a step takes long to be compiled."""
    network, folder = network_of(fitted), tmp_path_factory.mktemp("undisturbed")
    return network, fit_decoder(network, recordings(), recordings(1), settings=SHORT, checkpoints=folder), folder


def without_validation(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{name: value for name, value in each.items() if not name.startswith("val_")} for each in history]


def test_encoder_and_codebooks_stay_as_they_are(fitted, undisturbed):
    network, history, _ = undisturbed
    before = network_of(fitted)
    assert [figures["step"] for figures in history] == [2, 4, 6]
    assert {"loss", "critic", "absolute", "val_absolute"} <= set(history[-1])
    for part in ("encoder", "quantizer"):
        for one, other in zip(getattr(network, part).variables, getattr(before, part).variables, strict=True):
            np.testing.assert_array_equal(one.numpy(), other.numpy())
    changed = zip(network.decoder.variables, before.decoder.variables, strict=True)
    assert any((one.numpy() != other.numpy()).any() for one, other in changed)


def test_while_the_critic_leads_the_decoder_stays(fitted):
    network, before = network_of(fitted), network_of(fitted)
    history = fit_decoder(network, recordings(), [], settings=replace(SHORT, lead=6))
    for one, other in zip(network.variables, before.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert history[-1]["critic"] < history[0]["critic"]


def test_against_a_critic_what_is_decoded_has_the_spread_of_what_is_true(fitted):
    """The mean of the noise has no spread: without a critic that is what comes out."""
    S = np.stack(recordings())[:, :64].astype(np.float32) / 4

    def spread(pull: float) -> float:
        network = network_of(fitted)
        settings = replace(SHORT, steps=120, lead=20, pull=pull, learning_rate=3e-3, figures_every=60)
        fit_decoder(network, recordings(), [], settings=settings)
        return float(np.diff(network(S).S.numpy(), axis=1).std())

    assert spread(2.0) > 1.05 * spread(0.0)


def test_a_fit_that_was_stopped_goes_on_to_the_same_bits(fitted, undisturbed, tmp_path):
    """Looking at validation or not makes no difference to what is learned."""

    def stop(n_done: int, *_rest: object) -> None:
        if n_done >= 4:
            raise Stopped

    with pytest.raises(Stopped):
        fit_decoder(network_of(fitted), recordings(), [], settings=SHORT, checkpoints=tmp_path, progress=stop)
    again = network_of(fitted)
    history = fit_decoder(again, recordings(), [], settings=SHORT, checkpoints=tmp_path)
    assert history == without_validation(undisturbed[1])
    for one, other in zip(again.variables, undisturbed[0].variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_a_checkpoint_for_other_codes_is_refused(fitted, undisturbed):
    other = network_of(fitted)
    other.quantizer.codebooks.assign(other.quantizer.codebooks + 1)
    with pytest.raises(ModelError, match="of another training"):
        fit_decoder(other, recordings(), [], settings=SHORT, checkpoints=undisturbed[2])


def test_a_checkpoint_for_another_encoder_is_refused(fitted, undisturbed):
    other = network_of(fitted)
    bias = other.encoder.get_layer("out").bias
    bias.assign(bias + 1)
    with pytest.raises(ModelError, match="of another training"):
        fit_decoder(other, recordings(), [], settings=SHORT, checkpoints=undisturbed[2])


def test_no_steps_are_no_fit(fitted):
    network = network_of(fitted)
    assert fit_decoder(network, recordings(), [], settings=DecoderFitSettings()) == []


def test_figures_that_are_no_numbers_end_it(fitted):
    broken = recordings()
    for S in broken:
        S[40] = np.nan
    with pytest.raises(TrainingDiverged, match="smaller learning_rate"):
        fit_decoder(network_of(fitted), broken, [], settings=replace(SHORT, crop_frames=80))


@pytest.mark.parametrize(
    "fields", [{"steps": -1}, {"crop_frames": 12}, {"pull": -1.0}, {"lead": -1}, {"precision": "float16"}]
)
def test_settings_out_of_range_are_refused(fields):
    with pytest.raises(ModelError, match=next(iter(fields))):
        DecoderFitSettings(**fields)
