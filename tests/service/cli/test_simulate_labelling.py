"""`genrelab simulate-labelling` on tracks made for the test."""

import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from service.cli.app import app
from tests.support.taggrams import GENRES, synthetic_tracks, write_npz


@pytest.fixture
def genrelab(tmp_path):
    pool = write_npz(tmp_path / "pool.npz", synthetic_tracks(np.random.default_rng(0), per_genre=6))
    test = write_npz(tmp_path / "test.npz", synthetic_tracks(np.random.default_rng(1), per_genre=2))

    def run(*arguments):
        given = ["simulate-labelling", "--pool", pool, "--test", test, "--genres", ",".join(GENRES), "--seeds", 2]
        words = [str(word) for word in (*given, *arguments)]
        return CliRunner().invoke(app, words, prog_name="genrelab")

    return run


def test_json_is_the_contract_and_nothing_else(genrelab):
    result = genrelab("--strategy", "random", "--strategy", "mixed", "--fractions", "0.2, 1", "--json")
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout)
    assert list(figures) == ["full", "fractions", "default", "strategies"]
    assert figures["fractions"] == [0.2, 1.0]
    assert {name: np.shape(rows) for name, rows in figures["strategies"].items()} == {"random": (2, 2), "mixed": (2, 2)}
    assert all(0 <= accuracy <= 1 for rows in figures["strategies"].values() for row in rows for accuracy in row)


def test_the_table_has_a_row_for_each_strategy_and_marks_the_default(genrelab):
    result = genrelab("--strategy", "random", "--strategy", "mixed", "--fractions", "0.2,0.5")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("accuracy with all labels ")
    assert lines[1].split() == ["labelled", "20", "%", "50", "%"]
    assert [line.split()[0] for line in lines[2:]] == ["random", "mixed", "*"]
    assert lines[3].startswith("mixed * ")
    assert lines[3].count("%") == 2


def test_a_folder_gets_figures_and_picture(genrelab, tmp_path):
    result = genrelab("--strategy", "random", "--fractions", "0.2", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["figures.json", "learning_curves.png"]


def test_progress_goes_to_stderr(genrelab):
    result = genrelab("--strategy", "random", "--fractions", "0.2", "--json")
    assert "simulated 2 of 2 labellings" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--strategy", "wisest"], 1, "no strategy 'wisest'"),
        (["--fractions", "a few"], 2, "expected shares such as"),
        (["--fractions", "0.5,0.1"], 1, "expected ascending shares"),
        (["--seeds", "0"], 2, "seeds"),
        (["--test", "missing.npz"], 1, "missing.npz: cannot be read"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_a_line(genrelab, arguments, code, words):
    result = genrelab(*arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_help_imports_nothing_slow():
    script = (
        "import sys; from service.cli import main; sys.argv = ['genrelab', 'simulate-labelling', '--help']\n"
        "try:\n    main()\nfinally:\n    print(sorted({'numpy', 'scipy', 'sklearn', 'skactiveml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("Usage: genrelab simulate-labelling ")
    assert done.stdout.splitlines()[-1] == "[]"
