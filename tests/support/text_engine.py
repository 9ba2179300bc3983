"""An engine that neither decodes nor hears: the text in a file decides the answer."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.errors import CorruptAudio
from models.classification import Classification, Segment, TagActivation
from service.errors import Cancelled

GENRES = ("jazz", "reggae", "rock")


@dataclass(frozen=True)
class Heard:
    classification: Classification
    waveform: np.ndarray


class TextEngine:
    """A file that holds a genre's name is of that genre (0.9), one that holds 'corrupt' is damaged, 'bug' breaks us.

    Any other is not music. The name of each file that is computed is added to `log`, where there is one.
    """

    model_name = "stand-in-1"
    ready = True

    def __init__(self, *, log: Path | None = None, pause_s: float = 0.0) -> None:
        self.computed: list[str] = []
        self.closed = False
        self._log = log
        self._pause_s = pause_s
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        self.closed = True

    def classify(
        self,
        path: Path,
        *,
        sha256: str | None = None,
        progress: Callable[[float], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Heard:
        until = time.monotonic() + self._pause_s
        while time.monotonic() < until:
            if cancelled is not None and cancelled():
                raise Cancelled("the classification was cancelled")
            time.sleep(0.005)
        with self._lock:
            self.computed.append(path.name)
            if self._log is not None:
                with self._log.open("a") as log:
                    log.write(f"{path.name}\n")
        text = path.read_text(errors="replace")
        if "corrupt" in text:
            raise CorruptAudio("the stream ends in the middle of a frame")
        if "bug" in text:
            raise KeyError("tempo")
        if progress is not None:
            progress(1.0)
        genre = next((genre for genre in GENRES if genre in text), None)
        return Heard(classification(genre), np.zeros(10, np.float32))


def classification(genre: str | None) -> Classification:
    """An answer of 6 s: first `genre`, then rock."""
    first = genre or GENRES[0]
    probabilities = {name: 0.9 if name == first else 0.05 for name in GENRES}
    return Classification(
        model="stand-in-1",
        duration_s=6.0,
        sample_rate=44100,
        channels=2,
        format="mp3",
        genre=genre,
        probabilities=probabilities,
        prediction_set=(first,) if genre else GENRES,
        coverage=0.9,
        abstained=genre is None,
        reason=None if genre else "digital silence",
        short=False,
        tags=(TagActivation("guitar", 0.4), TagActivation("slow", 0.2)),
        segments=(
            Segment(0.0, 3.0, genre, probabilities),
            Segment(1.5, 4.5, "rock", probabilities),
        ),
        runs=(Segment(0.0, 3.0, genre, probabilities), Segment(3.0, 6.0, "rock", probabilities)),
        evidence=(),
        attributes={"tempo_bpm": 74.1, "key": "A minor", "loudness_lufs": -12.3},
    )
