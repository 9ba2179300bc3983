"""The plan that a recording follows, as far as it can be heard: metre, harmony, bass and drums.

It is what `datasets.plan_of_song` knows of a song, estimated: enough for another genre to keep the rhythm and the
harmony. Form is not estimated.

References
----------
Böck, Krebs and Schedl, "Evaluating the online capabilities of onset detection methods", ISMIR 2012 (spectral flux).
Fujishima, "Realtime chord recognition of musical sound", ICMC 1999 (chroma).
"""

import numpy as np
from scipy import ndimage

from datasets.plan_of_song import DRUM_CLASSES
from features.log_mel import FRAMES_PER_S, HIGHEST_HZ, HOP_LENGTH, LOG_DB, LOWEST_HZ, N_MELS, SR, log_mel
from features.spectrogram import hz_to_mel, mel_to_hz, power, stft
from models.errors import ModelError

CHROMA_N_FFT = 8192  # samples, 0.37 s: a semitone is wider than a bin from 50 Hz on
BASS_HZ = (50.0, 165.0)
HARMONY_HZ = (165.0, 1400.0)
DRUM_HZ = {"kick": (30.0, 120.0), "snare": (200.0, 4000.0), "hat": (6000.0, HIGHEST_HZ)}  # where a stroke is heard
STROKE_RANGE_DB = 30.0  # under a class's loudest band: what rises from below that is no stroke until it is above
STROKE_FLUX = 0.35  # of the strongest rise of a band: softer ones are no strokes
STROKE_APART = 3  # frames, 70 ms
OUTSTANDING = 0.35  # of the loudest pitch class: what is softer is taken to be partials
SILENT = 1e-4  # magnitude of a spectrum without sound


def plan_of_sound(y: np.ndarray, *, tempo_bpm: float | None, beats_per_bar: int = 4) -> dict[str, np.ndarray]:
    """Frame blocks of a plan, for `plan.make_plan`.

    Parameters
    ----------
    y : np.ndarray, shape (n_samples,)
        Mono audio at `features.log_mel.SR`.
    tempo_bpm : float, optional
        Of the recording; without one there is no pulse.
    beats_per_bar : int
        Of the pulse.

    Returns
    -------
    dict of str to np.ndarray, shape (1 + n_samples // HOP_LENGTH, width), float32
        "harmony", "bass", "drums" and, with a tempo, "pulse", as `datasets.plan_of_song.plan_of_song` gives them.

    Raises
    ------
    ModelError
        If the tempo is not above 0.
    FeatureError
        If `y` is no mono audio.
    """
    if tempo_bpm is not None and not tempo_bpm > 0:
        raise ModelError(f"tempo_bpm={tempo_bpm}: expected more than 0")
    S = log_mel(y)
    magnitude = np.sqrt(power(stft(y, n_fft=CHROMA_N_FFT, hop_length=HOP_LENGTH)))
    blocks = {"harmony": _chroma(magnitude, HARMONY_HZ), "bass": _chroma(magnitude, BASS_HZ), "drums": _strokes(S)}
    if tempo_bpm is not None:
        frames_per_beat = FRAMES_PER_S * 60 / tempo_bpm
        beats = (np.arange(len(S)) - first_beat(S, frames_per_beat)) / frames_per_beat
        bar = _first_bar(blocks["drums"], beats, beats_per_bar)
        blocks["pulse"] = np.concatenate([_turn(beats), _turn((beats - bar) / beats_per_bar)], axis=1)
    return {name: block.astype(np.float32) for name, block in blocks.items()}


def first_beat(S: np.ndarray, frames_per_beat: float) -> float:
    """Frame of the first beat, 0 to below `frames_per_beat`: where the onsets of log-mel (n_frames, N_MELS) gather."""
    envelope = _rise(S).mean(axis=1)
    phase = 2j * np.pi * np.arange(len(S)) / frames_per_beat
    turns = [np.sum(envelope * np.exp(-harmonic * phase)) for harmonic in (1, 2)]
    candidates = np.linspace(0, 1, 64, endpoint=False)
    together = sum(
        np.real(turn * np.exp(2j * np.pi * harmonic * candidates)) for harmonic, turn in zip((1, 2), turns, strict=True)
    )
    return float(candidates[np.argmax(together)] * frames_per_beat)


def _first_bar(drums: np.ndarray, beats: np.ndarray, beats_per_bar: int) -> int:
    """Beat, from 0, that bars begin at: the one with most weight on kicks and least on snares."""
    nearest = np.round(beats).astype(int) % beats_per_bar
    near = np.abs(beats - np.round(beats)) < 0.15
    weight = drums[:, 0] - drums[:, 1]
    return int(np.argmax([weight[near & (nearest == beat)].sum() for beat in range(beats_per_bar)]))


def _turn(phase: np.ndarray) -> np.ndarray:
    return np.stack([np.sin(2 * np.pi * phase), np.cos(2 * np.pi * phase)], axis=1)


def _chroma(magnitude: np.ndarray, range_hz: tuple[float, float]) -> np.ndarray:
    """How loudly each pitch class from C sounds between two frequencies, the frame's loudest at 1: (n_frames, 12)."""
    bin_hz = SR / CHROMA_N_FFT
    bins = np.arange(int(range_hz[0] / bin_hz), int(range_hz[1] / bin_hz) + 1)
    here = magnitude[:, bins]
    peaks = (here > magnitude[:, bins - 1]) & (here >= magnitude[:, bins + 1])
    pitch_classes = np.round(12 * np.log2(bins * bin_hz / 440) + 9).astype(int) % 12  # 9 semitones above C is A
    chroma = np.where(peaks, here, 0) @ np.eye(12, dtype=np.float32)[pitch_classes]
    loudest = chroma.max(axis=1, keepdims=True)
    relative = np.divide(chroma, loudest, out=np.zeros_like(chroma), where=loudest > SILENT)
    return np.where(relative >= OUTSTANDING, relative, 0)


def _strokes(S: np.ndarray) -> np.ndarray:
    """Strength of strokes by `DRUM_CLASSES`, where they begin: (n_frames, 3), 0 to 1."""
    centres = band_centres_hz()
    strokes = np.zeros((len(S), len(DRUM_CLASSES)))
    for column, name in enumerate(DRUM_CLASSES):
        low, high = DRUM_HZ[name]
        heard = S[:, (centres >= low) & (centres < high)]
        flux = _rise(np.maximum(heard, heard.max() - STROKE_RANGE_DB / LOG_DB)).mean(axis=1)
        strongest = np.percentile(flux, 99)
        if strongest <= 0.1:
            continue
        peak = flux == ndimage.maximum_filter1d(flux, 2 * STROKE_APART + 1, mode="constant")
        strength = np.minimum(flux / strongest, 1)
        strokes[:, column] = np.where(peak & (strength >= STROKE_FLUX), strength, 0)
    return strokes


def _rise(S: np.ndarray) -> np.ndarray:
    return np.maximum(np.diff(S, axis=0, prepend=S[:1]), 0)


def band_centres_hz() -> np.ndarray:
    """Middle frequency of each mel band: (N_MELS,)."""
    return mel_to_hz(np.linspace(hz_to_mel(LOWEST_HZ), hz_to_mel(HIGHEST_HZ), N_MELS + 2))[1:-1]
