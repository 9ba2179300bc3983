"""MusiCNN as the product runs it: NumPy on all cores, the same numbers as the Keras network of `models.musicnn`.

It needs no TensorFlow, so that a cold start is short, and overlapping patches share what they can: everything that
one frame and its neighbours decide is computed once, as a row (`models.musicnn_timbral`). Matrix products run on one
thread each; the threads are ours, because half of the steps between them are not matrix products.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from scipy.special import expit

from features.cores import usable_cores
from models.blas_threads import one_blas_thread
from models.frozen_layers import Affine
from models.musicnn_temporal import PATCH_FRAMES, TemporalFrontEnd
from models.musicnn_timbral import ROW_BLOCK, TimbralFrontEnd

REACH = 3  # frames that a timbral filter looks back and ahead
_EDGES = np.concatenate([np.arange(REACH), np.arange(PATCH_FRAMES - REACH, PATCH_FRAMES)])
_ONE_AT_A_TIME = threading.Lock()  # a run uses every core


@dataclass(frozen=True)
class Heard:
    """Answers about some patches, and what the next patches of the same recording can reuse.

    Attributes
    ----------
    tags : np.ndarray, shape (n_patches, 50)
        Probabilities.
    embedding : np.ndarray, shape (n_patches, 200)
        Activations of the last hidden layer.
    rows : np.ndarray, shape (n_frames - REACH, width)
        Timbral row of each frame; those of the first 3 are not filled.
    """

    tags: np.ndarray
    embedding: np.ndarray
    rows: np.ndarray


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

    def __call__(self, frames: np.ndarray, starts: np.ndarray, rows: np.ndarray | None = None) -> Heard:
        """Listen to some patches of a recording.

        Parameters
        ----------
        frames : np.ndarray, shape (n_frames, 96)
            Log-mel, float32.
        starts : np.ndarray, shape (n_patches,)
            First frame of each patch, ascending; patches may overlap.
        rows : np.ndarray, optional
            Rows of the first frames, from an earlier answer.
        """
        with _ONE_AT_A_TIME, one_blas_thread():
            pooled, rows = self._pool_patches(frames, starts, rows)
            embedding = self._hidden(np.maximum(_dense(self._pooled(pooled), *self._dense[0]), 0))
            return Heard(expit(_dense(embedding, *self._dense[1])), embedding, rows)

    def pooled(self, patches: np.ndarray) -> np.ndarray:
        """What the back end hears of separate patches: log-mel (n, 187, 96) to (n, 1506)."""
        with _ONE_AT_A_TIME, one_blas_thread():
            frames = patches.reshape(-1, patches.shape[-1]).astype(np.float32)
            return self._pool_patches(frames, np.arange(len(patches)) * PATCH_FRAMES, None)[0]

    def _pool_patches(
        self, frames: np.ndarray, starts: np.ndarray, rows: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Pooled channels of each patch, (n_patches, 1506), and the timbral rows of all frames."""
        frames = self._normalise(frames.copy())
        rows, edges = self._rows(frames, starts, rows)
        pooled = np.empty((len(starts), len(self._pooled.scale)), np.float32)

        def listen(patches: Iterable[int]) -> None:
            for k in patches:
                patch = slice(starts[k], starts[k] + PATCH_FRAMES)
                own = np.empty((PATCH_FRAMES, rows.shape[1]), np.float32)
                own[REACH:-REACH] = rows[patch][REACH : PATCH_FRAMES - REACH]
                own[_EDGES] = edges[k]
                pooled[k] = self._pool(frames[patch], own)

        _on_every_core(listen, range(len(starts)))
        return pooled, rows

    def _rows(self, frames: np.ndarray, starts: np.ndarray, known: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Timbral rows, (n_frames - REACH, width), and those of each patch's own edges, (n_patches, 6, width).

        A row is a frame's timbral features and their part in the first layer of the mid end.
        """
        n_rows, silence = len(frames) - REACH, len(frames)
        n_known = REACH if known is None else max(len(known), REACH)
        offsets = np.arange(-REACH, REACH + 1)
        inside = _EDGES[:, None] + offsets  # frames relative to the start of the patch
        at_edges = np.where((inside >= 0) & (inside < PATCH_FRAMES), starts[:, None, None] + inside, silence)
        windows = np.concatenate([np.arange(n_known, n_rows)[:, None] + offsets, at_edges.reshape(-1, len(offsets))])
        X = self._timbral.spectrum(frames)
        n_features = self._timbral.n_features
        shares = self._mid_end[0].matrix[:n_features]
        new = np.empty((len(windows), n_features + shares.shape[1]), np.float32)

        def compute(blocks: Iterable[int]) -> None:
            workspace = self._timbral.workspace()
            for start in blocks:
                block = new[start : start + ROW_BLOCK]
                self._timbral.features(X, windows[start : start + ROW_BLOCK], block[:, :n_features], workspace)
                np.matmul(block[:, :n_features], shares, out=block[:, n_features:])

        _on_every_core(compute, range(0, len(windows), ROW_BLOCK))
        rows = np.empty((n_rows, new.shape[1]), np.float32)
        if known is not None:
            rows[: len(known)] = known
        rows[n_known:] = new[: n_rows - n_known]
        return rows, new[n_rows - n_known :].reshape(len(starts), len(_EDGES), -1)

    def _pool(self, patch: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Maximum and mean over time, interleaved, of every layer's features of one patch."""
        n_features = self._timbral.n_features
        front_end = np.empty((PATCH_FRAMES, n_features + self._temporal.n_features), np.float32)
        front_end[:, :n_features] = rows[:, :n_features]
        temporal = front_end[:, n_features:]
        self._temporal.features(patch, temporal)
        first, *others = self._mid_end
        layers = [front_end, first.add_up(rows[:, n_features:] + temporal @ first.matrix[n_features:])]
        for layer in others:
            layers.append(layer.add_up(layers[-1] @ layer.matrix) + layers[-1])
        pooled = [np.stack([x.max(axis=0), x.mean(axis=0)], axis=1).reshape(-1) for x in layers]
        return np.concatenate(pooled)


class _MidEndLayer:
    """A convolution over 7 frames and all channels, zero beyond the patch, with ReLU and normalisation.

    One product with `matrix`, (channels, 7 * filters), gives each frame's share in the 7 outputs around it;
    `add_up` takes (187, 7 * filters) shares to (187, filters) outputs.
    """

    def __init__(self, weights: dict[str, np.ndarray], i: int):
        kernel = weights[f"conv2d_{i}/kernel"][:, :, 0]  # (tap, channel, filter)
        self._n_taps, n_channels, self._n_filters = kernel.shape
        self.matrix = np.ascontiguousarray(kernel.transpose(1, 0, 2)).reshape(n_channels, -1)
        self._bias = weights[f"conv2d_{i}/bias"]
        self._normalise = Affine.of(weights, i + 1)

    def add_up(self, shares: np.ndarray) -> np.ndarray:
        n = len(shares)
        shares = shares.reshape(n, self._n_taps, self._n_filters)
        y = np.tile(self._bias, (n, 1))
        for tap in range(self._n_taps):
            ahead = tap - self._n_taps // 2  # of the output, the frame that this tap hears
            y[max(-ahead, 0) : n - max(ahead, 0)] += shares[max(ahead, 0) : n - max(-ahead, 0), tap]
        return self._normalise(np.maximum(y, 0, out=y))


def _dense(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return x @ kernel + bias


def _on_every_core(work: Callable[[Iterable[int]], object], items: Iterable[int]) -> None:
    """Call `work` once on each core, with an iterator that hands every item to one of them."""
    n = usable_cores()
    queue = iter(items)
    with ThreadPoolExecutor(n) as pool:
        list(pool.map(work, repeat(queue, n)))
