"""The command line: one module per group of commands, each a translation to a use case.

`genrelab --help` must answer at once, so these modules import the standard library and Typer only;
what a command needs is imported inside the command.
"""


def main() -> None:
    """Run the `genrelab` command."""
    from service.cli.app import app

    app(prog_name="genrelab")
