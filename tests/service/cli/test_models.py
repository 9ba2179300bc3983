import json

import pytest
from typer.testing import CliRunner

from models.registry import ModelRegistry
from service.cli.app import app


@pytest.fixture
def genrelab():
    def run(*arguments):
        return CliRunner().invoke(app, ["models", *arguments])

    return run


def test_the_list_marks_the_one_that_answers(genrelab):
    active = ModelRegistry().active("genre").name
    lines = genrelab("list").stdout.splitlines()
    assert next(line for line in lines if line.startswith("* ") and "  genre  " in line).split()[1] == active


def test_the_list_as_json(genrelab):
    records = json.loads(genrelab("list", "--json").stdout)
    assert {"name", "version", "kind", "created", "active", "path"} == records[0].keys()


def test_the_active_one_may_be_activated_again(genrelab):
    active = ModelRegistry().active("genre").name
    result = genrelab("activate", active)
    assert result.exit_code == 0
    assert active in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("activate", "no-such-model"), "no model 'no-such-model'"), (("rollback",), "nothing to go back to")],
)
def test_what_cannot_be_done_is_said_in_one_line(genrelab, arguments, message):
    result = genrelab(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
