"""Stand-ins for what needs weights: their answers follow from their input in one step."""

from dataclasses import dataclass

import numpy as np

from features.spectrogram import PATCH_FRAMES

N_TAGS = 50
N_EMBEDDING = 200


@dataclass(frozen=True)
class Activations:
    taggram: np.ndarray
    embedding: np.ndarray
    times_s: np.ndarray


class StandInStream:
    """Tag 0 of a window is the mean of its log-mel values over 5, within 0 and 1; the others are 0.01."""

    def __init__(self, patch_hop: float) -> None:
        self.patch_hop = patch_hop
        self.frames: list[np.ndarray] = []

    def push(self, frames: np.ndarray) -> None:
        self.frames.append(frames)

    def finish(self) -> Activations:
        log_mel = np.concatenate(self.frames)
        n_patches = int((len(log_mel) - PATCH_FRAMES) / self.patch_hop + 1e-9) + 1
        starts = np.floor(np.arange(n_patches) * self.patch_hop + 0.5).astype(int)
        starts = starts[starts + PATCH_FRAMES <= len(log_mel)]
        taggram = np.full((len(starts), N_TAGS), 0.01, dtype=np.float32)
        taggram[:, 0] = [np.clip(log_mel[s : s + PATCH_FRAMES].mean() / 5, 0, 1) for s in starts]
        return Activations(taggram, np.zeros((len(starts), N_EMBEDDING), np.float32), starts * 256 / 16000)


class StandInBackbone:
    name = "stand-in"
    identity = "stand-in"
    tuned_weights = None
    tags = tuple(f"tag{i}" for i in range(N_TAGS))

    def stream(self, *, patch_hop: float) -> StandInStream:
        return StandInStream(patch_hop)


class StandInHead:
    """Tag 0 is the probability of 'loud', the rest is 'soft'."""

    genres = ("loud", "soft")
    coverage = 0.9
    backbone = "stand-in"
    needs_scalogram = False
    backbone_weights = None

    def views(self, heard) -> np.ndarray:
        return heard.activations.taggram

    def segment_probabilities(self, taggram: np.ndarray) -> np.ndarray:
        return np.stack([taggram[:, 0], 1 - taggram[:, 0]], axis=1)

    def track_probabilities(self, taggram: np.ndarray) -> np.ndarray:
        return self.segment_probabilities(taggram).mean(axis=0)

    def prediction_set(self, probabilities: np.ndarray) -> tuple[str, ...]:
        order = probabilities.argsort()[::-1]
        return tuple(self.genres[i] for i in order if probabilities[i] > 0.2)

    def abstains(self, prediction_set: tuple[str, ...]) -> bool:
        return len(prediction_set) > 1


class StandInGate:
    """Everything that sounds is music."""

    def decide(self, taggram: np.ndarray, analysis: object) -> str | None:
        return None if len(taggram) else "digital silence"
