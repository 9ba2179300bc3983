"""What a run over many files came to: a table of failures and a line of sums, on stderr."""

import os
from collections import Counter
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from service.api.problems import INTERNAL, kind_of


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
        console = Console(stderr=True, highlight=False, markup=False)
        if self.failures:
            table = Table("file", "reason", box=box.SIMPLE, title=f"{len(self.failures)} failed", title_justify="left")
            for path, problem in self.failures:
                table.add_row(_printable(path), f"{problem['title']}: {problem['detail']}")
            console.print(table)
        if self._total > 1 or len(self._counts) > 1:
            sums = ", ".join(f"{count} {what}" for what, count in self._counts.items())
            speed = f" ({self.speed})" if self.speed else ""
            console.print(f"{self._total} recordings: {sums}{speed}", soft_wrap=True)


def problem_of(error: BaseException) -> dict[str, str]:
    """The problem document of the HTTP API, without what only HTTP has."""
    kind = kind_of(error)
    detail = f"{type(error).__name__}: {error}" if kind is INTERNAL else str(error)
    return {"type": kind.type, "title": kind.title, "detail": detail}


def _printable(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")
