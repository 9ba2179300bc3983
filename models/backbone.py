"""The pretrained listener: log-mel frames in, tag activations and an embedding of each patch out.

A patch is 187 frames (3 s) of the log-mel at 62.5 frames/s, see `features.spectrogram`. Patch k starts at frame
``floor(k * patch_hop + 0.5)``, so that a hop need not be whole.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.errors import ModelError
from models.musicnn_tags import TAGS
from models.musicnn_weights import load_weights

N_MELS = 96
PATCH_FRAMES = 187
FRAMES_PER_SECOND = 62.5  # 16 kHz / 256
SEGMENT_HOP_FRAMES = 93.75  # 1.5 s
CHUNK_PATCHES = 20  # patches that go through the network together


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


class Backbone:
    """A pretrained network that turns patches of log-mel into tags; safe to use from several threads."""

    def __init__(self, name: str, network: Any):
        self.name = name
        self.tags = TAGS[name]
        self._network = network

    @classmethod
    def load(cls, name: str = "MSD_musicnn") -> "Backbone":
        """Load one of `models.musicnn_weights.BACKBONES`; errors as `load_weights`."""
        weights = load_weights(name)
        from models.musicnn import musicnn, vgg

        return cls(name, vgg(weights) if name.endswith("vgg") else musicnn(weights))

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
        return PatchStream(self, patch_hop=patch_hop)

    def _patches(self, patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        taggram, embedding = self._network(patches, training=False)
        return taggram.numpy(), embedding.numpy()


class PatchStream:
    """Collects frames and sends them through the backbone as soon as a chunk of patches is complete."""

    def __init__(self, backbone: Backbone, *, patch_hop: float):
        if not patch_hop >= 1:
            raise ModelError(f"patch_hop={patch_hop}: expected 1 frame or more")
        self._backbone = backbone
        self._patch_hop = patch_hop
        self._frames = np.zeros((0, N_MELS), np.float32)
        self._first_frame = 0  # of self._frames, in the recording
        self._n_patches = 0
        self._taggram: list[np.ndarray] = []
        self._embedding: list[np.ndarray] = []

    def push(self, frames: np.ndarray) -> None:
        """Take the next frames, shape (n, 96), n >= 0."""
        if frames.ndim != 2 or frames.shape[1] != N_MELS:
            raise ModelError(f"expected log-mel frames of shape (n, {N_MELS}), got {frames.shape}")
        self._frames = np.concatenate([self._frames, frames.astype(np.float32)])
        while self._run(CHUNK_PATCHES):
            pass

    def finish(self) -> PatchActivations:
        """Send the rest through the backbone and return the activations of every patch."""
        while self._run(1):
            pass
        if not self._n_patches:
            raise ModelError(f"{len(self._frames)} frames, the backbone needs {PATCH_FRAMES} (3 s) or more")
        starts = [self._start(k) for k in range(self._n_patches)]
        return PatchActivations(
            np.concatenate(self._taggram), np.concatenate(self._embedding), np.array(starts) / FRAMES_PER_SECOND
        )

    def _start(self, k: int) -> int:
        return int(k * self._patch_hop + 0.5)

    def _run(self, n: int) -> bool:
        """Send the next `n` patches through the backbone, if they are there."""
        starts = [self._start(self._n_patches + i) - self._first_frame for i in range(n)]
        if starts[-1] + PATCH_FRAMES > len(self._frames):
            return False
        taggram, embedding = self._backbone._patches(np.stack([self._frames[s : s + PATCH_FRAMES] for s in starts]))
        self._taggram.append(taggram)
        self._embedding.append(embedding)
        self._n_patches += n
        done = min(self._start(self._n_patches) - self._first_frame, len(self._frames))
        self._frames = self._frames[done:]
        self._first_frame += done
        return True
