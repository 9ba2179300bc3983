import json

import numpy as np
import pytest
from typer.testing import CliRunner

from models.genre_head import GenreHead
from models.registry import ModelRegistry
from service.cli.app import app


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
