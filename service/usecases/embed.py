"""Tag activations and embeddings of many recordings, as one .npz file that other tools read."""

import errno
import os
import tempfile
import threading
import zipfile
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.analysis import AnalysisSettings
from features.errors import AudioError, ClipTooShort
from service.usecases.find_recordings import Found

if TYPE_CHECKING:
    from features.isolation import AnalyserPool
    from models.backbone import Backbone, PatchActivations

PATCH_FRAMES = 187  # frames of log-mel that the backbone hears at once, 3 s


@dataclass(frozen=True)
class Embedded:
    """A recording whose arrays were written under `key`, or the reason why there are none."""

    path: Path
    key: str
    duration_s: float = 0.0
    error: BaseException | None = None


def embed_files(
    found: Sequence[Found],
    *,
    out: Path,
    backbone: "Backbone",
    pool: "AnalyserPool",
    jobs: int = 2,
    max_duration_s: float | None = None,
) -> Generator[Embedded, None, None]:
    """Write `<key>/taggram` [n, 50], `<key>/embedding` [n, 200] and `<key>/times` [n] (s) of each recording.

    Patches are 187 frames (3 s), one after the other; what is left at the end is not heard. The file appears
    when all are done, in one step; it is not written where no recording succeeded.

    Parameters
    ----------
    found : sequence of Found
        The recordings.
    out : Path
        The .npz file; one that is there is replaced.
    backbone : Backbone
        Hears the patches.
    pool : AnalyserPool
        Decodes in processes of its own.
    jobs : int
        Recordings at the same time.
    max_duration_s : float, optional
        Longest recording that is taken.

    Yields
    ------
    Embedded
        One for each of `found`, in order.

    Raises
    ------
    OSError
        If `out` cannot be written; nothing is left behind.
    """
    keys = distinct_names([item.path for item in found])
    settings = AnalysisSettings(attributes=False, max_duration_s=max_duration_s)
    network = threading.Lock()
    stop = threading.Event()

    def listen(path: Path) -> "tuple[float, PatchActivations]":
        frames = 0
        stream = backbone.stream(patch_hop=PATCH_FRAMES)
        with pool.analyse(path, settings) as run:
            for chunk in run:
                if stop.is_set():
                    break
                frames += len(chunk)
                with network:
                    stream.push(chunk)
            if frames < PATCH_FRAMES:
                raise ClipTooShort(f"{frames / 62.5:.1f} s of audio, the backbone needs 3.0 s or more")
            with network:
                return run.result.info.duration_s or 0.0, stream.finish()

    with _replacing(out) as archive, ThreadPoolExecutor(jobs + 1) as threads:
        waiting: deque[Future[Any] | None] = deque()
        ahead = iter(found)

        def start_next() -> None:
            for item in ahead:
                waiting.append(None if item.error else threads.submit(listen, item.path))
                return

        try:
            for _ in range(2 * (jobs + 1)):
                start_next()
            for item, key in zip(found, keys, strict=True):
                future = waiting.popleft()
                start_next()
                if future is None:
                    yield Embedded(item.path, key, error=item.error)
                elif (error := future.exception()) is not None:
                    if not isinstance(error, AudioError):
                        raise error
                    yield Embedded(item.path, key, error=error)
                else:
                    duration_s, heard = future.result()
                    _write_array(archive, f"{key}/taggram", heard.taggram)
                    _write_array(archive, f"{key}/embedding", heard.embedding)
                    _write_array(archive, f"{key}/times", heard.times_s)
                    yield Embedded(item.path, key, duration_s)
        finally:
            stop.set()
            threads.shutdown(cancel_futures=True)


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """A name for each path: its last part, with as many folders before it as tell it from the others.

    >>> distinct_names([Path("a/one.mp3"), Path("a/x.mp3"), Path("b/x.mp3")])
    ['one.mp3', 'a/x.mp3', 'b/x.mp3']
    """
    parts = [_parts(path) for path in paths]
    taken = [1] * len(paths)
    while True:
        names = ["/".join(part[-n:]) for part, n in zip(parts, taken, strict=True)]
        counts = Counter(names)
        grow = [i for i, name in enumerate(names) if counts[name] > 1 and taken[i] < len(parts[i])]
        if not grow:
            return names
        for i in grow:
            taken[i] += 1


def _parts(path: Path) -> list[str]:
    whole = Path(os.path.abspath(path))
    return [os.fsencode(part).decode("utf-8", "replace") for part in whole.parts if part != whole.anchor]


@contextmanager
def _replacing(out: Path) -> Iterator[zipfile.ZipFile]:
    """An archive beside `out` that takes its place when all went well and something is in it."""
    if out.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(out))
    descriptor, name = tempfile.mkstemp(prefix=".genrelab-", suffix=".npz", dir=out.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                yield archive
            file.flush()
            os.fsync(file.fileno())
        if archive.namelist():
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, out)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(out)) from None
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def _write_array(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
