"""From a folder of sounds to a model folder that makes sound; settings that are refused by name."""

import json
import os
from contextlib import redirect_stdout
from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datasets.manifest import MANIFEST_FILE, Manifest, Recording, write_manifest
from features.log_mel import SR, log_mel
from models.errors import ModelError
from models.model_folder import CARD_FILE, WEIGHTS_FILE, save_model
from models.settings_file import read_fields, settings_of
from models.train_vocoder import LOG_FOLDER, SAMPLE_FOLDER, Settings, main, read_settings, train
from models.vocoder import Vocoder
from models.vocoder_sound_fit import SoundFitSettings
from models.vqvae import arrays_of
from models.vqvae_settings import VqvaeSettings
from tests.support import autoencoders

SETTINGS_FOLDER = Path(__file__).parents[2] / "benchmarks" / "settings"
SMOKE_FILE, REAL_FILE = SETTINGS_FOLDER / "vocoder_smoke.json", SETTINGS_FOLDER / "vocoder.json"
SPLITS = ("train", "train", "validation", "test")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Four melodies of a second, one for validation and one for test."""
    folder = tmp_path_factory.mktemp("corpus")
    recordings = []
    for take, split in enumerate(SPLITS):
        rng = np.random.default_rng(take)
        notes = np.repeat(rng.integers(0, 12, 4), SR // 4)
        t = np.arange(notes.size) / SR
        y = 0.3 * np.sin(2 * np.pi * 220 * 2 ** (notes / 12) * t) + 0.01 * rng.normal(size=t.size)
        path = folder / f"{take}.wav"
        soundfile.write(path, y, SR)
        recordings.append(Recording(path, "melody", licence="CC0", split=split))
    write_manifest(Manifest("melodies", tuple(recordings)), folder / MANIFEST_FILE)
    return folder


@pytest.fixture(scope="module")
def autoencoder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("autoencoder")
    settings = VqvaeSettings(**autoencoders.TINY)
    card = {"name": "tiny", "version": "1", "kind": "autoencoder", "created": "2026-01-01", "network": asdict(settings)}
    save_model(folder, card, arrays_of(autoencoders.drawn_network(settings)))
    return folder


@pytest.fixture(scope="module")
def trained(corpus, autoencoder, tmp_path_factory) -> tuple[Path, list[str], list[str]]:
    """The folder of a model by the smoke settings, its flags, and what was printed line by line."""
    out, printed = tmp_path_factory.mktemp("model"), StringIO()
    flags = ["--data", corpus, "--out", out, "--config", SMOKE_FILE, "--licence", "CC0", "--autoencoder", autoencoder]
    arguments = list(map(str, flags))
    with redirect_stdout(printed):
        main(arguments)
    return out, arguments, printed.getvalue().splitlines()


def test_the_model_makes_sound(trained, corpus):
    y = soundfile.read(corpus / "3.wav", dtype="float32")[0]
    made = Vocoder.load(trained[0]).audio(log_mel(y))
    assert made.shape == (len(y) // 512 * 512,)
    assert 0.05 < np.abs(made).max() < 5


def test_the_card_says_what_was_trained_on_what(trained, autoencoder):
    card = json.loads((trained[0] / CARD_FILE).read_text())
    assert (card["name"], card["kind"], card["licence"], card["steps"]) == ("vocoder", "vocoder", "CC0", 2)
    assert card["sound_steps"] == 2
    assert card["data"]["corpus"] == "melodies"
    assert (card["data"]["n_recordings"], card["data"]["n_training"]) == (4, 2)
    assert card["data"]["licences"] == ["CC0"]
    assert card["heard"]["start"] is None
    assert card["heard"]["autoencoder"] == json.loads((autoencoder / CARD_FILE).read_text())["weights"]["sha256"]
    for split in ("validation", "test"):
        for given in ("true_log_mel", "decoded_log_mel"):
            assert card[split][given]["n_recordings"] == 1
            for name in ("griffin_lim", "vocoder"):
                assert set(card[split][given][name]) == {"mel_l1_db", "spectral_db", "cpu_s_per_10_s"}
    assert card["network"] == json.loads(SMOKE_FILE.read_text())["network"]


def test_it_is_told_what_goes_on_and_there_is_something_to_hear(trained):
    out, _, printed = trained
    assert any("reading 2 of 2 recordings" in line for line in printed)
    assert any("100%  step 2, loss" in line and "validation loss" in line for line in printed)
    assert any("100%  step 2, bins" in line and "levels" in line and "critic" in line for line in printed)
    assert sorted(os.listdir(out / SAMPLE_FOLDER)) == [
        "step-0000002-0-made.flac",
        "step-0000002-0-true.flac",
        "step-0000002-0.png",
    ]
    assert any(name.startswith("events") for name in os.listdir(out / LOG_FOLDER))


def test_a_training_that_is_done_gives_the_same_model_again(trained):
    out, arguments, _ = trained
    before = (out / WEIGHTS_FILE).read_bytes()
    told: list[str] = []
    train(read_settings(arguments), progress=lambda words, share: told.append(words))
    assert (out / WEIGHTS_FILE).read_bytes() == before
    assert not any(words.startswith("step") for words in told)


def test_a_training_begins_from_another_vocoder(trained, corpus, tmp_path):
    """With a learning rate of next to nothing, the weights stay those that it began from."""
    settings = read_settings(["--data", str(corpus), "--out", str(tmp_path), "--config", str(SMOKE_FILE)])
    fit = replace(settings.fit, steps=1, learning_rate=1e-7)
    train(replace(settings, start=trained[0], fit=fit, sound=SoundFitSettings()))
    before, after = Vocoder.load(trained[0]), Vocoder.load(tmp_path)
    for name, array in before._arrays.items():
        np.testing.assert_allclose(after._arrays[name], array, atol=1e-3)


def test_a_corpus_without_training_split_is_refused(corpus, tmp_path):
    path = tmp_path / "corpus" / MANIFEST_FILE
    write_manifest(Manifest("tests", (Recording(corpus / "3.wav", "melody", split="test"),)), path)
    with pytest.raises(ModelError, match="no recording of the train split"):
        train(Settings(data=path.parent, out=tmp_path / "out"))


def test_flags_count_more_than_the_file(tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text('name = "a"\nseed = 1\n[fit]\nsteps = 5\nbatch_size = 3\n[fit.crops]\nframes = 40\n')
    settings = read_settings(
        ["--data", "d", "--out", "o", "--config", str(config), "--name", "b", "--hours", "0.5", "--start", "s"]
    )
    assert (settings.data, settings.out, settings.start, settings.autoencoder) == (
        Path("d"),
        Path("o"),
        Path("s"),
        None,
    )
    assert (settings.name, settings.seed) == ("b", 1)
    assert (settings.fit.steps, settings.fit.batch_size, settings.fit.hours) == (5, 3, 0.5)
    assert settings.fit.crops.frames == 40


def test_a_flag_that_there_is_not_is_an_error(capsys):
    with pytest.raises(SystemExit):
        read_settings(["--data", "d", "--out", "o", "--step", "3"])
    assert "--step" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "expected an object with settings"),
        ('{"start": "elsewhere"}', "which are flags"),
        ('{"name": "A/B"}', "name 'A/B'"),
        ('{"precision": "float16"}', "precision='float16'"),
        ('{"fit": {"step": 3}}', "fit: unknown settings step"),
        ('{"network": {"n_mels": 80}}', "network: unknown settings n_mels"),
        ('{"seed": -1}', "seed=-1"),
    ],
)
def test_settings_that_do_not_fit_are_named(tmp_path, content, words):
    config = tmp_path / "settings.json"
    config.write_text(content)
    with pytest.raises(ModelError, match=words):
        read_settings(["--data", "d", "--out", "o", "--config", str(config)])


def test_the_real_settings_make_a_network_whose_weights_fit_a_file():
    settings = settings_of(Settings, read_fields(REAL_FILE) | {"data": Path("d"), "out": Path("o")}, where="real")
    network = settings.network
    blocks = network.n_blocks * network.width * (2 * network.hidden + network.kernel)
    ends = network.width * (network.kernel * 96 + 5 * 1025)
    assert 2 * (blocks + ends) < 15_000_000
