"""Pages of a list, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some items of a list; `next_cursor` asks for the following ones and is None on the last page.

    What is added meanwhile comes before the first page, so that no page shows an item twice or leaves one out.
    """

    items: Sequence[T]
    next_cursor: str | None


def utc_now() -> datetime:
    """The present, aware of its zone."""
    return datetime.now(UTC)


def iso(moment: datetime | None) -> str | None:
    """A point in time for JSON: `2025-01-31T12:00:00.123456Z`."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
