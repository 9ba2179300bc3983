"""Is everything here that Genrelab needs? One check per subject, each with the way out."""

import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Literal

from features.cores import usable_cores
from models.errors import ModelError
from models.paths import backbone_dir
from service.settings import Settings

State = Literal["ok", "warn", "fail"]

LOW_SPACE_GB, NO_SPACE_GB = 5.0, 0.5
LOW_MEMORY_GB = 3.0
START_S = 120.0  # longest that TensorFlow may take to start


@dataclass(frozen=True)
class Check:
    """What was found about a subject; `remedy` says what to do where it is not well."""

    name: str
    state: State
    detail: str
    remedy: str = ""


def examine(settings: Settings, *, player: Path) -> Iterator[Check]:
    """Look at everything, the quick things first; each check is given as soon as it is done.

    Parameters
    ----------
    settings : Settings
        Folders and database.
    player : Path
        The file of the page's waveform player.
    """
    checks: tuple[Callable[[], Check], ...] = (
        _python,
        _packages,
        _processor,
        _memory,
        partial(_data_folder, settings.data_dir),
        partial(_database, settings.resolved_database_url),
        _decoders,
        _backbone,
        _genre_model,
        partial(_page, player),
        _browser,
        _ray,
        _tensorflow,
    )
    for check in checks:
        try:
            yield check()
        except ImportError as error:
            yield Check(error.name or "packages", "fail", str(error), "run `make setup`")


def _python() -> Check:
    where = f"{platform.system()} {platform.machine()} ({sys.executable})"
    return Check("python", "ok", f"{platform.python_version()} on {where}")


def _packages() -> Check:
    """Installed versions against the ranges that this distribution asks for."""
    from packaging.requirements import Requirement

    try:
        lines = metadata.requires("genrelab") or []
    except metadata.PackageNotFoundError:
        return Check("packages", "fail", "Genrelab itself is not installed", "run `make setup`")
    wanted = [Requirement(line) for line in lines]
    wanted = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = []
    for one in wanted:
        try:
            found = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{one.name} is missing")
        else:
            if not one.specifier.contains(found, prereleases=True):
                wrong.append(f"{one.name} {found} is not {one.specifier}")
    if wrong:
        return Check("packages", "fail", "; ".join(wrong), "run `make setup`")
    shown = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "keras", "librosa", "soundfile", "av"))
    return Check("packages", "ok", f"all {len(wanted)} in range: {shown}")


def _processor() -> Check:
    usable = usable_cores()
    model = _first_line_of("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    flags = (_first_line_of("/proc/cpuinfo", "flags") or "").split()
    detail = f"{usable} cores, {model}"
    if flags and "avx" not in flags:
        return Check("processor", "fail", f"{detail}, without AVX", "TensorFlow needs a processor with AVX")
    if chosen := os.environ.get("OPENBLAS_CORETYPE"):
        return Check("processor", "ok", f"{detail}, computing as on {chosen} (OPENBLAS_CORETYPE)")
    return Check("processor", "ok", detail)


def _memory() -> Check:
    available_kb = _first_line_of("/proc/meminfo", "MemAvailable")
    if available_kb is None:
        return Check("memory", "ok", "not known on this system")
    gb = int(available_kb.split()[0]) / 2**20
    if gb < LOW_MEMORY_GB:
        remedy = f"{LOW_MEMORY_GB:.0f} GB are comfortable; close other programs or use fewer --jobs"
        return Check("memory", "warn", f"{gb:.1f} GB free", remedy)
    return Check("memory", "ok", f"{gb:.1f} GB free")


def _data_folder(folder: Path) -> Check:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"genrelab")
    except OSError as error:
        remedy = "make it writable, or name another one in GENRELAB_DATA_DIR"
        return Check("data folder", "fail", f"{folder}: {error.strerror}", remedy)
    gb = shutil.disk_usage(folder).free / 2**30
    detail = f"{folder}, {gb:.1f} GB free"
    if gb < LOW_SPACE_GB:
        remedy = "free some space, or name a folder on another disk in GENRELAB_DATA_DIR"
        return Check("data folder", "fail" if gb < NO_SPACE_GB else "warn", detail, remedy)
    return Check("data folder", "ok", detail)


def _database(written: str) -> Check:
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        url = make_url(written)
    except ArgumentError:
        remedy = "write GENRELAB_DATABASE_URL like postgresql+psycopg://user:password@host/name"
        return Check("database", "fail", "the database URL cannot be understood", remedy)
    detail = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return Check("database", "ok", f"SQLite {sqlite3.sqlite_version}; {url.database} is made at the first start")
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
    except (SQLAlchemyError, ImportError) as error:
        reason = str(error).splitlines()[0]
        return Check("database", "fail", f"{detail}: {reason}", "start it, or mend GENRELAB_DATABASE_URL")
    finally:
        engine.dispose()
    if url.get_backend_name() == "sqlite":
        return Check("database", "ok", f"SQLite {sqlite3.sqlite_version}, {url.database}")
    return Check("database", "ok", f"{url.get_backend_name()} {version}, {detail}")


def _decoders() -> Check:
    import av

    try:
        import soundfile
    except OSError as error:  # the package without its library
        return Check("decoders", "fail", str(error), "run `make setup`")
    missing = [
        name for name in ("WAV", "FLAC", "OGG", "MP3", "AIFF", "AU") if name not in soundfile.available_formats()
    ]
    missing += [name for name in ("aac", "opus", "wmav2", "alac") if name not in av.codecs_available]
    detail = f"{soundfile.__libsndfile_version__}, FFmpeg through PyAV {av.__version__}"
    if missing:
        return Check(
            "decoders", "warn", f"{detail}, without {', '.join(missing)}", "run `make setup` to get the usual builds"
        )
    return Check("decoders", "ok", detail)


def _backbone() -> Check:
    from models.musicnn_weights import BACKBONES, load_weights

    found, wrong = [], []
    for name in BACKBONES:
        try:
            load_weights(name)
        except ModelError as error:
            wrong.append(f"{name}: {error}")
        else:
            found.append(name)
    detail = f"{', '.join(found) or 'none'} in {backbone_dir()}"
    if wrong:
        needed = any(line.startswith("MSD_musicnn") for line in wrong)
        return Check("backbone", "fail" if needed else "warn", f"{detail}; {'; '.join(wrong)}", "run `make setup`")
    return Check("backbone", "ok", detail)


def _genre_model() -> Check:
    from models.heads import load_head
    from models.registry import ModelRegistry

    try:
        entry = ModelRegistry().active("genre")
        head = load_head(entry.path)
    except ModelError as error:
        return Check("genre model", "fail", str(error), "`genrelab models rollback`, or fetch the shipped model again")
    return Check("genre model", "ok", f"{entry.name}, {len(head.genres)} genres, as its card says")


def _page(player: Path) -> Check:
    if player.is_file():
        return Check("page", "ok", f"player in {player.parent}")
    npm = "npm is here" if shutil.which("npm") else "npm is missing"
    detail = f"no waveform player, {npm}: the page uses the browser's own"
    return Check("page", "warn", detail, "install npm, `make assets`")


def _browser() -> Check:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        return Check("chromium", "ok", "not here; only the browser tests use it")
    return Check("chromium", "ok", f"{found}, for the browser tests")


def _ray() -> Check:
    try:
        return Check("ray", "ok", f"{metadata.version('ray')}, for `classify --engine ray`")
    except metadata.PackageNotFoundError:
        return Check("ray", "ok", "not here; `pip install -r requirements-cluster.txt` brings `classify --engine ray`")


def _tensorflow() -> Check:
    """In a process of its own: a build that does not fit the processor would end this one."""
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", "import tensorflow; print(tensorflow.__version__)"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_S, env=quiet, check=False)
    except subprocess.TimeoutExpired:
        return Check("tensorflow", "fail", f"did not start in {START_S:.0f} s", "look for a busy or very slow disk")
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        return Check("tensorflow", "fail", last, "run `make setup`; the processor needs AVX")
    return Check("tensorflow", "ok", f"{done.stdout.strip()} starts")


def _first_line_of(file: str, key: str) -> str | None:
    """Value of the first `key : value` line of a system file; None where there is no such file or line."""
    try:
        text = Path(file).read_text()
    except OSError:
        return None
    match = re.search(rf"^{re.escape(key)}\s*:\s*(.*)$", text, re.MULTILINE)
    return match[1] if match else None
