"""Clips and takes for tests of what keeps and makes them."""

import io
from typing import Any

import numpy as np

from models.clip_wish import ClipWish
from service.job_runner import JobRunner
from service.services import Services
from service.storage.blobs import Staged
from service.storage.clips import Clip, NewClip, NewTake, TakePlan
from service.storage.ids import new_id
from service.usecases.clips import request_clip
from service.usecases.tracks import classify_track, receive_upload


def new_clip(n_takes: int = 1, **request: Any) -> NewClip:
    """A clip of reggae that nobody made yet."""
    takes = [TakePlan(ClipWish("reggae", seconds=2.0, seed=k).to_dict()) for k in range(n_takes)]
    return NewClip(id=new_id(), owner="ann", request=request, takes=takes)


def new_take(number: int = 0, agreement: float | None = 0.5, **report: Any) -> NewTake:
    """A take of two seconds."""
    return NewTake(
        number=number,
        seconds=2.0,
        genre_agreement=agreement,
        report={"takes_tried": 1, "originality": {"longest_run_s": 0.5, "shared_ngrams": 0.0}, **report},
        codes=np.arange(8).reshape(2, 4) + number,
        waveform=np.array([0.25, 0.5], np.float32),
    )


def staged(letter: str = "a") -> Staged:
    """Content that was staged, as far as the database is concerned."""
    return Staged(path=None, sha256=letter * 64, size_bytes=3)  # type: ignore[arg-type]


def make(services: Services, **request: Any) -> Clip:
    """Ask for a clip and make it in this thread; of reggae, 1 s long and with seed 1 where nothing else is said."""
    asked = {"seconds": 1.0, "seed": 1, **request}
    if not asked.keys() & {"genre", "like", "source", "vary", "follow"}:
        asked["genre"] = {"reggae": 1.0}
    clip = request_clip(asked, owner="local", services=services)
    JobRunner(services).run(clip.job_id)
    return services.clips.get(clip.id)


def heard_track(services: Services, content: bytes) -> str:
    """Id of a track that was uploaded and classified."""
    track = receive_upload(io.BytesIO(content), "song.wav", services=services)
    classify_track(track.id, services=services)
    return track.id
