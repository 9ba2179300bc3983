"""Progress on stderr: how much is done, how fast that goes in × real time, when it will be over.

A bar is drawn on a terminal only. Where stdout is the same terminal, lines for people go through it, above the bar.
"""

import re
import sys
import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

STEPS = 10  # of a stage, in lines where there is no terminal


class _Bar:
    """A bar on stderr, drawn where that is a terminal; a context manager."""

    def __init__(self, *columns: ProgressColumn) -> None:
        self._console = Console(stderr=True)
        self._lock = threading.Lock()
        self._bar = Progress(
            SpinnerColumn(),
            *columns,
            TimeRemainingColumn(),
            console=self._console,
            redirect_stdout=False,
            redirect_stderr=True,
            transient=True,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


class LibraryProgress(_Bar):
    """Progress of many recordings that are worked on at the same time.

    Parameters
    ----------
    total : int
        Number of recordings.
    """

    def __init__(self, total: int) -> None:
        super().__init__(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}")
        )
        self._shares: dict[int, float] = {}
        self._done = 0
        self._heard_s = 0.0
        self._since = time.monotonic()
        self._task: TaskID = self._bar.add_task("starting", total=total, speed="")

    @property
    def terminal(self) -> bool:
        """Whether a bar is drawn and stdout is a terminal too, so that lines must go through `say`."""
        return self._console.is_terminal and sys.stdout.isatty()

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def phase(self, words: str) -> None:
        """Say what is going on; the clock of the speed starts here."""
        self._since = time.monotonic()
        self._bar.update(self._task, description=words)

    def share(self, index: int, share: float) -> None:
        """Recording `index` is done to this share, 0 to 1; may be called from any thread."""
        with self._lock:
            if share == share:  # NaN while the length is unknown
                self._shares[index] = min(share, 1.0)
                self._bar.update(self._task, completed=self._done + sum(self._shares.values()))

    def done(self, index: int, *, heard_s: float = 0.0) -> None:
        """Recording `index` is done; `heard_s` seconds of sound were worked through for it."""
        with self._lock:
            self._shares.pop(index, None)
            self._done += 1
            self._heard_s += heard_s
            self._bar.update(self._task, completed=self._done + sum(self._shares.values()), speed=self.speed())

    def speed(self) -> str:
        """Sound worked through per time, in words."""
        elapsed_s = time.monotonic() - self._since
        return f"{self._heard_s / elapsed_s:.0f} × real time" if self._heard_s and elapsed_s > 0 else ""


class StageProgress(_Bar):
    """Progress of work that goes through stages, such as hearing recordings, then fitting epoch after epoch.

    Away from a terminal it is a line for each new stage, and one whenever another tenth of a stage is done.
    """

    def __init__(self) -> None:
        super().__init__(TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
        self._said = ("", -1)
        self._stage = ""
        self._task: TaskID | None = None

    def share(self, words: str, share: float) -> None:
        """Say what is going on, and which share of that stage is done, 0 to 1; may be called from any thread.

        Words that differ in their numbers only are of one stage.
        """
        stage = re.sub(r"[\d.]+", "", words)
        with self._lock:
            if self._console.is_terminal:
                if self._task is None or stage != self._stage:  # a new task: what is left is counted anew
                    if self._task is not None:
                        self._bar.remove_task(self._task)
                    self._stage, self._task = stage, self._bar.add_task(words, total=1.0)
                self._bar.update(self._task, description=words, completed=share)
            elif (said := (stage, int(share * STEPS + 1e-9))) != self._said:
                self._said = said
                self._console.print(f"{share:4.0%}  {words}", markup=False, highlight=False, soft_wrap=True)
