"""From native sound to mono at one sampling rate, block by block.

Mono is the mean of the channels, taken before resampling because that is half the work for stereo.
The resampler is soxr at quality HQ; blocks give exactly the samples that the whole signal would.
"""

import numpy as np
import soxr

from features.errors import FeatureError

QUALITY = "HQ"


def to_mono(y: np.ndarray) -> np.ndarray:
    """Mean of the channels.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples, n_channels) or (n_samples,)
        Sound of any number of channels.

    Returns
    -------
    np.ndarray, shape (n_samples,)
        float32; `y` itself where it is mono float32 already.

    Raises
    ------
    FeatureError
        If `y` has another shape, or no channel.
    """
    if y.ndim not in (1, 2) or (y.shape[-1:] == (0,) and y.ndim == 2):
        raise FeatureError(f"expected sound of shape (n_samples,) or (n_samples, n_channels), got {y.shape}")
    y = y.astype(np.float32, copy=False)
    if y.ndim == 1:
        return y
    n_channels = y.shape[1]
    if n_channels == 1:
        return y[:, 0]
    # Channel by channel: `mean(axis=1)` takes 30 times as long, and a matrix product wakes threads for nothing.
    mono = y[:, 0] + y[:, 1]
    for channel in range(2, n_channels):
        mono += y[:, channel]
    mono *= np.float32(1 / n_channels)
    return mono


class MonoResampler:
    """Streaming mean of channels and change of sampling rate.

    Parameters
    ----------
    sr_in, sr_out : int
        Sampling rates in Hz, at least 1.

    Raises
    ------
    FeatureError
        If a rate is not positive.
    """

    def __init__(self, sr_in: int, sr_out: int) -> None:
        if sr_in < 1 or sr_out < 1:
            raise FeatureError(f"expected sampling rates of 1 Hz or more, got {sr_in} and {sr_out}")
        self._stream = soxr.ResampleStream(sr_in, sr_out, 1, quality=QUALITY) if sr_in != sr_out else None

    def push(self, y: np.ndarray) -> np.ndarray:
        """Take the next block; give what is certain by now.

        Parameters
        ----------
        y : np.ndarray, shape (n_samples, n_channels) or (n_samples,)
            The next block at `sr_in`.

        Returns
        -------
        np.ndarray, shape (m,)
            Mono float32 at `sr_out`; m may be 0, since the filter looks ahead.
        """
        mono = to_mono(y)
        return mono if self._stream is None else self._stream.resample_chunk(np.ascontiguousarray(mono))

    def finish(self) -> np.ndarray:
        """Give the rest, shape (m,); the resampler is of no use afterwards."""
        nothing = np.empty(0, dtype=np.float32)
        return nothing if self._stream is None else self._stream.resample_chunk(nothing, last=True)
