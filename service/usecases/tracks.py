"""A recording comes in, is heard, and goes."""

import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from features.errors import AudioError, AudioTooLong
from service.storage.blobs import Readable
from service.storage.ids import new_id
from service.storage.tracks import Track, blob_key

if TYPE_CHECKING:
    from service.services import Services

MAX_NAME = 200
BATCH = 500  # ids in one question to the database
UNNAMED = "recording"
JOINERS = "\u200c\u200d"  # invisible, and part of words in several scripts


def receive_upload(stream: Readable, filename: str, *, services: "Services") -> Track:
    """Take a recording into the library; nothing stays of one that cannot be used.

    The same content uploaded twice makes two tracks: each has a name, a date and an end of its own. It is heard
    once, because the engine knows it by its hash.

    Parameters
    ----------
    stream : Readable
        The recording, read once.
    filename : str
        Its name, for people only.
    services : Services
        Where it goes.

    Returns
    -------
    Track
        In the state "queued": the caller has it classified, at once or by a job.

    Raises
    ------
    PayloadTooLarge
        If it has more bytes than the settings allow.
    AudioError
        If it is no recording, or a longer one than the settings allow.
    StorageFull
        If there is no room for it.
    """
    settings = services.settings
    name = display_name(filename)
    track_id = new_id()
    key = blob_key(track_id)
    with services.blobs.stage(stream, max_bytes=settings.max_upload_mb << 20) as staged:
        with called(name, staged.path.name):
            info = services.engine.probe(staged.path)
        if info.duration_s is not None and info.duration_s > settings.max_duration_s:
            raise AudioTooLong(
                f"{name}: {info.duration_s:.0f} s of audio, the limit is {settings.max_duration_s:.0f} s. "
                "Cut it into parts."
            )
        services.blobs.keep(staged, key)
    try:
        return services.tracks.add(
            id=track_id,
            filename=name,
            sha256=staged.sha256,
            size_bytes=staged.size_bytes,
            duration_s=info.duration_s,
            sample_rate=info.sample_rate,
            channels=info.channels,
            format=info.format,
        )
    except BaseException:
        services.blobs.delete(key)
        raise


def classify_track(
    track_id: str,
    *,
    services: "Services",
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Hear a recording of the library, and keep the answer.

    Parameters
    ----------
    track_id : str
        Which one.
    services : Services
        Where it is.
    progress : callable, optional
        Called with the share that is done, 0 to 1.
    cancelled : callable, optional
        Asked now and then whether to stop.

    Returns
    -------
    dict
        The answer as the HTTP contract gives it.

    Raises
    ------
    NotFound
        If there is no such track.
    AudioError
        If the recording cannot be used after all.
    Cancelled
        If `cancelled` said so.
    """
    track = services.tracks.get(track_id)
    services.tracks.begin(track_id)
    with services.blobs.local(track.blob) as path, called(track.filename, path.name):
        heard = services.engine.classify(path, sha256=track.sha256, progress=progress, cancelled=cancelled)
    answer = services.tracks.save(track_id, heard.classification, heard.waveform).classification
    if (summary := heard.summary) is not None:
        services.features.put(track_id, summary.backbone, summary.vector, start_s=summary.start_s)
    assert answer is not None
    return answer


def delete_track(track_id: str, *, services: "Services") -> None:
    """Take a recording, its answers and its content away; jobs about it are cancelled.

    Raises
    ------
    NotFound
        If there is no such track.
    """
    services.blobs.delete(services.tracks.delete(track_id))


def remove_orphans(*, services: "Services", older_than: timedelta) -> int:
    """Remove content that nothing here has, which a process left that was killed in the middle; returns how many.

    Parameters
    ----------
    services : Services
        Where to look.
    older_than : timedelta
        What came later is left alone, for what has it may be about to be written.
    """
    removed = 0
    for batch in _batches(services.blobs.keys(older_than=older_than)):
        ids = {key.rpartition("/")[2]: key for key in batch}
        wanted = services.tracks.known(ids.keys()) | services.clips.known_files(ids.keys())
        for orphan in ids.keys() - wanted - services.listening_tests.known_sounds(ids.keys()):
            services.blobs.delete(ids[orphan])
            removed += 1
    return removed


def display_name(filename: str) -> str:
    """The last part of a file name, as it can be shown anywhere: one line, no more than `MAX_NAME` characters."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    shown = "".join(
        character
        for character in unicodedata.normalize("NFC", last)
        if character in JOINERS or unicodedata.category(character)[0] != "C"
    )
    words = " ".join(shown.split()).strip(" .") or UNNAMED
    if len(words) <= MAX_NAME:
        return words
    stem, dot, extension = words.rpartition(".")
    if not stem or len(extension) > 10:
        return words[:MAX_NAME]
    return stem[: MAX_NAME - len(extension) - 1] + dot + extension


@contextmanager
def called(name: str, file: str) -> Iterator[None]:
    """Errors about a file speak of it by the name that its owner knows."""
    try:
        yield
    except AudioError as error:
        raise type(error)(str(error).replace(file, name)) from error


def _batches(keys: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(keys, BATCH)):
        yield batch
