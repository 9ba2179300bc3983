import json

import pytest
from typer.testing import CliRunner

from models.errors import ModelError
from service.cli.app import app


@pytest.fixture
def evaluations(monkeypatch):
    """Calls of a stand-in for the evaluation."""
    calls = []

    def evaluate(source, settings, *, generator, corpus, baselines, progress):
        calls.append((source, settings, generator, corpus))
        if source == "drummer":
            raise ModelError("source 'drummer': expected one of prior, composers, autoencoder")
        progress("clips of one genre", 1.0)
        return {"source": source, "n_clips": settings.per_genre}

    monkeypatch.setattr("models.evaluation.clip_sources.evaluate_source", evaluate)
    monkeypatch.setattr(
        "models.evaluation.generation_text.generation_text", lambda report: f"made by {report['source']}"
    )
    return calls


def test_the_report_is_one_json_object(evaluations):
    result = CliRunner().invoke(
        app,
        ["evaluate", "generator", "--per-genre", "3", "--seconds", "5", "--genre", "jazz", "--seed", "7", "--json"],
    )
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"source": "prior", "n_clips": 3}
    source, settings, generator, corpus = evaluations[0]
    assert (source, generator, corpus) == ("prior", None, None)
    assert (settings.genres, settings.per_genre, settings.seconds, settings.seed) == (("jazz",), 3, 5.0, 7)


def test_the_figures_for_people(evaluations):
    result = CliRunner().invoke(app, ["evaluate", "generator", "--source", "composers"])
    assert result.stdout == "made by composers\n"
    assert len(evaluations[0][1].genres) == 14


@pytest.mark.parametrize(
    ("options", "exit_code", "words"),
    [
        (["--source", "drummer"], 1, "source 'drummer'"),
        (["--genre", "polka"], 1, "polka"),
        (["--per-genre", "1"], 2, "per-genre"),
        (["--seconds", "0"], 2, "seconds"),
    ],
)
def test_what_cannot_be_evaluated_is_said(evaluations, options, exit_code, words):
    result = CliRunner().invoke(app, ["evaluate", "generator", *options])
    assert result.exit_code == exit_code
    assert words in result.stderr
