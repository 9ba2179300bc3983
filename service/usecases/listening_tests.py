"""A blind listening test is made: every sound as long, as loud and as nameless as the others."""

import io
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from features.mastering import gain_to_target, loudness_of, master
from models.errors import ModelError
from models.evaluation.listening_test import Item, session
from service.errors import Invalid
from service.storage.blobs import Readable
from service.storage.ids import new_id
from service.storage.listening_tests import ListeningSettings, ListeningTest, Sound
from service.storage.tracks import blob_key
from service.usecases.clips import SOUND_FORMAT

if TYPE_CHECKING:
    from service.services import Services

SR = 44_100  # of all sounds: none is told by its sampling rate
TARGET_LUFS = -23.0  # EBU R 128: nothing has to be limited
FADE_S = 0.05
MAX_SOUND_BYTES = 1 << 26


def create_listening_test(request: Mapping[str, Any], *, services: "Services") -> ListeningTest:
    """Make a listening test of recordings of the library and takes of clips.

    Of each, a copy is kept that is mono, cut to the same length, equally loud and without tags, so that nothing but
    the sound tells systems apart, and that stays when the recording is deleted.

    Parameters
    ----------
    request : mapping
        As in the HTTP contract, its types checked.
    services : Services
        Where the recordings are.

    Raises
    ------
    NotFound
        If there is no such track, clip or take.
    Invalid
        If an item names none or both, or no two systems can be compared.
    AudioError
        If a recording cannot be used.
    """
    settings = ListeningSettings(
        aspect=request["aspect"],
        n_pairs=request["pairs"],
        n_ratings=request["ratings"],
        n_repeats=request["repeats"],
        seconds=request["seconds"],
        seed=secrets.randbelow(2**31) if request.get("seed") is None else request["seed"],
    )
    items = request["items"]
    _check_design(items, settings)
    sources = [_source(item, services) for item in items]
    sounds: list[Sound] = []
    try:
        for item, (key, source) in zip(items, sources, strict=True):
            sounds.append(_sound(item, key, source, seconds=settings.seconds, services=services))
        return services.listening_tests.create(new_id(), request["name"], settings=settings, sounds=sounds)
    except BaseException:
        for sound in sounds:
            services.blobs.delete(sound.blob)
        raise


def delete_listening_test(test_id: str, *, services: "Services") -> None:
    """Take a test away, with its answers and sounds. Raises NotFound."""
    for key in services.listening_tests.delete(test_id):
        services.blobs.delete(key)


def _check_design(items: Sequence[Mapping[str, Any]], settings: ListeningSettings) -> None:
    if settings.n_pairs + settings.n_ratings == 0:
        raise Invalid("pairs=0 and ratings=0: expected at least one question.")
    if settings.aspect == "genre" and not all(item["topic"] for item in items):
        raise Invalid("aspect='genre': every item needs a `topic`, the genre that it should be like.")
    named = [Item(str(number), item["system"], item["topic"]) for number, item in enumerate(items)]
    if len({item.system for item in named}) < 2:
        raise Invalid("items of one system only: expected two systems or more.")
    try:
        session(
            named,
            n_pairs=settings.n_pairs,
            n_ratings=settings.n_ratings,
            n_repeats=settings.n_repeats,
            listener=0,
            seed=settings.seed,
        )
    except ModelError as error:
        raise Invalid(f"items: {error}.") from error


def _source(item: Mapping[str, Any], services: "Services") -> tuple[str, dict[str, Any]]:
    """Key of the content, and what it is, of an item's track or take."""
    match item:
        case {"track": str(track_id), **rest} if "clip" not in rest and "take" not in rest:
            track = services.tracks.get(track_id)
            return track.blob, {"track": track.id, "filename": track.filename}
        case {"clip": str(clip_id), **rest} if "track" not in rest:
            number = rest.get("take", 0)
            services.clips.get(clip_id).take(number)
            file = services.clips.file(clip_id, number, SOUND_FORMAT)
            assert file is not None  # a take comes with it
            return file.blob, {"clip": clip_id, "take": number}
    raise Invalid(f"item of the system {item['system']!r}: expected either `track`, or `clip` and `take`.")


def _sound(item: Mapping[str, Any], key: str, source: dict[str, Any], *, seconds: float, services: "Services") -> Sound:
    with services.blobs.local(key) as path:
        y = services.engine.samples(path, sr=SR, start_s=item["start_s"], duration_s=seconds)
    if not y.size:
        raise Invalid(f"start_s={item['start_s']:g} is behind the end of {source.get('filename', source)}.")
    sound_id = new_id()
    with services.blobs.stage(_flac(y), max_bytes=MAX_SOUND_BYTES) as staged:
        services.blobs.keep(staged, blob_key(sound_id))
    return Sound(sound_id, item["system"], item["topic"], source | {"start_s": item["start_s"]}, staged.size_bytes)


def _flac(y: np.ndarray) -> Readable:
    """The sound at the common loudness, in a file without a word about it."""
    gain_db = gain_to_target(loudness_of([y], SR), target_lufs=TARGET_LUFS)
    finished = master([y], sr=SR, n_samples=y.size, gain_db=gain_db, fade_in_s=FADE_S, fade_out_s=FADE_S)
    file = io.BytesIO()
    soundfile.write(file, np.concatenate([*finished]), SR, format="FLAC", subtype="PCM_16")
    file.seek(0)
    return file
