"""The timbral front end of MusiCNN with a quarter of the multiplications: NumPy, float32.

Two convolutions of 7 frames x 38 and x 67 bands, 204 filters each, are nine tenths of the network's arithmetic.
They are computed by rows, one for each frame, so that overlapping patches share them.

- Along the 96 bands the valid part of a convolution is also that of a circular one, so it is a product for each of
  the 49 bins of the real DFT. What is left is a small matrix product over 7 frames for each bin, and the inverse DFT.
- The inverse DFT is wanted at positions -m and m around the middle of the valid range. The even part C (of the
  cosines) is the same at both and the odd part S (of the sines) changes its sign; only the maximum over the
  positions is used, and max(C + S, C - S) = C + |S|: half the positions are enough.
"""

import numpy as np

from models.frozen_layers import MaxPooledConvolution

N_MELS = 96
N_BINS = N_MELS // 2 + 1
ROW_BLOCK = 24  # rows whose intermediate values (1.5 MB) stay in the processor's cache


class TimbralFrontEnd:
    """Both timbral convolutions with their maximum over the bands."""

    def __init__(self, weights: dict[str, np.ndarray]):
        self._blocks = [_TimbralBlock(weights, i) for i in (0, 1)]
        self.n_features = sum(block.n_filters for block in self._blocks)

    def spectrum(self, frames: np.ndarray) -> np.ndarray:
        """DFT along the bands.

        (n_frames, 96) to (49, n_frames + 1) complex64; the last column is the silence beyond the edge of a patch.
        """
        X = np.zeros((N_BINS, len(frames) + 1), np.complex64)
        X[:, :-1] = np.fft.rfft(frames, axis=1).T
        return X

    def workspace(self) -> tuple[np.ndarray, ...]:
        """Memory that `features` needs, for one thread."""
        n_positions = max(len(block.cosines) for block in self._blocks)
        n_filters = max(block.n_filters for block in self._blocks)
        return tuple(np.empty((ROW_BLOCK, n, n_filters), np.float32) for n in (N_BINS, n_positions, n_positions))

    def features(self, X: np.ndarray, windows: np.ndarray, out: np.ndarray, workspace: tuple[np.ndarray, ...]) -> None:
        """Features of a block of rows.

        Parameters
        ----------
        X : np.ndarray, shape (49, n_frames + 1)
            Of `spectrum`.
        windows : np.ndarray, shape (n_rows, 7), n_rows <= ROW_BLOCK
            Columns of `X` that each row sees.
        out : np.ndarray, shape (n_rows, n_features)
            Is written to.
        workspace : tuple[np.ndarray, ...]
            Of `workspace`, not in use by another thread.
        """
        rows = X.take(windows, axis=1).view(np.float32)  # (bin, row, 7 x (real, imaginary))
        start = 0
        for block in self._blocks:
            stop = start + block.n_filters
            block.features(rows, out[:, start:stop], workspace)
            start = stop


class _TimbralBlock:
    def __init__(self, weights: dict[str, np.ndarray], i: int):
        self._convolution = MaxPooledConvolution(weights, i)
        self.n_filters = self._convolution.n_filters
        kernel = self._convolution.kernel.astype(np.float64)
        middle = (N_MELS - kernel.shape[1]) / 2  # of the valid output positions 0 ... 96 - n_bands
        bins = np.arange(N_BINS)
        # What networks call convolution is correlation: the conjugate. The phase moves the middle to position 0; a
        # bin between 0 and 48 stands for its mirror image too.
        W = np.fft.rfft(kernel, n=N_MELS, axis=1).conj().transpose(1, 0, 2)  # (bin, frame, filter)
        W *= np.exp(2j * np.pi * bins * middle / N_MELS)[:, None, None]
        W *= np.where(bins % (N_BINS - 1) == 0, 1, 2)[:, None, None] / N_MELS
        self._to_real = _interleave(W.real, -W.imag)
        self._to_imaginary = _interleave(W.imag, W.real)
        positions = np.arange(middle % 1, middle + 1)  # 0, 1, ... or 0.5, 1.5, ...
        angles = 2 * np.pi * np.outer(positions, bins) / N_MELS
        self.cosines = np.cos(angles).astype(np.float32)
        self._sines = np.sin(angles).astype(np.float32)

    def features(self, rows: np.ndarray, out: np.ndarray, workspace: tuple[np.ndarray, ...]) -> None:
        """From `rows` (49, n_rows, 14) to `out` (n_rows, n_filters)."""
        # By row, then bin or position, then filter: products of small matrices that never leave the cache.
        Y, C, S = (buffer[: len(out)] for buffer in workspace)
        C, S = C[:, : len(self.cosines)], S[:, : len(self.cosines)]
        np.matmul(rows, self._to_real, out=Y.transpose(1, 0, 2))
        np.matmul(self.cosines, Y, out=C)
        np.matmul(rows, self._to_imaginary, out=Y.transpose(1, 0, 2))
        np.matmul(self._sines, Y, out=S)
        np.add(C, np.abs(S, out=S), out=C)
        np.max(C, axis=1, out=out)
        self._convolution.finish(out)


def _interleave(even: np.ndarray, odd: np.ndarray) -> np.ndarray:
    """Two arrays (bin, frame, filter) as one (bin, 2 x frame, filter), float32."""
    both = np.stack([even, odd], axis=2)
    return np.ascontiguousarray(both.reshape(N_BINS, -1, even.shape[-1]), dtype=np.float32)
