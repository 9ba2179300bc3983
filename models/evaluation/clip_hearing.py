"""How a clip is heard for evaluation: embeddings of its patches by two backbones, and its statistics.

The first backbone, MusiCNN, gives the embeddings that distances are measured in; the second, a VGG, those that the
judge listens with. Every clip is brought to one loudness before, so that mastering says nothing about music. Patches
of 3 s lie side by side: each second is counted once.
"""

from dataclasses import dataclass

import numpy as np

from features.loudness import LoudnessMeter
from features.resampling import MonoResampler
from features.spectrogram import MUSICNN_SR, PATCH_FRAMES, musicnn_log_mel
from models.backbone import Backbone
from models.errors import ModelError
from models.evaluation.clip_statistics import ClipStatistics, clip_statistics

DISTANCE_BACKBONE = "MSD_musicnn"
JUDGE_BACKBONE = "MSD_vgg"
HEARD_LUFS = -16.0
LEAST_S = 3.0


@dataclass(frozen=True)
class Ears:
    """The two backbones."""

    distance: Backbone
    judge: Backbone

    @classmethod
    def load(cls) -> "Ears":
        """The published ones; errors as `Backbone.load`."""
        return cls(Backbone.load(DISTANCE_BACKBONE), Backbone.load(JUDGE_BACKBONE))


@dataclass(frozen=True)
class HeardClip:
    """What was heard of a clip: (n_patches, 200) for distances, (n_patches, 256) for the judge, and statistics."""

    embedding: np.ndarray
    judge_embedding: np.ndarray
    statistics: ClipStatistics


def hear_clip(y: np.ndarray, *, sr: int, ears: Ears) -> HeardClip:
    """Listen to a clip that lies in memory.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples,)
        Mono audio, full scale at 1.0, at least 3 s.
    sr : int
        Sampling rate in Hz.
    ears : Ears
        Who listens.

    Raises
    ------
    ModelError
        If it is shorter than a patch, or not mono.
    """
    log_mel = level_log_mel(y, sr=sr)
    return HeardClip(
        embedding=ears.distance.activations(log_mel, patch_hop=PATCH_FRAMES).embedding,
        judge_embedding=ears.judge.activations(log_mel, patch_hop=PATCH_FRAMES).embedding,
        statistics=clip_statistics(y, log_mel, sr=sr),
    )


def level_log_mel(y: np.ndarray, *, sr: int) -> np.ndarray:
    """The backbones' log-mel of a clip, as if it had `HEARD_LUFS`: (n_samples,) -> (n_frames, 96); errors as above."""
    if y.ndim != 1:
        raise ModelError(f"expected mono audio of shape (n_samples,), got {y.shape}")
    if y.size < LEAST_S * sr:
        raise ModelError(f"{y.size / sr:.2f} s of audio: a clip is heard from {LEAST_S:g} s on")
    resampler = MonoResampler(sr, MUSICNN_SR)
    at_16k = np.concatenate([resampler.push(y), resampler.finish()])
    return musicnn_log_mel(at_16k * np.float32(_gain(y, sr)))


def _gain(y: np.ndarray, sr: int) -> float:
    """Factor that brings a clip to `HEARD_LUFS`; 1 for silence."""
    meter = LoudnessMeter(sr, 1)
    meter.push(y[:, None])
    lufs = meter.integrated_lufs()
    return 1.0 if lufs is None else float(10 ** ((HEARD_LUFS - lufs) / 20))
