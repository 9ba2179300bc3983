"""Tracks and answers for tests of what keeps them."""

from typing import Any

from models.classification import Classification, Evidence, Segment, TagActivation
from service.storage.ids import new_id
from service.storage.tracks import Track, TrackStore


def add_track(tracks: TrackStore, **changes: Any) -> Track:
    """A track of 2 s; keyword arguments change its columns."""
    columns = {
        "id": new_id(),
        "filename": "song.wav",
        "sha256": "ab" * 32,
        "size_bytes": 1000,
        "duration_s": 2.0,
        "sample_rate": 8000,
        "channels": 1,
        "format": "wav",
    }
    return tracks.add(**columns | changes)


def answer(genre: str | None = "jazz", *, n_segments: int = 2, **changes: Any) -> Classification:
    """A classification; keyword arguments change its fields."""
    probabilities = {"jazz": 0.7, "rock": 0.3}
    segments = tuple(Segment(1.5 * k, 1.5 * k + 3, genre, probabilities) for k in range(n_segments))
    fields = {
        "model": "stand-in-1",
        "duration_s": 4.5,
        "sample_rate": 44100,
        "channels": 2,
        "format": "flac",
        "genre": genre,
        "probabilities": probabilities,
        "prediction_set": ("jazz",),
        "coverage": 0.9,
        "abstained": genre is None,
        "reason": None,
        "short": False,
        "tags": (TagActivation("guitar", 0.5),),
        "segments": segments,
        "runs": segments[:1],
        "evidence": (Evidence(0.0, 3.0, 0.1),),
        "attributes": {"tempo_bpm": None, "key": "A minor"},
    }
    return Classification(**fields | changes)
