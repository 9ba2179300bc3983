"""What the documentation says is so."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from service.cli.app import app
from service.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_setting_is_in_the_table_with_its_default_and_meaning():
    lines = (ROOT / "docs" / "operating.md").read_text().splitlines()
    table = {line.split("`")[1]: line for line in lines if line.startswith("| `GENRELAB_")}
    assert list(table) == [f"GENRELAB_{name.upper()}" for name in Settings.model_fields]
    for name, field in Settings.model_fields.items():
        line = table[f"GENRELAB_{name.upper()}"]
        assert field.description, name
        assert field.description in line
        if field.default_factory is None and field.default not in ("", ()):
            assert (
                f"| {field.default:g} |" in line if isinstance(field.default, float) else f"| {field.default} |" in line
            )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_examples_exist(page):
    commands = get_command(app).commands
    for name in re.findall(
        r"genrelab (?:-\S+ )*([a-z]+(?:-[a-z]+)*)", " ".join(re.findall(r"`{1,3}[^`]+`{1,3}", page.read_text()))
    ):
        assert name in commands, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_is_left_to_fill_in(page):
    assert not re.search(r"\{\{|TODO|TBD|FIXME", page.read_text())
