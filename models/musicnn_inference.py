"""MusiCNN as the product runs it: NumPy on all cores, the same numbers as the Keras network of `models.musicnn`.

It needs no TensorFlow, so that a cold start is short, and its work is arranged for overlapping patches, see
`models.musicnn_timbral`. Matrix products run on one thread each; the threads are ours, because most of the steps
in between are not matrix products.
"""

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np
from scipy.special import expit
from threadpoolctl import ThreadpoolController

from models.frozen_layers import Affine
from models.musicnn_temporal import PATCH_FRAMES, TemporalFrontEnd
from models.musicnn_timbral import ROW_BLOCK, TimbralFrontEnd

REACH = 3  # frames that a timbral filter looks back and ahead
_ONE_AT_A_TIME = threading.Lock()  # a run uses every core, and the limit on BLAS threads is the whole process's


class MusicnnInference:
    """The network with one set of weights; safe to call from several threads."""

    def __init__(self, weights: dict[str, np.ndarray]):
        self._normalise = Affine.of(weights, 0)
        self._timbral = TimbralFrontEnd(weights)
        self._temporal = TemporalFrontEnd(weights)
        self._mid_end = [_MidEndLayer(weights, i) for i in (5, 6, 7)]
        self._pooled = Affine.of(weights, 9)
        self._hidden = Affine.of(weights, 10)
        self._dense = [(weights[f"{name}/kernel"], weights[f"{name}/bias"]) for name in ("dense", "dense_1")]

    def __call__(self, frames: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tags and embedding of some patches of a recording.

        Parameters
        ----------
        frames : np.ndarray, shape (n_frames, 96)
            Log-mel, float32.
        starts : np.ndarray, shape (n_patches,)
            First frame of each patch, ascending; patches may overlap.

        Returns
        -------
        tuple[np.ndarray, np.ndarray]
            Tag probabilities (n_patches, 50) and embedding (n_patches, 200).
        """
        frames = self._normalise(frames.copy())
        with _ONE_AT_A_TIME, ThreadpoolController().limit(limits=1, user_api="blas"):
            rows, rows_of_patch = self._timbral_rows(frames, starts)
            pooled = np.empty((len(starts), len(self._pooled.scale)), np.float32)

            def listen(patches: Iterable[int]) -> None:
                for k in patches:
                    patch = frames[starts[k] : starts[k] + PATCH_FRAMES]
                    pooled[k] = self._pool(patch, rows[rows_of_patch[k]])

            _on_every_core(listen, range(len(starts)))
            kernel, bias = self._dense[0]
            embedding = self._hidden(np.maximum(self._pooled(pooled) @ kernel + bias, 0))
            kernel, bias = self._dense[1]
            return expit(embedding @ kernel + bias), embedding

    def _timbral_rows(self, frames: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Timbral features: a row for each frame, then those of the frames at the edges of each patch.

        Returns the rows and, for each patch, which 187 of them are its own.
        """
        n, silence = len(frames), len(frames)
        offsets = np.arange(-REACH, REACH + 1)
        shared = np.arange(n)[:, None] + offsets
        edges = np.concatenate([np.arange(REACH), np.arange(PATCH_FRAMES - REACH, PATCH_FRAMES)])
        inside = edges[:, None] + offsets  # frames relative to the start of the patch
        own = np.where((inside >= 0) & (inside < PATCH_FRAMES), starts[:, None, None] + inside, silence)
        windows = np.concatenate(
            [np.where((shared >= 0) & (shared < n), shared, silence), own.reshape(-1, 2 * REACH + 1)]
        )
        rows_of_patch = starts[:, None] + np.arange(PATCH_FRAMES)
        rows_of_patch[:, edges] = n + np.arange(own.shape[0] * own.shape[1]).reshape(own.shape[:2])

        X = self._timbral.spectrum(frames)
        rows = np.empty((len(windows), self._timbral.n_features), np.float32)

        def compute(blocks: Iterable[int]) -> None:
            workspace = self._timbral.workspace()
            for i in blocks:
                block = slice(i, i + ROW_BLOCK)
                self._timbral.features(X, windows[block], rows[block], workspace)

        _on_every_core(compute, range(0, len(windows), ROW_BLOCK))
        return rows, rows_of_patch

    def _pool(self, patch: np.ndarray, timbral: np.ndarray) -> np.ndarray:
        """Maximum and mean over time, interleaved, of every layer's features of one patch."""
        front_end = np.empty((PATCH_FRAMES, self._timbral.n_features + self._temporal.n_features), np.float32)
        front_end[:, : timbral.shape[1]] = timbral
        self._temporal.features(patch, front_end[:, timbral.shape[1] :])
        layers = [front_end, self._mid_end[0](front_end)]
        for layer in self._mid_end[1:]:
            layers.append(layer(layers[-1]) + layers[-1])
        pooled = [np.stack([x.max(axis=0), x.mean(axis=0)], axis=1).reshape(-1) for x in layers]
        return np.concatenate(pooled)


class _MidEndLayer:
    """A convolution over 7 frames and all channels, zero beyond the patch, with ReLU and normalisation.

    One product gives every tap's share for every frame; the shares are then added where they belong.
    """

    def __init__(self, weights: dict[str, np.ndarray], i: int):
        kernel = weights[f"conv2d_{i}/kernel"][:, :, 0]  # (7, channels, filters)
        self._n_taps, n_channels, self._n_filters = kernel.shape
        self._matrix = np.ascontiguousarray(kernel.transpose(1, 0, 2)).reshape(n_channels, -1)
        self._bias = weights[f"conv2d_{i}/bias"]
        self._normalise = Affine.of(weights, i + 1)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(n_frames, n_channels) to (n_frames, n_filters)."""
        shares = (x @ self._matrix).reshape(len(x), self._n_taps, self._n_filters)
        y = np.tile(self._bias, (len(x), 1))
        for tap in range(self._n_taps):
            ahead = tap - self._n_taps // 2
            if ahead < 0:
                y[-ahead:] += shares[:ahead, tap]
            else:
                y[: len(x) - ahead] += shares[ahead:, tap]
        return self._normalise(np.maximum(y, 0, out=y))


def _on_every_core(work: Callable[[Iterable[int]], object], items: Iterable[int]) -> None:
    """Call `work` once on each core, with an iterator that hands every item to one of them."""
    n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    queue = iter(items)
    with ThreadPoolExecutor(n) as pool:
        list(pool.map(work, repeat(queue, n)))
