"""Readers of corpora by the layout of their folders: each gives a `datasets.manifest.Manifest`."""

from importlib import import_module
from pathlib import Path

from datasets.errors import DatasetError
from datasets.manifest import Manifest

# Name of a layout, the module that reads it, its function. A module is loaded when its layout is asked for.
LAYOUTS = {
    "folders": ("datasets.readers.folders", "read_folders"),
    "csv": ("datasets.readers.csv_table", "read_csv_table"),
    "manifest": ("datasets.readers.manifest_folder", "read_manifest_folder"),
    "rendered": ("datasets.readers.manifest_folder", "read_manifest_folder"),
    "gtzan": ("datasets.readers.gtzan", "read_gtzan"),
    "ballroom": ("datasets.readers.ballroom", "read_ballroom"),
    "fma": ("datasets.readers.fma", "read_fma"),
    "jams": ("datasets.readers.jams_files", "read_jams"),
}


def read_corpus(folder: Path, layout: str) -> Manifest:
    """Read a corpus with the reader of its layout and that reader's own defaults.

    Parameters
    ----------
    folder : Path
        Where the corpus lies; for the layout "csv" this may be the table itself.
    layout : str
        One of `LAYOUTS`.

    Returns
    -------
    Manifest
        At least one recording, in order of their names or of the corpus' own table.

    Raises
    ------
    DatasetError
        If there is no such layout, or the folder does not keep to it; the message says what was expected.
    """
    if layout not in LAYOUTS:
        raise DatasetError(f"layout {layout!r}: expected one of {', '.join(LAYOUTS)}")
    module, function = LAYOUTS[layout]
    manifest: Manifest = getattr(import_module(module), function)(Path(folder))
    return manifest
