"""Log-mel becomes sound: `Vocoder`, a network in NumPy, and `GriffinLim`, which learned nothing.

Log-mel is (frames, N_MELS) as `features.log_mel.log_mel` gives it; sound is ((frames - 1) * HOP_LENGTH,) float32 at
`features.log_mel.SR`. The network gives the fine spectrum of each frame and how its phases differ from those of the
frame before; the differences are added up, and some rounds of Griffin-Lim make the frames agree where they overlap.

A recording is worked on in blocks of `BLOCK_FRAMES`, counted from its start, each with the frames before it as they
were left and `LOOKAHEAD_FRAMES` after it. Sound that is made piece by piece is therefore, to the last bit, what the
whole gives, however it was cut, and the memory is bounded.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from features.log_mel import (
    CENTRE,
    HIGHEST_HZ,
    HOP_LENGTH,
    LOWEST_HZ,
    N_FFT,
    N_MELS,
    POWER_FLOOR,
    SPREAD,
    SR,
    mel_filter_bank,
    scaled,
)
from features.spectrogram import hz_to_mel
from models.blas_threads import one_blas_thread
from models.errors import ModelError
from models.model_folder import load_weights
from models.phases import N_BINS, OVERLAP, overlapped, phases_from_differences, refined
from models.settings_file import settings_of
from models.vocoder_settings import VocoderSettings

KIND = "vocoder"
BIN_POWER_FLOOR = 1e-5  # power of a bin that counts as silence: 104 dB under a sine at full scale
LOWEST_LOG_POWER = float(np.log(BIN_POWER_FLOOR))
HIGHEST_LOG_POWER = 20.0  # natural logarithm: 33 dB over a sine at full scale
POWER_SPREAD = 2.0  # natural logarithms of power in one unit of the network's answer
NORMALISE_EPSILON = 1e-5
BLOCK_FRAMES = 256  # 5.9 s
EDGE_FRAMES = 8  # mirrored at either end: a frame that few others overlap with is no good sound
LOOKAHEAD_FRAMES = 12
BASELINE_ROUNDS = 32
NO_FRAMES = "no log-mel: sound needs at least one frame"


class GriffinLim:
    """The baseline: magnitudes by the pseudo-inverse of the mel filters, phases drawn and refined.

    Parameters
    ----------
    rounds : int
        Of refinement.
    """

    def __init__(self, rounds: int = BASELINE_ROUNDS) -> None:
        self.rounds = rounds

    def audio(self, S: np.ndarray) -> np.ndarray:
        """Sound of a log-mel (frames, N_MELS): ((frames - 1) * HOP_LENGTH,) float32, the same in every call."""
        _check(S)
        if len(S) == 0:
            raise ModelError(NO_FRAMES)
        with one_blas_thread():
            power_of_bins = np.maximum(_mel_power(S) @ _inverse_mel_filters(), 0)
        phase = np.random.default_rng(0).uniform(0, 2 * np.pi, power_of_bins.shape)
        spectra = (np.sqrt(power_of_bins) * np.exp(1j * phase)).astype(np.complex64)
        return overlapped(refined(spectra, rounds=self.rounds))[N_FFT // 2 : -N_FFT // 2]


class FineSpectra(NamedTuple):
    """What the network makes of frames: power, and differences of phase (`models.phases`); (frames, N_BINS) each."""

    power: np.ndarray
    advance: np.ndarray
    delay: np.ndarray


class Vocoder:
    """A trained vocoder.

    Parameters
    ----------
    settings : VocoderSettings
        Shape of the network.
    arrays : mapping of str to np.ndarray
        Of `vocoder_network.arrays_of`.

    Raises
    ------
    ModelError
        If an array is missing or does not fit the settings.
    """

    def __init__(self, settings: VocoderSettings, arrays: Mapping[str, np.ndarray]) -> None:
        self.settings = settings
        self._arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
        try:
            shape = self._network(np.zeros((2, N_MELS), np.float32)).shape  # goes through every layer
        except KeyError as error:
            raise ModelError(f"no vocoder: {error} is missing") from error
        except (IndexError, TypeError, ValueError) as error:
            raise ModelError(f"no vocoder: its arrays do not fit ({error})") from error
        if shape != (2, 5 * N_BINS):
            raise ModelError(f"no vocoder: it answers with {shape[1]} numbers a frame, expected {5 * N_BINS}")

    @classmethod
    def load(cls, folder: Path | str) -> "Vocoder":
        """The vocoder of a model folder.

        Raises
        ------
        ModelError
            If the folder holds none; IntegrityError if its weights are not those that the card names.
        """
        card, arrays = load_weights(Path(folder), kind=KIND)
        return cls(settings_of(VocoderSettings, card.get("network"), where=f"{folder}, network"), arrays)

    def audio(self, S: np.ndarray) -> np.ndarray:
        """Sound of a recording.

        Parameters
        ----------
        S : np.ndarray, shape (frames, N_MELS)
            Log-mel, not scaled, at least one frame.

        Returns
        -------
        np.ndarray, shape ((frames - 1) * HOP_LENGTH,), float32
            At `features.log_mel.SR`; the same in every call.

        Raises
        ------
        ModelError
            If `S` has another shape, or holds NaN or infinity.
        """
        stream = VocoderStream(self)
        return np.concatenate([stream.push(S), stream.finish()])

    def fine_spectra(self, S: np.ndarray) -> FineSpectra:
        """What the network makes of a log-mel (frames, N_MELS), taken as a whole."""
        with one_blas_thread():
            x = scaled(S.astype(np.float32, copy=False))
            out = self._network(x).reshape(len(S), 5, N_BINS)
            coarse, offset = coarse_log_power()
            log_power = x @ coarse + offset + np.float32(POWER_SPREAD) * out[:, 0]
            power_of_bins = np.exp(np.minimum(log_power, np.float32(HIGHEST_LOG_POWER)))
            for _ in range(self.settings.matchings):
                power_of_bins *= _matching(power_of_bins, S)
        return FineSpectra(power_of_bins, out[:, 1] + 1j * out[:, 2], out[:, 3] + 1j * out[:, 4])

    def _network(self, x: np.ndarray) -> np.ndarray:
        x = self._conv("in", x)
        for index in range(self.settings.n_blocks):
            y = self._normalise(f"block_{index}_normalise", self._depthwise(f"block_{index}_conv", x))
            y = self._dense(f"block_{index}_widen", y)
            x = x + self._dense(f"block_{index}_narrow", y * expit(y))
        return self._dense("out", self._normalise("normalise", x))

    def _dense(self, name: str, x: np.ndarray) -> np.ndarray:
        return x @ self._arrays[f"{name}/kernel"] + self._arrays[f"{name}/bias"]

    def _normalise(self, name: str, x: np.ndarray) -> np.ndarray:
        centred = x - x.mean(axis=1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=1, keepdims=True) + np.float32(NORMALISE_EPSILON))
        return centred / spread * self._arrays[f"{name}/gamma"] + self._arrays[f"{name}/beta"]

    def _conv(self, name: str, x: np.ndarray) -> np.ndarray:
        """Convolution over time that keeps the length: one matrix product for each place of the kernel."""
        kernel = self._arrays[f"{name}/kernel"]
        padded = _padded(x, len(kernel))
        places = (padded[place : place + len(x)] @ weights for place, weights in enumerate(kernel))
        return sum(places, start=self._arrays[f"{name}/bias"])

    def _depthwise(self, name: str, x: np.ndarray) -> np.ndarray:
        """Convolution over time in each channel."""
        kernel = self._arrays[f"{name}/kernel"]
        padded = _padded(x, len(kernel))
        places = (padded[place : place + len(x)] * weights[:, 0] for place, weights in enumerate(kernel))
        return sum(places, start=self._arrays[f"{name}/bias"])


class VocoderStream:
    """Makes sound of log-mel that arrives in pieces: all sound together is `Vocoder.audio` of all frames.

    A block of sound waits for the frames that it depends on: `BLOCK_FRAMES`, and after them `LOOKAHEAD_FRAMES` and the
    network's context.
    """

    def __init__(self, vocoder: Vocoder) -> None:
        self._vocoder = vocoder
        self._edge = np.empty((0, N_MELS), np.float32)  # the first frames, until there are enough; then the last ones
        self._n_mirrored: int | None = None  # frames before the first one
        self._n_given = 0  # samples
        self._S = np.empty((0, N_MELS), np.float32)  # from at most `context` frames before the next block
        self._n_before = 0  # of those, how many lie before the next block
        self._done = np.empty((0, N_BINS), np.complex64)  # the last spectra that will not change any more
        self._n_frames = 0

    def push(self, S: np.ndarray) -> np.ndarray:
        """Take the next frames, (n, N_MELS) log-mel; give the sound that is complete, (k,) float32."""
        _check(S)
        self._edge = np.concatenate([self._edge, S.astype(np.float32, copy=False)])
        self._n_frames += len(S)
        if self._n_mirrored is None:
            if len(self._edge) <= EDGE_FRAMES:
                return np.empty(0, np.float32)
            made = self._begin()
        else:
            made = self._take(S)
        self._edge = self._edge[-EDGE_FRAMES - 1 :]
        return self._cut(made)

    def finish(self) -> np.ndarray:
        """The sound that is left. Raises ModelError where no frame ever came."""
        if self._n_frames == 0:
            raise ModelError(NO_FRAMES)
        made = [] if self._n_mirrored is not None else [self._begin()]
        made.append(self._take(self._edge[-2 : -EDGE_FRAMES - 2 : -1]))
        while len(self._S) > self._n_before:
            made.append(self._block(last=len(self._S) - self._n_before <= BLOCK_FRAMES))
        return self._cut(np.concatenate(made))

    def _begin(self) -> np.ndarray:
        """Take the first frames, and before them their mirror image: log-mels are made of mirrored sound."""
        mirrored = self._edge[EDGE_FRAMES:0:-1]
        self._n_mirrored = len(mirrored)
        return self._take(np.concatenate([mirrored, self._edge]))

    def _take(self, S: np.ndarray) -> np.ndarray:
        """Sound of the blocks that are complete with these frames."""
        self._S = np.concatenate([self._S, S.astype(np.float32, copy=False)])
        needed = BLOCK_FRAMES + LOOKAHEAD_FRAMES + self._vocoder.settings.context
        made = [np.empty(0, np.float32)]
        while len(self._S) - self._n_before >= needed:
            made.append(self._block(last=False))
        return np.concatenate(made)

    def _cut(self, y: np.ndarray) -> np.ndarray:
        """Without the sound of frames that were mirrored."""
        assert self._n_mirrored is not None
        first = self._n_mirrored * HOP_LENGTH
        start, self._n_given = self._n_given, self._n_given + y.size
        return y[max(0, first - start) : max(0, first + (self._n_frames - 1) * HOP_LENGTH - start)]

    def _block(self, *, last: bool) -> np.ndarray:
        """Sound of the next block, and the state for the one after it."""
        context, first = self._vocoder.settings.context, len(self._done) == 0
        end = min(self._n_before + BLOCK_FRAMES, len(self._S))
        window = self._S[: end + LOOKAHEAD_FRAMES + context]
        fine = self._vocoder.fine_spectra(window)
        power_of_bins, advance, delay = (part[self._n_before : end + LOOKAHEAD_FRAMES] for part in fine)
        before = np.ones(N_BINS, np.complex64) if first else self._done[-1]
        spectra = phases_from_differences(np.sqrt(power_of_bins), advance, delay, before=before)
        spectra = np.concatenate([self._done, spectra])
        spectra = refined(spectra, rounds=self._vocoder.settings.rounds, n_fixed=len(self._done))
        spectra = spectra[: len(self._done) + BLOCK_FRAMES]
        # The signal of all frames begins N_FFT / 2 samples before the sound, and ends as many after it.
        y = overlapped(spectra)
        start = N_FFT // 2 if first else len(self._done) * HOP_LENGTH
        stop = len(y) - N_FFT // 2 if last else len(spectra) * HOP_LENGTH
        self._done = spectra[-(OVERLAP - 1) :]
        kept = max(0, end - context)
        self._S, self._n_before = self._S[kept:].copy(), end - kept
        return y[start:stop]


@cache
def coarse_log_power() -> tuple[np.ndarray, np.ndarray]:
    """What the network's answer is added to: log power that runs straight from band to band.

    Returns
    -------
    tuple of np.ndarray, shapes (N_MELS, N_BINS) and (N_BINS,), float32
        Scaled log-mel times the first, plus the second, is the natural logarithm of each bin's power.
    """
    corners = np.linspace(hz_to_mel(LOWEST_HZ), hz_to_mel(HIGHEST_HZ), N_MELS + 2)
    bins = hz_to_mel(np.arange(N_BINS) * SR / N_FFT)
    between = np.stack([np.interp(bins, corners[1:-1], one) for one in np.eye(N_MELS)])
    of_flat = CENTRE - np.log(mel_filter_bank().sum(axis=1))
    return (SPREAD * between).astype(np.float32), (of_flat @ between).astype(np.float32)


def _matching(power_of_bins: np.ndarray, S: np.ndarray) -> np.ndarray:
    """Factors for the bins that bring their mel power closer to the one wanted: (frames, N_BINS)."""
    filters = mel_filter_bank()
    ratio = _mel_power(S) / np.maximum(power_of_bins @ filters.T, np.float32(1e-12))
    covered = filters.sum(axis=0)
    return np.where(covered > 0, (ratio @ filters) / np.maximum(covered, np.float32(1e-12)), 1)


def _mel_power(S: np.ndarray) -> np.ndarray:
    """Mel power without the floor under it: what lies at the floor is silent, not a hiss 70 dB under full scale."""
    return np.maximum(np.exp(S.astype(np.float32, copy=False)) - np.float32(POWER_FLOOR), 0)


@cache
def _inverse_mel_filters() -> np.ndarray:
    return np.linalg.pinv(mel_filter_bank()).T


def _padded(x: np.ndarray, kernel: int) -> np.ndarray:
    return np.pad(x, ((kernel // 2, kernel // 2), (0, 0)))


def _check(S: np.ndarray) -> None:
    if S.ndim != 2 or S.shape[1] != N_MELS or not np.isfinite(S).all():
        raise ModelError(f"log-mel of shape {S.shape}: expected finite numbers (frames, {N_MELS})")
