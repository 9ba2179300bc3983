"""Features of short tunes: counted by hand, and as the libraries compute them that the authors' toolbox stands on.

The toolbox (https://github.com/RichardYang40148/mgeval, documentation.md) takes pitch count, pitch range, pitch class
histogram, pitch class transitions and inter-onset interval from pretty_midi, and counts the rest on MIDI events. The
numbers marked so were printed by pretty_midi 0.2.11 for the same notes, at 120 bpm and legato.
"""

import numpy as np
import pytest

from datasets.composers import compose, make_brief
from datasets.midi import Note as MidiNote
from datasets.midi import Score, TempoChange, read_midi
from datasets.midi_file import midi_bytes
from models.errors import ModelError
from models.evaluation.symbolic_features import (
    FEATURES,
    NOTE_LENGTHS,
    Voice,
    features_of_set,
    symbolic_features,
    voices_of_score,
    voices_of_song,
)

WHOLE, HALF, QUARTER, EIGHTH = range(4)
DOTTED_QUARTER = 6
ODE_TO_JOY = (  # pitch, beats
    *((64, 1), (64, 1), (65, 1), (67, 1), (67, 1), (65, 1), (64, 1), (62, 1)),
    *((60, 1), (60, 1), (62, 1), (64, 1), (64, 1.5), (62, 0.5), (62, 2)),
)
FRERE_JACQUES = (*((60, 1), (62, 1), (64, 1), (60, 1)) * 2, *((64, 1), (65, 1), (67, 2)) * 2)


def tune(notes, beat_s=0.5) -> Voice:
    onsets = np.cumsum([0, *(beats for _, beats in notes)]) * beat_s
    return Voice.of([(pitch, onset, beats) for (pitch, beats), onset in zip(notes, onsets, strict=False)])


@pytest.mark.parametrize(
    ("notes", "pitch_count", "pitch_range", "inter_onset_s", "histogram", "transitions"),
    [
        (
            ODE_TO_JOY,
            5,
            7,
            0.5,
            {0: 0.125, 2: 0.28125, 4: 0.34375, 5: 0.125, 7: 0.125},
            {(0, 0): 1, (0, 2): 1, (2, 0): 1, (2, 2): 1, (2, 4): 1, (4, 2): 2, (4, 4): 2}
            | {(4, 5): 1, (5, 4): 1, (5, 7): 1, (7, 5): 1, (7, 7): 1},
        ),
        (
            FRERE_JACQUES,
            5,
            7,
            0.5384615384615384,
            {0: 0.25, 2: 0.125, 4: 0.25, 5: 0.125, 7: 0.25},
            {(0, 0): 1, (0, 2): 2, (0, 4): 1, (2, 4): 2, (4, 0): 2, (4, 5): 2, (5, 7): 2, (7, 4): 1},
        ),
    ],
)
def test_of_tunes_as_pretty_midi_computes_them(notes, pitch_count, pitch_range, inter_onset_s, histogram, transitions):
    found = symbolic_features([tune(notes)])
    assert (found["pitch_count"], found["pitch_range"]) == (pitch_count, pitch_range)
    assert found["inter_onset_s"] == pytest.approx(inter_onset_s)
    assert found["pitch_class_histogram"] == pytest.approx([histogram.get(pitch, 0) for pitch in range(12)])
    expected = np.zeros((12, 12))
    for pair, count in transitions.items():
        expected[pair] = count / (len(notes) - 1)
    assert found["pitch_class_transitions"] == pytest.approx(expected)


def test_of_the_ode_to_joy_by_hand():
    """Twelve quarters, one dotted, an eighth and a half; of 14 intervals 5 are none, 8 are steps up or down."""
    found = symbolic_features([tune(ODE_TO_JOY)])
    assert found["note_count"] == 15
    # e-e f g-g f e d c-c d e-e d-d: 0 1 2 0 2 1 2 2 0 2 2 0 2 0
    assert found["pitch_shift"] == pytest.approx(16 / 14)
    lengths = np.zeros(12)
    lengths[[QUARTER, DOTTED_QUARTER, EIGHTH, HALF]] = np.array([12, 1, 1, 1]) / 15
    assert found["note_length_histogram"] == pytest.approx(lengths)
    transitions = np.zeros((12, 12))
    transitions[QUARTER, QUARTER] = 11 / 14
    for pair in ((QUARTER, DOTTED_QUARTER), (DOTTED_QUARTER, EIGHTH), (EIGHTH, HALF)):
        transitions[pair] = 1 / 14
    assert found["note_length_transitions"] == pytest.approx(transitions)


def test_every_note_length_is_the_nearest_to_itself_and_to_what_is_played_a_little_short():
    for index, length in enumerate(NOTE_LENGTHS):
        for played in (length, 0.97 * length):
            histogram = symbolic_features([tune([(60, played), (62, played)])])["note_length_histogram"]
            assert histogram[index] == 1.0


def test_a_note_is_followed_within_its_voice_only():
    """High and low notes at a time: no interval leads from one voice to the other, and the order of voices is nothing.

    A chord's notes follow each other at once.
    """
    high, low = tune([(84, 1), (86, 1)]), tune([(36, 1), (36, 1)])
    found = symbolic_features([high, low])
    assert (found["pitch_shift"], found["pitch_range"], found["note_count"]) == (1.0, 50.0, 4.0)
    for name, value in symbolic_features([low, high]).items():
        assert np.array_equal(value, found[name])
    chord = symbolic_features([Voice.of([(67, 0.0, 1.0), (60, 0.0, 1.0), (64, 0.0, 1.0)])])
    assert (chord["inter_onset_s"], chord["pitch_shift"]) == (0.0, 3.5)


def test_a_song_and_its_midi_file_have_the_same_features(tmp_path):
    song = compose(make_brief("waltz", 3, seconds=10))
    path = tmp_path / "waltz.mid"
    path.write_bytes(midi_bytes(song))
    direct, read = symbolic_features(voices_of_song(song)), symbolic_features(voices_of_score(read_midi(path)))
    for name in ("pitch_count", "pitch_range", "note_count"):
        assert read[name] == direct[name]
    for name in ("inter_onset_s", "pitch_class_histogram"):
        assert read[name] == pytest.approx(direct[name], abs=0.01)


def test_one_part_may_be_chosen():
    song = compose(make_brief("blues", 0, seconds=10))
    names = [part.name for part in song.parts if not part.instrument.is_drums]
    assert len(voices_of_song(song)) == len(names)
    assert len(voices_of_song(song, {names[0]})) == 1


def test_beats_of_a_midi_file_go_by_its_tempo_map():
    """From 1 s on twice as fast: a note of 1 s that begins at 0.5 s takes 0.5 s of 60 bpm and 0.5 s of 120."""
    notes = [MidiNote(60, 0.5, 1.0, 80, 0, 0, False), MidiNote(62, 2.0, 0.5, 80, 0, 0, False)]
    drums = MidiNote(36, 0.0, 0.1, 80, 9, 0, True)
    score = Score((drums, *notes), (TempoChange(0.0, 60.0), TempoChange(1.0, 120.0)), (), 3.0)
    (voice,) = voices_of_score(score)
    assert voice.durations == pytest.approx([1.5, 1.0])
    assert voice.onsets_s == pytest.approx([0.5, 2.0])


def test_a_set_is_a_row_for_each_piece():
    found = features_of_set([[tune(ODE_TO_JOY)], [tune(FRERE_JACQUES)]])
    assert {name: values.shape[1:] for name, values in found.items()} == FEATURES
    assert found["note_count"].tolist() == [15, 14]


@pytest.mark.parametrize("pieces", [[], [[]], [[Voice.of([])]], [[tune([(60, 1)]), tune([(64, 1)])]]])
def test_what_cannot_be_measured(pieces):
    with pytest.raises(ModelError, match="expected"):
        features_of_set(pieces)
