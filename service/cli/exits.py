"""How commands end: exit codes, and one plain line on stderr instead of a traceback.

0 all succeeded, 1 the command could not do its work, 2 it was called wrongly, 3 some files failed,
130 stopped by Ctrl-C, 141 the reader of the output went away.
"""

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

FAILED = 1
SOME_FAILED = 3
INTERRUPTED = 130
PIPE_CLOSED = 141


class GenrelabGroup(TyperGroup):
    """Turns what a user can cause into one line and an exit code; a fault of ours keeps its traceback."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # Typer brings a Context of its own
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except typer.Exit:  # nothing went wrong; the errors below need not be imported to know that
            raise
        except BrokenPipeError:
            _abandon_stdout()
            raise typer.Exit(PIPE_CLOSED) from None
        except KeyboardInterrupt:
            complain("stopped")
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            complain(_words(error))
            _abandon_stdout_if_broken()
            raise typer.Exit(FAILED) from None
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] in ("features", "datasets", "models", "service"):
                raise
            complain(f"the package {error.name} is missing: run `make setup`")
            raise typer.Exit(FAILED) from None
        except _errors_of_users() as error:
            complain(str(error))
            raise typer.Exit(FAILED) from None


def complain(message: str) -> None:
    """One line on stderr, with the name of the program."""
    typer.echo(f"genrelab: {message}", err=True)


def _errors_of_users() -> tuple[type[Exception], ...]:
    """The named errors of every layer; asked for only once something was raised."""
    from datasets.errors import DatasetError
    from features.errors import FeatureError
    from models.errors import ModelError
    from service.errors import ServiceError

    return (FeatureError, DatasetError, ModelError, ServiceError)


def _words(error: OSError) -> str:
    """Which file, and what the system says about it."""
    reason = error.strerror or str(error)
    return f"{os.fsdecode(error.filename)}: {reason}" if error.filename else reason


def _abandon_stdout_if_broken() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _abandon_stdout()


def _abandon_stdout() -> None:
    """Nothing more can be written there: keep the interpreter from trying again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
