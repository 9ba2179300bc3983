"""Tones come back as tones; the NumPy form answers as the Keras network does, whole and piece by piece."""

import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest

import models.vocoder as module
from features.log_mel import HOP_LENGTH, LOG_FLOOR, N_MELS, SR, log_mel, mel_filter_bank, scaled, unscaled
from models.errors import IntegrityError, ModelError
from models.model_folder import WEIGHTS_FILE, save_model
from models.phases import N_BINS
from models.vocoder import GriffinLim, Vocoder, VocoderStream, coarse_log_power
from models.vocoder_network import VocoderNetwork, arrays_of
from models.vocoder_settings import VocoderSettings
from tests.support.vocoders import TINY, drawn_network

CARD = {"name": "tiny", "version": "1", "kind": "vocoder", "created": "2026-01-01"}


@pytest.fixture(scope="module")
def pair() -> tuple[VocoderNetwork, Vocoder]:
    settings = VocoderSettings(**TINY)
    network = drawn_network(settings)
    return network, Vocoder(settings, arrays_of(network))


@pytest.fixture
def short_blocks(monkeypatch) -> None:
    monkeypatch.setattr(module, "BLOCK_FRAMES", 8)
    monkeypatch.setattr(module, "LOOKAHEAD_FRAMES", 3)


def log_mel_of(seed: int, frames: int) -> np.ndarray:
    return unscaled(np.random.default_rng(seed).normal(size=(frames, N_MELS)).astype(np.float32))


def tone(hz: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(SR // 2) / SR)).astype(np.float32)


def test_griffin_lim_makes_a_tone_where_it_was():
    S = log_mel(tone(880.0))
    y = GriffinLim().audio(S)
    assert (y.shape, y.dtype) == (((len(S) - 1) * HOP_LENGTH,), np.float32)
    spectrum = np.abs(np.fft.rfft(y * np.hanning(y.size)))
    assert abs(spectrum.argmax() * SR / y.size - 880.0) < 20.0
    assert np.abs(log_mel(y)[3:-3].argmax(axis=1) - S[3:-3].argmax(axis=1)).max() <= 1


def test_fine_spectra_are_those_of_keras(pair):
    network, _vocoder = pair
    S = log_mel_of(1, 20)
    expected = network(scaled(S)[np.newaxis])
    trusting = Vocoder(VocoderSettings(**TINY | {"matchings": 0}), arrays_of(network))
    found = trusting.fine_spectra(S)
    np.testing.assert_allclose(np.log(found.power), expected.log_power[0], atol=1e-3)
    for mine, its in ((found.advance, expected.advance[0]), (found.delay, expected.delay[0])):
        np.testing.assert_allclose(np.stack([mine.real, mine.imag], axis=1), its, atol=1e-4)


def test_the_spectrum_runs_straight_from_band_to_band():
    """White sound: the same power in every bin, and the mel bands as the filters give them."""
    flat = np.full((1, N_BINS), 3.0, np.float32)
    coarse, offset = coarse_log_power()
    S = np.log(flat @ mel_filter_bank().T)
    np.testing.assert_allclose(scaled(S) @ coarse + offset, np.log(flat), atol=1e-4)


def test_matching_brings_the_mel_bands_to_those_wanted(pair):
    network, _ = pair
    S = log_mel(0.1 * np.random.default_rng(0).normal(size=10 * HOP_LENGTH))
    errors = []
    for matchings in (0, 1, 8):
        vocoder = Vocoder(VocoderSettings(**TINY | {"matchings": matchings}), arrays_of(network))
        mel = vocoder.fine_spectra(S).power @ mel_filter_bank().T
        errors.append(np.abs(np.log(mel) - S).mean())
    assert errors[0] > 1.5 * errors[1] > 3 * errors[2]


@pytest.mark.parametrize("frames", [1, 2, 7, 8, 9, 30])
def test_sound_has_the_length_of_its_frames(pair, short_blocks, frames):
    _, vocoder = pair
    y = vocoder.audio(log_mel_of(3, frames))
    assert (y.shape, y.dtype) == (((frames - 1) * HOP_LENGTH,), np.float32)
    assert np.isfinite(y).all()
    np.testing.assert_array_equal(y, vocoder.audio(log_mel_of(3, frames)))


@pytest.mark.parametrize("pieces", [[40], [1] * 40, [5, 0, 1, 30, 2], [20, 20, 9], [3]], ids=str)
def test_pieces_make_the_numbers_of_the_whole(pair, short_blocks, pieces):
    _, vocoder = pair
    S = log_mel_of(4, sum(pieces))
    stream = VocoderStream(vocoder)
    found = [stream.push(piece) for piece in np.split(S, np.cumsum(pieces)[:-1])]
    found.append(stream.finish())
    np.testing.assert_array_equal(np.concatenate(found), vocoder.audio(S))


def test_blocks_join_without_a_seam(pair, monkeypatch):
    """Where a block ends, two neighbouring samples differ by no more than elsewhere."""
    _, vocoder = pair
    S = log_mel(tone(440.0))
    monkeypatch.setattr(module, "BLOCK_FRAMES", 8)
    steps = np.abs(np.diff(vocoder.audio(S)))
    seams = np.arange(8 * HOP_LENGTH - 1024 - 1, len(steps), 8 * HOP_LENGTH)
    assert steps[seams].max() <= np.quantile(steps, 0.999)


def test_a_stream_answers_as_soon_as_it_can_and_forgets(pair, short_blocks):
    _, vocoder = pair
    context, stream, n_samples = vocoder.settings.context, VocoderStream(vocoder), 0
    for frame, S in enumerate(log_mel_of(5, 60), start=1):
        n_samples += len(stream.push(S[np.newaxis]))
        n_blocks = max(0, (frame - 3 - context) // 8)
        assert n_samples == max(0, n_blocks * 8 * HOP_LENGTH - 1024)
        assert len(stream._S) <= 8 + 3 + 2 * context
    assert len(stream._done) == 3


def test_silence_stays_silent(pair):
    _, vocoder = pair
    y = vocoder.audio(np.full((20, N_MELS), LOG_FLOOR, np.float32))
    assert np.abs(y).max() < 1e-4
    assert np.abs(GriffinLim().audio(np.full((20, N_MELS), LOG_FLOOR, np.float32))).max() < 1e-5


def test_a_model_folder_is_loaded_again(pair, tmp_path):
    network, vocoder = pair
    save_model(tmp_path, CARD | {"network": asdict(network.settings)}, arrays_of(network))
    again = Vocoder.load(str(tmp_path))
    assert again.settings == network.settings
    np.testing.assert_array_equal(again.audio(log_mel_of(6, 9)), vocoder.audio(log_mel_of(6, 9)))
    (tmp_path / WEIGHTS_FILE).write_bytes(b"others")
    with pytest.raises(IntegrityError, match="the card says"):
        Vocoder.load(tmp_path)


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ({"kind": "autoencoder"}, "of kind 'autoencoder', expected 'vocoder'"),
        ({}, "expected an object with settings, got NoneType"),
        ({"network": {"width": 12, "depth": 3}}, "unknown settings depth"),
        ({"network": {"kernel": 4}}, "kernel=4"),
    ],
)
def test_a_card_that_tells_of_no_vocoder_is_refused(pair, tmp_path, card, words):
    save_model(tmp_path, CARD | card, arrays_of(pair[0]))
    with pytest.raises(ModelError, match=words):
        Vocoder.load(tmp_path)


@pytest.mark.parametrize("name", ["in/kernel", "block_1_conv/bias", "block_0_narrow/kernel", "out/bias"])
def test_an_array_that_is_missing_or_does_not_fit_is_named(pair, name):
    network, _ = pair
    arrays = arrays_of(network)
    with pytest.raises(ModelError, match=f"{name}' is missing"):
        Vocoder(network.settings, {key: array for key, array in arrays.items() if key != name})
    with pytest.raises(ModelError, match="no vocoder"):
        Vocoder(network.settings, arrays | {name: arrays[name][..., :-1]})


def test_an_answer_of_another_size_is_refused(pair):
    network, _ = pair
    arrays = arrays_of(network)
    fewer = {name: arrays[name][..., :100] for name in ("out/kernel", "out/bias")}
    with pytest.raises(ModelError, match="100 numbers a frame, expected 5125"):
        Vocoder(network.settings, arrays | fewer)


@pytest.mark.parametrize(
    "S",
    [np.zeros((5, N_MELS - 1)), np.zeros(N_MELS), np.full((5, N_MELS), np.nan), np.full((5, N_MELS), np.inf)],
    ids=lambda S: str(S.shape),
)
def test_what_is_no_log_mel_is_refused(pair, S):
    with pytest.raises(ModelError, match="expected finite numbers"):
        pair[1].audio(S)
    with pytest.raises(ModelError, match="expected finite numbers"):
        GriffinLim().audio(S)


@pytest.mark.parametrize("audio", [lambda S, pair: pair[1].audio(S), lambda S, pair: GriffinLim().audio(S)])
def test_no_frames_make_no_sound(pair, audio):
    with pytest.raises(ModelError, match="at least one frame"):
        audio(np.zeros((0, N_MELS), np.float32), pair)


def test_tensorflow_is_not_loaded():
    words = "import sys, models.vocoder; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], check=False).returncode == 0
