import json

import pytest
from typer.testing import CliRunner

from service.cli.app import app
from service.usecases.doctor import Check

WELL = Check("python", "ok", "3.11.7")
SOSO = Check("page", "warn", "no waveform player", "install npm, `make assets`")
ILL = Check("backbone", "fail", "none", "run `make setup`")


@pytest.mark.parametrize(("found", "code"), [([WELL], 0), ([WELL, SOSO], 0), ([WELL, SOSO, ILL], 1)])
def test_only_what_is_needed_ends_with_1(monkeypatch, found, code):
    monkeypatch.setattr("service.usecases.doctor.examine", lambda settings, player: iter(found))
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == code
    assert all(check.detail in result.stdout and check.remedy in result.stdout for check in found)
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == code
    assert [record["state"] for record in json.loads(result.stdout)] == [check.state for check in found]
