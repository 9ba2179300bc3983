"""From a folder of sounds to a generator, stage by stage: interrupted, gone on with, not done twice."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datasets.manifest import MANIFEST_FILE, Manifest, Recording, write_manifest
from features.log_mel import FRAMES_PER_S, SR
from models.baselines.sources import load_baseline
from models.errors import ModelError
from models.generator_folder import PARTS, load_generator_card
from models.model_folder import WEIGHTS_FILE, read_card
from models.originality import OriginalityIndex
from models.plan import make_plan
from models.prior_inference import PriorInference
from models.tensorflow_runtime import tf
from models.train_generator import STAGES, Settings, read_settings, settings_from, train
from models.vocoder import Vocoder
from models.vqvae_inference import VqvaeInference

SETTINGS_FOLDER = Path(__file__).parents[2] / "benchmarks" / "settings"
SMOKE_FILE, REAL_FILE = SETTINGS_FOLDER / "generator_smoke.json", SETTINGS_FOLDER / "generator.json"
GENRES = ("jazz", "rock")
SPLITS = ("train", "train", "validation", "test")


class Interrupted(Exception):
    pass


def recorded(words: list[str], until: str = "nothing") -> Callable[[str, float], None]:
    """Progress that writes down what it is told, and ends the work at some words."""

    def tell(said: str, share: float) -> None:
        assert 0 <= share <= 1
        words.append(said)
        if said.startswith(until):
            raise Interrupted

    return tell


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Four melodies of two seconds, two of them to learn from."""
    folder = tmp_path_factory.mktemp("corpus")
    recordings = []
    for take, split in enumerate(SPLITS):
        rng = np.random.default_rng(take)
        notes = np.repeat(rng.integers(0, 12, 8), SR // 4)
        t = np.arange(notes.size) / SR
        y = 0.3 * np.sin(2 * np.pi * 220 * 2 ** (notes / 12) * t) + 0.01 * rng.normal(size=t.size)
        path = folder / f"{take}.wav"
        soundfile.write(path, y, SR)
        recordings.append(Recording(path, GENRES[take % 2], licence="CC0", split=split))
    write_manifest(Manifest("melodies", tuple(recordings)), folder / MANIFEST_FILE)
    return folder


def smoke(corpus: Path, out: Path, **fields) -> Settings:
    return settings_from(SMOKE_FILE, data=corpus, out=out, genres=GENRES, sources=["a sine, CC0"], **fields)


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory) -> tuple[Path, list[str], list[str]]:
    """The folder of a training that was interrupted in the middle of the prior, and what was said before and after."""
    out = tmp_path_factory.mktemp("training")
    before: list[str] = []
    after: list[str] = []
    tf.config.run_functions_eagerly(True)  # a few steps are sooner done than compiled
    with pytest.raises(Interrupted):
        train(smoke(corpus, out), progress=recorded(before, until="prior: epoch 1"))
    train(smoke(corpus, out), progress=recorded(after))
    tf.config.run_functions_eagerly(False)
    return out, before, after


def test_a_training_that_was_interrupted_goes_on_where_it_was(trained):
    _, before, after = trained
    assert any(words.startswith("autoencoder: step 2, loss") and "usage" in words for words in before)
    assert any(words.startswith("vocoder: step 2") for words in before)
    assert after[:2] == ["autoencoder: done before", "vocoder: done before"]
    assert [words[:14] for words in after if words.startswith("prior: epoch")] == ["prior: epoch 2"]
    assert any(words.startswith("baselines: gan: step 2") for words in after)
    assert after[-1] == "generator: gathering"


def test_all_that_makes_music_is_gathered(trained):
    folder = trained[0] / "generator"
    card = load_generator_card(folder)
    assert (card["name"], card["version"], card["genres"]) == ("generator", "1", list(GENRES))
    assert card["parts"].keys() == set(PARTS)
    assert card["sources"] == [
        {"corpus": "melodies", "licence": "CC0", "n_recordings": 4},
        {"made_from": "a sine, CC0"},
    ]
    assert card["metrics"]["prior"]["test"]["n_recordings"] == 1
    assert card["metrics"]["autoencoder"]["test"]["mel_l1"] > 0
    autoencoder = VqvaeInference.load(folder / "autoencoder")
    prior_card, _ = PriorInference.load(folder / "prior")
    assert prior_card["network"]["n_codes"] == autoencoder.settings.n_codes
    Vocoder.load(folder / "vocoder")


def test_the_index_knows_what_was_learned_from_and_nothing_else(trained):
    folder = trained[0] / "generator"
    index = OriginalityIndex.load(folder / "originality")
    assert index.ids == ("0.wav", "1.wav")
    assert (index.n_codes, index.frames_per_s) == (4, FRAMES_PER_S / 2)
    assert read_card(folder / "originality")["codes"] == read_card(folder / "prior")["codes"]


def test_every_baseline_makes_codes(trained):
    plan = make_plan(10, genre_mix=[0.5, 0.5])
    for folder in (*(trained[0] / "baselines" / kind for kind in ("ngram", "gru", "gan")), trained[0] / "prior"):
        codes = load_baseline(folder).make_codes([plan], seeds=[0])
        assert codes.shape == (1, 2, 10)
        assert 0 <= codes.min() <= codes.max() < 4


def test_there_is_something_to_look_at_and_to_listen_to(trained):
    for stage in ("autoencoder", "vocoder", "prior"):
        names = [path.suffix for path in (trained[0] / stage / "samples").iterdir()]
        assert ".png" in names, stage
        assert ".flac" in names, stage


def test_what_is_done_is_done_again_only_where_it_was_damaged(trained, corpus):
    out = trained[0]
    sha256 = load_generator_card(out / "generator")["sha256"]
    words: list[str] = []
    assert train(smoke(corpus, out), progress=recorded(words))["sha256"] == sha256
    assert words == [*(f"{stage}: done before" for stage in STAGES), "generator: gathering"]
    (out / "originality" / WEIGHTS_FILE).write_bytes(b"damage")
    words.clear()
    assert train(smoke(corpus, out), progress=recorded(words))["sha256"] == sha256
    assert words[3:5] == ["baselines: done before", "originality: encoding 4 of 4 recordings"]


def test_other_settings_are_not_mixed_with_what_is_there(trained, corpus):
    settings = smoke(corpus, trained[0], seed=1, stages=("autoencoder",))
    with pytest.raises(ModelError, match=r"autoencoder/work/checkpoint\.npz: of another training"):
        train(settings)


def test_a_stage_without_the_one_that_it_builds_upon_is_refused(corpus, tmp_path):
    with pytest.raises(ModelError, match="no autoencoder yet, which prior builds upon; train it first"):
        train(smoke(corpus, tmp_path, stages=("prior",)))


def test_flags_count_more_than_the_file(tmp_path):
    config = tmp_path / "settings.json"
    hours = {"prior": 2.0, "vocoder": 3.0}
    config.write_text(json.dumps({"name": "a", "seed": 1, "hours": hours, "prior": {"network": {"width": 64}}}))
    settings = read_settings(
        ["--data", "d", "--out", "o", "--config", str(config), "--name", "b", "--stages", "prior", "originality"]
    )
    assert (settings.data, settings.out, settings.name, settings.seed) == (Path("d"), Path("o"), "b", 1)
    assert settings.stages == ("prior", "originality")
    settings = settings_from(config, data=Path("d"), out=Path("o"), hours={"prior": 0.5})
    stages = settings.of_stages()
    assert (stages["prior"].hours, stages["vocoder"].fit.hours, stages["autoencoder"].fit.hours) == (0.5, 3.0, 0.0)
    assert (stages["prior"].network.width, stages["prior"].seed) == (64, 1)
    assert stages["prior"].autoencoder == Path("o/autoencoder")


def test_the_real_settings_can_be_read():
    settings = settings_from(REAL_FILE, data=Path("d"), out=Path("o"))
    assert settings.stages == STAGES
    assert settings.of_stages()["autoencoder"].network.n_codebooks == 6


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "expected an object with settings"),
        ('{"out": "x"}', "without data and out"),
        ('{"vocoders": {}}', "unknown settings vocoders"),
        ('{"name": "A B"}', "name 'A B'"),
        ('{"stages": ["mixing"]}', "stages mixing: expected some of autoencoder, vocoder"),
        ('{"stages": []}', "stages none"),
        ('{"hours": {"originality": 1}}', "hours=.*: expected an object with some of autoencoder, vocoder, prior"),
        ('{"hours": {"vocoder": -1}}', "vocoder, fit: hours=-1"),
        ('{"hours": 3}', "hours=3: expected an object"),
        ('{"prior": 3}', "prior: expected an object with settings, got 3"),
        ('{"prior": {"genres": ["a"]}}', "prior: genres cannot be set for a stage alone"),
        ('{"autoencoder": {"fit": {"step": 3}}}', "autoencoder, fit: unknown settings step"),
        ('{"vocoder": {"fit": 3}, "hours": {"vocoder": 1}}', "vocoder, fit: expected an object"),
    ],
)
def test_settings_that_do_not_fit_are_named(tmp_path, content, message):
    config = tmp_path / "settings.json"
    config.write_text(content)
    with pytest.raises(ModelError, match=message):
        read_settings(["--data", "d", "--out", "o", "--config", str(config)])
