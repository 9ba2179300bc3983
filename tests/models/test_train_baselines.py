"""Baselines of the prior from a corpus; recurrent and adversarial ones are trained with the whole generator."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datasets.manifest import MANIFEST_FILE, Manifest, Recording, write_manifest
from features.log_mel import SR
from models.baselines.sources import load_baseline
from models.errors import ModelError
from models.model_folder import save_model
from models.plan import make_plan
from models.train_baselines import Settings, read_settings, train
from models.vqvae import arrays_of
from models.vqvae_settings import VqvaeSettings
from tests.support.autoencoders import TINY, drawn_network

GENRES = ("jazz", "rock")
CONFIG = """
genres = ["jazz", "rock"]
kinds = ["ngram"]
[ngram]
order = 3
[gan_fit]
steps = 5
"""


@pytest.fixture(scope="module")
def autoencoder(tmp_path_factory) -> Path:
    """One whose every weight is drawn."""
    folder, settings = tmp_path_factory.mktemp("autoencoder"), VqvaeSettings(**TINY)
    card = {"name": "drawn", "version": "1", "kind": "autoencoder", "created": "2026-01-01"}
    save_model(folder, card | {"network": asdict(settings)}, arrays_of(drawn_network(settings)))
    return folder


def write_corpus(folder: Path, splits: tuple[str, ...]) -> Path:
    """Noise of one second for each split, the genres in turn."""
    recordings = []
    for number, split in enumerate(splits):
        path = folder / f"{number}.wav"
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.random.default_rng(number).normal(0, 0.1, SR), SR)
        recordings.append(Recording(path, GENRES[number % 2], licence="CC0", split=split))
    write_manifest(Manifest("noise", tuple(recordings)), folder / MANIFEST_FILE)
    return folder


@pytest.fixture
def settings(autoencoder, tmp_path) -> Settings:
    corpus = write_corpus(tmp_path / "corpus", ("train", "train", "test"))
    return Settings(data=corpus, out=tmp_path / "out", autoencoder=autoencoder, genres=GENRES, kinds=("ngram",))


def test_a_baseline_is_a_model_folder_that_says_what_it_learned_from(settings):
    words: list[str] = []
    cards = train(settings, progress=lambda said, _: words.append(said))
    assert words == ["encoding 3 of 3 recordings", "ngram: begun"]
    baseline = load_baseline(settings.out / "ngram")
    assert baseline.card == cards["ngram"]
    assert baseline.card["network"] == {**asdict(settings.ngram), "n_codebooks": 3, "n_codes": 16, "n_genres": 2}
    assert baseline.card["codes"]["source"].startswith("drawn 1 ")
    assert (baseline.card["data"]["n_training"], baseline.card["data"]["licences"]) == (2, ["CC0"])
    assert baseline.card["validation"] is None
    assert len(baseline.card["test"]["bits"]) == 3
    assert max(baseline.card["test"]["bits"]) < 5  # log2(16) = 4 for one that knows nothing
    plan = make_plan(7, genre_mix=[1, 0])
    assert baseline.make_codes([plan], seeds=[0]).shape == (1, 3, 7)


def test_codes_that_were_encoded_before_are_read_again(settings, tmp_path):
    train(replace(settings, codes=tmp_path / "codes"))
    (shard,) = (tmp_path / "codes").iterdir()
    before = shard.stat().st_mtime_ns
    train(replace(settings, codes=tmp_path / "codes", out=tmp_path / "again"))
    assert [path.stat().st_mtime_ns for path in (tmp_path / "codes").iterdir()] == [before]


def test_a_corpus_without_recordings_to_learn_from_is_refused(settings, tmp_path):
    corpus = write_corpus(tmp_path / "tests only", ("test",))
    with pytest.raises(ModelError, match="no recording of the train split"):
        train(replace(settings, data=corpus))


def test_settings_come_from_flags_and_from_a_file(tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text(CONFIG)
    flags = ["--data", "d", "--out", "o", "--autoencoder", "a", "--config", str(config), "--kinds", "gan", "ngram"]
    settings = read_settings([*flags, "--codes", "c", "--seed", "3"])
    assert (settings.data, settings.out, settings.autoencoder) == (Path("d"), Path("o"), Path("a"))
    assert (settings.codes, settings.seed, settings.kinds) == (Path("c"), 3, ("gan", "ngram"))
    assert (settings.genres, settings.ngram.order, settings.gan_fit.steps) == (GENRES, 3, 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "expected an object with settings"),
        ('{"out": "x"}', "without data, out, autoencoder and codes"),
        ('{"kinds": ["vae"]}', "kinds vae: expected some of ngram, gru, gan"),
        ('{"kinds": []}', "kinds none"),
        ('{"genres": ["a", "a"]}', "genres a, a: expected at least one, each once"),
        ('{"gan": {"depth": 3}}', "gan: unknown settings depth"),
        ('{"gru_hours": -1}', "gru_hours=-1"),
    ],
)
def test_a_settings_file_with_anything_else_is_refused(tmp_path, text, message):
    config = tmp_path / "settings.json"
    config.write_text(text)
    with pytest.raises(ModelError, match=message):
        read_settings(["--data", "d", "--out", "o", "--autoencoder", "a", "--config", str(config)])
