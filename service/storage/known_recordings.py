"""Finds items of a pool by what somebody else says of recordings."""

from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from sqlalchemy import or_, select

from datasets.labels.record import LabelRecord
from service.storage.database import Database
from service.storage.labelling_tables import ItemRow


class Recording(Protocol):
    """What is known of an item."""

    @property
    def track_id(self) -> str | None:
        """Its track, while it is in the library."""

    @property
    def sha256(self) -> str:
        """Of its content."""

    @property
    def filename(self) -> str:
        """Its name, which others may have too."""


R = TypeVar("R", bound=Recording)


class KnownRecordings(Generic[R]):
    """Items by track id, else by content, of which the first counts, else by a file name that only one of them has."""

    def __init__(self, items: Iterable[R]) -> None:
        self._by_track: dict[str, R] = {}
        self._by_content: dict[str, R] = {}
        self._by_name: dict[str, R | None] = {}
        for item in items:
            if item.track_id is not None:
                self._by_track[item.track_id] = item
            self._by_content.setdefault(item.sha256, item)
            self._by_name[item.filename] = None if item.filename in self._by_name else item

    def find(self, record: LabelRecord) -> R | None:
        """The item that a record is about, or None."""
        return (
            self._by_track.get(record.track)
            or self._by_content.get(record.sha256)
            or self._by_name.get(record.filename)
        )


class _Known(NamedTuple):
    track_id: str | None
    sha256: str
    filename: str
    probabilities: dict[str, float] | None


def predictions_of(database: Database, project_id: str, recordings: Sequence[LabelRecord]) -> list[dict[str, float]]:
    """Probabilities by id of genre, for each recording; none where it is not in the pool, or was not judged yet.

    Of items with one content the latest counts.
    """
    query = select(ItemRow.track_id, ItemRow.sha256, ItemRow.filename, ItemRow.probabilities).where(
        ItemRow.project_id == project_id,
        or_(
            ItemRow.track_id.in_({recording.track for recording in recordings} - {""}),
            ItemRow.sha256.in_({recording.sha256 for recording in recordings} - {""}),
            ItemRow.filename.in_({recording.filename for recording in recordings} - {""}),
        ),
    )
    with database.reading() as session:
        rows = session.execute(query.order_by(ItemRow.id.desc())).tuples()
        known = KnownRecordings(_Known(*row) for row in rows)
    found = map(known.find, recordings)
    return [{} if each is None else each.probabilities or {} for each in found]
