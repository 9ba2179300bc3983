"""Wavelet views of a signal: octave subbands (DWT), equal subbands (packets), and the scalogram (CWT).

Samples have full scale at 1.0. Bands run from low to high frequency, time runs along the first axis. The
discrete transforms are orthonormal, so the energies of the subbands add up to that of the signal (Parseval).

References
----------
Mallat, "A theory for multiresolution signal decomposition", IEEE TPAMI 11(7), 1989.
Coifman and Wickerhauser, "Entropy-based algorithms for best basis selection", IEEE Trans. Inf. Theory 38(2), 1992.
Torrence and Compo, "A practical guide to wavelet analysis", Bulletin of the AMS 79(1), 1998.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pywt
from scipy import fft

from features.errors import FeatureError

WAVELET = "db8"  # 16 taps: octaves separated well, transients still short
LEVEL = 7  # at 16 kHz: the lowest band ends at 62.5 Hz
MORLET = "cmor8.0-1.0"  # tells a whole tone from its neighbour, and onsets 4 / frequency apart
SCALOGRAM_WIDTHS = 4.0  # standard deviations of a Morlet's spectrum that are computed
MIN_PER_FRAME = 4  # magnitudes that a frame of the scalogram is the mean of, at least


@dataclass(frozen=True)
class SubbandStatistics:
    """Distribution of the wavelet coefficients of each octave subband; every array is (level + 1,), lowest band first.

    Attributes
    ----------
    energy : np.ndarray
        Share of the signal's energy; sums to 1, all zeros for digital silence.
    mean, std : np.ndarray
        Of the coefficients, in units of the samples.
    skewness, kurtosis : np.ndarray
        Third and fourth standardised moments (a normal distribution has 0 and 3); 0 where std is 0.
    entropy : np.ndarray
        How evenly the band's energy is spread over its coefficients: 0 for one that has it all, 1 for all alike.
    """

    energy: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    skewness: np.ndarray
    kurtosis: np.ndarray
    entropy: np.ndarray


def subband_edges_hz(sr: int, *, level: int = LEVEL) -> np.ndarray:
    """Nominal edges of the octave subbands in Hz, (level + 2,): band k lies between edges k and k + 1."""
    return np.concatenate([[0.0], sr / 2.0 ** np.arange(level + 1, 0, -1)])


def subband_statistics(y: np.ndarray, *, wavelet: str = WAVELET, level: int = LEVEL) -> SubbandStatistics:
    """Statistics of the octave subbands of a wavelet decomposition.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples,)
        Mono audio at any sampling rate: the bands are octaves below sr / 2. Before and after it is silence.
    wavelet : str
        Name of an orthogonal wavelet known to PyWavelets.
    level : int
        Number of octave splits, at least 1.

    Returns
    -------
    SubbandStatistics

    Raises
    ------
    FeatureError
        If `y` is not mono or is empty, the wavelet is not orthogonal, or `level` is below 1.
    """
    stream = SubbandStream(wavelet=wavelet, level=level)
    stream.push(y)
    return stream.result()


class SubbandStream:
    """`subband_statistics` of a recording that arrives in blocks: the same coefficients, whatever the blocks are."""

    def __init__(self, *, wavelet: str = WAVELET, level: int = LEVEL) -> None:
        if level < 1:
            raise FeatureError(f"level={level}: expected 1 or more")
        bank = _orthogonal(wavelet)
        self._splitters = [_Splitter(bank) for _ in range(level)]
        self._sums = np.zeros((level + 1, 6))  # highest band first: count, four powers, energy's logarithm
        self._n_samples = 0

    def push(self, y: np.ndarray) -> None:
        """Take the next samples, (n,)."""
        if y.ndim != 1:
            raise FeatureError(f"expected mono audio of shape (n_samples,), got {y.shape}")
        self._n_samples += y.size
        for band, splitter in enumerate(self._splitters):
            y, detail = splitter.push(y)
            self._add(band, detail)
        self._add(-1, y)

    def result(self) -> SubbandStatistics:
        """The statistics of everything pushed, once."""
        if self._n_samples == 0:
            raise FeatureError("no samples: a wavelet decomposition needs at least one")
        rest = np.empty(0)
        for band, splitter in enumerate(self._splitters):
            before, detail = splitter.push(rest)
            self._add(band, detail)
            after, detail = splitter.finish()
            self._add(band, detail)
            rest = np.concatenate([before, after])
        self._add(-1, rest)
        return self._summary(self._sums[::-1].T)

    def _add(self, band: int, coefficients: np.ndarray) -> None:
        c = coefficients.astype(float)
        squares = c * c
        logs = np.log(np.where(squares > 0, squares, 1))
        self._sums[band] += [
            c.size,
            c.sum(),
            squares.sum(),
            (squares * c).sum(),
            (squares**2).sum(),
            (squares * logs).sum(),
        ]

    @staticmethod
    def _summary(sums: np.ndarray) -> SubbandStatistics:
        n, *powers, logs = sums
        mean, second, third, fourth = np.array(powers) / np.maximum(n, 1)
        variance = np.maximum(second - mean**2, 0)
        std = np.sqrt(variance)
        spread = np.where(std > 0, std, 1)
        energy = powers[1]
        present = energy > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            nats = np.where(present, np.log(energy) - logs / energy, 0)
        return SubbandStatistics(
            energy=energy / max(energy.sum(), np.finfo(float).tiny),
            mean=mean,
            std=std,
            skewness=np.where(std > 0, (third - 3 * mean * second + 2 * mean**3) / spread**3, 0),
            kurtosis=np.where(std > 0, (fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4) / spread**4, 0),
            entropy=np.clip(nats / np.log(np.maximum(n, 2)), 0, 1),
        )


class _Splitter:
    """One level of `pywt.dwt` with silence around the signal, for a signal in blocks."""

    def __init__(self, bank: pywt.Wavelet) -> None:
        self._bank = bank
        self._overlap = bank.dec_len - 2
        self._pending = np.zeros(self._overlap)

    def push(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Approximation and detail of the pairs of samples that are complete."""
        y = np.concatenate([self._pending, y])
        n_pairs = (y.size - self._overlap) // 2
        self._pending = y[2 * n_pairs :]
        if n_pairs == 0:
            return np.empty(0), np.empty(0)
        complete = slice(self._overlap // 2, self._overlap // 2 + n_pairs)
        approximation, detail = pywt.dwt(y, self._bank, mode="zero")
        return approximation[complete], detail[complete]

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        return self.push(np.zeros(self._bank.dec_len - 1))


def packet_energies(y: np.ndarray, *, n_frames: int = 1, wavelet: str = WAVELET, level: int = 6) -> np.ndarray:
    """Energy in subbands of equal width, by wavelet packets in their natural order of frequency.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples,)
        Mono audio at any sampling rate, taken as periodic.
    n_frames : int
        Number of stretches of equal length in which the energy is counted.
    wavelet : str
        Name of an orthogonal wavelet known to PyWavelets.
    level : int
        Number of splits: 2**level bands of width sr / 2 ** (level + 1) Hz, lowest first.

    Returns
    -------
    np.ndarray, shape (n_frames, 2**level)
        Energies that sum to that of `y`, exactly where n_samples is a multiple of 2**level.

    Raises
    ------
    FeatureError
        If `y` is not mono, the wavelet is not orthogonal, or `y` is too short for `level` and `n_frames`.
    """
    if y.ndim != 1:
        raise FeatureError(f"expected mono audio of shape (n_samples,), got {y.shape}")
    if level < 1 or n_frames < 1:
        raise FeatureError(f"level={level}, n_frames={n_frames}: expected 1 or more")
    bank = _orthogonal(wavelet)
    if y.size < max(bank.dec_len, n_frames) * 2**level:
        raise FeatureError(f"{y.size} samples are too few for level={level} of {wavelet} in {n_frames} frames")
    nodes = pywt.WaveletPacket(y, bank, mode="periodization", maxlevel=level).get_level(level, order="freq")
    squares = np.stack([node.data for node in nodes], axis=1).astype(float) ** 2
    edges = np.linspace(0, len(squares), n_frames + 1).astype(int)
    return np.add.reduceat(squares, edges[:-1], axis=0)


def scalogram(
    y: np.ndarray, *, sr: int, frequencies_hz: np.ndarray, hop_length: int, wavelet: str = MORLET
) -> np.ndarray:
    """Magnitude of the continuous wavelet transform with a complex Morlet wavelet.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples,)
        Mono audio at `sr` Hz. Before and after it is silence.
    frequencies_hz : np.ndarray, shape (n_scales,)
        Centre frequency of each scale, above 0 and at most sr / 2; usually `log_frequencies`.
    hop_length : int
        Samples in a frame.
    wavelet : str
        A complex Morlet wavelet as PyWavelets names it, "cmorB-C".

    Returns
    -------
    np.ndarray, shape (ceil(n_samples / hop_length), n_scales), float32
        Root mean square over each frame of the magnitude; a sine of amplitude A reads A at its frequency.
        Multiply by sqrt(scale) / 2 for the normalisation of `pywt.cwt`.

    Raises
    ------
    FeatureError
        If `y` is not mono or is empty, a frequency is out of range, or the wavelet is not a complex Morlet.
    """
    stream = ScalogramStream(sr=sr, frequencies_hz=frequencies_hz, hop_length=hop_length, wavelet=wavelet)
    return np.concatenate([*stream.push(y), *stream.finish()])


def log_frequencies(low_hz: float, high_hz: float, n_scales: int) -> np.ndarray:
    """`n_scales` centre frequencies from `low_hz` to `high_hz`, in equal ratios."""
    return np.geomspace(low_hz, high_hz, n_scales)


class ScalogramStream:
    """`scalogram` of a recording that arrives in blocks, in bounded memory.

    The signal is transformed in stretches that overlap by more than the longest wavelet. Each scale is the
    inverse transform of the few bins that its wavelet lets through, which is its magnitude sampled as coarsely
    as its bandwidth allows: some fifty times faster than `pywt.cwt`, which computes every sample of every scale.
    """

    def __init__(
        self, *, sr: int, frequencies_hz: np.ndarray, hop_length: int, wavelet: str = MORLET, block_s: float = 10.0
    ) -> None:
        frequencies_hz = np.asarray(frequencies_hz, dtype=float)
        if (
            frequencies_hz.ndim != 1
            or not frequencies_hz.size
            or not np.all((frequencies_hz > 0) & (frequencies_hz <= sr / 2))
        ):
            raise FeatureError(f"expected centre frequencies above 0 and at most {sr / 2:g} Hz, got {frequencies_hz}")
        if hop_length < 1:
            raise FeatureError(f"hop_length={hop_length}: expected 1 or more")
        morlet = _morlet(wavelet)
        # the wavelet's spectrum over frequency / centre is a Gaussian; its envelope in time is one as well
        relative_width = 1 / (np.pi * morlet.center_frequency * np.sqrt(2 * morlet.bandwidth_frequency))
        longest_s = 1 / (2 * np.pi * relative_width * frequencies_hz.min())
        self._sr = sr
        self._hop_length = hop_length
        self._margin = int(np.ceil(2 * SCALOGRAM_WIDTHS * longest_s * sr / hop_length))  # frames
        wanted = int(np.ceil(block_s * sr / hop_length)) + 2 * self._margin
        self._n_frames = fft.next_fast_len(wanted, real=True)
        self._keep = self._n_frames - 2 * self._margin
        self._passbands = [self._passband(centre_hz, relative_width) for centre_hz in frequencies_hz]
        self._pending = [np.zeros(self._margin * hop_length, np.float32)]
        self._n_pending = self._margin * hop_length
        self._n_samples = 0
        self._n_done = 0

    def push(self, y: np.ndarray) -> Iterator[np.ndarray]:
        """Take the next samples, (n,); give the frames that are complete, (k, n_scales) each."""
        if y.ndim != 1:
            raise FeatureError(f"expected mono audio of shape (n_samples,), got {y.shape}")
        self._n_samples += y.size
        self._append(y.astype(np.float32, copy=False))
        return self._complete()

    def finish(self) -> Iterator[np.ndarray]:
        """The last frames. Raises FeatureError where no sample ever came."""
        if self._n_samples == 0:
            raise FeatureError("no samples: a scalogram needs at least one")
        n_left = -(-self._n_samples // self._hop_length) - self._n_done
        n_blocks = -(-n_left // self._keep)
        needed = ((n_blocks - 1) * self._keep + self._n_frames) * self._hop_length
        self._append(np.zeros(max(needed - self._n_pending, 0), np.float32))
        for frames in self._complete():
            yield frames[:n_left]
            n_left -= len(frames)

    def _append(self, y: np.ndarray) -> None:
        self._pending.append(y)
        self._n_pending += y.size

    def _complete(self) -> Iterator[np.ndarray]:
        length, step = self._n_frames * self._hop_length, self._keep * self._hop_length
        while self._n_pending >= length:
            y = np.concatenate(self._pending)
            self._pending = [y[step:]]
            self._n_pending = y.size - step
            self._n_done += self._keep
            yield self._transform(y[:length])

    def _transform(self, y: np.ndarray) -> np.ndarray:
        spectrum = fft.rfft(y)
        columns = np.empty((self._keep, len(self._passbands)), np.float32)
        for scale, (bins, gain, per_frame) in enumerate(self._passbands):
            passed = np.zeros(self._n_frames * per_frame, np.complex64)
            np.multiply(spectrum[bins], gain, out=passed[: gain.size])
            z = fft.ifft(passed, overwrite_x=True).reshape(self._n_frames, per_frame)
            z = z[self._margin : self._margin + self._keep]
            columns[:, scale] = np.sqrt((z.real**2 + z.imag**2).mean(axis=1)) * (2 * passed.size / y.size)
        return columns

    def _passband(self, centre_hz: float, relative_width: float) -> tuple[slice, np.ndarray, int]:
        """Bins that a scale lets through, what it multiplies them with, and samples of its magnitude per frame."""
        bin_hz = self._sr / (self._n_frames * self._hop_length)
        first = max(0, int(np.ceil(centre_hz * (1 - SCALOGRAM_WIDTHS * relative_width) / bin_hz)))
        last = min(centre_hz * (1 + SCALOGRAM_WIDTHS * relative_width), self._sr / 2)
        bins = np.arange(first, int(last / bin_hz) + 1)
        # so many samples per frame that no bin folds onto another, each in the middle of its interval
        per_frame = fft.next_fast_len(max(MIN_PER_FRAME, -(-bins.size // self._n_frames)))
        gain = np.exp(-0.5 * ((bins * bin_hz / centre_hz - 1) / relative_width) ** 2)
        middle = np.exp(1j * np.pi * np.arange(bins.size) / (self._n_frames * per_frame))
        return slice(first, first + bins.size), (gain * middle).astype(np.complex64), per_frame


def _orthogonal(wavelet: str) -> pywt.Wavelet:
    if wavelet not in pywt.wavelist(kind="discrete") or not pywt.Wavelet(wavelet).orthogonal:
        raise FeatureError(f"{wavelet!r} is no orthogonal wavelet of PyWavelets: db8 or sym8 are two")
    return pywt.Wavelet(wavelet)


def _morlet(wavelet: str) -> pywt.ContinuousWavelet:
    if not wavelet.startswith("cmor"):
        raise FeatureError(f"{wavelet!r} is no complex Morlet wavelet: {MORLET} is one")
    return pywt.ContinuousWavelet(wavelet)
