"""What a run over many files came to: the failures with their reasons and a line of sums, on stderr."""

import os
from collections import Counter
from pathlib import Path

import typer

from service.api.problems import INTERNAL, Kind, kind_of
from service.usecases.tag_files import TagError

TAG_NOT_WRITTEN = Kind(422, "tag-not-written", "The genre could not be written into the file")  # never met by HTTP


class Report:
    """Counts results as they come.

    Attributes
    ----------
    failures : list of (path, problem)
        What failed, and why: `type`, `title`, `detail`.
    speed : str
        How fast it went, in words.
    """

    def __init__(self, total: int) -> None:
        self.failures: list[tuple[Path, dict[str, str]]] = []
        self.speed = ""
        self._total = total
        self._counts: Counter[str] = Counter()

    def count(self, what: str) -> None:
        """One more of these, in words as they shall be printed after the number."""
        self._counts[what] += 1

    def fail(self, path: Path, error: BaseException) -> dict[str, str]:
        """One more failure; the problem in words, as `problem_of` gives it."""
        problem = problem_of(error)
        self.failures.append((path, problem))
        return problem

    def print(self) -> None:
        """Print failures and sums; nothing where a single file succeeded."""
        if self.failures:
            typer.echo(f"{len(self.failures)} failed:", err=True)
        for path, problem in self.failures:
            name = os.fsencode(path).decode("utf-8", "replace")
            typer.echo(f"  {name}  {problem['title']}: {problem['detail']}", err=True)
        if self._total > 1 or len(self._counts) > 1:
            sums = ", ".join(f"{count} {what}" for what, count in self._counts.items())
            speed = f" ({self.speed})" if self.speed else ""
            typer.echo(f"{self._total} recordings: {sums}{speed}", err=True)


def problem_of(error: BaseException) -> dict[str, str]:
    """The problem document of the HTTP API, without what only HTTP has."""
    kind = TAG_NOT_WRITTEN if isinstance(error, TagError) else kind_of(error)
    detail = f"{type(error).__name__}: {error}" if kind is INTERNAL else str(error)
    return {"type": kind.type, "title": kind.title, "detail": detail}
