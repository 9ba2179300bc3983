"""Where things lie: where the environment says, or else in the platform's place for a user's data."""

from pathlib import Path

import platformdirs
import pytest

from models.paths import PRETRAINED_DIR, backbone_dir, data_dir, models_dir


def test_the_environment_says_where(monkeypatch):
    monkeypatch.setenv("GENRELAB_DATA_DIR", "/srv/genrelab")
    monkeypatch.setenv("GENRELAB_BACKBONE_DIR", "/opt/weights")
    assert [data_dir(), models_dir(), backbone_dir()] == [
        Path("/srv/genrelab"),
        Path("/srv/genrelab/models"),
        Path("/opt/weights"),
    ]


@pytest.mark.parametrize("unset", [True, False])
def test_without_it_everything_lies_in_the_platform_s_place(monkeypatch, unset):
    for name in ("GENRELAB_DATA_DIR", "GENRELAB_BACKBONE_DIR"):
        monkeypatch.delenv(name) if unset else monkeypatch.setenv(name, "")
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda name, appauthor: f"/home/ann/{name}/{appauthor}")
    assert data_dir() == Path("/home/ann/genrelab/False")
    assert backbone_dir() == data_dir() / "backbone"
    assert models_dir() == data_dir() / "models"


def test_the_shipped_models_lie_beside_the_code_wherever_one_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert PRETRAINED_DIR.is_absolute()
    assert list(PRETRAINED_DIR.glob("*/card.json"))
