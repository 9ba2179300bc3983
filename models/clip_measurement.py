"""What is heard of a clip: tempo, key, loudness and peak, from its samples, block by block."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from features.log_mel import SR
from features.loudness import LoudnessMeter
from features.resampling import MonoResampler
from features.rhythm import RhythmStream
from features.spectrogram import MUSICNN_SR, LogMelStream
from features.tonality import TonalityStream


@dataclass(frozen=True)
class Measurement:
    """What was heard.

    Attributes
    ----------
    tempo_bpm, key : optional
        None where there is no beat, and no key.
    loudness_lufs : float or None
        Integrated (ITU-R BS.1770); None for silence.
    peak : float
        Largest magnitude, full scale at 1.
    """

    tempo_bpm: float | None
    key: str | None
    loudness_lufs: float | None
    peak: float


def measure(blocks: Iterable[np.ndarray]) -> Measurement:
    """Listen to mono audio at `features.log_mel.SR` in blocks (n,), in bounded memory."""
    resampler, log_mel = MonoResampler(SR, MUSICNN_SR), LogMelStream()
    rhythm, tonality, loudness = RhythmStream(), TonalityStream(), LoudnessMeter(SR, 1)
    peak = 0.0
    for block in blocks:
        peak = max(peak, float(np.abs(block).max(initial=0.0)))
        loudness.push(block[:, np.newaxis])
        y = resampler.push(block[:, np.newaxis])
        rhythm.push(log_mel.push(y))
        tonality.push(y)
    y = resampler.finish()
    rhythm.push(log_mel.push(y))
    rhythm.push(log_mel.finish())
    tonality.push(y)
    tempo_bpm, tones = rhythm.result().tempo_bpm, tonality.result()
    return Measurement(
        tempo_bpm=None if tempo_bpm is None else round(tempo_bpm, 2),
        key=tones.key if tones else None,
        loudness_lufs=loudness.integrated_lufs(),
        peak=peak,
    )
