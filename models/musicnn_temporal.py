"""The temporal front end of MusiCNN with half of the multiplications: NumPy, float32.

Three convolutions in time, 128, 64 and 32 frames long with 51 filters each, are applied to every band, with zeros
beyond the edges of the patch; of their output only the maximum over the bands is used.

Signal, filter and output are split into 4 phases (frames 4n, 4n + 1, ...). A convolution is then a polynomial product
of the phases, 16 convolutions of a quarter of the length. By Toom and Cook's interpolation 7 are enough, one for each
of 7 points at which both polynomials are evaluated; here in the transposed form, which gives the outputs that are
wanted and no others [Winograd, 1980; Lavin & Gray, 2016]. Points this small cost less than a digit of float32.
"""

import numpy as np

from models.frozen_layers import MaxPooledConvolution

N_MELS = 96
PATCH_FRAMES = 187
N_PHASES = 4
POINTS = np.array([0, 1, -1, 0.5, -0.5, 1.5, -1.5])  # 2 * N_PHASES - 1 different ones
BLOCK = 4  # outputs of each phase in one matrix product: what it writes (0.5 MB) stays in the processor's cache
N_BLOCKS = -(-PATCH_FRAMES // (N_PHASES * BLOCK))
REACH = (63, 31, 15)  # frames that each filter looks back; one less than it looks ahead


class TemporalFrontEnd:
    """The three temporal convolutions with their maximum over the bands."""

    def __init__(self, weights: dict[str, np.ndarray]):
        self._convolutions = [MaxPooledConvolution(weights, i) for i in (2, 3, 4)]
        self.n_features = sum(convolution.n_filters for convolution in self._convolutions)
        evaluation = np.vander(POINTS, increasing=True)  # (point, power)
        interpolation = np.linalg.inv(evaluation).T
        weight = np.abs(interpolation).sum(axis=1, keepdims=True)  # keeps the transformed signal's level
        self._of_signal = (interpolation / weight).astype(np.float32)
        of_filter = evaluation[:, :N_PHASES] * weight
        self._to_output = np.ascontiguousarray(evaluation[:, :N_PHASES].T, dtype=np.float32)
        self._matrices = [_banded(of_filter, convolution.kernel[:, 0]) for convolution in self._convolutions]

    def features(self, patch: np.ndarray, out: np.ndarray) -> None:
        """Features of one patch, (187, 96) normalised log-mel to `out` of (187, n_features)."""
        signal = self._transform(patch)
        start = 0
        for convolution, matrices, reach in zip(self._convolutions, self._matrices, REACH, strict=True):
            stop = start + convolution.n_filters
            maximum = self._maximum(signal[:, :, (REACH[0] - reach) // N_PHASES :], matrices, reach)
            out[:, start:stop] = convolution.finish(maximum)
            start = stop

    def _transform(self, patch: np.ndarray) -> np.ndarray:
        """The phases of the padded signal at the 7 points: (7, 96 bands, a quarter of the frames)."""
        n = N_BLOCKS * BLOCK + self._matrices[0].shape[1] - BLOCK  # as many as the longest filter sees
        padded = np.zeros((N_MELS, N_PHASES * (n + 2)), np.float32)
        padded[:, REACH[0] : REACH[0] + PATCH_FRAMES] = patch.T
        phases = np.stack([padded[:, j : j + N_PHASES * n : N_PHASES] for j in range(len(POINTS))])
        return (self._of_signal @ phases.reshape(len(POINTS), -1)).reshape(phases.shape)

    def _maximum(self, signal: np.ndarray, matrices: np.ndarray, reach: int) -> np.ndarray:
        """Maximum over the bands of one convolution: (187, n_filters)."""
        n_filters = matrices.shape[-1] // BLOCK
        products = np.empty((N_MELS, len(POINTS), matrices.shape[-1]), np.float32)
        outputs = np.empty((N_MELS, N_PHASES, matrices.shape[-1]), np.float32)
        maximum = np.empty((N_BLOCKS, BLOCK, N_PHASES, n_filters), np.float32)
        first, last = reach // N_PHASES, -(-(reach + PATCH_FRAMES) // N_PHASES)  # beyond them there is only padding
        for i in range(N_BLOCKS):
            start = i * BLOCK
            window = slice(max(start, first), min(start + matrices.shape[1], last))
            np.matmul(
                signal[:, :, window],
                matrices[:, window.start - start : window.stop - start],
                out=products.transpose(1, 0, 2),
            )
            np.matmul(self._to_output, products, out=outputs)
            maximum[i] = outputs.max(axis=0).reshape(N_PHASES, BLOCK, n_filters).transpose(1, 0, 2)
        return maximum.reshape(-1, n_filters)[:PATCH_FRAMES]


def _banded(of_filter: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """For each point, a quarter-length convolution as a matrix from its window to BLOCK * n_filters outputs."""
    phases = kernel.reshape(-1, N_PHASES, kernel.shape[-1])  # (quarter of the frames, phase, filter)
    transformed = np.einsum("ij,njf->inf", of_filter, phases)
    n_points, n_frames, n_filters = transformed.shape
    matrices = np.zeros((n_points, BLOCK + n_frames - 1, BLOCK, n_filters), np.float32)
    for n in range(BLOCK):
        matrices[:, n : n + n_frames, n] = transformed
    return matrices.reshape(n_points, -1, BLOCK * n_filters)
