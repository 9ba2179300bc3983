"""What the backbone hears in a recording, window by window: the part of a classification worth keeping.

It depends on the recording and the backbone alone. A new or another genre head answers from it at once.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from features.analysis import Analysis
from features.spectrogram import PATCH_FRAMES

if TYPE_CHECKING:
    from models.backbone import Backbone, PatchActivations

SILENT_LOG_MEL = 0.01  # highest log-mel value of a silent frame; a tone of -80 dBFS reaches 0.014
SOUNDING_SHARE = 0.05  # of its frames that make a window sound: the end of a note alone does not
UNKNOWN_PROGRESS = 0.0


class Run(Protocol):
    """A recording while it is analysed, in this process or in another one: `features.analysis.AnalysisRun`."""

    progress: float

    def __iter__(self) -> Iterator[np.ndarray]:
        """Log-mel chunks, (k, 96), in order."""

    @property
    def result(self) -> Analysis:
        """The analysis, once the last chunk is out."""


@dataclass(frozen=True)
class Listening:
    """Activations of the windows of one recording, and its analysis.

    `sounding`, shape (n_windows,), is False where a window is silent. `short` says that the recording
    was shorter than one window and was repeated to fill it.
    """

    activations: "PatchActivations"
    sounding: np.ndarray
    analysis: Analysis
    short: bool

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Arrays for the feature cache, without pickle."""
        header, arrays = self.analysis.to_message()
        return {
            "taggram": self.activations.taggram,
            "embedding": self.activations.embedding,
            "times_s": self.activations.times_s,
            "sounding": self.sounding,
            "short": np.array(self.short),
            "analysis": np.frombuffer(json.dumps(header).encode(), dtype=np.uint8),
            **{f"analysis_{name}": array for name, array in arrays.items()},
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Listening":
        """The inverse of `to_arrays`."""
        from models.backbone import PatchActivations

        header = json.loads(arrays["analysis"].tobytes())
        parts = {name.removeprefix("analysis_"): a for name, a in arrays.items() if name.startswith("analysis_")}
        return cls(
            activations=PatchActivations(
                taggram=arrays["taggram"], embedding=arrays["embedding"], times_s=arrays["times_s"]
            ),
            sounding=arrays["sounding"],
            analysis=Analysis.from_message(header, parts),
            short=bool(arrays["short"]),
        )


def listen(
    run: Run,
    backbone: "Backbone",
    *,
    patch_hop: float,
    progress: Callable[[float], None] | None = None,
) -> Listening:
    """Send a recording through the backbone while it is being analysed.

    Parameters
    ----------
    run : Run
        Log-mel frames as they come; closed by the caller.
    backbone : Backbone
        Network that hears the windows.
    patch_hop : float
        Frames from one window's start to the next one's.
    progress : callable, optional
        Called with the share that is done, 0 to 1. What it raises ends the work.

    Returns
    -------
    Listening
        At least one window: a recording shorter than one is repeated until it fills it.
    """
    stream = backbone.stream(patch_hop=patch_hop)
    loudest: list[np.ndarray] = []
    held: list[np.ndarray] = []  # frames of a recording that may turn out shorter than one window
    n_frames = 0
    for frames in run:
        loudest.append(frames.max(axis=1))
        if n_frames < PATCH_FRAMES:
            held.append(frames)
        n_frames += len(frames)
        stream.push(frames)
        if progress is not None:
            progress(UNKNOWN_PROGRESS if np.isnan(run.progress) else run.progress)
    short = n_frames < PATCH_FRAMES
    if short:
        frames = np.concatenate(held)
        stream.push(np.take(frames, np.arange(n_frames, PATCH_FRAMES), axis=0, mode="wrap"))
    activations = stream.finish()
    starts = np.floor(np.arange(len(activations.taggram)) * patch_hop + 0.5).astype(int)
    sounds = np.concatenate(loudest) > SILENT_LOG_MEL
    sounding = np.array([sounds[start : start + PATCH_FRAMES].mean() > SOUNDING_SHARE for start in starts])
    return Listening(activations=activations, sounding=sounding, analysis=run.result, short=short)
