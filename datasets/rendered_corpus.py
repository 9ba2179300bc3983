"""The rendered corpus: hours of music by our own composers, every clip with genre, tempo, key, seed and licence.

`FOLDER/<genre>/<genre>-<seed>.flac`, `FOLDER/manifest.jsonl`, and `FOLDER/render.json` with the settings that all clips
of the folder share. The clips of a seed are the same however many processes render them. Clips are split by composer's
seed and by instrument: test clips are played on presets that no training clip has (`composers.instruments.HELD_OUT`).
"""

import json
import math
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.composers import GENRES, SECONDS, compose, make_brief, style_of
from datasets.composers.instruments import Side
from datasets.composers.style import Brief
from datasets.errors import DatasetError
from datasets.manifest import MANIFEST_FILE, Manifest, Recording, write_manifest
from datasets.midi_file import midi_bytes
from datasets.rendering import SR, find_sound_font, render
from features.cache import sha256_of
from features.cores import usable_cores

LICENCE = "Apache-2.0 (composition and rendering), MIT (FluidR3_GM sound font)"
SETTINGS_FILE = "render.json"
CLIP_S = 30.0
SPLITS = ("train",) * 7 + ("validation",) + ("test",) * 2  # by number of the clip within its genre
SEED_STRIDE = 1_000_000  # clips of two corpora with different seeds have no composer's seed in common
MAX_HOURS = 10_000.0


@dataclass(frozen=True)
class Order:
    """One clip to render."""

    brief: Brief
    split: str
    target: Path


def render_corpus(
    folder: Path,
    *,
    hours: float,
    seed: int = 0,
    genres: Sequence[str] = GENRES,
    clip_s: float = CLIP_S,
    sr: int = SR,
    jobs: int | None = None,
    sound_font: Path | None = None,
    midi: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Manifest:
    """Render a corpus; clips that are there already are kept, so that an interrupted call can be repeated.

    Parameters
    ----------
    folder : Path
        Where to; made if missing.
    hours : float
        Length of all clips together, rounded up to whole clips, the same number for each genre.
    seed : int
        Another seed gives other songs; 0 to 999.
    genres : sequence of str
        Of `composers.GENRES`.
    clip_s : float
        Length of a clip.
    sr : int
        Sampling rate in Hz.
    jobs : int, optional
        Processes; one per core by default.
    sound_font : Path, optional
        See `rendering.find_sound_font`.
    midi : bool
        Whether the score of each clip is written beside it, as a `.mid` of the same name.
    progress : callable, optional
        Called with the number of clips that are done and that there are. What it raises ends the work.

    Returns
    -------
    Manifest
        As written to `folder/manifest.jsonl`.

    Raises
    ------
    DatasetError
        If a value is outside its range, the folder holds clips that were made with other settings, or rendering
        fails. More hours than before are welcome: the songs of a seed go on where they stopped.
    RendererMissing
        If FluidSynth or the sound font is missing.
    """
    font = find_sound_font(sound_font)
    orders = plan(folder, hours=hours, seed=seed, genres=genres, clip_s=clip_s)
    if not 8000 <= sr <= 96000:
        raise DatasetError(f"sr={sr}: expected 8,000 to 96,000 Hz")
    settings = {"seed": seed, "genres": list(genres), "clip_s": clip_s, "sr": sr, "sound_font": sha256_of(font)}
    _claim(folder, settings, orders)
    todo = [order for order in orders if not order.target.is_file()]
    done = len(orders) - len(todo)
    if progress is not None:
        progress(done, len(orders))
    for order in todo:
        order.target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _pool(jobs or usable_cores()) as pool:
            for finished in as_completed([pool.submit(render_clip, order, font, sr) for order in todo]):
                finished.result()
                done += 1
                if progress is not None:
                    progress(done, len(orders))
    except BrokenProcessPool as error:
        raise DatasetError(
            f"{folder}: a process that renders was ended, perhaps for lack of memory; the same call with fewer jobs "
            "goes on"
        ) from error
    if midi:
        for order in orders:
            _write_whole(order.target.with_suffix(".mid"), midi_bytes(compose(order.brief)))
    manifest = Manifest(f"rendered-{seed}", tuple(_recording(order) for order in orders))
    write_manifest(manifest, folder / MANIFEST_FILE)
    return manifest


def plan(folder: Path, *, hours: float, seed: int, genres: Sequence[str], clip_s: float) -> list[Order]:
    """The clips of a corpus, genre by genre.

    Raises
    ------
    DatasetError
        If a value is outside its range.
    """
    if not (math.isfinite(hours) and 0 < hours <= MAX_HOURS):
        raise DatasetError(f"hours={hours}: expected more than 0, at most {MAX_HOURS:g}")
    if not 0 <= seed < 1000:
        raise DatasetError(f"seed={seed}: expected 0 to 999")
    if not SECONDS[0] <= clip_s <= SECONDS[1]:
        raise DatasetError(f"clip_s={clip_s}: expected {SECONDS[0]:g} to {SECONDS[1]:g} s")
    if not genres or len(set(genres)) != len(genres):
        raise DatasetError(f"genres {', '.join(genres) or 'none'}: expected each at most once, and at least one")
    for genre in genres:
        style_of(genre)
    n_clips = max(1, math.ceil(hours * 3600 / clip_s / len(genres)))
    orders = []
    for genre in genres:
        for index in range(n_clips):
            split = SPLITS[index % len(SPLITS)]
            side: Side = "held_out" if split == "test" else "training"
            composer_seed = seed * SEED_STRIDE + index
            brief = make_brief(genre, composer_seed, seconds=clip_s, instruments=side)
            orders.append(Order(brief, split, folder / genre / f"{genre}-{composer_seed:09d}.flac"))
    return orders


def render_clip(order: Order, sound_font: Path, sr: int) -> None:
    """Compose, play and write one clip; the file is there as a whole or not at all."""
    import soundfile

    brief = order.brief
    y = render(compose(brief), seconds=brief.seconds, sound_font=sound_font, seed=brief.seed, sr=sr)
    draft = order.target.with_name(f".{order.target.name}.{os.getpid()}")
    try:
        soundfile.write(draft, y, sr, format="FLAC", subtype="PCM_16")
        draft.replace(order.target)
    except soundfile.LibsndfileError as error:
        raise DatasetError(f"{order.target}: cannot be written ({error}); look for a full disk") from error
    finally:
        draft.unlink(missing_ok=True)


def _claim(folder: Path, settings: dict[str, Any], orders: Sequence[Order]) -> None:
    """Write down with which settings the folder's clips are made; refuse a folder whose clips are made otherwise."""
    if folder.exists() and not folder.is_dir():
        raise DatasetError(f"{folder}: a file lies there; give a folder")
    path = folder / SETTINGS_FILE
    if not path.exists():
        if (folder / MANIFEST_FILE).exists() or any(order.target.exists() for order in orders):
            raise DatasetError(f"{folder}: holds a corpus already, made with unknown settings; give another folder")
        folder.mkdir(parents=True, exist_ok=True)
        _write_whole(path, (json.dumps(settings, indent=1) + "\n").encode())
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{path}: no settings can be read there ({error}); give another folder") from error
    if not isinstance(found, dict) or set(found) != set(settings):
        raise DatasetError(f"{path}: expected an object with {', '.join(settings)}; give another folder")
    for name, value in settings.items():
        if found[name] != value:
            raise DatasetError(
                f"{folder}: its clips are made with {name}={_words(found[name])}, not {_words(value)}; give that, or "
                "another folder"
            )


def _words(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _write_whole(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _recording(order: Order) -> Recording:
    brief = order.brief
    song = compose(brief)  # composing is quick; only playing takes time
    return Recording(
        path=order.target,
        label=brief.genre,
        artist=f"composer {brief.genre} {brief.seed}",
        licence=LICENCE,
        split=order.split,
        sha256=sha256_of(order.target),
        details={"seed": brief.seed, "energy": brief.energy, "instruments_side": brief.instruments, **song.facts()},
    )


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    import multiprocessing

    # "spawn": the caller may have threads, which a forked child would not survive.
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_ignore_interrupts)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle: clips under way are finished
