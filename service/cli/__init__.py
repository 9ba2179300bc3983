"""The command line: one module per group of commands, each a translation to a use case.

`genrelab --help` must answer at once, so these modules import the standard library and Typer only;
what a command needs is imported inside the command.
"""


def main() -> None:
    """Run the `genrelab` command."""
    import io
    import sys

    from service.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            # Names of files need not be Unicode, and a terminal may lack letters of ours.
            stream.reconfigure(errors="surrogateescape" if stream.encoding == "utf-8" else "backslashreplace")
    app(prog_name="genrelab")
