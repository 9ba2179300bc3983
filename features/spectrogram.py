"""Short-time spectra: STFT, mel power, and the log-mel that the MusiCNN backbone was trained on.

Time runs along the first axis: a spectrogram is (n_frames, n_bins) or (n_frames, n_mels). Frames are
centred as in librosa: frame t covers the samples t * hop_length - n_fft / 2 up to t * hop_length +
n_fft / 2, with zeros before the start and after the end, so n samples give 1 + n // hop_length frames.
Windows are periodic Hann. Samples have full scale at 1.0, spectra are not scaled by the window's sum:
a sine of amplitude 1 peaks at n_fft / 4 in magnitude.

Everything is computed in float32 and in blocks of a fixed number of frames, counted from the start, so
a stream gives bit for bit what the whole gives, however it was cut.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy import fft, sparse

from features.errors import FeatureError, InvalidSamples

MUSICNN_SR = 16000  # Hz
MUSICNN_N_FFT = 512
MUSICNN_HOP = 256  # samples, 16 ms
MUSICNN_N_MELS = 96
PATCH_FRAMES = 187  # one patch of the backbone, 2.992 s

BLOCK_FRAMES = 256  # small enough that a block stays in the processor's cache
LARGEST_SAMPLE = np.float32(1e12)  # 240 dB over full scale: what is beyond counts as this, so that powers are finite
LOG_GAIN = 10000  # the backbone's compression: log10(LOG_GAIN * mel + 1)


def stft(y: np.ndarray, *, n_fft: int, hop_length: int) -> np.ndarray:
    """Short-time Fourier transform.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples,)
        Mono audio.
    n_fft, hop_length : int
        Samples in a frame (even) and between frames.

    Returns
    -------
    np.ndarray, shape (1 + n_samples // hop_length, 1 + n_fft // 2), complex64
        Bin k is the frequency k * sr / n_fft.

    Raises
    ------
    FeatureError
        If `y` is not mono floating-point audio, or a length is out of range.
    """
    return whole(FrameStream(spectrum, n_fft=n_fft, hop_length=hop_length), y)


def mel_spectrogram(y: np.ndarray, *, sr: int, n_fft: int, hop_length: int, n_mels: int) -> np.ndarray:
    """Power in mel bands, with the numbers of `librosa.feature.melspectrogram`.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples,)
        Mono audio at `sr` Hz.
    n_fft, hop_length : int
        Samples in a frame (even) and between frames.
    n_mels : int
        Number of bands between 0 Hz and sr / 2.

    Returns
    -------
    np.ndarray, shape (1 + n_samples // hop_length, n_mels), float32
        Power, 0 or more.

    Raises
    ------
    FeatureError
        If `y` is not mono floating-point audio, or a setting is out of range.
    """
    filters = sparse.csr_array(mel_filters(sr=sr, n_fft=n_fft, n_mels=n_mels))

    def mel(frames: np.ndarray) -> np.ndarray:
        return apply_filters(filters, power(spectrum(frames)))

    return whole(FrameStream(mel, n_fft=n_fft, hop_length=hop_length), y)


def mel_filters(*, sr: int, n_fft: int, n_mels: int) -> np.ndarray:
    """Triangular filters on Slaney's mel scale, each of area 1 over frequency in Hz.

    The numbers are those of `librosa.filters.mel`, which is not called because importing it compiles
    through numba: seconds and 130 MB in every process that decodes.

    Parameters
    ----------
    sr : int
        Sampling rate in Hz.
    n_fft : int
        Samples in a frame.
    n_mels : int
        Number of bands between 0 Hz and sr / 2.

    Returns
    -------
    np.ndarray, shape (n_mels, 1 + n_fft // 2), float32
        Weights on the power spectrum; multiply as `power @ filters.T`.

    Raises
    ------
    FeatureError
        If a setting is not positive.

    References
    ----------
    Slaney, "Auditory Toolbox, version 2", Interval Research, 1998.
    """
    if min(sr, n_fft, n_mels) < 1:
        raise FeatureError(f"sr={sr}, n_fft={n_fft}, n_mels={n_mels}: expected positive numbers")
    corners = mel_to_hz(np.linspace(0.0, hz_to_mel(sr / 2), n_mels + 2))
    lower, centre, upper = (corners[i : i + n_mels, None] for i in range(3))
    bins = fft.rfftfreq(n_fft, 1 / sr)
    triangles = np.minimum((bins - lower) / (centre - lower), (upper - bins) / (upper - centre))
    return (np.maximum(triangles, 0) * 2 / (upper - lower)).astype(np.float32)


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray:
    """Slaney's mel scale: linear below 1 kHz (15 mel), logarithmic above (27 steps to 6.4 kHz)."""
    hz = np.asarray(hz, dtype=float)
    return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4))


def mel_to_hz(mel: np.ndarray | float) -> np.ndarray:
    """Inverse of `hz_to_mel`."""
    mel = np.asarray(mel, dtype=float)
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((np.maximum(mel, 15) - 15) / 27))


def musicnn_log_mel(y: np.ndarray) -> np.ndarray:
    """Log-mel spectrogram that the MusiCNN backbone takes, finite for any finite audio.

    The original computes librosa's mel power, rounds it to float16, and takes log10(10000 * mel + 1) of that in
    float32: NumPy 1 promotes the product with 10000, which float16's arithmetic would overflow for any loud
    music (mel above 6.55), and which NumPy 2 no longer promotes. Only mel power beyond float16's largest
    number, 65504, is infinite in the original; that is far beyond full scale, and is taken as 65504 here.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples,)
        Mono audio at 16 kHz (`MUSICNN_SR`), at least one sample.

    Returns
    -------
    np.ndarray, shape (1 + n_samples // 256, 96), float32
        0 for silence, 4 to 6 for loud music, never above 8.9.

    Raises
    ------
    FeatureError
        If `y` is not mono floating-point audio, or empty.
    InvalidSamples
        If `y` holds NaN or infinity.

    References
    ----------
    Pons and Serra, "musicnn: Pre-trained convolutional neural networks for music audio tagging", 2019.
    """
    stream = LogMelStream()
    return np.concatenate([stream.push(y), stream.finish()])


class LogMelStream:
    """`musicnn_log_mel` of a recording that arrives in blocks: the concatenated answers are those of the whole."""

    def __init__(self) -> None:
        self._frames = FrameStream(_musicnn_frames, n_fft=MUSICNN_N_FFT, hop_length=MUSICNN_HOP)

    def push(self, y: np.ndarray) -> np.ndarray:
        """Take the next samples, (n,) at 16 kHz; give the frames that are complete, (k, 96) with k >= 0."""
        return np.concatenate([_NO_FRAMES, *self._frames.push(y)])

    def finish(self) -> np.ndarray:
        """The last frames, (k, 96). Raises FeatureError where no sample ever came."""
        return np.concatenate([_NO_FRAMES, *self._frames.finish()])


class FrameStream:
    """Cuts a stream of samples into centred frames and transforms them, always the same number at once.

    The rounding of a transform may depend on how many are done at once, so the last block is filled up with
    frames of zeros and its answer cut: the stream's blocks then make no difference to the last bit.

    Parameters
    ----------
    transform : callable
        Takes frames, (block_frames, n_fft) float32, read-only; gives an array with one row for each.
    n_fft, hop_length : int
        Samples in a frame (even, at least 2) and between frames (1 to n_fft).
    block_frames : int
        Frames that are transformed at once.

    Raises
    ------
    FeatureError
        If a length is out of range.
    """

    def __init__(
        self,
        transform: Callable[[np.ndarray], np.ndarray],
        *,
        n_fft: int,
        hop_length: int,
        block_frames: int = BLOCK_FRAMES,
    ) -> None:
        if n_fft < 2 or n_fft % 2:
            raise FeatureError(f"n_fft={n_fft}: expected an even number, 2 or more")
        if not 1 <= hop_length <= n_fft:
            raise FeatureError(f"hop_length={hop_length}: expected 1 to n_fft={n_fft}")
        self._transform = transform
        self._n_fft = n_fft
        self._hop_length = hop_length
        self._block_frames = block_frames
        self._pending = [np.zeros(n_fft // 2, np.float32)]
        self._n_pending = n_fft // 2
        self._n_samples = 0
        self._n_frames = 0

    def push(self, y: np.ndarray) -> list[np.ndarray]:
        """Take samples, (n,), full scale at 1.0; give the blocks of answers that are complete."""
        if y.ndim != 1 or not np.issubdtype(y.dtype, np.floating):
            raise FeatureError(f"expected mono floating-point audio of shape (n_samples,), got {y.dtype} {y.shape}")
        y = y.astype(np.float32, copy=False)
        if not np.isfinite(y).all():
            raise InvalidSamples("the samples hold NaN or infinity: decode the recording again")
        self._n_samples += y.size
        return self._transformed(np.clip(y, -LARGEST_SAMPLE, LARGEST_SAMPLE))

    def finish(self) -> list[np.ndarray]:
        """The blocks that are left. Raises FeatureError where no sample ever came."""
        if self._n_samples == 0:
            raise FeatureError("no samples: a spectrogram needs at least one")
        n_left = 1 + self._n_samples // self._hop_length - self._n_frames
        if n_left == 0:
            return []
        n_blocks = -(-n_left // self._block_frames)
        n_samples = (n_blocks * self._block_frames - 1) * self._hop_length + self._n_fft
        blocks = self._transformed(np.zeros(n_samples - self._n_pending, np.float32))
        blocks[-1] = blocks[-1][: n_left - (n_blocks - 1) * self._block_frames]
        return blocks

    def _transformed(self, y: np.ndarray) -> list[np.ndarray]:
        self._pending.append(y)
        self._n_pending += y.size
        step = self._block_frames * self._hop_length
        needed = step - self._hop_length + self._n_fft
        if self._n_pending < needed:
            return []
        samples = np.concatenate(self._pending)
        frames = np.lib.stride_tricks.sliding_window_view(samples, self._n_fft)[:: self._hop_length]
        n_blocks = len(frames) // self._block_frames
        blocks = [self._transform(block) for block in np.split(frames[: n_blocks * self._block_frames], n_blocks)]
        self._n_frames += n_blocks * self._block_frames
        # a copy, or a small rest would keep the whole block alive
        rest = samples[n_blocks * step :].copy()
        self._pending, self._n_pending = [rest], rest.size
        return blocks


def whole(stream: FrameStream, y: np.ndarray) -> np.ndarray:
    """Every row that `stream` gives for the recording `y`, (n_samples,)."""
    return np.concatenate([*stream.push(y), *stream.finish()])


def spectrum(frames: np.ndarray) -> np.ndarray:
    """Fourier transform of frames under a Hann window: (n_frames, n_fft) -> (n_frames, 1 + n_fft // 2) complex64."""
    return fft.rfft(frames * hann(frames.shape[1]))


@cache
def hann(n_fft: int) -> np.ndarray:
    """Periodic Hann window, (n_fft,) float32."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)
    window.setflags(write=False)
    return window


def power(S: np.ndarray) -> np.ndarray:
    """Squared magnitude of complex spectra, float32."""
    return S.real**2 + S.imag**2


def apply_filters(filters: sparse.csr_array, S: np.ndarray) -> np.ndarray:
    """Weighted sums over bins, (n_filters, n_bins) on (n_frames, n_bins) -> (n_frames, n_filters).

    Mel filters have two numbers per bin that are not zero: the sparse product takes a tenth of the time of
    the dense one, and needs no threads.
    """
    return np.ascontiguousarray((filters @ np.ascontiguousarray(S.T)).T)


_NO_FRAMES = np.empty((0, MUSICNN_N_MELS), np.float32)


def _musicnn_frames(frames: np.ndarray) -> np.ndarray:
    mel = apply_filters(_musicnn_filters(), power(spectrum(frames)))
    with np.errstate(over="ignore"):  # infinite: the table answers with its largest value
        return _compression()[mel.astype(np.float16).view(np.uint16)]


@cache
def _musicnn_filters() -> sparse.csr_array:
    return sparse.csr_array(mel_filters(sr=MUSICNN_SR, n_fft=MUSICNN_N_FFT, n_mels=MUSICNN_N_MELS))


@cache
def _compression() -> np.ndarray:
    """log10(10000 * mel + 1) for each bit pattern of a float16 mel power that is not negative, (2**16,) float32."""
    mel = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)
    largest = np.float32(np.finfo(np.float16).max)
    mel = np.where(np.isfinite(mel), np.maximum(mel, 0), largest)
    return np.log10(np.float32(LOG_GAIN) * mel + np.float32(1))
