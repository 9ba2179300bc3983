"""What the commands of `genrelab labels` share: which project, who asks, the database of this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.options import load_settings

if TYPE_CHECKING:
    from service.services import Services

MAX_NAME = 100  # characters of an annotator
NOBODY = "me"  # who asks where the system knows no name

ProjectName = Annotated[str, typer.Argument(metavar="PROJECT", help="Name or id of a project, as `labels projects`.")]
Annotator = Annotated[
    str, typer.Option(help="Who labels; the name of the user of this machine by default.", show_default=False)
]


@contextmanager
def opened() -> "Iterator[Services]":
    """The database of this machine, with everything around it; what is logged goes to stderr."""
    from service.services import Services

    with _logs_on_stderr():
        services = Services.from_settings(load_settings())
        try:
            yield services
        finally:
            services.close()


def annotator_of(name: str) -> str:
    """Who asks: by the name that was given, or the user of this machine.

    Raises
    ------
    Invalid
        If what was given is no name.
    """
    from service.storage.projects import checked_name

    return checked_name(name, "annotator") if name else user()


def user() -> str:
    """Name of the user of this machine, cut to what a name may be."""
    import getpass

    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return NOBODY
    return " ".join("".join(letter for letter in name if letter.isprintable()).split())[:MAX_NAME] or NOBODY


def print_json(value: Any) -> None:
    """Print an object as JSON, with letters beyond ASCII escaped: a terminal need not be UTF-8."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False))


def share(value: float) -> str:
    """A share in per cent."""
    return f"{value:.1%}"


def measured(accuracy: float | None, low: float | None, high: float | None) -> str:
    """An accuracy with its interval."""
    if accuracy is None or low is None or high is None:
        return "not measured yet"
    return f"{share(accuracy)} ({share(low)} to {share(high)})"


def clock(seconds: float) -> str:
    """A place in a recording: minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


@contextmanager
def _logs_on_stderr() -> Iterator[None]:
    """Standard output is for what was asked."""
    import sys

    import structlog

    before, configured = structlog.get_config(), structlog.is_configured()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        yield
    finally:
        if configured:
            structlog.configure(**before)
        else:
            structlog.reset_defaults()
