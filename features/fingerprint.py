"""Fingerprints of recordings: 32 bits every 32 ms by which the same sound is found again, and nothing else is.

A bit says whether the energy difference between two neighbouring bands grows or falls from one frame to a later one.
Level, format, sampling rate, channels and lossy coding hardly change that; another performance changes half of the
bits. A fingerprint is uint32 (n_frames,), and 0 marks frames that say nothing: silence, or a sound that stands still.

References
----------
Haitsma and Kalker, "A highly robust audio fingerprinting system", ISMIR 2002. Their frames are 370 ms every 11.6 ms;
these are 256 ms every 32 ms, a third of the size, since whole recordings are compared here and not 3 s of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import fft

from features.errors import FeatureError
from features.spectrogram import FrameStream, power, spectrum

FINGERPRINT_SR = 16000  # Hz
N_FFT = 4096  # 256 ms
HOP_LENGTH = 512  # 32 ms
FRAMES_PER_S = FINGERPRINT_SR / HOP_LENGTH
LONGEST_SAMPLES = 120 * FINGERPRINT_SR  # what comes after 120 s is not looked at: 15 kB for the longest recording
LAG = 4  # frames between the two that are compared, 128 ms
N_BITS = 32
LOWEST_HZ, HIGHEST_HZ = 300.0, 2000.0
SILENCE = 1e-11  # energy of a band, 110 dB below that of a full-scale sine: less is the rounding of 16 bits
STEADY = 0.01  # nepers: smaller changes are none

MOST_BIT_ERRORS = 0.35  # share; Haitsma and Kalker's. Recordings that have nothing in common differ in 0.5.
SHORTEST_OVERLAP_S = 1.0
SMALLEST_OVERLAP = 0.5  # of the shorter recording
NEIGHBOURS = 50  # a code that many recordings share pairs each of them with so many of the next ones
OFFSETS_TRIED = 3  # the most promising ones of a pair


@dataclass(frozen=True)
class Match:
    """Two recordings that hold the same sound.

    Attributes
    ----------
    first, second : int
        Which ones; first < second.
    offset_s : float
        Where the start of the second lies in the first; negative where the second starts earlier. To 32 ms.
    overlap_s : float
        How long they run together.
    bit_error_rate : float
        Share of bits that differ there: 0 for exact copies, up to 0.35.
    """

    first: int
    second: int
    offset_s: float
    overlap_s: float
    bit_error_rate: float


def fingerprint(y: np.ndarray) -> np.ndarray:
    """Fingerprint of a recording.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples,)
        Mono audio at 16 kHz (`FINGERPRINT_SR`), full scale at 1.0. What comes after 120 s is left out.

    Returns
    -------
    np.ndarray, shape (n_frames,), uint32
        31.25 codes a second; none for less than 0.13 s.

    Raises
    ------
    FeatureError
        If `y` is not mono floating-point audio.
    InvalidSamples
        If `y` holds NaN or infinity.
    """
    stream = FingerprintStream()
    stream.push(y)
    return stream.result()


class FingerprintStream:
    """`fingerprint` of a recording at 16 kHz that arrives in blocks."""

    def __init__(self) -> None:
        self._frames = FrameStream(_log_energies, n_fft=N_FFT, hop_length=HOP_LENGTH, block_frames=64)
        self._rows: list[np.ndarray] = []
        self._samples_left = LONGEST_SAMPLES

    def push(self, y: np.ndarray) -> None:
        """Take the next samples, (n,) at 16 kHz."""
        self._rows += self._frames.push(y[: self._samples_left])
        self._samples_left -= min(y.size, self._samples_left)

    def result(self) -> np.ndarray:
        """The fingerprint of everything pushed, once."""
        if self._samples_left == LONGEST_SAMPLES:
            return np.empty(0, np.uint32)
        energies = np.concatenate([*self._rows, *self._frames.finish()])
        difference = np.diff(energies, axis=1)
        grows = difference[LAG:] - difference[:-LAG] > STEADY
        return np.packbits(grows, axis=1, bitorder="little").view("<u4")[:, 0].astype(np.uint32)


def find_matches(fingerprints: Sequence[np.ndarray]) -> list[Match]:
    """Pairs of recordings that hold the same sound, at any offset.

    They must run together for a second and for half of the shorter one at least, with no more than 35 % of the bits
    different there. Candidates are pairs that share a whole code, so that the time grows with the number of recordings,
    not with its square; of very many copies of one recording, each is paired with some of the others only.

    Parameters
    ----------
    fingerprints : sequence of np.ndarray, each (n_frames,) uint32
        Of `fingerprint`; they may be empty.

    Returns
    -------
    list of Match
        In order of the pairs; one for each.

    Raises
    ------
    FeatureError
        If a fingerprint has another type or shape.
    """
    for number, codes in enumerate(fingerprints):
        if codes.ndim != 1 or codes.dtype != np.uint32:
            raise FeatureError(f"fingerprint {number} is {codes.dtype} {codes.shape}, expected uint32 (n_frames,)")
    best: dict[tuple[int, int], Match] = {}
    for first, second, offset in _candidates(fingerprints).tolist():
        match = _match(fingerprints[first], fingerprints[second], first, second, offset)
        known = best.get((first, second))
        if match and (known is None or match.bit_error_rate < known.bit_error_rate):
            best[first, second] = match
    return [best[pair] for pair in sorted(best)]


def bit_error_rate(first: np.ndarray, second: np.ndarray) -> tuple[float, int]:
    """Share of bits in which two fingerprints of one length differ, and over how many frames.

    Frames where either says nothing are left out; 1.0 over 0 frames where that leaves none.
    """
    telling = (first != 0) & (second != 0)
    n_frames = int(telling.sum())
    if n_frames == 0:
        return 1.0, 0
    return int(np.bitwise_count(first[telling] ^ second[telling]).sum()) / (n_frames * N_BITS), n_frames


def _log_energies(frames: np.ndarray) -> np.ndarray:
    """Natural logarithm of the power in each band, (n_frames, 33)."""
    energies = np.add.reduceat(power(spectrum(frames)), _band_edges(), axis=1)[:, :-1]
    return np.log(np.maximum(energies / (N_FFT / 4) ** 2, SILENCE))


@cache
def _band_edges() -> np.ndarray:
    """First bin of each of the 33 bands, and the one after the last."""
    edges_hz = np.geomspace(LOWEST_HZ, HIGHEST_HZ, N_BITS + 2)
    return np.searchsorted(fft.rfftfreq(N_FFT, 1 / FINGERPRINT_SR), edges_hz)


def _candidates(fingerprints: Sequence[np.ndarray]) -> np.ndarray:
    """Pairs that share codes, each with the offsets at which most are shared: rows of first, second, offset."""
    n_recordings = len(fingerprints)
    lengths = np.array([codes.size for codes in fingerprints], dtype=np.int64)
    longest = int(lengths.max(initial=0))
    codes = np.concatenate([np.empty(0, np.uint32), *fingerprints])
    owner = np.repeat(np.arange(n_recordings), lengths)
    place = np.arange(codes.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    order = np.argsort(codes, kind="stable")  # so that the owners of one code stay in order
    order = order[codes[order] != 0]
    codes, owner, place = codes[order], owner[order], place[order]
    shared = [np.empty(0, np.int64)]
    for step in range(1, NEIGHBOURS + 1):
        here = np.flatnonzero((codes[step:] == codes[:-step]) & (owner[step:] != owner[:-step]))
        pair = owner[here] * n_recordings + owner[here + step]
        shared.append(pair * (2 * longest) + (place[here] - place[here + step] + longest))
    keys, votes = np.unique(np.concatenate(shared), return_counts=True)
    pairs, offsets = np.divmod(keys, 2 * max(longest, 1))
    order = np.lexsort((-votes, pairs))
    pairs, offsets = pairs[order], offsets[order] - longest
    rank = np.arange(pairs.size) - np.searchsorted(pairs, pairs)
    promising = rank < OFFSETS_TRIED
    pairs = pairs[promising]
    return np.stack([pairs // max(n_recordings, 1), pairs % max(n_recordings, 1), offsets[promising]], axis=1)


def _match(a: np.ndarray, b: np.ndarray, first: int, second: int, offset: int) -> Match | None:
    """The pair at this offset in frames, or None where it is not the same sound there."""
    overlap_a = a[max(offset, 0) : offset + b.size]
    overlap_b = b[max(-offset, 0) : max(-offset, 0) + overlap_a.size]
    share, n_frames = bit_error_rate(overlap_a, overlap_b)
    telling = min(np.count_nonzero(a), np.count_nonzero(b))
    if n_frames < max(SHORTEST_OVERLAP_S * FRAMES_PER_S, SMALLEST_OVERLAP * telling) or share > MOST_BIT_ERRORS:
        return None
    return Match(first, second, offset / FRAMES_PER_S, overlap_a.size / FRAMES_PER_S, share)
