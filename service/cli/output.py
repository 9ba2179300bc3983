"""The forms in which classifications go to stdout: lines for people, JSON lines, CSV.

Each is written as soon as it is known and flushed, so that a reader at the other end of a pipe sees whole
records only. Column names of the CSV are stable: new ones are added at the end.
"""

import csv
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from service.usecases.library import LibraryResult
from service.usecases.tag_files import TagOutcome

# fmt: off
COLUMNS = (
    "path", "genre", "probability", "set", "abstained", "reason", "short", "duration_s", "sample_rate", "channels",
    "format", "tempo_bpm", "key", "loudness_lufs", "model", "coverage", "sha256", "tags", "genre_tag", "error",
)
# fmt: on
SEGMENT_COLUMNS = ("path", "start_s", "end_s", "genre", "probability", "error")
TOP_TAGS = 5  # in lines and CSV; the JSON has all that the answer has

Say = Callable[[str], None]


class Writer(Protocol):
    """Writes one result after the other."""

    def write(self, result: LibraryResult, tag: TagOutcome | None, problem: dict[str, str] | None) -> None:
        """Write a result, what was done with the file's tag, and what went wrong with either."""
        ...


class JsonLines:
    """One object a line: the classification of the HTTP contract, or `path` and `error`."""

    def write(self, result: LibraryResult, tag: TagOutcome | None, problem: dict[str, str] | None) -> None:
        """Write a result."""
        record = dict(result.answer or {"path": os.fspath(result.path)})
        if tag is not None:
            record["genre_tag"] = {
                "state": tag.state,
                "genre": tag.genre,
                "previous": tag.previous,
                "reason": tag.reason,
            }
        if problem is not None:
            record["error"] = problem
        # Letters beyond ASCII are escaped: names of files need not be Unicode, a terminal need not be UTF-8.
        _emit(json.dumps(record, separators=(", ", ": "), allow_nan=False))


class Csv:
    """One row per recording, or one per segment."""

    def __init__(self, *, segments: bool) -> None:
        self._segments = segments
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        self._row(SEGMENT_COLUMNS if segments else COLUMNS)

    def write(self, result: LibraryResult, tag: TagOutcome | None, problem: dict[str, str] | None) -> None:
        """Write a result."""
        path, answer = os.fspath(result.path), result.answer
        error = "" if problem is None else f"{problem['title']}: {problem['detail']}"
        if self._segments:
            for segment in answer["segments"] if answer else ():
                p = segment["probabilities"].get(segment["genre"], "")
                self._row([path, segment["start_s"], segment["end_s"], segment["genre"], p, ""])
            if error:
                self._row([path, "", "", "", "", error])
        elif answer is None:
            self._row([path if name == "path" else error if name == "error" else "" for name in COLUMNS])
        else:
            state = "" if tag is None else tag.state
            row = answer | answer["attributes"] | {"error": error, "genre_tag": state}
            row |= {"probability": answer["probabilities"].get(answer["genre"], ""), "set": "|".join(answer["set"])}
            row |= {"tags": "|".join(_top_tags(answer))}
            self._row([_plain(row.get(name)) for name in COLUMNS])

    def _row(self, values: Sequence[Any]) -> None:
        self._writer.writerow(values)
        sys.stdout.flush()


class Lines:
    """For people: genre, probability, what else it may be, path; below it, what was asked for."""

    def __init__(self, say: Say | None, *, segments: bool, tags: bool) -> None:
        self._say = say or _emit
        self._segments = segments
        self._tags = tags

    def write(self, result: LibraryResult, tag: TagOutcome | None, problem: dict[str, str] | None) -> None:
        """Write a result."""
        path, answer = os.fspath(result.path), result.answer
        if answer is None:
            self._say(f"{'failed':<12}       {path}: {problem['detail'] if problem else ''}")
            return
        if answer["abstained"]:
            self._say(f"{'unsure':<12}       {path}  ({answer['reason']})")
        else:
            others = ", ".join(genre for genre in answer["set"] if genre != answer["genre"])
            probability = answer["probabilities"][answer["genre"]]
            note = f"  (or {others})" if others else ""
            self._say(f"{answer['genre']:<12} {probability:>4.0%}  {path}{note}")
        if tag is not None:
            became = f" (was {', '.join(tag.previous)})" if tag.previous and tag.state in ("written", "planned") else ""
            self._say(f"    genre tag {tag.state}{f': {tag.genre}' if tag.genre else ''}{became}")
        if problem is not None:
            self._say(f"    genre tag failed: {problem['detail']}")
        if self._tags:
            self._say(f"    tags: {', '.join(_top_tags(answer))}")
        for run in answer["runs"] if self._segments else ():
            p = run["probabilities"].get(run["genre"])
            words = "no music" if run["genre"] is None else f"{run['genre']:<12} {p:>4.0%}" if p else run["genre"]
            self._say(f"    {_clock(run['start_s']):>8} – {_clock(run['end_s']):>8}  {words}")


def _emit(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _top_tags(answer: dict[str, Any]) -> list[str]:
    return [tag["tag"] for tag in answer["tags"][:TOP_TAGS]]


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"
