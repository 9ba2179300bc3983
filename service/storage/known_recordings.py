"""Finds what a project's model makes of recordings that somebody else names."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import or_, select

from datasets.labels.record import LabelRecord
from service.storage.database import Database
from service.storage.labelling_tables import ItemRow


class _Known(NamedTuple):
    track_id: str | None
    sha256: str
    filename: str
    probabilities: dict[str, float] | None


def predictions_of(database: Database, project_id: str, recordings: Sequence[LabelRecord]) -> list[dict[str, float]]:
    """Probabilities by id of genre, for each recording; none where it is not in the pool, or was not judged yet.

    A recording is known by its id in the library, else by its content, else by its file name where only one item has
    it.
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
        known = [_Known(*row) for row in session.execute(query.order_by(ItemRow.id)).tuples()]
    by_track = {each.track_id: each for each in known}
    by_content = {each.sha256: each for each in known}
    by_name: dict[str, _Known | None] = {}
    for each in known:
        by_name[each.filename] = None if each.filename in by_name else each
    found = [
        by_track.get(recording.track) or by_content.get(recording.sha256) or by_name.get(recording.filename)
        for recording in recordings
    ]
    return [{} if each is None else each.probabilities or {} for each in found]
