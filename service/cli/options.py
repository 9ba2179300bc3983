"""Options that several commands share, and settings with a message for people."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from service.settings import Settings

Paths = Annotated[
    list[Path],
    typer.Argument(metavar="PATH…", help="Audio files, and folders that are searched for them.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
# Those of `datasets.readers.LAYOUTS`, whose module takes long to import.
LayoutName = Literal["folders", "csv", "manifest", "rendered", "gtzan", "ballroom", "fma", "jams"]
Model = Annotated[
    str | None, typer.Option(help="Name of the model that answers, as `models list` has it; the active one by default.")
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, max=64, help="Recordings at the same time; one per core by default."),
]


def load_settings(**changes: Any) -> "Settings":
    """Settings from the environment and the command line.

    Raises
    ------
    ConfigurationError
        If one of them is outside its range; the message names it.
    """
    from pydantic import ValidationError

    from service.errors import ConfigurationError
    from service.settings import Settings

    try:
        return Settings(**{name: value for name, value in changes.items() if value is not None})
    except ValidationError as error:
        wrong = error.errors()[0]
        name = "_".join(str(part) for part in wrong["loc"])
        raise ConfigurationError(f"{name}={wrong['input']!r} (GENRELAB_{name.upper()}): {wrong['msg']}") from None
