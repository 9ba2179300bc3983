import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from models.genre_head import GenreHead
from models.model_folder import save_model
from models.registry import ModelRegistry
from service.cli.app import app
from tests.support.text_engine import GENRES, TextEngine


@pytest.fixture
def file(tmp_path):
    """Six tracks of 10 patches, of which the model's own answer is the label of all but the last."""
    rng = np.random.default_rng(0)
    taggrams = rng.uniform(0, 0.5, (6, 10, 50)).astype(np.float32)
    head = GenreHead.load(ModelRegistry().active("genre").path)
    labels = np.array([int(head.track_probabilities(taggram).argmax()) for taggram in taggrams])
    labels[-1] = (labels[-1] + 1) % len(head.genres)
    path = tmp_path / "tracks.npz"
    ids = np.repeat([f"{head.genres[label]}.{n:05d}.wav" for n, label in enumerate(labels)], 10)
    np.savez(path, X=taggrams.reshape(-1, 50), Y=np.repeat(labels, 10), IDS=ids)
    return path


def test_the_report_is_one_json_object(file):
    result = CliRunner().invoke(app, ["evaluate", "taggrams", str(file), "--json"])
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert {"n_tracks", "accuracy", "log_loss", "ece", "confusion"} <= report.keys()
    assert (report["n_tracks"], report["accuracy"]) == (6, pytest.approx(5 / 6))
    assert np.sum(report["confusion"]) == 6


def test_the_figures_for_people(file):
    lines = CliRunner().invoke(app, ["evaluate", "taggrams", str(file)]).stdout.splitlines()
    assert ["accuracy", "0.8333"] in [line.split() for line in lines]


@pytest.mark.parametrize("name", ["missing.npz", "text.npz"])
def test_a_file_that_cannot_be_used_is_said_in_one_line(tmp_path, name):
    (tmp_path / "text.npz").write_text("no arrays")
    result = CliRunner().invoke(app, ["evaluate", "taggrams", str(tmp_path / name)])
    assert result.exit_code == 1
    assert name in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.fixture
def corpus(tmp_path, monkeypatch) -> Path:
    """Texts that the stand-in engine takes for what they say; the active model is said to know its genres."""
    monkeypatch.setattr("service.engine.Engine", lambda settings, *, model=None: TextEngine())
    monkeypatch.setattr("models.heads.load_head", lambda path: type("Head", (), {"genres": GENRES}))
    folder = tmp_path / "corpus"
    for path, text in {
        "jazz/right.wav": "jazz",
        "jazz/wrong.wav": "rock",
        "jazz/silent.wav": "nothing",
        "Rock/right.wav": "rock",
        "fado/unknown.wav": "fado",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def evaluate(*arguments):
    return CliRunner().invoke(app, ["evaluate", "dataset", *map(str, arguments)], prog_name="genrelab")


def test_a_corpus_is_scored_from_its_files(corpus):
    result = evaluate(corpus, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["model"], report["corpus"]) == (ModelRegistry().active("genre").name, "corpus")
    assert (report["n_tracks"], report["accuracy"]) == (4, 0.5)
    assert {"log_loss", "ece", "accuracy_interval", "confusion", "per_class"} <= report.keys()
    assert (report["no_music"], report["unknown_labels"]) == ({"jazz": 1}, {"fado": 1})


def test_the_table_for_people(corpus):
    lines = evaluate(corpus).stdout.splitlines()
    assert ["recordings", "4"] in [line.split() for line in lines]
    assert ["jazz", "3", "33%", "100%", "rock", "(1)"] in [line.split()[:6] for line in lines]
    assert ["rock", "1", "100%", "50%"] in [line.split() for line in lines]
    assert "no music heard: jazz (1)" in lines
    assert "not a genre of the model: fado (1)" in lines


def test_answers_of_earlier_are_not_computed_again(corpus, monkeypatch):
    first = evaluate(corpus, "--json").stdout
    monkeypatch.delattr("service.engine.Engine")
    assert evaluate(corpus, "--json").stdout == first


def test_a_damaged_recording_is_named_and_ends_with_3(corpus):
    (corpus / "jazz" / "broken.wav").write_text("corrupt")
    result = evaluate(corpus)
    assert result.exit_code == 3
    assert f"failed: {corpus / 'jazz' / 'broken.wav'}: the stream ends" in result.stderr
    assert json.loads(evaluate(corpus, "--json").stdout)["n_tracks"] == 4


def test_ctrl_c_says_how_to_go_on(corpus, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(TextEngine, "warm_up", stop)
    result = evaluate(corpus)
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "genrelab: stopped; the same command goes on from there"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--split", "test"), "no recording of the split 'test'"),
        (("--layout", "manifest"), "no manifest.jsonl"),
        (("--model", "nobody"), "no model 'nobody'"),
        (("--model", "music-gate-1"), "of kind 'gate'"),
    ],
)
def test_what_cannot_be_scored_is_said_in_one_line(corpus, arguments, message):
    result = evaluate(corpus, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_model_that_is_named_is_the_one_that_is_scored(corpus, tmp_path):
    card = {"name": "mine-1", "version": "1", "kind": "genre", "created": "2026-01-01"}
    save_model(tmp_path / "model", card, {"weight": np.array(1.0)})
    ModelRegistry().register(tmp_path / "model")
    assert json.loads(evaluate(corpus, "--json", "--model", "mine-1").stdout)["model"] == "mine-1"


@pytest.fixture
def comparison(monkeypatch) -> list:
    """Calls of a stand-in for the comparison of composers."""
    calls = []

    def compare(genre, n, *, progress):
        calls.append((genre, n))
        progress(1.0)
        return {"genre": genre, "n": n, "overlap_area": {"same composer": 0.93, "markov": 0.7}}

    monkeypatch.setattr("models.evaluation.symbolic_comparison.compare_composer", compare)
    return calls


def test_composers_are_compared_as_notes(comparison):
    result = CliRunner().invoke(app, ["evaluate", "symbolic", "--genre", "blues", "--per-genre", "5", "--json"])
    assert result.exit_code == 0, result.stderr
    assert [(report["genre"], report["n"]) for report in json.loads(result.stdout)] == comparison == [("blues", 5)]
    lines = CliRunner().invoke(app, ["evaluate", "symbolic"]).stdout.splitlines()
    assert ["blues", "0.930", "0.700"] in [line.split() for line in lines]
    assert len(comparison) == 1 + 14


def test_a_genre_without_a_composer_is_said(tmp_path):
    result = CliRunner().invoke(app, ["evaluate", "symbolic", "--genre", "polka"])
    assert result.exit_code == 1
    assert "polka" in result.stderr
