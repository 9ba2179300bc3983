"""Loudness of a recording after ITU-R BS.1770 and its range after EBU Tech 3342, for blocks at the native rate.

Every channel passes the K-weighting filters, which keep their state from block to block; what is kept of the
signal is its weighted energy in steps of 100 ms, so that an hour takes 36,000 numbers.
"""

from itertools import pairwise

import numpy as np

from features.errors import FeatureError

STEPS_PER_S = 10  # gating blocks of 400 ms start every 100 ms
GATING_STEPS = 4  # 400 ms
SHORT_TERM_STEPS = 30  # 3 s
ABSOLUTE_GATE_LUFS = -70.0
LOWEST_SR = 4000  # Hz; below it the shelf at 1.5 kHz cannot be built
PIECE_SAMPLES = 2**16  # filtered at once: bounds the memory of many channels

# By channel count, in the order of WAVE files: surround channels at 60 to 120 degrees weigh 1.41, the effects
# channel (fourth of 5.1 and 7.1) nothing. Five channels are L R C Ls Rs.
SURROUND = 1.41
CHANNEL_WEIGHTS = {
    4: (1, 1, SURROUND, SURROUND),
    5: (1, 1, 1, SURROUND, SURROUND),
    6: (1, 1, 1, 0, SURROUND, SURROUND),
    7: (1, 1, 1, 0, 1, SURROUND, SURROUND),
    8: (1, 1, 1, 0, 1, 1, SURROUND, SURROUND),
}


class LoudnessMeter:
    """Integrated loudness and loudness range of a recording that arrives in blocks.

    Parameters
    ----------
    sample_rate : int
        Native sampling rate in Hz. Below 4000 Hz the loudness is undefined and the answers are None.
    channels : int
        Number of channels, weighted as BS.1770 does for the layouts of WAVE files up to 7.1, else equally.

    Raises
    ------
    FeatureError
        If a number is not positive.

    References
    ----------
    ITU-R BS.1770-4, 2015; EBU Tech 3342, 2016. The filters are pyloudnorm's [Steinmetz and Reiss, AES 2021].
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        if sample_rate < 1 or channels < 1:
            raise FeatureError(f"{sample_rate} Hz, {channels} channels: expected positive numbers")
        self._sr = sample_rate
        self._defined = sample_rate >= LOWEST_SR
        self._weights = np.array(CHANNEL_WEIGHTS.get(channels, (1,) * channels), dtype=float)
        self._sections = _k_weighting(sample_rate) if self._defined else np.empty((0, 6))
        self._state = np.zeros((len(self._sections), channels, 2))
        self._rest = np.empty(0)  # energy of the samples after the last full step
        self._energies: list[float] = []  # one number per full step
        self._n_steps = 0

    def push(self, block: np.ndarray) -> None:
        """Take the next samples, (n, channels), full scale at 1.0."""
        if block.ndim != 2 or block.shape[1] != self._weights.size:
            raise FeatureError(f"expected a block of shape (n, {self._weights.size}), got {block.shape}")
        if self._defined:
            for start in range(0, len(block), PIECE_SAMPLES):
                self._push_piece(block[start : start + PIECE_SAMPLES])

    def integrated_lufs(self) -> float | None:
        """Gated loudness of the whole in LUFS; None for silence (below -70 LUFS) and for less than 400 ms."""
        energies = self._mean_energies(GATING_STEPS)
        energies = energies[energies >= _energy(ABSOLUTE_GATE_LUFS)]
        if not energies.size:
            return None
        energies = energies[energies >= energies.mean() / 10]
        return _lufs(energies.mean())

    def range_lu(self) -> float | None:
        """Spread between quiet and loud passages in LU, which are dB; None for silence and for less than 3 s.

        It is the distance from the 10th to the 95th percentile of the loudness of 3-second windows, without those
        more than 20 LU below the mean.
        """
        energies = self._mean_energies(SHORT_TERM_STEPS)
        energies = energies[energies >= _energy(ABSOLUTE_GATE_LUFS)]
        if not energies.size:
            return None
        energies = energies[energies >= energies.mean() / 100]
        low, high = np.percentile(10 * np.log10(energies), [10, 95])
        return float(high - low)

    def _push_piece(self, block: np.ndarray) -> None:
        from scipy.signal import sosfilt  # slow to import

        y = np.ascontiguousarray(block.T, dtype=float)
        y, self._state = sosfilt(self._sections, y, axis=1, zi=self._state)
        energy = np.concatenate([self._rest, np.einsum("c,cn,cn->n", self._weights, y, y)])
        first = self._n_steps * self._sr // STEPS_PER_S
        n_full = (first + energy.size) * STEPS_PER_S // self._sr - self._n_steps
        edges = (self._n_steps + np.arange(n_full + 1)) * self._sr // STEPS_PER_S - first
        self._energies += [float(energy[a:b].sum()) for a, b in pairwise(edges)]
        self._n_steps += n_full
        self._rest = energy[edges[-1] :].copy()

    def _mean_energies(self, n_steps: int) -> np.ndarray:
        """Mean square of every run of `n_steps` steps."""
        if self._n_steps < n_steps:
            return np.empty(0)
        runs = np.lib.stride_tricks.sliding_window_view(np.array(self._energies), n_steps)
        return runs.sum(axis=1) / (n_steps * self._sr / STEPS_PER_S)


def _k_weighting(sample_rate: int) -> np.ndarray:
    """The two filters of BS.1770 as second-order sections, (2, 6).

    They are De Man's designs, which at 48 kHz are the standard's own numbers; pyloudnorm's default ones are
    approximations that read 0.04 LU too low at 1 kHz.
    """
    from pyloudnorm.iirfilter import IIRfilter  # slow to import

    shelf = IIRfilter(3.99984385397, 0.7071752369554193, 1681.9744509555319, sample_rate, "high_shelf_DeMan")
    high_pass = IIRfilter(0.0, 0.5003270373253953, 38.13547087613982, sample_rate, "high_pass_DeMan")
    return np.array([[*section.b, *section.a] for section in (shelf, high_pass)])


def _energy(lufs: float) -> float:
    return 10 ** ((lufs + 0.691) / 10)


def _lufs(energy: float) -> float:
    return float(-0.691 + 10 * np.log10(energy))
