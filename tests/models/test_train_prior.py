"""Training from a corpus to a model folder that makes codes; two steps of it, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from datasets.composers import GENRES
from datasets.manifest import MANIFEST_FILE, Manifest, read_manifest, write_manifest
from datasets.rendered_corpus import render_corpus
from models.code_source import CodeSource
from models.code_stream import make_codes
from models.errors import ModelError
from models.model_folder import read_card
from models.plan import plan_of_wish
from models.prior_fit import PriorFitSettings
from models.prior_inference import PriorInference
from models.prior_settings import PriorSettings
from models.train_prior import Settings, read_settings, train
from tests.support.silent_renderer import play_silence

RATE = 10.0
N_CODES = 7
SMOKE = {
    "network": PriorSettings(width=8, n_layers=1, n_heads=1, window=10, look_ahead=2),
    "fit": PriorFitSettings(epochs=1, steps=2, batch_size=2, crop_frames=12),
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Ten clips of each of two genres, as silence: seven to learn from, one to watch, two to measure."""
    folder = tmp_path_factory.mktemp("corpus")
    with pytest.MonkeyPatch.context() as monkeypatch:
        font = play_silence(monkeypatch, folder)
        render_corpus(
            folder / "clips",
            hours=20 * 3 / 3600,
            genres=("jazz", "rock"),
            clip_s=3.0,
            sr=8000,
            jobs=1,
            sound_font=font,
        )
    return folder / "clips"


def encode(path: Path) -> np.ndarray:
    """Codes that go up by one, from where the name says."""
    return (np.arange(30) + len(path.stem) + np.arange(2)[:, np.newaxis]) % N_CODES


SOURCE = CodeSource(encode, "stand-in 1", 2, N_CODES, RATE)


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory) -> tuple[Path, dict, list[str]]:
    out, words = tmp_path_factory.mktemp("model"), []
    settings = Settings(data=corpus, out=out, autoencoder=out / "none", **SMOKE)
    card = train(settings, source=SOURCE, progress=lambda said, _: words.append(said))
    return out, card, words


def test_the_card_says_what_was_trained_on_what_and_how_good_it_is(trained):
    out, card, _ = trained
    assert read_card(out) == json.loads(json.dumps(card))
    assert (card["kind"], card["name"], card["genres"]) == ("prior", "prior", list(GENRES))
    assert card["codes"] == {"source": "stand-in 1", "frames_per_s": RATE}
    assert card["start"] is None
    assert (card["network"]["n_codes"], card["network"]["n_codebooks"], card["network"]["n_genres"]) == (7, 2, 14)
    assert (card["data"]["n_recordings"], card["data"]["n_training"]) == (20, 14)
    assert card["data"]["training_hours"] == round(14 * 3 / 3600, 3)
    assert (card["epochs"], card["best_epoch"], card["finished"]) == (1, 1, True)
    assert card["validation"]["n_recordings"] == 2
    assert card["test"]["n_recordings"] == 4
    for split in ("validation", "test"):
        for figure in ("bits", "bits_untold", "bits_ngram"):
            assert len(card[split][figure]) == 2
        assert max(card[split]["bits_ngram"]) < 1  # counting up by one is all that there is


def test_the_folder_is_a_prior_that_makes_codes(trained):
    out, _, _ = trained
    card, prior = PriorInference.load(out)
    plan = plan_of_wish("jazz", seconds=2.0, seed=0, frames_per_s=card["codes"]["frames_per_s"])
    codes = make_codes(prior, [plan], seeds=[0], guidance=2.0)
    assert codes.shape == (1, 2, 20)
    with np.load(out / "weights.npz") as weights:
        assert {weights[name].dtype for name in weights.files} == {np.dtype(np.float16)}


def test_it_says_what_is_going_on(trained):
    words = trained[2]
    assert words[0] == "encoding 20 of 20 recordings"
    assert any(said.startswith("epoch 1, ") and "validation" in said for said in words)
    assert words[-1] == "measuring 4 recordings of the test split"


def test_a_training_whose_time_is_up_saves_what_it_has_and_goes_on(corpus, tmp_path):
    settings = Settings(
        data=corpus, out=tmp_path, autoencoder=tmp_path, hours=0.0, **SMOKE | {"fit": replace(SMOKE["fit"], epochs=2)}
    )
    cards = [train(settings, source=SOURCE) for _ in range(2)]
    assert [(card["epochs"], card["finished"]) for card in cards] == [(1, False), (2, True)]


def test_a_training_begins_from_another_prior(trained, corpus, tmp_path):
    """With a learning rate of next to nothing, the weights stay those that it began from."""
    fit = replace(SMOKE["fit"], learning_rate=1e-7, weight_decay=0.0)
    settings = Settings(data=corpus, out=tmp_path, autoencoder=tmp_path, start=trained[0], **SMOKE | {"fit": fit})
    card = train(settings, source=SOURCE)
    assert card["start"] == trained[1]["weights"]["sha256"]
    before, after = (np.load(folder / "weights.npz") for folder in (trained[0], tmp_path))
    for name in before.files:
        np.testing.assert_allclose(after[name], before[name], atol=1e-3)


def test_a_prior_over_other_codes_is_nothing_to_begin_from(trained, corpus, tmp_path):
    settings = Settings(data=corpus, out=tmp_path, autoencoder=tmp_path, start=trained[0], **SMOKE)
    with pytest.raises(ModelError, match="learned the codes of stand-in 1, not of stand-in 2"):
        train(settings, source=replace(SOURCE, name="stand-in 2"))


def test_a_corpus_without_recordings_to_learn_from_is_refused(corpus, tmp_path):
    manifest = read_manifest(corpus / MANIFEST_FILE)
    write_manifest(Manifest("few", manifest.of_split("test").recordings), tmp_path / MANIFEST_FILE)
    with pytest.raises(ModelError, match="no recording of the train split"):
        train(Settings(data=tmp_path, out=tmp_path / "out", autoencoder=tmp_path, **SMOKE), source=SOURCE)


def test_settings_come_from_flags_and_from_a_file(tmp_path):
    config = tmp_path / "smoke.toml"
    config.write_text('name = "small"\nhours = 2.0\n[network]\nwidth = 64\n[fit]\nsteps = 5\n')
    flags = ["--data", "corpus", "--out", "model", "--autoencoder", "codes", "--config", str(config), "--hours", "0.5"]
    settings = read_settings(flags)
    assert (settings.data, settings.out, settings.autoencoder) == (Path("corpus"), Path("model"), Path("codes"))
    assert (settings.name, settings.hours) == ("small", 0.5)
    assert (settings.network.width, settings.fit.steps) == (64, 5)
    assert settings.fit.epochs == PriorFitSettings.epochs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"depth": 3}', "unknown settings depth"),
        ('{"start": "x"}', "which are flags"),
        ('{"out": "x"}', "expected an object with settings, without those of folders"),
        ("[]", "expected an object with settings"),
        ('{"network": {"width": 0}}', "network: width=0"),
        ('{"name": "No Name"}', "name 'No Name'"),
        ('{"genres": ["a", "a"]}', "genres a, a: expected at least one, each once"),
        ('{"hours": -1}', "hours=-1"),
    ],
)
def test_a_settings_file_with_anything_else_is_refused(tmp_path, text, message):
    config = tmp_path / "settings.json"
    config.write_text(text)
    with pytest.raises(ModelError, match=message):
        read_settings(["--data", "a", "--out", "b", "--autoencoder", "c", "--config", str(config)])
