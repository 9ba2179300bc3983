"""The commands together; `test_start.py` has their help."""

from importlib.metadata import version

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from service.cli.app import app
from service.cli.exits import GenrelabGroup


def genrelab(*arguments: str):
    return CliRunner().invoke(app, arguments, prog_name="genrelab")


def test_the_version_is_that_of_the_package():
    result = genrelab("--version")
    assert (result.exit_code, result.stdout) == (0, f"genrelab {version('genrelab')}\n")


def test_the_version_is_printed_before_anything_is_done():
    assert genrelab("--version", "classify", "no such file.mp3").stdout == genrelab("--version").stdout


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("clasify song.mp3", "clasify"),
        ("--clever", "--clever"),
        ("models delete", "delete"),
        ("evaluate genres", "genres"),
    ],
)
def test_what_is_no_command_ends_with_2_and_is_named(line, named):
    result = genrelab(*line.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"'{named}'" in result.stderr or f": {named}" in result.stderr


def test_the_short_flag_is_the_long_one():
    assert genrelab("-h").stdout == genrelab("--help").stdout
    assert genrelab("classify", "-h").stdout == genrelab("classify", "--help").stdout


def test_every_command_says_what_it_is_for():
    def described(command, path):
        assert (command.help or "").strip(), path
        for name, below in getattr(command, "commands", {}).items():
            described(below, f"{path} {name}")

    command = get_command(app)
    assert isinstance(command, GenrelabGroup)
    described(command, "genrelab")
