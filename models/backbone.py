"""The pretrained listener: log-mel frames in, tag activations and an embedding of each patch out.

A patch is 187 frames (3 s) of the log-mel at 62.5 frames/s, see `features.spectrogram`. Patch k starts at frame
``floor(k * patch_hop + 0.5)``, so that a hop need not be whole.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.errors import ModelError
from models.musicnn_inference import Heard, MusicnnInference
from models.musicnn_tags import TAGS
from models.musicnn_weights import content_hash, load_weights

N_MELS = 96
PATCH_FRAMES = 187
FRAMES_PER_SECOND = 62.5  # 16 kHz / 256
SEGMENT_HOP_FRAMES = 93.75  # 1.5 s
CHUNK_PATCHES = 32  # patches that go through the network together: while they do, the next ones are decoded
FIRST_CHUNK_PATCHES = 8  # of a short clip, which would else be decoded whole before anybody listens
FIRST_CHUNKS = 2


@dataclass(frozen=True)
class PatchActivations:
    """What the backbone heard in each patch of one recording.

    Attributes
    ----------
    taggram : np.ndarray, shape (n_patches, 50)
        Activation of each tag, 0 to 1.
    embedding : np.ndarray, shape (n_patches, 200)
        Activations of the last hidden layer; 256 wide for the VGG backbones.
    times_s : np.ndarray, shape (n_patches,)
        Start of each patch.
    """

    taggram: np.ndarray
    embedding: np.ndarray
    times_s: np.ndarray


class Network(Protocol):
    """What a backbone does with some patches of a recording."""

    def __call__(self, frames: np.ndarray, starts: np.ndarray, rows: np.ndarray | None = None) -> Heard:
        """As `MusicnnInference.__call__`; a network that reuses nothing returns no rows."""


class Backbone:
    """A pretrained network that turns patches of log-mel into tags; safe to use from several threads."""

    def __init__(self, name: str, network: Network, *, identity: str | None = None):
        self.name = name
        self.identity = identity or name  # other weights, other identity
        self.tuned_weights: dict[str, np.ndarray] | None = None  # where they are not the published ones
        self.tags = TAGS[name]
        self._network = network

    @classmethod
    def load(cls, name: str = "MSD_musicnn") -> "Backbone":
        """Load one of `models.musicnn_weights.BACKBONES`; errors as `load_weights`."""
        weights = load_weights(name)
        return cls(name, _VggNetwork(weights) if name.endswith("vgg") else MusicnnInference(weights))

    @classmethod
    def of_weights(cls, name: str, weights: dict[str, np.ndarray]) -> "Backbone":
        """A MusiCNN that was fine-tuned: weights of the published names and shapes.

        Its name has their hash, so that nothing heard by another one is taken for its own.
        """
        backbone = cls(name, MusicnnInference(weights), identity=f"{name}+{content_hash(weights)[:12]}")
        backbone.tuned_weights = weights
        return backbone

    def warm_up(self) -> None:
        """Do once what would make the first recording slower than the next ones."""
        self.activations(np.zeros((PATCH_FRAMES, N_MELS), np.float32))

    def activations(self, log_mel: np.ndarray, *, patch_hop: float = PATCH_FRAMES) -> PatchActivations:
        """Listen to a whole recording.

        Parameters
        ----------
        log_mel : np.ndarray, shape (n_frames, 96)
            Of `features.spectrogram.musicnn_log_mel`.
        patch_hop : float
            Frames from the start of one patch to the start of the next, at least 1.

        Returns
        -------
        PatchActivations
            One row for each whole patch.

        Raises
        ------
        ModelError
            If there is not even one whole patch, or the input has another shape.
        """
        stream = self.stream(patch_hop=patch_hop)
        stream.push(log_mel)
        return stream.finish()

    def stream(self, *, patch_hop: float = PATCH_FRAMES) -> "PatchStream":
        """Listen to a recording that arrives in pieces: the same numbers as `activations`, in bounded memory."""
        return PatchStream(self._network, patch_hop=patch_hop)


class PatchStream:
    """Collects frames and sends them through the network whenever a chunk of patches is complete.

    The first chunks are small, so that listening begins early; the later ones large, which costs less. They are
    counted from the start of the recording, so the numbers do not depend on how it was cut.
    """

    def __init__(self, network: Network, *, patch_hop: float):
        if not (math.isfinite(patch_hop) and patch_hop >= 1):
            raise ModelError(f"patch_hop={patch_hop}: expected 1 frame or more")
        self._network = network
        self._patch_hop = patch_hop
        self._frames = np.zeros((0, N_MELS), np.float32)
        self._rows: np.ndarray | None = None  # what the network knows of the first of these frames
        self._first_frame = 0  # of self._frames, in the recording
        self._starts: list[int] = []  # of the patches that are done
        self._taggram: list[np.ndarray] = []
        self._embedding: list[np.ndarray] = []

    def push(self, frames: np.ndarray) -> None:
        """Take the next frames, shape (n, 96), n >= 0."""
        if frames.ndim != 2 or frames.shape[1] != N_MELS:
            raise ModelError(f"expected log-mel frames of shape (n, {N_MELS}), got {frames.shape}")
        self._frames = np.concatenate([self._frames, frames.astype(np.float32, copy=False)])
        while len(starts := self._complete(self._chunk())) == self._chunk():
            self._run(starts)

    def finish(self) -> PatchActivations:
        """Send the rest through the network and return the activations of every patch."""
        if starts := self._complete(self._chunk()):
            self._run(starts)
        if not self._starts:
            raise ModelError(f"{len(self._frames)} frames, the backbone needs {PATCH_FRAMES} (3 s) or more")
        times_s = np.array(self._starts) / FRAMES_PER_SECOND
        return PatchActivations(np.concatenate(self._taggram), np.concatenate(self._embedding), times_s)

    def _chunk(self) -> int:
        return FIRST_CHUNK_PATCHES if len(self._starts) < FIRST_CHUNKS * FIRST_CHUNK_PATCHES else CHUNK_PATCHES

    def _start(self, k: int) -> int:
        return int(k * self._patch_hop + 0.5)

    def _complete(self, at_most: int) -> list[int]:
        """Starts, in the recording, of the next patches whose frames have all arrived."""
        n_frames = self._first_frame + len(self._frames)
        next_starts = [self._start(len(self._starts) + i) for i in range(at_most)]
        return [start for start in next_starts if start + PATCH_FRAMES <= n_frames]

    def _run(self, starts: list[int]) -> None:
        frames = self._frames[: starts[-1] - self._first_frame + PATCH_FRAMES]
        heard = self._network(frames, np.array(starts) - self._first_frame, self._rows)
        self._taggram.append(heard.tags)
        self._embedding.append(heard.embedding)
        self._starts += starts
        done = min(self._start(len(self._starts)) - self._first_frame, len(self._frames))
        self._frames = self._frames[done:]
        self._rows = heard.rows[done:]
        self._first_frame += done


class _VggNetwork:
    """The VGG-like backbone, in Keras: it is there for comparison, not for speed."""

    def __init__(self, weights: dict[str, np.ndarray]):
        from models.musicnn import vgg

        self._model = vgg(weights)

    def __call__(self, frames: np.ndarray, starts: np.ndarray, rows: np.ndarray | None = None) -> Heard:  # noqa: ARG002
        patches = np.stack([frames[start : start + PATCH_FRAMES] for start in starts])
        taggram, embedding = self._model(patches, training=False)
        return Heard(taggram.numpy(), embedding.numpy(), np.empty((0, 0), np.float32))
