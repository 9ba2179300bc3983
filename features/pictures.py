"""Pictures of a recording's spectrum as PNG: time to the right, low frequencies at the bottom, loud is light.

Both show the mono signal at 16 kHz, which is what the classifier hears, from 80 dB (scalogram: 60 dB) under the
loudest spot, dark, to the loudest, light. The recording is read once, in blocks, and pooled into columns while it
goes: when there are too many, neighbours are averaged, so that any length takes the same memory.
"""

import io
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
from PIL import Image
from scipy import sparse

from features.audio import MonoResampler, Source, open_audio
from features.errors import EmptyFile, FeatureError
from features.spectrogram import MUSICNN_SR, FrameStream, apply_filters, mel_filters, power, spectrum
from features.wavelet import ScalogramStream, log_frequencies

SR = MUSICNN_SR
MEL_RANGE_DB = 80.0
SCALOGRAM_RANGE_DB = 60.0  # wavelets spread more than mel bands: less is background
POWER_FLOOR = 1e-12
LARGEST_SIDE = 4096  # pixels
SHORTEST_HOP, LONGEST_HOP = 64, 1024  # samples in a column before pooling

MEL_N_FFT = 2048
MEL_BANDS = 128

SCALES = 96  # 12 an octave
LOWEST_HZ, HIGHEST_HZ = 31.25, 7750.0

# Of the colour scale, in OKLCh: lightness, chroma, hue in degrees, at equal steps from soft to loud. Lightness
# rises evenly, so that equal steps in dB look equal, also in grey.
COLOURS = (
    (0.10, 0.03, 285),
    (0.28, 0.13, 295),
    (0.46, 0.18, 330),
    (0.63, 0.20, 375),
    (0.80, 0.16, 425),
    (0.97, 0.09, 465),
)


def mel_picture(
    source: Source, *, width: int = 1200, height: int = 256, offset_s: float = 0.0, duration_s: float | None = None
) -> bytes:
    """Mel spectrogram of a recording or of a part of it.

    Parameters
    ----------
    source : path or binary file
        A recording in any format that `features.audio` decodes.
    width, height : int
        Pixels, 1 to 4096.
    offset_s, duration_s : float
        The part that is shown, in seconds; None: to the end.

    Returns
    -------
    bytes
        A PNG with a palette. Rows are equal steps on the mel scale from 0 to 8 kHz.

    Raises
    ------
    AudioError
        If the recording cannot be decoded, or holds nothing after `offset_s`.
    FeatureError
        If a size or a time is out of range.
    """
    part = _Part(source, width, height, offset_s, duration_s)
    filters = sparse.csr_array(mel_filters(sr=SR, n_fft=MEL_N_FFT, n_mels=MEL_BANDS))

    def mel(frames: np.ndarray) -> np.ndarray:
        return apply_filters(filters, power(spectrum(frames)))

    def columns() -> Iterator[np.ndarray]:
        stream = FrameStream(mel, n_fft=MEL_N_FFT, hop_length=part.hop_length)
        for block in part.blocks():
            yield from stream.push(block)
        yield from stream.finish()

    return _png(_pool(columns(), 2 * width), width, height, range_db=MEL_RANGE_DB)


def scalogram_picture(
    source: Source, *, width: int = 1200, height: int = 256, offset_s: float = 0.0, duration_s: float | None = None
) -> bytes:
    """Wavelet scalogram of a recording or of a part of it.

    Parameters, answer and errors are those of `mel_picture`. Rows are equal ratios of frequency, eight octaves from
    31 Hz to 7.75 kHz: sharp in pitch below and in time above.
    """
    part = _Part(source, width, height, offset_s, duration_s)

    def columns() -> Iterator[np.ndarray]:
        frequencies_hz = log_frequencies(LOWEST_HZ, HIGHEST_HZ, SCALES)
        stream = ScalogramStream(sr=SR, frequencies_hz=frequencies_hz, hop_length=part.hop_length)
        for block in part.blocks():
            yield from (magnitude**2 for magnitude in stream.push(block))
        yield from (magnitude**2 for magnitude in stream.finish())

    return _png(_pool(columns(), 2 * width), width, height, range_db=SCALOGRAM_RANGE_DB)


class _Part:
    """The part of a recording that a picture shows, checked."""

    def __init__(self, source: Source, width: int, height: int, offset_s: float, duration_s: float | None) -> None:
        if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
            raise FeatureError(f"{width} x {height} pixels: expected 1 to {LARGEST_SIDE} each way")
        if not offset_s >= 0 or (duration_s is not None and not duration_s > 0):
            raise FeatureError(f"offset_s={offset_s}, duration_s={duration_s}: expected 0 or more, and above 0")
        self._stream = open_audio(source)
        self._offset_s = offset_s
        self._duration_s = duration_s
        known_s = self._stream.info.duration_s
        shown_s = duration_s if known_s is None else min(duration_s or known_s, known_s - offset_s)
        wanted = LONGEST_HOP if shown_s is None else max(shown_s * SR / width, SHORTEST_HOP)
        self.hop_length = min(LONGEST_HOP, 2 ** int(np.log2(wanted)))

    def blocks(self) -> Iterator[np.ndarray]:
        """Mono blocks at 16 kHz."""
        n_left = np.inf if self._duration_s is None else round(self._duration_s * SR)
        is_empty = True
        with self._stream as stream:
            resampler = MonoResampler(stream.info.sample_rate, SR)
            for native in stream.blocks(offset_s=self._offset_s):
                block = resampler.push(native)
                yield block if block.size <= n_left else block[: int(n_left)]
                n_left -= block.size
                is_empty = False
                if n_left <= 0:
                    return
            if is_empty:
                raise EmptyFile(f"no audio after {self._offset_s:g} s: choose an earlier start")
            rest = resampler.finish()
            yield rest if rest.size <= n_left else rest[: int(n_left)]


def _pool(blocks: Iterable[np.ndarray], most: int) -> np.ndarray:
    """Mean power in at most `most` columns of equal length (the last may hold less): (n_columns, n_bands)."""
    per_column = 1
    pooled: list[np.ndarray] = []
    rest: np.ndarray | None = None
    n_columns = 0
    for block in blocks:
        rows = block if rest is None else np.concatenate([rest, block])
        n_full = len(rows) // per_column
        pooled.append(rows[: n_full * per_column].reshape(n_full, per_column, rows.shape[1]).mean(axis=1))
        rest = rows[n_full * per_column :]
        n_columns += n_full
        while n_columns > most:
            whole = np.concatenate(pooled)
            if n_columns % 2:  # half a pair goes back to the rest
                rest = np.concatenate([np.repeat(whole[-1:], per_column, axis=0), rest])
                whole = whole[:-1]
            whole = whole.reshape(len(whole) // 2, 2, whole.shape[1]).mean(axis=1)
            pooled, n_columns, per_column = [whole], len(whole), per_column * 2
    if rest is not None and len(rest):
        pooled.append(rest.mean(axis=0, keepdims=True))
    return np.concatenate(pooled)


def _png(S_power: np.ndarray, width: int, height: int, *, range_db: float) -> bytes:
    """(n_columns, n_bands) power, lowest band first, as a picture."""
    S_db = 10 * np.log10(np.clip(S_power, POWER_FLOOR, None))
    loudest = S_db.max()
    shade = np.clip(1 + (S_db - loudest) / range_db, 0, 1) if S_power.max() > POWER_FLOOR else np.zeros_like(S_db)
    grey = Image.fromarray(np.round(shade.T[::-1] * 255).astype(np.uint8))
    picture = grey.resize((width, height), Image.Resampling.BILINEAR)
    picture.putpalette(_palette())
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


@cache
def _palette() -> bytes:
    """256 colours from soft to loud, as red, green and blue bytes.

    References
    ----------
    Ottosson, "A perceptual color space for image processing", 2020 (OKLab).
    """
    steps = np.linspace(0, len(COLOURS) - 1, 256)
    lightness, chroma, hue = (
        np.interp(steps, np.arange(len(COLOURS)), values) for values in zip(*COLOURS, strict=True)
    )
    a, b = chroma * np.cos(np.radians(hue)), chroma * np.sin(np.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = np.stack(
        [
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        ],
        axis=1,
    ).clip(0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(rgb * 255).astype(np.uint8).tobytes()
