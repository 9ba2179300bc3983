"""How a command ends: what a user can cause is one line and a code, a fault of ours keeps its traceback."""

import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from datasets.errors import DatasetError
from features.errors import CorruptAudio
from models.errors import BackboneMissing
from service.cli.exits import FAILED, INTERRUPTED, PIPE_CLOSED, SOME_FAILED, GenrelabGroup, complain
from service.errors import ConfigurationError


def end_with(raised: BaseException | None):
    """Run a command that raises this."""
    app = typer.Typer(cls=GenrelabGroup, pretty_exceptions_enable=False)
    app.callback()(lambda: None)

    @app.command()
    def act() -> None:
        if raised is not None:
            raise raised

    return CliRunner().invoke(app, ["act"])


def test_the_codes_are_those_that_scripts_rely_on():
    assert (FAILED, SOME_FAILED, INTERRUPTED, PIPE_CLOSED) == (1, 3, 130, 141)


def test_what_goes_well_ends_with_0_and_no_words():
    result = end_with(None)
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize("code", [0, 1, 3])
def test_a_command_s_own_code_is_kept(code):
    result = end_with(typer.Exit(code))
    assert (result.exit_code, result.output) == (code, "")


@pytest.mark.parametrize(
    ("raised", "line"),
    [
        (CorruptAudio("the recording ends early"), "the recording ends early"),
        (DatasetError("tracks.npz: no such file"), "tracks.npz: no such file"),
        (BackboneMissing("no weights: run `make setup`"), "no weights: run `make setup`"),
        (ConfigurationError("port='http' (GENRELAB_PORT)"), "port='http' (GENRELAB_PORT)"),
        (FileNotFoundError(2, "No such file or directory", "a.npz"), "a.npz: No such file or directory"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("no more"), "no more"),
        (
            ModuleNotFoundError("No module named 'ray'", name="ray"),
            "the package ray is missing: run `make setup`",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_a_user_can_cause_is_one_line_and_1(raised, line):
    result = end_with(raised)
    assert (result.exit_code, result.stdout, result.stderr) == (FAILED, "", f"genrelab: {line}\n")


def test_ctrl_c_ends_with_130():
    result = end_with(KeyboardInterrupt())
    assert (result.exit_code, result.stdout, result.stderr) == (INTERRUPTED, "", "genrelab: stopped\n")


@pytest.mark.parametrize(
    "raised",
    [
        ZeroDivisionError("a fault"),
        ValueError("a fault"),
        KeyError("a fault"),
        ModuleNotFoundError("No module named 'service.nowhere'", name="service.nowhere"),
        ModuleNotFoundError("No module named 'models.nowhere'", name="models.nowhere"),
        ModuleNotFoundError("nobody said which"),
    ],
    ids=repr,
)
def test_a_fault_of_ours_is_no_line_for_users(raised):
    result = end_with(raised)
    assert result.exception is raised  # the interpreter prints its traceback
    assert "genrelab:" not in result.stderr


def test_a_wrong_call_ends_with_2():
    result = end_with(typer.BadParameter("--json and --csv exclude each other"))
    assert result.exit_code == 2
    assert "exclude each other" in result.stderr


def test_complaints_go_to_stderr_with_the_program_s_name(capsys):
    complain("so it is")
    assert capsys.readouterr() == ("", "genrelab: so it is\n")


PROGRAM = """
import sys, typer
from service.cli.exits import GenrelabGroup
app = typer.Typer(cls=GenrelabGroup)
app.callback()(lambda: None)

@app.command()
def act() -> None:
    for n in range(100_000):
        print("line", n, flush=True)

app()
"""


def test_a_reader_that_goes_away_is_no_traceback_even_at_the_end():
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "act"],
        env=os.environ | {"PYTHONUNBUFFERED": ""},  # what is left in the buffer is tried once more at the end
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "line 0\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == PIPE_CLOSED
