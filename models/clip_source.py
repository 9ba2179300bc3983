"""A recording that a clip starts from: to be continued, restyled, filled in or varied."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from features.log_mel import FRAMES_PER_S
from models.errors import BadWish

Use = Literal["continue", "restyle", "inpaint", "vary"]
USES: tuple[str, ...] = get_args(Use)
SHORTEST_S = 0.5  # of what is continued, restyled or filled in


@dataclass(frozen=True)
class Source:
    """What a clip is made from beside the wish.

    Attributes
    ----------
    use : str
        "continue": the clip begins with the span and goes on. "restyle": it follows the metre, harmony and drums of the
        span. "inpaint": it is the recording, but for the span, which is made anew. "vary": it is the span, but for the
        share `strength` of its beats.
    codes : np.ndarray of int, shape (n_codebooks, n_frames)
        Of the recording.
    start_frame, stop_frame : int
        The span: its first frame, and the first after it.
    strength : float
        0 to 1, for "vary".
    blocks : mapping of str to np.ndarray, shape (n_frames, width)
        What could be heard of its plan (`plan_of_sound`).
    samples : np.ndarray, shape (n_samples,)
        Of the recording, mono float32 at `features.log_mel.SR`: what is kept of it sounds as it did.
    tempo_bpm, key : optional
        Of the recording, where they were heard: they count where the wish leaves them open.
    """

    use: Use
    codes: np.ndarray
    start_frame: int
    stop_frame: int
    strength: float = 0.5
    blocks: Mapping[str, np.ndarray] = field(default_factory=dict)
    samples: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    tempo_bpm: float | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        if self.use not in USES:
            raise BadWish(f"use={self.use!r}: expected one of {', '.join(USES)}")
        n_frames = self.codes.shape[1]
        if not 0 <= self.start_frame < self.stop_frame <= n_frames:
            span = f"{self.start_frame / FRAMES_PER_S:.2f} to {self.stop_frame / FRAMES_PER_S:.2f} s"
            raise BadWish(f"span from {span}: expected one within the {n_frames / FRAMES_PER_S:.2f} s of the recording")
        if (seconds := (self.stop_frame - self.start_frame) / FRAMES_PER_S) < SHORTEST_S:
            raise BadWish(f"span of {seconds:.2f} s: expected {SHORTEST_S:g} s or more")
        if isinstance(self.strength, bool) or not 0 <= self.strength <= 1:
            raise BadWish(f"strength={self.strength!r}: expected 0 to 1")

    @property
    def span(self) -> slice:
        """Frames of the span."""
        return slice(self.start_frame, self.stop_frame)
