"""Whether a take is music at all: silence, a stuck generator, a held sound or noise, and clipping are no music.

Samples are mono at `features.log_mel.SR`, at any level: what counts is how loud a place is beside the others, so that
the answer is the same before and after mastering. They are heard in the frames of the log-mel, of which a few numbers
are kept each, so that five minutes take little memory. The limits are far from what music does: a second of rendered
music is silent for 0.2 s at most, moves by 1.6 dB or more, and a cycle of its codes never lasts half a second; noise
moves by 1.4 dB, a held tone by less.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.log_mel import FRAMES_PER_S, HOP_LENGTH, N_FFT, N_MELS, POWER_FLOOR, mel_filter_bank
from features.spectrogram import FrameStream, power, spectrum
from models.errors import ModelError

FULL_SCALE_DB = 40.0  # mel power, all bands together, of a sine of 440 Hz at full scale
QUIET_DB = -50.0  # re a sine at full scale: what is lower is silence
QUIET_BESIDE_DB = -45.0  # re the take's loud frames: what is lower sounds like silence beside them
LOUD_PERCENTILE = 95
SILENT_LIMIT = 0.3  # share of frames
N_WIDE = 8  # bands of 12 mel bands each
WIDE_RANGE_DB = 40.0  # what is further under the loudest band does not count as movement
STILL_DB = 1.5  # standard deviation within a second, in the band that moves most
STILL_LIMIT_S, STILL_LEAST_S = 2.9, 1.9  # one second may be one note
STUCK_CODEBOOKS = 2  # the coarse ones
LONGEST_CYCLE = 11  # frames, 0.26 s: a beat at 235 bpm
STUCK_LIMIT_S = 2.0
LEVEL_STEP_DB = 0.001  # of the histogram of the samples
LEVELS_DB = (-60.0, 40.0)  # of a sample, re full scale: what is lower is not asked whether it is clipped
TOP_STEPS = 2  # what is that near the peak lies at it
CLIPPED_LIMIT = 0.02  # share of samples at the peak; a pure tone has 0.01


@dataclass(frozen=True)
class TakeHealth:
    """What was measured of a take.

    Attributes
    ----------
    seconds : float
        Length.
    silent_share : float
        Share of the frames that are silent, 0 to 1.
    still_s : float
        Longest stretch, in whole seconds, in which nothing moves: a held sound, a drone or noise.
    stuck_s : float
        Longest stretch of which the coarse codes are one cycle of at most `LONGEST_CYCLE` frames, three times or more.
    clipped_share : float
        Share of the samples that are as loud as the loudest, 0 to 1: crests that are cut off are.
    code_entropy_bits : float
        Of the first codebook: 0 for one code only, at most log2 of the number of frames.
    problem : str or None
        What is wrong, for people; None for a healthy take.
    """

    seconds: float
    silent_share: float
    still_s: float
    stuck_s: float
    clipped_share: float
    code_entropy_bits: float
    problem: str | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


class HealthMeter:
    """Listens to a take that arrives in pieces; the answer does not depend on how it was cut."""

    def __init__(self) -> None:
        self._frames = FrameStream(_wide_power, n_fft=N_FFT, hop_length=HOP_LENGTH)
        self._wide: list[np.ndarray] = []  # mel power of wide bands, of each frame
        self._n_samples = 0
        self._levels = np.zeros(1 + round((LEVELS_DB[1] - LEVELS_DB[0]) / LEVEL_STEP_DB), np.int64)

    def push(self, y: np.ndarray) -> None:
        """Take the next samples, (n,). Raises FeatureError where they are no finite mono audio."""
        self._wide += self._frames.push(y)
        self._n_samples += y.size
        level_db = 20 * np.log10(np.abs(y[y != 0], dtype=np.float64)).clip(-100, LEVELS_DB[1])
        steps = np.floor((level_db - LEVELS_DB[0]) / LEVEL_STEP_DB).astype(np.int64)
        self._levels += np.bincount(steps[steps >= 0], minlength=len(self._levels))

    def finish(self, codes: np.ndarray) -> TakeHealth:
        """The health of the take whose codes, int (n_codebooks, frames), are these."""
        wide = np.concatenate(self._wide + self._frames.finish())
        if codes.ndim != 2 or codes.dtype.kind not in "iu" or codes.shape[1] == 0:
            raise ModelError(f"codes {codes.dtype} {codes.shape}: expected whole numbers (n_codebooks, 1 or more)")
        silent = _silent(wide.sum(axis=1))
        seconds, n_codes = len(wide) / FRAMES_PER_S, codes.shape[1]
        sounding = ~silent[np.arange(n_codes) * len(silent) // n_codes]
        measured = TakeHealth(
            seconds=seconds,
            silent_share=float(silent.mean()),
            still_s=_longest_still_s(10 * np.log10(wide)),
            stuck_s=_longest_cycle(codes[:STUCK_CODEBOOKS], sounding) * seconds / n_codes,
            clipped_share=_n_at_peak(self._levels) / self._n_samples,
            code_entropy_bits=_entropy_bits(codes[0]),
            problem=None,
        )
        return TakeHealth(**asdict(measured) | {"problem": _problem(measured)})


def health_of(codes: np.ndarray, blocks: Iterable[np.ndarray]) -> TakeHealth:
    """Health of a take.

    Parameters
    ----------
    codes : np.ndarray of int, shape (n_codebooks, frames)
        Of the take.
    blocks : iterable of np.ndarray
        Its samples, (n,), in blocks of any length.

    Raises
    ------
    ModelError
        If there are no codes.
    FeatureError
        If there is no sample, or blocks are no mono floating-point audio; InvalidSamples if they are not finite.
    """
    meter = HealthMeter()
    for y in blocks:
        meter.push(y)
    return meter.finish(codes)


def _problem(health: TakeHealth) -> str | None:
    seconds = health.seconds
    if health.silent_share > SILENT_LIMIT:
        return f"silent for {health.silent_share * seconds:.1f} of {seconds:.1f} s"
    if health.clipped_share > CLIPPED_LIMIT:
        return f"clipped in {100 * health.clipped_share:.0f} % of its samples"
    if health.stuck_s >= min(STUCK_LIMIT_S, seconds * 0.9):
        return f"stuck: repeats the same codes for {health.stuck_s:.1f} of {seconds:.1f} s"
    if health.still_s >= max(STILL_LEAST_S, min(STILL_LIMIT_S, seconds - 1)):
        return f"nothing moves for {health.still_s:.0f} of {seconds:.1f} s: a held sound or noise"
    return None


def _wide_power(frames: np.ndarray) -> np.ndarray:
    """Mel power of wide bands: frames (n, N_FFT) to (n, N_WIDE), never under the floor of the log-mel."""
    wide = mel_filter_bank().reshape(N_WIDE, N_MELS // N_WIDE, -1).sum(axis=1)
    return np.maximum(power(spectrum(frames)) @ wide.T, POWER_FLOOR * N_MELS / N_WIDE)


def _n_at_peak(levels: np.ndarray) -> int:
    """Number of samples that lie at the peak, of their histogram."""
    there = np.flatnonzero(levels)
    return int(levels[max(0, there[-1] - TOP_STEPS + 1) :].sum()) if there.size else 0


def _silent(mel_power: np.ndarray) -> np.ndarray:
    """Which frames are silent, of their mel power (frames,)."""
    level_db = 10 * np.log10(mel_power) - FULL_SCALE_DB
    return level_db < max(QUIET_DB, np.percentile(level_db, LOUD_PERCENTILE) + QUIET_BESIDE_DB)


def _longest_still_s(wide_db: np.ndarray) -> float:
    """Longest run of still seconds, of the level of wide bands (frames, N_WIDE). Silence is still too."""
    window = min(round(FRAMES_PER_S), len(wide_db))
    seconds = wide_db[: len(wide_db) // window * window].reshape(-1, window, N_WIDE)
    seconds = np.maximum(seconds, seconds.max(axis=(1, 2), keepdims=True) - WIDE_RANGE_DB)
    still = seconds.std(axis=1).max(axis=1) < STILL_DB
    return float(_longest_true(still) * window / FRAMES_PER_S)


def _longest_cycle(codes: np.ndarray, sounding: np.ndarray) -> int:
    """Frames of the longest stretch that sounds and repeats one cycle at least three times."""
    longest = 0
    for period in range(1, min(LONGEST_CYCLE, codes.shape[1] - 1) + 1):
        same = (codes[:, period:] == codes[:, :-period]).all(axis=0) & sounding[period:]
        repeated = _longest_true(same)
        if repeated >= 2 * period:
            longest = max(longest, repeated + period)
    return longest


def _longest_true(flags: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _entropy_bits(codes: np.ndarray) -> float:
    shares = np.unique(codes, return_counts=True)[1] / len(codes)
    return float(-np.sum(shares * np.log2(shares))) + 0.0
