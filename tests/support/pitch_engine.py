"""An engine for the page's tests: it decodes and draws like the real one, and names genres by pitch."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.analysis import AnalysisSettings, analyse
from features.audio import AudioInfo, load, probe
from features.pictures import mel_picture, scalogram_picture
from models.classification import Classification, Evidence, TagActivation
from models.segmentation import SEGMENT_HOP_S, SEGMENT_S, runs_of, segments_of
from models.track_summary import TrackSummary
from service.errors import Cancelled
from tests.support.sound_summaries import summary_of

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
LOW, HIGH = "reggae", "jazz"
BORDER_HZ = 500.0
SR = 16000
SHORT_S = 3.0
SURE = 0.91
N_TICKS = 20


@dataclass(frozen=True)
class Heard:
    classification: Classification
    waveform: np.ndarray
    summary: TrackSummary


class PitchEngine:
    """A window whose strongest frequency lies below 500 Hz is reggae, any other jazz; silence is no music.

    The recording has the genre of most of its windows, at 0.91. `pause_s` is what an analysis takes.
    """

    model_name = "pitch-1"
    ready = True

    def __init__(self, *, pause_s: float = 0.0) -> None:
        self._pause_s = pause_s

    def warm_up(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to stop."""

    def probe(self, path: Path) -> AudioInfo:
        return probe(path)

    def samples(self, path: Path, *, sr: int, start_s: float, duration_s: float) -> np.ndarray:
        return load(path, sr=sr, offset_s=start_s, duration_s=duration_s)

    def picture(self, path: Path, kind: str, *, width: int = 1200, height: int = 256) -> bytes:
        draw = mel_picture if kind == "mel" else scalogram_picture
        return draw(path, width=width, height=height)

    def classify(
        self,
        path: Path,
        *,
        sha256: str | None = None,
        progress: Callable[[float], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Heard:
        for tick in range(N_TICKS):
            if cancelled is not None and cancelled():
                raise Cancelled("the classification was cancelled")
            if progress is not None:
                progress(tick / N_TICKS)
            time.sleep(self._pause_s / N_TICKS)
        with analyse(path, AnalysisSettings()) as run:
            for _ in run:
                pass
            analysis = run.result
        duration_s = float(analysis.info.duration_s or 0.0)
        windows, sounding = _hear(load(path, sr=SR))
        timeline = {"genres": GENRES, "duration_s": duration_s}
        music = bool(sounding.any())
        share = windows[sounding].mean(axis=0) if music else np.full(len(GENRES), 1 / len(GENRES))
        best = int(share.argmax())
        chosen = tuple(GENRES[i] for i in share.argsort()[::-1] if share[i] > 0.2) if music else GENRES
        supporting = [i for i, row in enumerate(windows) if sounding[i] and row.argmax() == best][:3]
        return Heard(
            Classification(
                model=self.model_name,
                duration_s=round(duration_s, 3),
                sample_rate=analysis.info.sample_rate,
                channels=analysis.info.channels,
                format=analysis.info.format,
                genre=GENRES[best] if music else None,
                probabilities=dict(zip(GENRES, map(float, share), strict=True)),
                prediction_set=chosen,
                coverage=0.9,
                abstained=not music,
                reason=None if music else "digital silence",
                short=duration_s < SHORT_S,
                tags=(TagActivation("synthesizer", 0.42), TagActivation("slow", 0.2)),
                segments=segments_of(windows, sounding, **timeline),
                runs=runs_of(windows, sounding, **timeline),
                evidence=tuple(
                    Evidence(i * SEGMENT_HOP_S, min(i * SEGMENT_HOP_S + SEGMENT_S, duration_s), 0.06 / (n + 1))
                    for n, i in enumerate(supporting)
                ),
                attributes=analysis.attributes,
            ),
            analysis.waveform,
            summary_of(path),
        )

    def summarise(self, path: Path, *, sha256: str | None = None) -> TrackSummary:
        return summary_of(path)


def _hear(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of each window, (n, 10), and whether it sounds, (n,)."""
    size, hop = int(SEGMENT_S * SR), int(SEGMENT_HOP_S * SR)
    starts = range(0, max(1, len(y) - size + 1), hop)
    rows, sounding = [], []
    for start in starts:
        window = y[start : start + size]
        peak_hz = np.abs(np.fft.rfft(window)).argmax() * SR / len(window)
        row = np.full(len(GENRES), (1 - SURE) / (len(GENRES) - 1))
        row[GENRES.index(LOW if peak_hz < BORDER_HZ else HIGH)] = SURE
        rows.append(row)
        sounding.append(np.abs(window).max() > 1e-4)
    return np.array(rows), np.array(sounding)
