"""What was heard in tracks, summed up for the learner of labelling projects."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.storage.database import Database
from service.storage.labelling_tables import FeatureRow, ItemRow
from service.storage.tables import TrackRow

IDS_AT_ONCE = 500  # in one question to the database


class FeatureStore:
    """Vectors of tracks, one for each backbone that heard them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, track_id: str, backbone: str, vector: np.ndarray, *, start_s: float) -> None:
        """Keep what a backbone heard in a track; a track that was deleted meanwhile keeps nothing.

        Parameters
        ----------
        track_id : str
            The track.
        backbone : str
            Identity of the backbone.
        vector : np.ndarray, shape (300,)
            A row of `models.label_pool.LabelPool.to_vectors`.
        start_s : float
            Where the stretch begins that tells most.
        """
        content = vector.astype("<f4").tobytes()
        with self._database.writing() as session:
            if session.scalar(select(TrackRow.id).where(TrackRow.id == track_id).with_for_update()) is not None:
                session.merge(FeatureRow(track_id=track_id, backbone=backbone, vector=content, start_s=start_s))

    def of_tracks(self, track_ids: Sequence[str], backbone: str) -> dict[str, np.ndarray]:
        """Vectors by track, of those that this backbone has heard."""
        found: dict[str, np.ndarray] = {}
        with self._database.reading() as session:
            for start in range(0, len(track_ids), IDS_AT_ONCE):
                found |= _read(session, track_ids[start : start + IDS_AT_ONCE], backbone)
        return found

    def missing(self, project_id: str, backbone: str) -> list[str]:
        """Tracks of a project's pool that this backbone has not heard."""
        heard = select(FeatureRow.track_id).where(
            FeatureRow.track_id == ItemRow.track_id, FeatureRow.backbone == backbone
        )
        query = select(ItemRow.track_id).where(
            ItemRow.project_id == project_id, ItemRow.track_id.is_not(None), ~heard.exists()
        )
        with self._database.reading() as session:
            return [track_id for track_id in session.scalars(query.order_by(ItemRow.id)) if track_id is not None]


def _read(session: Session, track_ids: Sequence[str], backbone: str) -> dict[str, np.ndarray]:
    query = select(FeatureRow.track_id, FeatureRow.vector).where(
        FeatureRow.track_id.in_(track_ids), FeatureRow.backbone == backbone
    )
    return {track_id: np.frombuffer(vector, "<f4") for track_id, vector in session.execute(query)}
