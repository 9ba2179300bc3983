"""A clip is asked for, made take by take, read in other formats, and goes."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
import structlog

from features.analysis import WaveformPeaks
from features.clip_file import FULL_SCALE, pcm16, read_provenance, write_clip
from features.errors import FeatureError
from features.log_mel import SR
from models import clip as made_clips
from models.clip_wish import SECONDS, ClipWish
from models.errors import ModelError
from service.errors import Cancelled, NotFound
from service.storage.blobs import Staged
from service.storage.clips import SOUND_FORMAT, Clip, NewClip, NewTake, TakeFile, TakePlan
from service.storage.ids import new_id
from service.storage.tracks import blob_key
from service.usecases.clip_plans import plan_clip
from service.usecases.generate import genre_agreement, genres_heard, provenance_of, source_account
from service.usecases.tracks import called

if TYPE_CHECKING:
    from service.services import Services

GENERATE = "generate"  # kind of the job
MADE_SHARE = 0.9  # of the work on a take; the rest is hearing and writing it
BLOCK_SAMPLES = 1 << 17
MAX_FILE_BYTES = 1 << 28

log = structlog.stdlib.get_logger(__name__)


def request_clip(request: Mapping[str, Any], *, owner: str, services: "Services") -> Clip:
    """Have a clip made by a job.

    Parameters
    ----------
    request : mapping
        As in the HTTP contract, its types checked.
    owner : str
        Whose clip it will be.
    services : Services
        Where it is made.

    Raises
    ------
    BadWish, Invalid, Conflict, NotFound
        As `service.usecases.clip_plans.plan_clip`.
    ModelError
        If there is no generator that could make it.
    TooBusy
        If as many clips wait already as the settings allow.
    """
    seed, takes = plan_clip(request, services=services)
    _ = services.generation.card
    clip = NewClip(id=new_id(), owner=owner, request={**request, "seed": seed}, takes=takes)
    services.jobs.submit_clip(GENERATE, clip, most_waiting=services.settings.clip_max_waiting)
    return services.clips.get(clip.id)


def make_clip(
    clip_id: str,
    *,
    services: "Services",
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Make the takes of a clip that are not there yet, each kept as soon as it is made.

    Parameters
    ----------
    clip_id : str
        Which one.
    services : Services
        Where it is.
    progress : callable, optional
        Called with the share that is done, 0 to 1.
    cancelled : callable, optional
        Asked several times a second whether to stop.

    Returns
    -------
    dict
        "clip", its id, and "takes", how many it has.

    Raises
    ------
    NotFound
        If it was deleted, or what it starts from.
    ModelError, FeatureError
        If it cannot be made.
    Cancelled
        If `cancelled` said so; takes that were finished stay.
    """
    clip = services.clips.begin(clip_id)
    present = {take.number for take in clip.takes}
    for number, plan in enumerate(clip.plan):
        if number in present:
            continue

        def tick(share: float, *, number: int = number) -> None:
            if cancelled is not None and cancelled():
                raise Cancelled("the clip was cancelled")
            if progress is not None:
                progress((number + share) / len(clip.plan))

        tick(0.0)
        _make_take(clip_id, number, plan, services=services, tick=tick)
    clip = services.clips.finish(clip_id)
    return {"clip": clip.id, "takes": len(clip.takes)}


def sound_file(clip_id: str, number: int, format: str, *, services: "Services") -> TakeFile:
    """The file of a take in a format; it is made of the FLAC file when it is asked for the first time.

    Raises
    ------
    NotFound
        If there is no such take.
    """
    present = services.clips.file(clip_id, number, format)
    if present is not None:
        return present
    source = services.clips.file(clip_id, number)
    assert source is not None  # a take comes with it
    with services.blobs.local(source.blob) as path, tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"take.{format}"
        write_clip(target, _blocks_of(path), sr=soundfile.info(path).samplerate, provenance=read_provenance(path))
        with _kept(target, services) as (file_id, staged):
            file = services.clips.add_file(clip_id, number, format, file_id=file_id, staged=staged)
            if file.id != file_id:
                services.blobs.delete(blob_key(file_id))
    return file


def delete_clip(clip_id: str, *, services: "Services") -> None:
    """Take a clip and its takes away; a job about it is cancelled.

    Raises
    ------
    NotFound
        If there is no such clip.
    """
    for key in services.clips.delete(clip_id):
        services.blobs.delete(key)


def prune_clips(*, services: "Services") -> int:
    """Delete clips that are older than the settings say; returns how many."""
    days = services.settings.clip_days
    old = services.clips.older_than(timedelta(days=days)) if days else ()
    for clip_id in old:
        with suppress(NotFound):  # its owner was faster
            delete_clip(clip_id, services=services)
    return len(old)


def _make_take(
    clip_id: str, number: int, plan: TakePlan, *, services: "Services", tick: Callable[[float], None]
) -> None:
    generator = services.generation.generator
    wish = ClipWish.from_dict(plan.wish)
    source, account = None, None
    if plan.source is not None:
        with _recording(plan.source, services) as (path, own_codes):
            source = _source(plan.source, path, own_codes, services=services)
            account = source_account(
                path, **{name: plan.source[name] for name in ("use", "start_s", "end_s", "strength")}
            )
            if own_codes is not None:  # then the file alone does not make the clip again
                account["codes_sha256"] = hashlib.sha256(own_codes.astype("<u2").tobytes()).hexdigest()
    clip = generator.make(wish, source=source, progress=lambda share: tick(MADE_SHARE * share))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "take.wav"
        peaks = WaveformPeaks()
        with soundfile.SoundFile(path, "w", clip.sr, 1, "PCM_16") as file:
            for block in clip.blocks():
                tick(MADE_SHARE)
                peaks.push(block)
                file.write(pcm16(block))
        agreement = _agreement(clip, path, services=services, tick=tick)
        provenance = provenance_of(clip, genre_agreement=agreement, source=account)
        target = Path(folder) / f"take.{SOUND_FORMAT}"
        write_clip(target, _blocks_of(path), sr=clip.sr, provenance=provenance)
        take = NewTake(
            number=number,
            seconds=clip.n_samples / clip.sr,
            genre_agreement=agreement,
            report=clip.report,
            codes=clip.codes,
            waveform=peaks.result(),
        )
        tick(1.0)
        with _kept(target, services) as (file_id, staged):
            if not services.clips.add_take(clip_id, take, file_id=file_id, staged=staged):
                services.blobs.delete(blob_key(file_id))


def _agreement(
    clip: made_clips.Clip, path: Path, *, services: "Services", tick: Callable[[float], None]
) -> float | None:
    """How far the house classifier agrees with the wish; where there is none to ask, nobody knows."""
    try:
        answer = services.engine.classify(path, progress=lambda _: tick(MADE_SHARE)).classification
    except (ModelError, FeatureError) as error:
        log.warning("a take was not heard", error=type(error).__name__, reason=str(error))
        return None
    return genre_agreement(clip.wish.genre, genres_heard(answer))


@contextmanager
def _recording(source: Mapping[str, Any], services: "Services") -> Iterator[tuple[Path, np.ndarray | None]]:
    """The file that a take starts from, and the codes of what it varies, if this generator drew them."""
    if "track" in source:
        track = services.tracks.get(source["track"])
        with services.blobs.local(track.blob) as path, called(track.filename, path.name):
            yield path, None
        return
    take = services.clips.get(source["clip"]).take(source["take"])
    file = services.clips.file(take.clip_id, take.number)
    assert file is not None  # a take comes with it
    own = source["use"] == "vary" and take.report["generator"] == services.generation.card["sha256"]
    with services.blobs.local(file.blob) as path:
        yield path, services.clips.codes(take.clip_id, take.number) if own else None


def _source(source: Mapping[str, Any], path: Path, own_codes: np.ndarray | None, *, services: "Services") -> Any:
    """What the generator starts from. Only the part that is needed is read, in a separate process."""
    whole = source["seconds"] <= SECONDS[1]  # the plan of a part is heard better in the whole
    offset_s = 0.0 if whole else source["start_s"]
    length_s = (source["seconds"] if whole else source["end_s"]) - offset_s
    y = services.engine.samples(path, sr=SR, start_s=offset_s, duration_s=length_s)
    heard = services.generation.generator.source_of(
        y,
        sr=SR,
        use=source["use"],
        start_s=source["start_s"] - offset_s,
        end_s=min(source["end_s"] - offset_s, y.size / SR),  # a header may promise more than there is
        strength=source["strength"],
    )
    if own_codes is None:
        return heard
    n_frames = heard.codes.shape[1]  # a clip has a frame more than can be heard of it
    return replace(heard, codes=own_codes[:, :n_frames])  # as they were drawn, not as they sound


def _blocks_of(path: Path) -> Iterator[np.ndarray]:
    """Samples of a file with 16-bit values."""
    with soundfile.SoundFile(path) as file:
        while len(block := file.read(BLOCK_SAMPLES, dtype="int16")):
            yield block / np.float64(FULL_SCALE)


@contextmanager
def _kept(path: Path, services: "Services") -> Iterator[tuple[str, Staged]]:
    """Content in the blob store under a new id, which is taken back where the body cannot use it."""
    file_id = new_id()
    with open(path, "rb") as file, services.blobs.stage(file, max_bytes=MAX_FILE_BYTES) as staged:
        services.blobs.keep(staged, blob_key(file_id))
    try:
        yield file_id, staged
    except BaseException:
        services.blobs.delete(blob_key(file_id))
        raise
