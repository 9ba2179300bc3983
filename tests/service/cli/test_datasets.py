import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from typer.testing import CliRunner

from datasets import readers
from service.cli.app import app
from service.cli.datasets import LAYOUTS
from service.cli.options import LayoutName
from tests.support.audio_files import sound_file

SR = 16000


@pytest.fixture
def genrelab():
    def run(*arguments):
        return CliRunner().invoke(app, ["datasets", *map(str, arguments)], prog_name="genrelab")

    return run


@pytest.fixture
def collection(tmp_path, rng) -> Path:
    """Two genres of two recordings: noise that swells, each another."""
    for genre in ("a", "b"):
        (tmp_path / "mine" / genre).mkdir(parents=True)
        for n in range(2):
            y = rng.normal(0, 0.1, 4 * SR) * np.linspace(0.1, 1, 4 * SR)
            data = sound_file(y[:, np.newaxis].astype(np.float32), SR, format="WAV")
            (tmp_path / "mine" / genre / f"{n}.wav").write_bytes(data)
    return tmp_path / "mine"


def test_a_corpus_without_serious_faults_ends_with_0(genrelab, collection):
    result = genrelab("check", collection)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("mine: 4 recordings, 4 of them readable")
    assert "a: 2 recordings, 20 or more are wanted" in result.stdout  # worth knowing, no reason to stop


@pytest.mark.parametrize("fault", ["unreadable", "duplicates_with_different_labels"])
def test_serious_faults_end_with_3(genrelab, collection, fault):
    content = b"no sound" if fault == "unreadable" else (collection / "a" / "0.wav").read_bytes()
    (collection / "b" / "bad.wav").write_bytes(content)
    result = genrelab("check", collection, "--json")
    assert result.exit_code == 3
    report = json.loads(result.stdout)
    assert (report["n_serious"], report["counts"][fault]) == (1, 1)
    assert any(path.endswith("bad.wav") for found in report["findings"] for path in found["paths"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("none",), "none: no such folder"), ((".", "--layout", "gtzan"), "not GTZAN")],
)
def test_what_is_no_corpus_is_said_in_one_line(genrelab, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = genrelab("check", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_every_layout_is_listed_and_can_be_asked_for(genrelab):
    assert tuple(LAYOUTS) == get_args(LayoutName) == tuple(readers.LAYOUTS)
    lines = genrelab("layouts").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(readers.LAYOUTS)
    assert all(len(line.split()) > 3 for line in lines)
