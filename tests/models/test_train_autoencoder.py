"""From a folder of sounds to a model folder that codes and decodes; settings that are refused by name."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datasets.manifest import MANIFEST_FILE, Manifest, Recording, write_manifest
from features.log_mel import N_MELS, SR, log_mel
from models.errors import ModelError
from models.model_folder import CARD_FILE, WEIGHTS_FILE
from models.settings_file import read_fields, settings_of
from models.train_autoencoder import LOG_FOLDER, SAMPLE_FOLDER, Settings, main, read_settings, train
from models.vqvae_inference import VqvaeInference

SETTINGS_FOLDER = Path(__file__).parents[2] / "benchmarks" / "settings"
SMOKE_FILE, REAL_FILE = SETTINGS_FOLDER / "autoencoder_smoke.json", SETTINGS_FOLDER / "autoencoder.json"
SPLITS = ("train", "train", "validation", "test")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Four melodies of two seconds, one for validation and one for test."""
    folder = tmp_path_factory.mktemp("corpus")
    recordings = []
    for take, split in enumerate(SPLITS):
        rng = np.random.default_rng(take)
        notes = np.repeat(rng.integers(0, 12, 8), SR // 4)
        t = np.arange(notes.size) / SR
        y = 0.3 * np.sin(2 * np.pi * 220 * 2 ** (notes / 12) * t) + 0.01 * rng.normal(size=t.size)
        path = folder / f"{take}.wav"
        soundfile.write(path, y, SR)
        recordings.append(Recording(path, "melody", licence="CC0", split=split))
    write_manifest(Manifest("melodies", tuple(recordings)), folder / MANIFEST_FILE)
    return folder


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory) -> tuple[Path, list[str]]:
    """The folder of a model by the smoke settings, and what was printed line by line."""
    from contextlib import redirect_stdout
    from io import StringIO

    out, printed = tmp_path_factory.mktemp("model"), StringIO()
    with redirect_stdout(printed):
        main(["--data", str(corpus), "--out", str(out), "--config", str(SMOKE_FILE), "--licence", "CC0"])
    return out, printed.getvalue().splitlines()


def test_the_model_codes_and_decodes(trained, corpus):
    autoencoder = VqvaeInference.load(trained[0])
    S = log_mel(soundfile.read(corpus / "3.wav", dtype="float32")[0])
    codes = autoencoder.encode(S)
    assert codes.shape == (autoencoder.settings.n_codebooks, -(-len(S) // autoencoder.settings.time_stride))
    assert autoencoder.decode(codes)[: len(S)].shape == S.shape


def test_the_card_says_what_was_trained_on_what(trained):
    card = json.loads((trained[0] / CARD_FILE).read_text())
    assert (card["name"], card["kind"], card["licence"], card["steps"]) == ("autoencoder", "autoencoder", "CC0", 2)
    assert card["data"]["corpus"] == "melodies"
    assert (card["data"]["n_recordings"], card["data"]["n_training"]) == (4, 2)
    assert card["data"]["licences"] == ["CC0"]
    assert card["data"]["training_hours"] == pytest.approx(4 / 3600, abs=5e-4)
    assert len(card["data"]["split_sha256"]) == len(card["codes_sha256"]) == 64
    assert card["decoder_steps"] == 2
    for split in ("validation", "test"):
        assert card[split]["n_frames"] == 87
        assert card[split]["mel_l1"] > 0
        assert len(card[split]["usage"]) == len(card[split]["perplexity"]) == card["network"]["n_codebooks"]
    assert card["network"] == json.loads(SMOKE_FILE.read_text())["network"]


def test_the_figures_are_of_the_model_that_is_shipped(trained, corpus):
    from models.evaluation.reconstruction import reconstruction_report

    card = json.loads((trained[0] / CARD_FILE).read_text())
    S = log_mel(soundfile.read(corpus / "3.wav", dtype="float32")[0]).astype(np.float16)
    found = reconstruction_report(VqvaeInference.load(trained[0]), [S])
    assert found.keys() == card["test"].keys()
    for name, value in found.items():
        assert value == pytest.approx(card["test"][name], rel=1e-4), name


def test_it_is_told_what_goes_on_and_there_is_something_to_look_at(trained):
    out, printed = trained
    assert any("reading 2 of 2 recordings" in line for line in printed)
    assert any("100%  step 2, loss" in line and "usage" in line for line in printed)
    assert any("100%  step 4, loss" in line and "critic" in line for line in printed)  # two more of the decoder
    assert sorted(os.listdir(out / SAMPLE_FOLDER)) == [
        f"step-000000{step}-0{kind}" for step in (2, 4) for kind in ("-decoded.flac", "-true.flac", ".png")
    ]
    assert any(name.startswith("events") for name in os.listdir(out / LOG_FOLDER))


def test_a_training_that_is_done_gives_the_same_model_again(trained, corpus):
    out, _ = trained
    before = (out / WEIGHTS_FILE).read_bytes()
    told: list[str] = []
    settings = read_settings(
        ["--data", str(corpus), "--out", str(out), "--config", str(SMOKE_FILE), "--licence", "CC0"]
    )
    train(settings, progress=lambda words, share: told.append(words))
    assert (out / WEIGHTS_FILE).read_bytes() == before
    assert not any(words.startswith("step") for words in told)


def test_a_corpus_without_training_split_is_refused(corpus, tmp_path):
    path = tmp_path / "corpus" / MANIFEST_FILE
    write_manifest(Manifest("tests", (Recording(corpus / "3.wav", "melody", split="test"),)), path)
    with pytest.raises(ModelError, match="no recording of the train split"):
        train(Settings(data=path.parent, out=tmp_path / "out"))


def test_flags_count_more_than_the_file(tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text('name = "a"\nseed = 1\n[fit]\nsteps = 5\nbatch_size = 3\n[network]\ndilations = [1, 2]\n')
    settings = read_settings(
        ["--data", "d", "--out", "o", "--config", str(config), "--name", "b", "--hours", "0.5", "--version", "2"]
    )
    assert (settings.data, settings.out) == (Path("d"), Path("o"))
    assert (settings.name, settings.version, settings.seed) == ("b", "2", 1)
    assert (settings.fit.steps, settings.fit.batch_size, settings.fit.hours) == (5, 3, 0.5)
    assert settings.network.dilations == (1, 2)


def test_a_flag_that_there_is_not_is_an_error(capsys):
    with pytest.raises(SystemExit):
        read_settings(["--data", "d", "--out", "o", "--step", "3"])
    assert "--step" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "expected an object with settings"),
        ('{"out": "elsewhere"}', "without data and out"),
        ('{"name": "A/B"}', "name 'A/B'"),
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
    a_trunk = network.width**2 * ((network.kernel + 1) * len(network.dilations))
    ends = network.width * (network.kernel + 1) * (network.time_stride * N_MELS + network.latent_dim)
    codebooks = network.n_codebooks * network.n_codes * network.latent_dim
    assert 2 * (2 * a_trunk + ends) + 4 * codebooks < 20_000_000
