"""From a folder of sounds to a model that answers, on tones against noise; and settings that are refused by name."""

import dataclasses
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datasets.errors import DatasetError
from datasets.manifest import MANIFEST_FILE, Manifest, Recording, write_manifest
from datasets.taggrams import GTZAN_GENRES
from features.cache import sha256_of
from models.classifier import GenreClassifier
from models.cross_fit import CommitteeSettings
from models.errors import ModelError
from models.evaluation.training_report import HTML_FILE, JSON_FILE, TrainingReport
from models.genre_members import MemberSettings
from models.hybrid_head import HybridHead
from models.hybrid_network import NetworkSettings
from models.model_folder import CARD_FILE, WEIGHTS_FILE, read_card
from models.network_fit import FitSettings
from models.registry import ModelRegistry
from models.train_classifier import Settings, committee_of, main, read_committee, read_settings, train
from tests.support.stand_in_models import StandInGate
from tests.support.taggrams import synthetic_tracks, write_npz

SR = 16000
SMOKE = {
    "network": {"width": 8, "filters": 1, "dropout": 0.1},
    "fit": {"epochs": 6, "batch_size": 8, "windows": [1], "learning_rate": 0.01},
    "members": [{"kind": "kernel_ridge", "pooling": "root_of_mean"}],
    "n_folds": 2,
}
COMMITTEE = committee_of(SMOKE, where="smoke")
QUICK = replace(
    COMMITTEE,
    network=replace(COMMITTEE.network, branches=("musicnn", "attributes")),
    fit=replace(COMMITTEE.fit, epochs=1),
)
SPLITS = ("train", "train", "train", "train", "train", "train", "validation", "test")


def sound(genre: str, take: int, *, seconds: float = 4.0) -> np.ndarray:
    """A melody of tones, or bursts of noise, another one in every take."""
    rng = np.random.default_rng(take)
    t = np.arange(round(seconds * SR)) / SR
    notes = np.repeat(rng.integers(0, 12, round(4 * seconds)), SR // 4)[: t.size]
    beat = np.exp(-8 * (t % 0.25))
    carrier = np.sin(2 * np.pi * 220 * 2 ** (notes / 12) * t) if genre == "tones" else rng.normal(0, 0.3, t.size)
    return (0.5 * beat * carrier).astype(np.float32)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Eight clips of each genre with their splits, one artist for two of them, and one file that is broken."""
    folder = tmp_path_factory.mktemp("corpus")
    recordings = []
    for genre in ("tones", "noise"):
        for take, split in enumerate(SPLITS):
            path = folder / f"{genre} {take}.wav"
            soundfile.write(path, sound(genre, take), SR)
            licence = "CC0" if genre == "tones" else ""
            recordings.append(Recording(path, genre, f"{genre} {take // 2}", licence, split))
    (folder / "broken.wav").write_bytes(b"no sound")
    recordings.append(Recording(folder / "broken.wav", "tones", "nobody", split="train"))
    write_manifest(Manifest("sounds", tuple(recordings)), folder / MANIFEST_FILE)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    """One data folder for this module, so that nothing is heard twice, and a day that stays."""
    return {"GENRELAB_DATA_DIR": str(tmp_path_factory.mktemp("data")), "SOURCE_DATE_EPOCH": "1770000000"}


@pytest.fixture(autouse=True)
def _kept_data_folder(_own_data_folder, environment, monkeypatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def settings(corpus, tmp_path_factory) -> Settings:
    return Settings(
        data=(corpus,),
        out=tmp_path_factory.mktemp("model"),
        name="sounds-1",
        version="7",
        layout="manifest",
        licence="CC0",
        committee=COMMITTEE,
    )


@pytest.fixture(scope="module")
def told() -> list[tuple[str, float]]:
    return []


@pytest.fixture(scope="module")
def trained(settings, environment, backbone_weights, told) -> TrainingReport:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (environment | {"GENRELAB_BACKBONE_DIR": str(backbone_weights)}).items():
            patch.setenv(name, value)
        return train(settings, jobs=2, progress=lambda words, share: told.append((words, share)))


def test_it_learns_what_is_easy(trained):
    assert trained.figures["accuracy"] == 1.0
    assert trained.figures["n_tracks"] == 2  # the test split
    assert trained.cross_validation["accuracy"] == 1.0


def test_the_card_says_what_was_done(trained, settings):
    card = read_card(settings.out)
    stated = {
        name: card[name] for name in ("name", "version", "kind", "architecture", "backbone", "licence", "created")
    }
    assert stated == {
        "name": "sounds-1",
        "version": "7",
        "kind": "genre",
        "architecture": "hybrid",
        "backbone": "MSD_musicnn",
        "licence": "CC0",
        "created": "2026-02-02",
    }
    assert card["genres"] == ["noise", "tones"]
    assert card["coverage"] == COMMITTEE.coverage
    assert card["data"] == {
        "corpora": [settings.data[0].name],
        "layout": "manifest",
        "taggrams": None,
        "n_recordings": 16,
        "licences": ["CC0"],
    }
    assert committee_of(card["settings"], where="card") == COMMITTEE
    assert card["test"]["accuracy"] == 1.0
    assert card["test"]["n_tracks"] == 2
    assert card["cross_validation"]["n_tracks"] == 12
    assert card["weights"]["sha256"] == sha256_of(settings.out / WEIGHTS_FILE)


def test_the_report_lies_beside_the_model(trained, settings):
    page = (settings.out / HTML_FILE).read_text(encoding="utf-8")
    assert "sounds-1" in page
    assert "broken.wav" in page
    data = json.loads((settings.out / JSON_FILE).read_text(encoding="utf-8"))
    assert data["figures"]["accuracy"] == 1.0
    assert trained.data.n_recordings == {
        genre: {"train": 6, "validation": 1, "test": 1} for genre in ("noise", "tones")
    }
    assert trained.data.hours * 3600 == pytest.approx(64, abs=0.1)
    assert trained.data.n_artists == 8
    assert trained.data.licences == {"CC0": 8, "not stated": 8}
    assert [problem.split(":")[0] for problem in trained.data.problems] == ["broken.wav"]
    assert {len(values) for values in trained.history.values()} == {6}
    assert set(trained.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_what_is_going_on_is_told_in_order(trained, told):
    hearing = [share for words, share in told if words.startswith("hearing")]
    fitting = [(words, share) for words, share in told if words.startswith("fold")]
    assert hearing == pytest.approx(np.arange(1, 18) / 17)
    assert [share for _, share in fitting] == pytest.approx(np.arange(1, 13) / 12)
    assert fitting[0][0].startswith("fold 1 of 2, epoch 1, loss ")
    assert fitting[-1][0].startswith("fold 2 of 2, epoch 6, loss ")


def test_training_again_goes_on_where_it_was_and_gives_the_same_bytes(trained, settings):
    before = {name: (settings.out / name).read_bytes() for name in (WEIGHTS_FILE, CARD_FILE, JSON_FILE)}
    again: list[str] = []
    report = train(settings, jobs=2, progress=lambda words, share: again.append(words))
    assert not [words for words in again if words.startswith("fold")]
    assert {name: (settings.out / name).read_bytes() for name in before} == before
    assert report.figures == trained.figures


def test_a_training_that_was_stopped_gives_the_bytes_of_one_that_was_not(trained, settings, tmp_path):
    class Stopped(Exception):
        pass

    def stop(words: str, share: float) -> None:
        if words.startswith("fold 2 of 2, epoch 3"):
            raise Stopped

    committee = replace(QUICK, fit=COMMITTEE.fit)
    whole, stopped = (replace(settings, out=tmp_path / name, committee=committee) for name in ("whole", "stopped"))
    train(whole, jobs=1)
    with pytest.raises(Stopped):
        train(stopped, jobs=1, progress=stop)
    assert not (stopped.out / CARD_FILE).exists()
    train(stopped, jobs=1)
    assert (stopped.out / WEIGHTS_FILE).read_bytes() == (whole.out / WEIGHTS_FILE).read_bytes()


def test_other_settings_in_the_same_folder_are_refused(trained, settings):
    changed = replace(COMMITTEE, fit=replace(COMMITTEE.fit, learning_rate=0.02))
    with pytest.raises(ModelError, match=r"checkpoint\.npz: of another training .* remove it to begin anew"):
        train(replace(settings, committee=changed), jobs=2)


def test_the_model_is_registered_and_answers(trained, settings, tmp_path):
    registry = ModelRegistry(tmp_path / "models")
    registry.register(settings.out)
    registry.activate("sounds-1")
    classifier = GenreClassifier.load(registry=registry)
    classifier.gate = StandInGate()  # to which tones are music
    assert isinstance(classifier.head, HybridHead)
    assert classifier.genres == ("noise", "tones")
    assert classifier.analysis_settings.scalogram
    answer = classifier.predict(sound("tones", 99, seconds=7.0), sr=SR)
    assert (answer.model, answer.genre, len(answer.segments)) == ("sounds-1", "tones", 3)
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-3)


def test_without_a_test_split_the_figures_are_those_of_the_cross_validation(backbone_weights, corpus, rng, tmp_path):
    for genre in ("noise", "tones"):
        (tmp_path / "corpus" / genre).mkdir(parents=True)
        for take in range(4):
            os.link(corpus / f"{genre} {take}.wav", tmp_path / "corpus" / genre / f"{take}.wav")
    tracks = synthetic_tracks(rng, genres=GTZAN_GENRES, per_genre=4, n_patches=2, lift=4.0)
    report = train(
        Settings(
            data=(tmp_path / "corpus",),
            out=tmp_path / "model",
            taggrams=write_npz(tmp_path / "tracks.npz", tracks),
            committee=QUICK,
        ),
        jobs=2,
    )
    card = read_card(tmp_path / "model")
    assert card["test"] is None
    assert report.cross_validation is None
    assert report.figures["n_tracks"] == card["cross_validation"]["n_tracks"] == 8 + 40
    assert report.genres == tuple(sorted((*GTZAN_GENRES, "noise", "tones")))
    assert card["data"]["taggrams"] == sha256_of(tmp_path / "tracks.npz")
    assert report.data.n_artists is None


def test_a_corpus_of_one_genre_is_refused(backbone_weights, corpus, tmp_path):
    (tmp_path / "corpus" / "tones").mkdir(parents=True)
    os.link(corpus / "tones 0.wav", tmp_path / "corpus" / "tones" / "0.wav")
    with pytest.raises(ModelError, match="genres tones: a classifier needs recordings of two or more"):
        train(Settings(data=(tmp_path / "corpus",), out=tmp_path / "model", committee=COMMITTEE), jobs=1)


def test_a_folder_that_is_no_corpus_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="nothing"):
        train(Settings(data=(tmp_path / "nothing",), out=tmp_path / "model"))
    assert not (tmp_path / "model").exists()


def test_the_command_line_trains_and_says_what_to_expect(trained, corpus, tmp_path, capsys):
    (tmp_path / "smoke.json").write_text(json.dumps(dataclasses.asdict(QUICK)))
    flags = {"data": corpus, "out": tmp_path / "model", "config": tmp_path / "smoke.json", "layout": "manifest"}
    main([f"--{name}={value}" for name, value in flags.items()])
    printed = capsys.readouterr().out
    assert "100%  fold 2 of 2, epoch 1, loss" in printed
    assert HybridHead.load(tmp_path / "model").name == "my-genres"
    for sentence in json.loads((tmp_path / "model" / JSON_FILE).read_text(encoding="utf-8"))["expectation"]:
        assert sentence in printed


def test_flags_are_the_fields_of_the_settings(tmp_path):
    assert read_settings(["--data", "a", "b", "--out=c"]) == Settings(data=(Path("a"), Path("b")), out=Path("c"))
    (tmp_path / "smoke.json").write_text(json.dumps(SMOKE))
    flags = ["--data=a", "--out=c", f"--config={tmp_path / 'smoke.json'}", "--name=mine", "--taggrams=t.npz"]
    flags += ["--version=2", "--layout=gtzan", "--licence=CC0", "--backbone=MTT_musicnn"]
    assert read_settings(flags) == Settings(
        data=(Path("a"),),
        out=Path("c"),
        name="mine",
        version="2",
        layout="gtzan",
        taggrams=Path("t.npz"),
        licence="CC0",
        backbone="MTT_musicnn",
        committee=COMMITTEE,
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "--data, --out"),
        (["--data=a"], "--out"),
        (["--data=a", "--out=b", "--epochs=3"], "--epochs=3"),
        (["--data=a", "--out=b", "--nam=c"], "--nam=c"),
    ],
)
def test_bad_flags_end_with_what_is_wrong(flags, words, capsys):
    with pytest.raises(SystemExit) as end:
        read_settings(flags)
    assert end.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "My Genres", "../up", "-x", "a" * 65])
def test_a_bad_name_is_refused(name, tmp_path):
    with pytest.raises(ModelError, match=r"name .*: expected a-z"):
        Settings(data=(tmp_path,), out=tmp_path, name=name)


def test_no_corpus_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no corpus to learn from"):
        Settings(data=(), out=tmp_path)


def test_a_settings_file_changes_what_it_names_and_nothing_else(tmp_path):
    (tmp_path / "settings.json").write_text("{}")
    assert read_committee(tmp_path / "settings.json") == CommitteeSettings()
    (tmp_path / "settings.json").write_text(json.dumps(SMOKE))
    assert read_committee(tmp_path / "settings.json") == CommitteeSettings(
        network=NetworkSettings(width=8, filters=1, dropout=0.1),
        fit=FitSettings(epochs=6, batch_size=8, windows=(1,), learning_rate=0.01),
        members=(MemberSettings("kernel_ridge", "root_of_mean"),),
        n_folds=2,
    )
    (tmp_path / "settings.json").write_text('{"network": {"branches": ["wavelet"]}, "members": []}')
    committee = read_committee(tmp_path / "settings.json")
    assert (committee.network.branches, committee.members) == (("wavelet",), ())


def test_a_settings_file_may_be_toml(tmp_path):
    (tmp_path / "settings.toml").write_text(
        """
        n_folds = 2
        [network]
        width = 8
        filters = 1
        dropout = 0.1
        [fit]
        epochs = 6
        batch_size = 8
        windows = [1]
        learning_rate = 0.01
        [[members]]
        kind = "kernel_ridge"
        pooling = "root_of_mean"
        """
    )
    assert read_committee(tmp_path / "settings.toml") == COMMITTEE
    (tmp_path / "settings.toml").write_text(json.dumps(SMOKE))
    with pytest.raises(ModelError, match=r"settings\.toml: no settings can be read there"):
        read_committee(tmp_path / "settings.toml")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", "no settings can be read there"),
        ("[" * 100_000, "no settings can be read there"),
        ("7", "expected an object with settings, got int"),
        ('["fit"]', "expected an object with settings, got list"),
        ('{"colour": "red", "epochs": 3}', "unknown settings colour, epochs, expected network, fit, members, n_folds"),
        ('{"network": {"depth": 3}}', "network: unknown settings depth, expected branches, width"),
        ('{"network": 3}', "network: expected an object, got int"),
        ('{"network": null}', "network: expected an object, got NoneType"),
        ('{"network": {"width": "64"}}', "network: width='64'"),
        ('{"network": {"width": 6.5}}', r"network: width=6\.5"),
        ('{"network": {"width": [64]}}', r"network: width=\(64,\)"),
        ('{"network": {"dropout": null}}', "network: dropout=None"),
        ('{"network": {"branches": "wavelet"}}', "network: branches='wavelet'"),
        ('{"network": {"branches": [1]}}', r"network: branches=\(1,\)"),
        ('{"network": {"branches": [[]]}}', "network: branches="),
        ('{"fit": {"epoch": 3}}', "fit: unknown settings epoch"),
        ('{"fit": {"epochs": "3"}}', "fit: epochs='3'"),
        ('{"fit": {"epochs": true}}', "fit: epochs=True"),
        ('{"fit": {"learning_rate": NaN}}', "fit: learning_rate=nan"),
        ('{"fit": {"windows": 3}}', "fit: windows=3"),
        ('{"fit": {"windows": ["1"]}}', r"fit: windows=\('1',\)"),
        ('{"fit": {"mask": 1}}', "fit: mask=1"),
        ('{"fit": {"balance": ["sampling"]}}', r"fit: balance=\('sampling',\)"),
        ('{"members": {}}', "members: expected a list, got dict"),
        ('{"members": [3]}', "members: expected an object, got int"),
        ('{"members": [{"kind": "discriminant"}]}', "members: .*pooling"),
        ('{"members": [{"kind": "discriminant", "pooling": "root_of_mean", "depth": 1}]}', "members: unknown .* depth"),
        ('{"members": [{"kind": "forest", "pooling": "root_of_mean"}]}', "members: kind='forest'"),
        ('{"members": [{"kind": "discriminant", "pooling": "median"}]}', "members: .*pooling='median'"),
        ('{"members": [{"kind": "kernel_ridge", "pooling": "root_of_mean", "ridge": "x"}]}', "members: ridge='x'"),
        ('{"n_folds": "4"}', "n_folds='4'"),
        ('{"n_folds": 4.0}', r"n_folds=4\.0"),
        ('{"seed": -1}', "seed=-1"),
        ('{"coverage": "high"}', "coverage='high'"),
    ],
    ids=lambda value: value[:60],
)
def test_bad_settings_files_are_refused_by_file_and_field(config, words, tmp_path):
    (tmp_path / "settings.json").write_text(config)
    with pytest.raises(ModelError, match=rf"settings\.json(:|, ).*{words}"):
        read_committee(tmp_path / "settings.json")


def test_a_settings_file_that_is_missing_is_refused_by_name(tmp_path):
    with pytest.raises(ModelError, match=r"none\.json: no settings can be read there"):
        read_committee(tmp_path / "none.json")
