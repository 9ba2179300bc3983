import sys
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from service.cli.app import app
from service.errors import ConfigurationError


@pytest.fixture
def served(monkeypatch):
    """The settings that the server was started with."""
    settings = []
    monkeypatch.setitem(sys.modules, "service.server", SimpleNamespace(serve=settings.append))
    monkeypatch.setattr("service.server", sys.modules["service.server"], raising=False)
    return settings


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ("127.0.0.1", 8000, 1)),
        (("--host", "0.0.0.0", "--port", "9000", "--workers", "2"), ("0.0.0.0", 9000, 2)),
    ],
)
def test_options_become_settings(served, arguments, expected):
    assert CliRunner().invoke(app, ["serve", *arguments]).exit_code == 0
    assert [(one.host, one.port, one.workers) for one in served] == [expected]


def test_the_environment_holds_where_no_option_is_given(served, monkeypatch):
    monkeypatch.setenv("GENRELAB_PORT", "8123")
    CliRunner().invoke(app, ["serve"])
    assert served[0].port == 8123


def test_a_server_that_refuses_says_why(served, monkeypatch):
    def refuse(settings):
        raise ConfigurationError("0.0.0.0 can be reached by others: make a token first")

    monkeypatch.setattr(sys.modules["service.server"], "serve", refuse)
    result = CliRunner().invoke(app, ["serve"])
    assert result.exit_code == 1
    assert result.stderr == "genrelab: 0.0.0.0 can be reached by others: make a token first\n"
