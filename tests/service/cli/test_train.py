"""`genrelab train classifier` with a training that takes no time; the tutorial's test trains for real."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.paths import data_dir
from models.registry import ModelRegistry
from service.cli.app import app
from tests.support.stand_in_training import StandInTraining


@pytest.fixture
def training(monkeypatch) -> StandInTraining:
    stand_in = StandInTraining()
    monkeypatch.setattr("service.usecases.train_classifier.train", stand_in)
    return stand_in


@pytest.fixture
def collection(tmp_path) -> Path:
    """Names of recordings; without a check nobody looks into them."""
    for genre in ("a", "b"):
        (tmp_path / "mine" / genre).mkdir(parents=True)
        for n in range(8):
            (tmp_path / "mine" / genre / f"{n}.wav").write_text("")
    return tmp_path / "mine"


@pytest.fixture
def genrelab(training, collection):
    def run(*arguments, check="--no-check"):
        words = ["train", "classifier", "--data", collection, check, *arguments]
        return CliRunner().invoke(app, [str(word) for word in words], prog_name="genrelab")

    return run


def test_what_to_expect_and_where_the_report_lies(genrelab):
    result = genrelab("--name", "mine-1")
    assert result.exit_code == 0, result.stderr
    folder = data_dir() / "trainings" / "mine-1"
    lines = result.stdout.splitlines()
    assert lines[0].startswith("accuracy 50.0% (")
    assert lines[0].endswith(") on 16 held-out recordings")
    assert any(line.startswith("Of 100 new recordings like these") for line in lines)
    assert any(line.startswith("warning: ") and "not better than" in line for line in lines)
    assert f"report: {folder / 'report.html'}" in lines
    assert (folder / "report.html").is_file()
    assert lines[-1] == "model: mine-1; `genrelab models activate mine-1` lets it answer"
    assert f"training mine-1 in {folder}" in result.stderr.splitlines()
    assert ModelRegistry().active("genre").name != "mine-1"


def test_the_model_may_answer_at_once(genrelab):
    assert "my-genres answers now" in genrelab("--activate").stdout
    assert ModelRegistry().active("genre").name == "my-genres"


def test_the_model_may_stay_where_it_was_trained(genrelab, tmp_path):
    result = genrelab("--no-register", "--out", tmp_path / "out")
    assert result.stdout.splitlines()[-1] == f"model: {tmp_path / 'out'}"
    assert (tmp_path / "out" / "card.json").is_file()
    assert "my-genres" not in {entry.name for entry in ModelRegistry().list()}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("quick.toml", "n_folds = 3\n[fit]\nepochs = 2\nwindows = [1]\n"),
        ("quick.json", json.dumps({"n_folds": 3, "fit": {"epochs": 2, "windows": [1]}})),
    ],
)
def test_settings_come_from_a_file_and_flags_have_the_last_word(genrelab, training, tmp_path, file, text):
    (tmp_path / file).write_text(text)
    assert genrelab("--config", tmp_path / file, "--epochs", "5", "--seed", "7").exit_code == 0
    (settings,) = training.calls
    committee = settings.committee
    assert (committee.n_folds, committee.seed, committee.fit.epochs, committee.fit.windows) == (3, 7, 5, (1,))


def test_recordings_of_no_use_are_said_once_a_kind(genrelab):
    lines = genrelab(check="--check").stdout.splitlines()
    assert [line for line in lines if line.startswith("recordings: ")] == [
        "recordings: a label with too few recordings: a: 8 recordings, 20 or more are wanted (and 1 more like this)"
    ]


def test_ctrl_c_says_how_to_go_on(genrelab, training):
    training.error = KeyboardInterrupt()
    result = genrelab()
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "genrelab: stopped; the same command goes on from there"
    training.error = None
    assert genrelab().exit_code == 0


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("x.json", '{"n_fold": 3}', "unknown settings n_fold, expected network, fit"),
        ("x.toml", "[fit]\nepoch = 3\n", "x.toml, fit: unknown settings epoch"),
        ("x.json", '{"fit": {"epochs": 0}}', "x.json, fit: epochs=0"),
        ("x.json", '{"fit": ', "x.json: no settings can be read there"),
        ("x.toml", "n_folds = ", "x.toml: no settings can be read there"),
    ],
)
def test_a_file_of_settings_that_is_wrong_is_named(genrelab, training, tmp_path, file, text, message):
    (tmp_path / file).write_text(text)
    result = genrelab("--config", tmp_path / file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert training.calls == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data", "none"), "none: no such folder"),
        (("--name", "My Genres"), "name 'My Genres'"),
        (("--name", "gtzan-musicnn-1"), "another model 'gtzan-musicnn-1'"),
        (("--folds", "1"), "n_folds=1"),
        (("--folds", "9"), "8 recordings of a to learn from, 9 folds need 9"),
        (("--layout", "gtzan"), "not GTZAN"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_before_any_work(genrelab, training, arguments, message):
    result = genrelab(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert training.calls == []
    assert not (data_dir() / "trainings").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--layout", "piles"), "'piles'"), (("--activate", "--no-register"), "exclude each other")],
)
def test_a_wrong_call_ends_with_2_and_the_reason(genrelab, arguments, message):
    result = genrelab(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
