"""What is measured of the sound of one clip, and how far its tempo and key are from those that were asked for.

Tempi and keys are estimated from the audio, by `features.rhythm` and `features.tonality`, never taken from whoever made
the clip.

References
----------
Gouyon et al., "An experimental comparison of audio tempo induction algorithms", IEEE TASLP 14(5), 2006 (4 %, and
octave errors apart).
MIREX, "Audio key detection" (weights of related keys).
"""

from dataclasses import dataclass

import numpy as np

from datasets.composers import parse_key
from features.attributes import musical_attributes
from models.errors import ModelError

TEMPO_TOLERANCE = 0.04
# Ratios of the estimated to the wished tempo, in the order in which they are tried.
TEMPO_RATIOS = {
    "right": 1.0,
    "double": 2.0,
    "half": 1 / 2,
    "triple": 3.0,
    "third": 1 / 3,
    "three halves": 3 / 2,
    "two thirds": 2 / 3,
    "four thirds": 4 / 3,
    "three quarters": 3 / 4,
}
OCTAVE_ERRORS = ("double", "half", "triple", "third")
KEY_WEIGHTS = {"right": 1.0, "fifth": 0.5, "relative": 0.3, "parallel": 0.2, "other": 0.0}
RELATED_KEYS = ("right", "fifth", "relative", "parallel")
FIGURES = (
    "tempo_bpm",
    "beat_strength",
    "onset_rate_hz",
    "key_strength",
    "pitch_class_entropy_bits",
    "loudness_lufs",
    "dynamic_range_db",
    "crest_factor_db",
    "spectral_centroid_hz",
    "spectral_bandwidth_hz",
    "spectral_flatness",
)
DB_PER_LOG_MEL = 10.0  # the backbone's log-mel is a decimal logarithm of power
N_BANDS = 96


@dataclass(frozen=True)
class ClipStatistics:
    """Figures of one clip.

    Attributes
    ----------
    figures : dict
        Those of `FIGURES`; None where undefined, as the tempo of a clip without beat.
    key : str or None
        Such as "A minor".
    band_levels_db : np.ndarray, shape (96,)
        Mean level of each mel band over time, up to a constant.
    """

    figures: dict[str, float | None]
    key: str | None
    band_levels_db: np.ndarray

    @property
    def tempo_bpm(self) -> float | None:
        """Estimated tempo."""
        return self.figures["tempo_bpm"]


def clip_statistics(y: np.ndarray, log_mel: np.ndarray, *, sr: int) -> ClipStatistics:
    """Measure a clip.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples,)
        Mono audio, full scale at 1.0.
    log_mel : np.ndarray, shape (n_frames, 96)
        The backbone's, of the same audio.
    sr : int
        Sampling rate in Hz.
    """
    found = musical_attributes(y, sr=sr)
    measured = found | {
        "crest_factor_db": crest_factor_db(y),
        "pitch_class_entropy_bits": entropy_bits(found["chroma"]),
    }
    return ClipStatistics(
        figures={name: measured[name] for name in FIGURES},
        key=found["key"],
        band_levels_db=DB_PER_LOG_MEL * log_mel.mean(axis=0, dtype=float),
    )


def crest_factor_db(y: np.ndarray) -> float | None:
    """Peak over root mean square in dB: 3.01 for a sine, 0 for a square wave; None for silence."""
    rms = float(np.sqrt(np.mean(np.square(y, dtype=float))))
    return float(20 * np.log10(np.abs(y).max() / rms)) if rms > 0 else None


def entropy_bits(shares: list[float] | None) -> float | None:
    """Entropy of the pitch classes: 0 where there is one alone, 3.58 where all twelve are alike; None without pitch."""
    if shares is None:
        return None
    p = np.asarray(shares, dtype=float)
    p = p[p > 0] / p.sum()
    return float(max(-(p * np.log2(p)).sum(), 0.0))


def spectral_distance_db(a: np.ndarray, b: np.ndarray) -> float:
    """Root mean square difference over bands of two mean spectra in dB, whatever their loudness: (96,), (96,)."""
    difference = np.asarray(a, float) - np.asarray(b, float)
    return float(np.sqrt(np.mean((difference - difference.mean()) ** 2)))


def tempo_relation(estimated_bpm: float | None, wished_bpm: float) -> str:
    """What an estimated tempo is to the one asked for: a name of `TEMPO_RATIOS` within 4 %, "other", or "none"."""
    if not (np.isfinite(wished_bpm) and wished_bpm > 0):
        raise ModelError(f"wished_bpm={wished_bpm}: expected a tempo above 0")
    if estimated_bpm is None:
        return "none"
    for name, ratio in TEMPO_RATIOS.items():
        if abs(estimated_bpm / (wished_bpm * ratio) - 1) <= TEMPO_TOLERANCE:
            return name
    return "other"


def key_relation(estimated: str | None, wished: str) -> str:
    """What an estimated key is to the one asked for, a name of `KEY_WEIGHTS`, or "none" where no key was found.

    A fifth is one above the wished tonic, in the same mode, as MIREX counts; a fourth is another key.
    """
    if estimated is None:
        return "none"
    (tonic, mode), (wished_tonic, wished_mode) = parse_key(estimated), parse_key(wished)
    steps = (tonic - wished_tonic) % 12
    if mode == wished_mode:
        return {0: "right", 7: "fifth"}.get(steps, "other")
    if steps == 0:
        return "parallel"
    return "relative" if steps == (9 if wished_mode == "major" else 3) else "other"
