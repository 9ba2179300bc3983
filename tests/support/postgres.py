"""A throw-away PostgreSQL server from the programs that lie on this machine, one per test run."""

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from functools import cache
from itertools import count
from pathlib import Path

import psycopg
import pytest

START_S = 30.0
_numbers = count()


def new_database(*, durable: bool = False) -> str:
    """URL of a database of its own; skips the test where no server can be started.

    A durable one waits for the disk at every commit, as it should where anything is measured.
    """
    folder = _server("on" if durable else "off")
    if isinstance(folder, str):
        pytest.skip(folder)
    name = f"test{next(_numbers)}"
    with psycopg.connect(f"postgresql://postgres@/postgres?host={folder}", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql://postgres@/{name}?host={folder}"


@cache
def _server(fsync: str) -> Path | str:
    """Folder of the server's socket, or why there is none."""
    programs = _programs()
    if programs is None:
        return "no PostgreSQL server here (on Debian and Ubuntu: apt install postgresql)"
    folder = Path(tempfile.mkdtemp(prefix="genrelab-pg-", dir="/tmp"))  # a socket's path must be short
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        prefix = _as_somebody_else(folder)
    except KeyError:
        return "PostgreSQL does not run as root, and this machine knows no user postgres or nobody"
    data = folder / "data"
    made = subprocess.run(
        [*prefix, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    if made.returncode:
        return f"initdb failed: {made.stderr.strip().splitlines()[-1:]}"
    server = subprocess.Popen(
        [*prefix, programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", f"fsync={fsync}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    atexit.register(_end, server)
    end = time.monotonic() + START_S
    while time.monotonic() < end and server.poll() is None:
        try:
            psycopg.connect(f"postgresql://postgres@/postgres?host={folder}").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return folder
    return "the PostgreSQL server did not start"


def _programs() -> Path | None:
    newest_first = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda at: float(at.parent.name), reverse=True)
    found = [Path(at).resolve().parent for at in [shutil.which("postgres")] if at]
    return next((at for at in (*found, *newest_first) if (at / "initdb").is_file()), None)


def _as_somebody_else(folder: Path) -> list[str]:
    """Words before a command that make it run as a user who is not root, where this is root; the folder becomes his."""
    if os.geteuid() != 0:
        return []
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--pdeathsig=TERM"]


def _end(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
