"""`genrelab train generator` with a training that takes no time; `tests/models/test_train_generator.py` trains."""

import json

import pytest
from typer.testing import CliRunner

from models.train_generator import STAGES
from service.cli.app import app

CARD = {"metrics": {"prior": {"test": {"bits": [4.0], "bits_ngram": [5.0]}}}}


class StandIn:
    """A training that notes what was asked for, and gives a card or raises."""

    def __init__(self) -> None:
        self.calls: list = []
        self.result: object = CARD

    def __call__(self, settings, *, progress):
        self.calls.append(settings)
        progress("prior: epoch 1, 5.000 bits", 0.5)
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


@pytest.fixture
def training(monkeypatch) -> StandIn:
    stand_in = StandIn()
    monkeypatch.setattr("service.usecases.train_generator.train", stand_in)
    return stand_in


@pytest.fixture
def genrelab(training, tmp_path):
    def run(*arguments):
        words = ["train", "generator", "--data", tmp_path, "--out", tmp_path / "out", *arguments]
        return CliRunner().invoke(app, [str(word) for word in words], prog_name="genrelab")

    return run


def test_how_good_it_is_and_where_it_lies(genrelab, training, tmp_path):
    result = genrelab()
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "prior: 4.00 bits a code, n-grams need 5.00",
        f"generator: {tmp_path / 'out' / 'generator'}",
    ]
    assert " 50%  prior: epoch 1, 5.000 bits" in result.stderr
    (settings,) = training.calls
    assert (settings.stages, settings.name, settings.layout, settings.hours) == (STAGES, "generator", "manifest", {})


def test_stages_that_are_left_out_leave_no_generator(genrelab, training, tmp_path):
    training.result = None
    result = genrelab("--stages", "autoencoder, vocoder")
    assert result.stdout.splitlines() == [f"stages: {tmp_path / 'out'}; the generator needs the others too"]
    assert training.calls[0].stages == ("autoencoder", "vocoder")


def test_flags_have_the_last_word(genrelab, training, tmp_path):
    config = tmp_path / "settings.json"
    config.write_text(json.dumps({"name": "a", "seed": 3, "hours": {"prior": 2.0, "vocoder": 3.0}}))
    assert genrelab("--config", config, "--name", "b", "--hours-prior", "0.5", "--layout", "folders").exit_code == 0
    (settings,) = training.calls
    assert (settings.name, settings.seed, settings.layout) == ("b", 3, "folders")
    assert settings.hours == {"prior": 0.5, "vocoder": 3.0}


def test_ctrl_c_says_how_to_go_on(genrelab, training):
    training.result = KeyboardInterrupt()
    result = genrelab()
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "genrelab: stopped; the same command goes on from there"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--name", "My Band"), "name 'My Band'"),
        (("--stages", "mixing"), "stages mixing: expected some of autoencoder"),
        (("--hours-vocoder", "-1"), "hours=-1.0"),
        (("--config", "none.toml"), "none.toml: no settings can be read there"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_before_any_work(genrelab, training, tmp_path, arguments, message):
    result = genrelab(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert training.calls == []
    assert not (tmp_path / "out").exists()
