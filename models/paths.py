"""Where models lie on this machine."""

import os
from pathlib import Path

PRETRAINED_DIR = Path(__file__).parent / "pretrained"  # shipped with the code


def data_dir() -> Path:
    """Folder of this user's Genrelab data: `GENRELAB_DATA_DIR`, or the platform's usual place."""
    if folder := os.environ.get("GENRELAB_DATA_DIR"):
        return Path(folder)
    import platformdirs

    return Path(platformdirs.user_data_dir("genrelab", appauthor=False))


def backbone_dir() -> Path:
    """Folder of the converted backbone weights: `GENRELAB_BACKBONE_DIR`, or below the data folder."""
    if folder := os.environ.get("GENRELAB_BACKBONE_DIR"):
        return Path(folder)
    return data_dir() / "backbone"


def models_dir() -> Path:
    """Folder of the models that this user trained or installed."""
    return data_dir() / "models"
