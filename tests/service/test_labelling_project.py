"""The door for scripts; the example of docs/labelling.md is run as it stands there."""

import json
import re
from pathlib import Path

import pytest

from models.heads import load_head
from service.errors import Conflict, Invalid, NotFound
from service.labelling_project import LabellingProject
from service.project_settings import ProjectSettings
from service.settings import Settings
from service.usecases.find_recordings import find_recordings
from service.usecases.labelling.files import take_in_files
from service.usecases.labelling.pool import add_tracks
from tests.support.dances import GENRES, write_dances
from tests.support.stand_in import StandInEngine

PAGE = Path(__file__).parents[2] / "docs" / "labelling.md"
NAME = "lusophone dances"
N = 4


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch):
    monkeypatch.setattr("service.engine.Engine", lambda settings, model=None: StandInEngine())


@pytest.fixture
def settings(parts, tmp_path) -> Settings:
    """Where a project lies with eight recordings in its pool."""
    project = parts.projects.create(NAME, genres=GENRES, settings=ProjectSettings(), actor="ana")
    write_dances(tmp_path / "music", N)
    found = find_recordings([tmp_path / "music"])
    tracks = [str(taken.track_id) for taken in take_in_files(found, artist_from="none", services=parts)]
    add_tracks(project, tracks, actor="ana", services=parts)
    return parts.settings


@pytest.fixture
def project(settings):
    with LabellingProject.open(NAME, annotator="ana", settings=settings) as opened:
        yield opened


def test_the_example_of_the_documentation_runs(settings, tmp_path, monkeypatch, capsys):
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    monkeypatch.setenv("GENRELAB_DATA_DIR", str(settings.data_dir))
    monkeypatch.chdir(tmp_path)
    exec(compile(example, str(PAGE), "exec"), {})
    assert capsys.readouterr().out.startswith("Too early to say")
    assert load_head(tmp_path / "dances_model").genres == GENRES
    with LabellingProject.open(settings=settings) as project:
        assert project.stats()["queue"]["by_annotator"] == {"ana": 2 * N}


def test_label_skip_and_undo(project):
    lease = project.lease()
    act = project.label(lease, "fado", unsure=True, note="low")
    assert (act.annotator, act.genres, act.unsure, act.note) == ("ana", ("fado",), True, "low")
    assert project.undo().item_id == lease.item_id
    assert project.skip(project.lease(), "later").reason == "later"
    with pytest.raises(Invalid, match="'polka'"):
        project.label(project.lease(), "polka")


def test_what_there_is_nothing_of(project, tmp_path):
    with pytest.raises(Conflict, match="nothing that could be undone"):
        project.undo()
    with pytest.raises(Conflict, match="no model yet"):
        project.export_model(tmp_path / "model")
    assert project.train()["version"] is None
    while (lease := project.lease()) is not None:
        project.label(lease, none=True)
    assert project.stats()["queue"]["open"] == 0


def test_taxonomy_and_numbers_are_those_of_now(project, settings):
    with LabellingProject.open(settings=settings, annotator="ben") as other:
        other.label(other.lease(), "morna")
    assert project.stats()["queue"]["labels"] == 1
    assert [genre.name for genre in project.project.genres] == list(GENRES)
    json.dumps(project.stats())


def test_what_cannot_be_opened(settings):
    with pytest.raises(NotFound, match="'polkas'"):
        LabellingProject.open("polkas", settings=settings)
    with pytest.raises(Invalid, match="annotator"):
        LabellingProject.open(annotator=" ", settings=settings)
