"""The NumPy form answers as the Keras network does, whole, in windows and piece by piece."""

import subprocess
import sys

import numpy as np
import pytest

import models.vqvae_inference as module
from features.log_mel import LOG_FLOOR, N_MELS, scaled, unscaled
from models.errors import IntegrityError, ModelError
from models.model_folder import WEIGHTS_FILE, save_model
from models.tensorflow_runtime import tf
from models.vqvae import Vqvae, arrays_of
from models.vqvae_inference import (
    DecodeStream,
    VqvaeInference,
    codebook_use,
    nearest_codes,
    vectors_of,
)
from models.vqvae_settings import VqvaeSettings
from tests.support.autoencoders import TINY, drawn_network

CARD = {"name": "tiny", "version": "1", "kind": "autoencoder", "created": "2026-01-01"}


@pytest.fixture(scope="module", params=[1, 2], ids="stride {}".format)
def pair(request) -> tuple[Vqvae, VqvaeInference]:
    settings = VqvaeSettings(**TINY | {"time_stride": request.param})
    network = drawn_network(settings)
    return network, VqvaeInference(settings, arrays_of(network))


def log_mel_of(seed: int, frames: int) -> np.ndarray:
    return unscaled(np.random.default_rng(seed).normal(size=(frames, N_MELS)).astype(np.float32))


def codes_of(autoencoder: VqvaeInference, time: int) -> np.ndarray:
    settings = autoencoder.settings
    return np.random.default_rng(7).integers(settings.n_codes, size=(settings.n_codebooks, time))


def decoded_by(network: Vqvae, codes: np.ndarray) -> np.ndarray:
    vectors = network.quantizer.decode(tf.constant(codes[np.newaxis].astype(np.int32)))
    return unscaled(network.decoder(vectors).numpy()[0])


def test_codes_are_those_of_keras(pair):
    network, autoencoder = pair
    S = log_mel_of(1, 40)
    expected = network(scaled(S)[np.newaxis])
    np.testing.assert_array_equal(autoencoder.encode(S), expected.latents.codes[0])


def test_log_mel_is_that_of_keras(pair):
    network, autoencoder = pair
    codes = codes_of(autoencoder, 50)
    np.testing.assert_allclose(autoencoder.decode(codes), decoded_by(network, codes), atol=1e-4)


@pytest.mark.parametrize("window", [1, 7, 16, 64])
def test_windows_are_what_the_whole_is(pair, monkeypatch, window):
    network, autoencoder = pair
    monkeypatch.setattr(module, "WINDOW", window)
    codes = codes_of(autoencoder, 65)
    np.testing.assert_allclose(autoencoder.decode(codes), decoded_by(network, codes), atol=1e-4)
    S = log_mel_of(2, 66)
    np.testing.assert_array_equal(autoencoder.encode(S), network(scaled(S)[np.newaxis]).latents.codes[0])


@pytest.mark.parametrize("pieces", [[100], [1] * 30, [5, 0, 1, 40, 2], [3], [20, 20, 20]], ids=str)
def test_codes_that_come_in_pieces_are_decoded_as_the_whole(pair, pieces):
    _, autoencoder = pair
    codes = codes_of(autoencoder, sum(pieces))
    stream, found = DecodeStream(autoencoder), []
    for piece in np.split(codes, np.cumsum(pieces)[:-1], axis=1):
        found.append(stream.push(piece))
    found.append(stream.finish())
    np.testing.assert_allclose(np.concatenate(found), autoencoder.decode(codes), atol=1e-4)


def test_a_stream_answers_as_soon_as_it_can_and_forgets(pair):
    _, autoencoder = pair
    context, stride = autoencoder.settings.context, autoencoder.settings.time_stride
    stream = DecodeStream(autoencoder)
    codes = codes_of(autoencoder, 40 * context)
    n_answered = 0
    for time in range(codes.shape[1]):
        n_answered += len(stream.push(codes[:, time : time + 1]))
        assert n_answered == stride * max(0, time + 1 - context)
    assert stream._codes.shape[1] <= 2 * context


def test_a_last_frame_without_partners_is_repeated():
    settings = VqvaeSettings(**TINY | {"time_stride": 2})
    autoencoder = VqvaeInference(settings, arrays_of(drawn_network(settings)))
    S = log_mel_of(3, 21)
    np.testing.assert_array_equal(autoencoder.encode(S), autoencoder.encode(np.concatenate([S, S[-1:]])))
    assert autoencoder.encode(S).shape == (3, 11)
    assert autoencoder.decode(autoencoder.encode(S)).shape == (22, N_MELS)


def test_nothing_lies_under_the_floor(pair):
    _, autoencoder = pair
    assert autoencoder.decode(codes_of(autoencoder, 200)).min() >= np.float32(LOG_FLOOR)


def test_nearest_codes_are_those_of_a_slow_loop(rng):
    codebooks = rng.normal(size=(3, 8, 4))
    latents = rng.normal(size=(20, 4))
    codes = nearest_codes(latents, codebooks)
    for time, latent in enumerate(latents):
        left = latent.copy()
        for index, codebook in enumerate(codebooks):
            nearest = min(range(8), key=lambda k: float(np.sum((left - codebook[k]) ** 2)))
            assert codes[index, time] == nearest
            left = left - codebook[nearest]
        np.testing.assert_allclose(vectors_of(codes, codebooks)[time], latent - left)


def test_use_of_codebooks():
    codes = np.array([[0, 0, 0, 0], [0, 1, 2, 3], [0, 0, 1, 1]])
    use = codebook_use(codes, 8)
    np.testing.assert_allclose(use.usage, [1 / 8, 4 / 8, 2 / 8])
    np.testing.assert_allclose(use.perplexity, [1, 4, 2])


def test_a_model_folder_is_loaded_again(pair, tmp_path):
    network, autoencoder = pair
    from dataclasses import asdict

    save_model(tmp_path, CARD | {"network": asdict(network.settings)}, arrays_of(network))
    again = VqvaeInference.load(tmp_path)
    assert again.settings == network.settings
    codes = codes_of(autoencoder, 9)
    np.testing.assert_array_equal(again.decode(codes), autoencoder.decode(codes))
    (tmp_path / WEIGHTS_FILE).write_bytes(b"others")
    with pytest.raises(IntegrityError, match="the card says"):
        VqvaeInference.load(tmp_path)


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ({"kind": "genre"}, "of kind 'genre', expected 'autoencoder'"),
        ({}, "expected an object with settings, got NoneType"),
        ({"network": {"width": 12, "depth": 3}}, "unknown settings depth"),
        ({"network": {"width": -1}}, "width=-1"),
    ],
)
def test_a_card_that_tells_of_no_autoencoder_is_refused(pair, tmp_path, card, words):
    network, _ = pair
    save_model(tmp_path, CARD | card, arrays_of(network))
    with pytest.raises(ModelError, match=words):
        VqvaeInference.load(tmp_path)


@pytest.mark.parametrize("name", ["encoder/in/kernel", "decoder/block_1_conv/bias", "quantizer/codebooks"])
def test_an_array_that_is_missing_or_does_not_fit_is_named(pair, name):
    network, _ = pair
    arrays = arrays_of(network)
    with pytest.raises(ModelError, match=f"{name}' is missing"):
        VqvaeInference(network.settings, {key: array for key, array in arrays.items() if key != name})
    with pytest.raises(ModelError, match="no autoencoder"):
        VqvaeInference(network.settings, arrays | {name: arrays[name][..., :-1]})


@pytest.mark.parametrize(
    "S",
    [
        np.zeros((0, N_MELS)),
        np.zeros((5, N_MELS - 1)),
        np.zeros(N_MELS),
        np.full((5, N_MELS), np.nan),
        np.full((5, N_MELS), np.inf),
    ],
    ids=lambda S: str(S.shape),
)
def test_what_is_no_log_mel_is_refused(pair, S):
    with pytest.raises(ModelError, match="expected finite numbers"):
        pair[1].encode(S)


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (np.zeros((2, 5), int), r"expected whole numbers \(3, time\)"),
        (np.zeros((3, 5)), "expected whole numbers"),
        (np.zeros(3, int), "expected whole numbers"),
        (np.full((3, 5), 16), "codes from 16 to 16: expected 0 to 15"),
        (np.full((3, 5), -1), "expected 0 to 15"),
    ],
)
def test_what_are_no_codes_is_refused(pair, codes, words):
    with pytest.raises(ModelError, match=words):
        pair[1].decode(codes)
    with pytest.raises(ModelError, match=words):
        DecodeStream(pair[1]).push(codes)


def test_no_codes_are_no_log_mel(pair):
    assert pair[1].decode(np.zeros((3, 0), int)).shape == (0, N_MELS)


def test_tensorflow_is_not_loaded():
    words = "import sys, models.vqvae_inference; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], check=False).returncode == 0
