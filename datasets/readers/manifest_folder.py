"""A folder with a manifest of its own, such as the rendered corpus: what the manifest says, and nothing else."""

from pathlib import Path

from datasets.errors import DatasetError
from datasets.manifest import MANIFEST_FILE, Manifest, read_manifest
from datasets.readers.corpus_folder import check_folder, check_present


def read_manifest_folder(folder: Path) -> Manifest:
    """Read the manifest that lies in a folder.

    Raises
    ------
    DatasetError
        If there is none, it is damaged or empty, or a recording that it lists is not there.
    """
    check_folder(folder)
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise DatasetError(f"{folder}: no {MANIFEST_FILE}, expected one line of JSON per recording there")
    manifest = read_manifest(path)
    if not len(manifest):
        raise DatasetError(f"{path}: lists no recordings")
    check_present((each.path for each in manifest), way_out=f"restore them or correct {path}")
    return manifest
