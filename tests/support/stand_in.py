"""An engine without TensorFlow: it decodes for real, and hears the same genre in everything that sounds.

The errors of recordings that cannot be used are therefore the real ones, and the answers are the same in every run.
"""

import hashlib
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from features.analysis import Analysis, AnalysisSettings, analyse
from features.audio import AudioInfo, load, probe
from models.classification import Classification, Evidence, Segment, TagActivation
from models.track_summary import TrackSummary
from service.engine import TrackAnalysis
from service.errors import Cancelled
from tests.support.sound_summaries import summary_of

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
TAGS = ("guitar", "drums", "vocal")
SEGMENT_S, SEGMENT_HOP_S = 3.0, 1.5
TICK_S = 0.05


class StandInEngine:
    """Answers like `service.engine.Engine`, in milliseconds.

    Parameters
    ----------
    seconds : float
        Time that one classification takes, in ticks that report progress and ask for cancellation.
    ready : bool
        Whether it counts as warmed up from the start.
    max_duration_s : float, optional
        Longer recordings are refused.
    genre : str
        What it hears.
    """

    model_name = "stand-in-1"

    def __init__(
        self, *, seconds: float = 0.0, ready: bool = True, max_duration_s: float | None = None, genre: str = "jazz"
    ) -> None:
        self.ready = ready
        self.seconds = seconds
        self.genre = genre
        self.classified: list[str] = []  # SHA-256 of what was classified, in order
        self._settings = AnalysisSettings(attributes=False, max_duration_s=max_duration_s)

    def warm_up(self) -> None:
        self.ready = True

    def close(self) -> None:
        pass

    def probe(self, path: Path) -> AudioInfo:
        return probe(path)

    def classify(
        self,
        path: Path,
        *,
        sha256: str | None = None,
        progress: Callable[[float], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> TrackAnalysis:
        ticks = max(1, round(self.seconds / TICK_S))
        for tick in range(ticks):
            if cancelled is not None and cancelled():
                raise Cancelled("the classification was cancelled")
            if progress is not None:
                progress(tick / ticks)
            time.sleep(self.seconds / ticks)
        with analyse(path, self._settings) as run:
            for _ in run:
                pass
        content = sha256 or hashlib.sha256(Path(path).read_bytes()).hexdigest()
        self.classified.append(content)
        return TrackAnalysis(
            classification=_answer(run.result, self.genre),
            waveform=run.result.waveform,
            summary=summary_of(path),
        )

    def summarise(self, path: Path, *, sha256: str | None = None) -> TrackSummary:
        return summary_of(path)

    def samples(self, path: Path, *, sr: int, start_s: float, duration_s: float) -> np.ndarray:
        return load(path, sr=sr, offset_s=start_s, duration_s=duration_s)

    def picture(self, path: Path, kind: Literal["mel", "scalogram"], *, width: int = 1200, height: int = 256) -> bytes:
        probe(path)
        file = io.BytesIO()
        Image.fromarray(np.full((height, width, 3), 64 if kind == "mel" else 192, np.uint8)).save(file, "PNG")
        return file.getvalue()


def _answer(analysis: Analysis, heard: str) -> Classification:
    info = analysis.info
    duration_s = float(info.duration_s or 0.0)
    silent = analysis.peak == 0
    genre = None if silent else heard
    probabilities = {name: 0.82 if name == genre else 0.02 if genre else 0.1 for name in GENRES}
    second = GENRES[(GENRES.index(genre) + 1) % len(GENRES)] if genre else None
    segments = _segments(duration_s, genre, second, probabilities)
    return Classification(
        model=StandInEngine.model_name,
        duration_s=duration_s,
        sample_rate=info.sample_rate,
        channels=info.channels,
        format=info.format,
        genre=genre,
        probabilities=probabilities,
        prediction_set=(genre,) if genre else (),
        coverage=0.9,
        abstained=silent,
        reason="digital silence" if silent else None,
        short=duration_s < SEGMENT_S,
        tags=tuple(TagActivation(tag, 0.5 / (k + 1)) for k, tag in enumerate(TAGS)),
        segments=segments,
        runs=_runs(segments),
        evidence=tuple(Evidence(s.start_s, s.end_s, 0.1 / (k + 1)) for k, s in enumerate(segments[:3]) if genre),
        attributes={
            "tempo_bpm": None if silent else 120.0,
            "key": None if silent else "A minor",
            "loudness_lufs": -12.3,
        },
    )


def _segments(
    duration_s: float, first: str | None, second: str | None, probabilities: dict[str, float]
) -> tuple[Segment, ...]:
    """Windows of 3.0 s every 1.5 s; the last third of the recording sounds like `second`."""
    starts = np.arange(max(1, int((duration_s - SEGMENT_S) / SEGMENT_HOP_S) + 1)) * SEGMENT_HOP_S
    return tuple(
        Segment(
            start_s=float(start),
            end_s=float(min(start + SEGMENT_S, duration_s)),
            genre=first if start < 2 / 3 * duration_s else second,
            probabilities=probabilities,
        )
        for start in starts
    )


def _runs(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    runs: list[Segment] = []
    for segment in segments:
        if runs and runs[-1].genre == segment.genre:
            runs[-1] = Segment(runs[-1].start_s, segment.end_s, segment.genre, segment.probabilities)
        else:
            runs.append(segment)
    return tuple(runs)
