"""Hearing all recordings of a manifest as the hybrid network does: decoded in separate processes, cached by content."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from datasets.manifest import Manifest, Recording
from features.analysis import AnalysisSettings
from features.cache import FeatureCache, content_key, sha256_of
from features.cores import usable_cores
from features.errors import FeatureError
from features.isolation import AnalyserPool
from models.backbone import PATCH_FRAMES, SEGMENT_HOP_FRAMES, Backbone
from models.errors import ModelError
from models.hybrid_input import HybridInput
from models.listening import Listening, listen

VERSION = "hybrid-1"  # part of every cache key: raise it when the same recording would be heard otherwise
MAX_WINDOWS = 40  # of a recording that are kept, spread evenly: a minute of music, 0.5 MB


@dataclass(frozen=True)
class HeardCorpus:
    """What was heard.

    Attributes
    ----------
    recordings : tuple of Recording
        Those that could be heard, in the manifest's order.
    inputs : tuple of HybridInput
        One for each.
    failures : tuple of (Recording, str)
        Those that could not, and why.
    hours : float
        Length of what was heard.
    """

    recordings: tuple[Recording, ...]
    inputs: tuple[HybridInput, ...]
    failures: tuple[tuple[Recording, str], ...]
    hours: float


def hear_corpus(
    manifest: Manifest,
    backbone: Backbone,
    *,
    cache: FeatureCache | None = None,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> HeardCorpus:
    """Hear every recording; a broken one costs itself only.

    Parameters
    ----------
    manifest : Manifest
        Files to hear.
    backbone : Backbone
        Hears the windows.
    cache : FeatureCache, optional
        Where what was heard is kept by content.
    jobs : int, optional
        Recordings at the same time; one per core by default.
    progress : callable, optional
        Called with the number of recordings that are done and that there are.

    Raises
    ------
    ModelError
        If not one recording could be heard; the message has the first reason.
    """
    jobs = jobs or usable_cores()
    done = 0
    lock = threading.Lock()

    def hear(recording: Recording) -> tuple[HybridInput, float] | str:
        nonlocal done
        try:
            return _hear(recording, backbone, pool, cache)
        except (FeatureError, OSError) as error:
            return str(error)
        finally:
            with lock:
                done += 1
                if progress is not None:
                    progress(done, len(manifest))

    with AnalyserPool(jobs) as pool, ThreadPoolExecutor(jobs) as threads:
        answers = list(threads.map(hear, manifest))
    heard = [(r, a) for r, a in zip(manifest, answers, strict=True) if not isinstance(a, str)]
    failures = tuple((r, a) for r, a in zip(manifest, answers, strict=True) if isinstance(a, str))
    if not heard:
        reason = f"{failures[0][0].path}: {failures[0][1]}" if failures else "it lists none"
        raise ModelError(f"{manifest.name}: no recording could be heard ({reason})")
    return HeardCorpus(
        recordings=tuple(recording for recording, _ in heard),
        inputs=tuple(answer[0] for _, answer in heard),
        failures=failures,
        hours=sum(answer[1] for _, answer in heard) / 3600,
    )


def log_mel_patches(recordings: Sequence[Recording], n_patches: int, *, jobs: int | None = None) -> list[np.ndarray]:
    """Log-mel of patches spread evenly over each recording, for training a backbone.

    Parameters
    ----------
    recordings : sequence of Recording
        Those that `hear_corpus` could hear.
    n_patches : int
        Of each, fewer where it is shorter.
    jobs : int, optional
        Recordings at the same time; one per core by default.

    Returns
    -------
    list of np.ndarray, each (n, 187, 96), float16
        A recording shorter than a patch is repeated until it fills it.
    """
    jobs = jobs or usable_cores()

    def cut(recording: Recording) -> np.ndarray:
        with pool.analyse(recording.path, AnalysisSettings(attributes=False)) as run:
            log_mel = np.concatenate(list(run))
        if len(log_mel) < PATCH_FRAMES:
            log_mel = np.take(log_mel, np.arange(PATCH_FRAMES), axis=0, mode="wrap")
        starts = np.unique(np.linspace(0, len(log_mel) - PATCH_FRAMES, n_patches).round().astype(int))
        return np.stack([log_mel[start : start + PATCH_FRAMES] for start in starts]).astype(np.float16)

    with AnalyserPool(jobs) as pool, ThreadPoolExecutor(jobs) as threads:
        return list(threads.map(cut, recordings))


def _hear(
    recording: Recording, backbone: Backbone, pool: AnalyserPool, cache: FeatureCache | None
) -> tuple[HybridInput, float]:
    key = content_key(sha256_of(recording.path).encode(), VERSION, backbone.identity)
    arrays = cache.get(key) if cache is not None else None
    if arrays is None:
        with pool.analyse(recording.path, AnalysisSettings(scalogram=True)) as run:
            heard = listen(run, backbone, patch_hop=SEGMENT_HOP_FRAMES)
        arrays = _kept(heard)
        if cache is not None:
            cache.put(key, arrays)
    duration_s = float(arrays.pop("duration_s"))
    return HybridInput(**arrays), duration_s


def _kept(heard: Listening) -> dict[str, np.ndarray]:
    """Windows that sound, or all where none does, at most `MAX_WINDOWS` of them."""
    sounding = np.flatnonzero(heard.sounding) if heard.sounding.any() else np.arange(len(heard.sounding))
    chosen = sounding[np.unique(np.linspace(0, len(sounding) - 1, MAX_WINDOWS).round().astype(int))]
    kept = HybridInput.of(heard)[chosen]
    names = ("taggram", "embedding", "scalogram", "attributes")
    arrays = {name: getattr(kept, name) for name in names if getattr(kept, name) is not None}
    return arrays | {"duration_s": np.array(float(heard.analysis.info.duration_s or 0.0))}
