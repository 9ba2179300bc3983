"""The engine room of one process: the classifier, the processes that decode for it, the feature cache.

It is built empty and fills itself at the first use or by `warm_up`; every method may be called from
several threads. Decoding happens in separate processes with limits: nothing that a user sends is
parsed where the service runs.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from features.audio import AudioInfo
from features.cache import FeatureCache, content_key, sha256_of
from features.isolation import AnalyserPool
from models.classification import Classification
from models.track_summary import BACKBONE, TrackSummary, summarise
from service.errors import Cancelled
from service.settings import Settings

if TYPE_CHECKING:
    from models.classifier import GenreClassifier
    from models.listening import Listening

REHEARSAL_SR = 22050  # Hz
REHEARSAL_SAMPLES = 20 * REHEARSAL_SR  # more than one block, so that a process can be kept half-way
LISTENING_VERSION = "2"  # part of every cache key: raise it when the same recording would be heard otherwise


@dataclass(frozen=True)
class TrackAnalysis:
    """The answer about a recording, and its waveform for drawing: max |y| per equal slice of time.

    `summary` is what labelling projects need; None where another backbone heard it than theirs.
    """

    classification: Classification
    waveform: np.ndarray
    summary: TrackSummary | None = None


class Engine:
    """Classifies recordings and draws them.

    Parameters
    ----------
    settings : Settings
        Folder of the cache, limits of decoding, number of decoding processes.
    model : str, optional
        Name of the model; the active one by default.
    """

    def __init__(self, settings: Settings, *, model: str | None = None) -> None:
        self._settings = settings
        self._model = model
        self._loaded: tuple[tuple[str, str], GenreClassifier] | None = None
        self._loading = threading.Lock()
        self._warm = False

    @property
    def ready(self) -> bool:
        """Whether the first user would wait for nothing."""
        return self._warm

    @property
    def classifier(self) -> GenreClassifier:
        """The classifier; another one as soon as another model of genres or gate is activated, by whatever process."""
        from models.classifier import GenreClassifier
        from models.registry import ModelRegistry

        registry = ModelRegistry()
        genre = self._model or registry.active("genre").name
        wanted = (genre, registry.active("gate").name)
        with self._loading:
            if self._loaded is None or self._loaded[0] != wanted:
                self._loaded = (wanted, GenreClassifier.load(genre))
            return self._loaded[1]

    @property
    def model_name(self) -> str:
        """Name of the model that answers."""
        return self.classifier.name

    def warm_up(self) -> None:
        """Load the model, compile it and start the decoding processes."""
        _ = self.pool  # its processes start while the model loads
        self.classifier.warm_up()
        self._rehearse()
        self._warm = True

    def classify(
        self,
        path: Path,
        *,
        sha256: str | None = None,
        progress: Callable[[float], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> TrackAnalysis:
        """Name the genre of a file.

        Parameters
        ----------
        path : Path
            The recording.
        sha256 : str, optional
            Hash of its content, where it is known already.
        progress : callable, optional
            Called with the share that is done, 0 to 1.
        cancelled : callable, optional
            Asked now and then whether to stop.

        Raises
        ------
        AudioError
            If the recording cannot be used.
        Cancelled
            If `cancelled` said so.
        """

        def tick(share: float) -> None:
            if cancelled is not None and cancelled():
                raise Cancelled("the classification was cancelled")
            if progress is not None:
                progress(share)

        classifier = self.classifier
        heard = self._listen(classifier, path, sha256, tick)
        return TrackAnalysis(
            classification=classifier.decide(heard),
            waveform=heard.analysis.waveform,
            summary=summarise(heard) if classifier.backbone.identity == BACKBONE else None,
        )

    def summarise(self, path: Path, *, sha256: str | None = None) -> TrackSummary:
        """What labelling projects need of a recording: heard by the published backbone, whichever model answers.

        Raises
        ------
        AudioError
            If the recording cannot be used.
        """
        return summarise(self._listen(self._published, path, sha256, lambda _: None))

    def probe(self, path: Path) -> AudioInfo:
        """What the file says about itself, read in a separate process."""
        return self.pool.probe(path)

    def samples(self, path: Path, *, sr: int, start_s: float, duration_s: float) -> np.ndarray:
        """A part of a recording as mono samples, read in a separate process."""
        return self.pool.samples(path, sr=sr, start_s=start_s, duration_s=duration_s)

    def picture(
        self,
        path: Path,
        kind: Literal["mel", "scalogram"],
        *,
        width: int = 1200,
        height: int = 256,
    ) -> bytes:
        """PNG of the mel spectrogram or the wavelet scalogram, drawn in a separate process."""
        return self.pool.picture(path, kind, width=width, height=height)

    def close(self) -> None:
        """Stop the decoding processes."""
        if "pool" in self.__dict__:
            self.pool.close()

    @property
    def _published(self) -> GenreClassifier:
        """A classifier whose backbone is the published one: the active one, if it has it."""
        active = self.classifier
        return active if active.backbone.identity == BACKBONE else self._shipped

    @cached_property
    def _shipped(self) -> GenreClassifier:
        from models.classifier import GenreClassifier
        from models.registry import SHIPPED_ACTIVE

        return GenreClassifier.load(SHIPPED_ACTIVE["genre"])

    @cached_property
    def pool(self) -> AnalyserPool:
        """The processes that decode."""
        return AnalyserPool(
            self._settings.decode_workers,
            memory_mb=self._settings.decode_memory_mb,
            total_s=self._settings.decode_timeout_s,
        )

    @cached_property
    def cache(self) -> FeatureCache:
        """What was heard before."""
        return FeatureCache(self._settings.data_dir / "cache", max_bytes=self._settings.cache_max_mb * 2**20)

    def _rehearse(self) -> None:
        """Take every decoding process through a recording, as each pays for its imports at the first one."""
        import soundfile

        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            path = Path(folder) / "rehearsal.wav"
            noise = np.random.default_rng(0).standard_normal(REHEARSAL_SAMPLES).astype(np.float32)
            soundfile.write(path, 0.1 * noise, REHEARSAL_SR)
            runs = [stack.enter_context(self.pool.analyse(path)) for _ in range(self._settings.decode_workers)]
            for run in runs:
                next(run)  # each holds a process from here on, so that none is left out
            for run in runs:
                self.classifier.listen(run)

    def _listen(
        self, classifier: GenreClassifier, path: Path, sha256: str | None, tick: Callable[[float], None]
    ) -> Listening:
        from models.listening import Listening

        content = (sha256 or sha256_of(path)).encode()  # its hash stands for it
        settings = replace(classifier.analysis_settings, max_duration_s=self._settings.max_duration_s)
        views = "scalogram" if settings.scalogram else ""
        key = content_key(content, LISTENING_VERSION, classifier.backbone.identity, views)
        if (arrays := self.cache.get(key)) is not None:
            return Listening.from_arrays(arrays)
        with self.pool.analyse(path, settings) as run:
            heard = classifier.listen(run, progress=tick)
        self.cache.put(key, heard.to_arrays())
        return heard
