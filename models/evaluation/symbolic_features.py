"""What a piece of symbolic music is like: the nine features by which Yang and Lerch compare sets of pieces.

A piece is a sequence of voices, each a line of notes in order of onset. What a note follows is looked for within its
voice; a piece of one voice is the melody that the method was made for. Drums have no pitch and are left out.

References
----------
Yang and Lerch, "On the evaluation of generative models in music", Neural Computing and Applications 32, 2020.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from datasets.composers.song import Song
from datasets.midi import Score
from models.errors import ModelError

PITCH_CLASSES = 12
# Whole, half, quarter, eighth, sixteenth; the same but the whole with a dot; half, quarter and eighth of a triplet.
NOTE_LENGTHS = np.array([4, 2, 1, 1 / 2, 1 / 4, 3, 3 / 2, 3 / 4, 3 / 8, 4 / 3, 2 / 3, 1 / 3])  # beats
FEATURES = {
    "pitch_count": (),
    "pitch_class_histogram": (PITCH_CLASSES,),
    "pitch_class_transitions": (PITCH_CLASSES, PITCH_CLASSES),
    "pitch_range": (),
    "pitch_shift": (),
    "note_count": (),
    "inter_onset_s": (),
    "note_length_histogram": (len(NOTE_LENGTHS),),
    "note_length_transitions": (len(NOTE_LENGTHS), len(NOTE_LENGTHS)),
}


@dataclass(frozen=True)
class Voice:
    """A line of notes, arrays of shape (n_notes,) in order of onset, of notes at one onset the lowest first.

    Attributes
    ----------
    pitches : np.ndarray of int
        MIDI numbers.
    onsets_s : np.ndarray
        Seconds.
    durations : np.ndarray
        Beats, of a quarter note each.
    """

    pitches: np.ndarray
    onsets_s: np.ndarray
    durations: np.ndarray

    @classmethod
    def of(cls, notes: Sequence[tuple[int, float, float]]) -> "Voice":
        """Put (pitch, onset in seconds, duration in beats) in order."""
        ordered = sorted(notes, key=lambda note: (note[1], note[0]))
        pitches, onsets, durations = zip(*ordered, strict=True) if ordered else ((), (), ())
        return cls(np.array(pitches, np.int64), np.array(onsets, float), np.array(durations, float))


def voices_of_song(song: Song, parts: Collection[str] | None = None) -> tuple[Voice, ...]:
    """One voice for each part that has a pitch, or only for the parts that are named."""
    second = 60 / song.tempo_bpm
    return tuple(
        Voice.of([(note.pitch, note.start * second, note.duration) for note in part.notes])
        for part in song.parts
        if not part.instrument.is_drums and (parts is None or part.name in parts)
    )


def voices_of_score(score: Score) -> tuple[Voice, ...]:
    """One voice for each channel of a MIDI file, drums left out; beats by its tempo map."""
    starts_s = np.array([tempo.start_s for tempo in score.tempos])
    beats_per_s = np.array([tempo.bpm for tempo in score.tempos]) / 60
    beats = np.concatenate([[0.0], np.cumsum(np.diff(starts_s) * beats_per_s[:-1])])

    def beat(seconds: float) -> float:
        tempo = int(np.searchsorted(starts_s, seconds, side="right")) - 1
        return float(beats[tempo] + (seconds - starts_s[tempo]) * beats_per_s[tempo])

    voices = defaultdict(list)
    for note in score.notes:
        if not note.is_drum:
            duration = beat(note.start_s + note.duration_s) - beat(note.start_s)
            voices[note.channel].append((note.pitch, note.start_s, duration))
    return tuple(Voice.of(voices[channel]) for channel in sorted(voices))


def symbolic_features(voices: Sequence[Voice]) -> dict[str, np.ndarray]:
    """The features of one piece.

    Parameters
    ----------
    voices : sequence of Voice
        At least one, in which a note follows another.

    Returns
    -------
    dict
        An array for each of `FEATURES`, of the shape given there:

        - `pitch_count`, `note_count`: different pitches; notes.
        - `pitch_class_histogram`: share of the sounding time of each pitch class, from C.
        - `pitch_class_transitions`: share of each (pitch class, pitch class of the next note) of a voice.
        - `pitch_range`: semitones from the lowest to the highest note.
        - `pitch_shift`: mean semitones from a note to the next, up or down.
        - `inter_onset_s`: mean seconds from a note to the next; 0 within a chord.
        - `note_length_histogram`: share of each of `NOTE_LENGTHS`, to the nearest of which durations are rounded. A
          quarter is a beat in every metre, where the authors' toolbox takes a bar of any metre for a whole note.
        - `note_length_transitions`: share of each (length, length of the next note).

        Shares sum to 1: pieces of different length can be compared.

    Raises
    ------
    ModelError
        If no voice has two notes.
    """
    if not any(len(voice.pitches) > 1 for voice in voices):
        raise ModelError("a piece in which no note follows another: expected a voice of 2 notes or more")
    pitches = np.concatenate([voice.pitches for voice in voices])
    durations = np.concatenate([voice.durations for voice in voices])
    lengths = [_nearest_length(voice.durations) for voice in voices]
    return {
        "pitch_count": np.array(float(len(np.unique(pitches)))),
        "pitch_class_histogram": _shares(np.bincount(pitches % PITCH_CLASSES, durations, PITCH_CLASSES)),
        "pitch_class_transitions": _transitions([voice.pitches % PITCH_CLASSES for voice in voices], PITCH_CLASSES),
        "pitch_range": np.array(float(np.ptp(pitches))),
        "pitch_shift": np.concatenate([np.abs(np.diff(voice.pitches)) for voice in voices]).mean(),
        "note_count": np.array(float(len(pitches))),
        "inter_onset_s": np.concatenate([np.diff(voice.onsets_s) for voice in voices]).mean(),
        "note_length_histogram": _shares(np.bincount(np.concatenate(lengths), minlength=len(NOTE_LENGTHS))),
        "note_length_transitions": _transitions(lengths, len(NOTE_LENGTHS)),
    }


def features_of_set(pieces: Sequence[Sequence[Voice]]) -> dict[str, np.ndarray]:
    """The features of several pieces: for each name an array of shape (n_pieces, *shape).

    Raises
    ------
    ModelError
        If there are no pieces, or one has no voice of two notes.
    """
    if not pieces:
        raise ModelError("no pieces to measure: expected one or more")
    found = [symbolic_features(piece) for piece in pieces]
    return {name: np.stack([features[name] for features in found]) for name in FEATURES}


def _nearest_length(durations: np.ndarray) -> np.ndarray:
    return np.abs(durations[:, np.newaxis] - NOTE_LENGTHS).argmin(axis=1)


def _transitions(lines: Sequence[np.ndarray], n: int) -> np.ndarray:
    pairs = np.concatenate([line[:-1] * n + line[1:] for line in lines])
    return _shares(np.bincount(pairs, minlength=n * n)).reshape(n, n)


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / max(counts.sum(), np.finfo(float).tiny)
