"""A generator without weights: clips are tones, made in milliseconds, the same for the same wish.

The tone is the tonic of the key that was wished for (A where none was), and follows the codes as the sound of the real
generator does: other codes give another loudness. Progress is reported, and what it raises ends the work, as there.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.composers import GENRES, parse_key
from features.audio import load
from features.errors import FeatureError
from features.log_mel import FRAMES_PER_S, SR
from models.clip import Clip
from models.clip_source import USES
from models.clip_wish import ClipWish, derived_seed
from models.errors import BadWish

N_CODEBOOKS, N_CODES = 4, 1024
STEP_S = 1.5  # of music, between two reports of progress
BLOCK_S = 6.0
FIRST_RETRY = 1000  # as in the real one: takes of a wish have the seeds of small numbers


@dataclass(frozen=True)
class StandInSource:
    """What of `models.clip_source.Source` counts here."""

    use: str
    codes: np.ndarray
    start_frame: int
    stop_frame: int
    strength: float


class StandInGenerator:
    """Makes clips like `models.generator.Generator`, in milliseconds.

    Parameters
    ----------
    pause_s : float
        Time that each step of 1.5 s of music takes.
    n_rejected : int
        Takes of each wish that are given up before one is accepted.
    name : str
        Of the model.
    """

    def __init__(self, *, pause_s: float = 0.0, n_rejected: int = 0, name: str = "stand-in-generator-1") -> None:
        self.name = name
        self.genres = GENRES
        self.sha256 = hashlib.sha256(name.encode()).hexdigest()
        self.card = {"name": name, "version": "1", "licence": "none needed", "sha256": self.sha256}
        self.made: list[ClipWish] = []  # what was asked for, in order
        self.sources: list[Any] = []  # and from what it started
        self._pause_s = pause_s
        self._n_rejected = n_rejected

    def make(
        self,
        wish: ClipWish,
        *,
        source: Any = None,
        progress: Callable[[float], None] | None = None,
    ) -> Clip:
        since = time.monotonic()
        self.made.append(wish)
        self.sources.append(source)
        n_steps = int(np.ceil(wish.seconds / STEP_S))
        for step in range(n_steps):
            time.sleep(self._pause_s)
            if progress is not None:
                progress((step + 1) / n_steps)
        retried = [derived_seed(wish.seed, FIRST_RETRY + k) for k in range(1, self._n_rejected + 1)]
        seeds = [wish.seed, *retried]
        codes = _codes(seeds[-1], round(wish.seconds * FRAMES_PER_S) + 1, source)
        n_samples = round(wish.seconds * SR)
        report = {
            "model": self.name,
            "generator": self.sha256,
            "wish": wish.to_dict(),
            "seconds": n_samples / SR,
            "seed": wish.seed,
            "takes_tried": len(seeds),
            "retries": [{"seed": seed, "reason": "stuck: it repeats one second"} for seed in seeds[:-1]],
            "tempo_bpm": wish.tempo_bpm or 120.0,
            "key": wish.key or "A minor",
            "loudness_lufs": -16.0,
            "originality": {
                "longest_run_s": 0.4,
                "longest_run_of": "rock-000007",
                "shared_ngrams": 0.02,
                "limit_s": 3.0,
                "accepted": True,
            },
            "health": {"silent_share": 0.0, "repeated_share": 0.1, "clipped": 0},
            "codes_sha256": hashlib.sha256(codes.astype("<u2").tobytes()).hexdigest(),
            "cost": {"wall_s": round(time.monotonic() - since, 3), "cpu_s": 0.01, "realtime_factor": 100.0},
        }
        return Clip(wish, codes, SR, n_samples, report, lambda: _tone(wish, codes, n_samples))

    def source_of(
        self,
        recording: str | Path | np.ndarray,
        *,
        sr: int | None = None,
        use: str,
        start_s: float = 0.0,
        end_s: float | None = None,
        strength: float = 0.5,
    ) -> StandInSource:
        if use not in USES:
            raise BadWish(f"use={use!r}: expected one of {', '.join(USES)}")
        if isinstance(recording, np.ndarray):
            if sr is None:
                raise FeatureError("samples without their sampling rate")
            seconds = recording.size / sr
        else:
            seconds = load(recording, sr=SR).size / SR
        stop_s = seconds if end_s is None else end_s
        if not 0 <= start_s < stop_s <= seconds:
            raise BadWish(f"start_s={start_s}, end_s={end_s}: expected a span within the {seconds:.1f} s")
        codes = _codes(1, round(seconds * FRAMES_PER_S) + 1, None)
        return StandInSource(use, codes, round(start_s * FRAMES_PER_S), round(stop_s * FRAMES_PER_S), strength)


def _codes(seed: int, n_frames: int, source: Any) -> np.ndarray:
    codes = np.random.default_rng(seed).integers(0, N_CODES, (N_CODEBOOKS, n_frames), dtype=np.int32)
    if source is not None and source.use == "continue":
        prompt = source.codes[:, source.start_frame : source.stop_frame][:, :n_frames]
        codes[:, : prompt.shape[1]] = prompt
    return codes


def _tone(wish: ClipWish, codes: np.ndarray, n_samples: int) -> Iterator[np.ndarray]:
    tonic = parse_key(wish.key)[0] if wish.key else 9
    frequency = 440.0 * 2 ** ((tonic - 9) / 12)
    gain = 0.1 + 0.4 * float(codes.mean()) / N_CODES
    size = round(BLOCK_S * SR)
    for start in range(0, n_samples, size):
        t = np.arange(start, min(start + size, n_samples)) / SR
        yield (gain * np.sin(2 * np.pi * frequency * t)).astype(np.float32)
