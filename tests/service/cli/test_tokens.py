import json

import pytest
from typer.testing import CliRunner

from service.cli.app import app


@pytest.fixture
def genrelab():
    def run(*arguments):
        return CliRunner().invoke(app, ["tokens", *arguments])

    return run


def test_a_token_is_made_listed_and_revoked(genrelab):
    made = genrelab("create", "ana", "--role", "annotator")
    assert made.exit_code == 0, made.stderr
    secret = made.stdout.strip()
    assert len(secret) >= 43  # 256 bits in base64
    assert "not shown again" in made.stderr
    (token,) = json.loads(genrelab("list", "--json").stdout)
    assert (token["name"], token["role"]) == ("ana", "annotator")
    assert secret not in genrelab("list").stdout
    assert genrelab("revoke", "ana").exit_code == 0
    assert json.loads(genrelab("list", "--json").stdout) == []


def test_a_token_that_is_not_there_cannot_be_revoked(genrelab):
    result = genrelab("revoke", "nobody")
    assert result.exit_code == 1
    assert "nobody" in result.stderr


def test_a_role_that_is_not_there_is_a_wrong_call(genrelab):
    result = genrelab("create", "ana", "--role", "king")
    assert result.exit_code == 2
    assert "king" in result.stderr
