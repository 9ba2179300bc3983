"""Help must come at once: asserted on what is imported, not on time."""

import subprocess
import sys

import pytest

# What takes long to import. (Typer itself needs pydantic to read the arguments of a command.)
# fmt: off
SLOW = {
    "av", "flask", "keras", "librosa", "mutagen", "numba", "numpy", "ray", "requests", "rich", "scipy",
    "sklearn", "soundfile", "sqlalchemy", "tensorflow",
}
# fmt: on

COMMANDS = (
    [],
    *(["classify"], ["embed"], ["serve"], ["doctor"]),
    *(["render"], ["train"], ["train", "classifier"]),
    *(["datasets"], ["datasets", "check"], ["datasets", "layouts"]),
    *(["evaluate"], ["evaluate", "taggrams"], ["evaluate", "dataset"]),
    *(["models"], ["models", "list"], ["models", "activate"], ["models", "rollback"]),
    *(["tokens"], ["tokens", "create"], ["tokens", "list"], ["tokens", "revoke"]),
    *(["labels"], ["labels", "create"], ["labels", "add"], ["labels", "session"], ["labels", "stats"]),
)

SCRIPT = """
import sys
from service.cli import main
sys.argv = ["genrelab", *sys.argv[1:]]
try:
    main()
finally:
    print("\\nimported", *sorted({name.split(".")[0] for name in sys.modules}))
"""


def _run(*arguments: str) -> tuple[str, set[str], int]:
    done = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=False)
    printed, imported = done.stdout.rsplit("\nimported ", 1)
    return printed, set(imported.split()), done.returncode


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_imports_nothing_slow(command):
    printed, imported, code = _run(*command, "--help")
    assert code == 0
    assert printed.startswith(f"Usage: {' '.join(['genrelab', *command])} ")
    assert not imported & SLOW


def test_version_imports_nothing_slow():
    printed, imported, _ = _run("--version")
    assert printed.startswith("genrelab 0.")
    assert not imported & SLOW


def test_without_a_command_the_help_is_printed():
    done = subprocess.run([sys.executable, "-m", "service.cli"], capture_output=True, text=True, check=False)
    assert (done.stdout + done.stderr).startswith("Usage: genrelab ")
    assert done.returncode in (0, 2)
