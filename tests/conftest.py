"""Fixtures that more than one folder of tests uses."""

import os
from pathlib import Path

import numpy as np
import pytest

LONGEST = ("test_tutorials.py", "test_labelling_load.py", "test_labelling.py")  # files that take minutes


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files: one that is handed out last leaves every other process without work."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded generator: the same noise in every run."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the development data, which is no part of the product."""
    folder = Path(os.environ.get("GENRELAB_SHARED_DATA", "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no development data at {folder} (set GENRELAB_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def backbone_weights() -> Path:
    """Folder of the converted backbone weights."""
    from models.paths import backbone_dir

    folder = backbone_dir()
    if not (folder / "MSD_musicnn.npz").is_file():
        pytest.skip(f"no backbone weights at {folder} (run `make setup`)")
    return folder


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the data of the person who runs it; the backbone weights stay where set-up put them."""
    from models.paths import backbone_dir

    monkeypatch.setenv("GENRELAB_BACKBONE_DIR", str(backbone_dir()))
    monkeypatch.setenv("GENRELAB_DATA_DIR", str(tmp_path_factory.mktemp("genrelab-data")))


@pytest.fixture
def tmp_settings(tmp_path: Path):
    """Settings whose every file lies in this test's own folder."""
    from service.settings import Settings

    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def stand_in_classifier(monkeypatch: pytest.MonkeyPatch):
    """Wherever a classifier is loaded, one that needs no weights."""
    from models.classifier import GenreClassifier
    from tests.support.stand_in_models import StandInBackbone, StandInGate, StandInHead

    stand_in = GenreClassifier(name="stand-in-1", backbone=StandInBackbone(), head=StandInHead(), gate=StandInGate())
    monkeypatch.setattr(GenreClassifier, "load", classmethod(lambda cls, name=None: stand_in))
    monkeypatch.setattr(stand_in, "warm_up", lambda: None)
    return stand_in
