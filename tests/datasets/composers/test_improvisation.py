import numpy as np
import pytest

from datasets.composers.harmony import chord_at, progression
from datasets.composers.improvisation import Solo, chord_scale, improvise
from datasets.composers.theory import roman

LICKS = ("0 1 2 3 4 5 6 7", "7 6 5 4 3 2 1 0", "0 2 4 6")
CHANGES = progression(["ii7", "V7", "Imaj7", "VI7b9"] * 8, 0)


def solo(seed=0, **settings):
    return improvise(Solo(58, 82, LICKS, **settings), CHANGES, np.random.default_rng(seed))


def test_notes_on_the_beat_belong_to_the_chord():
    for note in solo(enclosure=0.0):
        if note.start % 1 == 0:
            assert note.pitch % 12 in chord_at(CHANGES, note.start).pitch_classes


def test_notes_off_the_beat_belong_to_the_scale_of_the_chord():
    for note in solo(enclosure=0.0):
        chord = chord_at(CHANGES, note.start)
        assert (note.pitch - chord.root) % 12 in chord_scale(chord)


def test_an_enclosure_comes_from_above_and_from_the_semitone_below():
    notes = solo(enclosure=1.0, phrase_notes=(8, 8))
    for before, after, goal in zip(notes, notes[1:], notes[2:], strict=False):
        if goal.start % 2 == 0 and goal.start - before.start == 1.0:
            assert after.pitch == goal.pitch - 1
            assert 1 <= before.pitch - goal.pitch <= 3
            assert goal.pitch % 12 in chord_at(CHANGES, goal.start).pitch_classes


def test_phrases_have_their_length_and_are_apart():
    notes = solo(phrase_notes=(4, 6), rest_notes=(2, 3))
    starts = np.array([note.start for note in notes])
    lengths = np.diff(np.flatnonzero(np.diff(starts, prepend=-9) > 0.5))
    assert lengths.min() >= 4
    assert lengths.max() <= 6
    assert set(np.diff(starts)) <= {0.5, 1.5, 2.0}


def test_a_solo_stays_in_its_register_and_within_its_chords():
    for seed in range(10):
        notes = solo(seed)
        assert all(57 <= note.pitch <= 85 for note in notes)  # an enclosure may pass the register by a step
        assert max(note.end for note in notes) <= CHANGES[-1].end


@pytest.mark.parametrize("symbol", ["V7", "ii7", "Imaj7", "ii7b5", "VI7b9", "#IVdim7", "I6", "i6"])
def test_a_chord_is_part_of_its_scale(symbol):
    chord = roman(symbol, 0)
    assert {interval % 12 for interval in chord.intervals} <= set(chord_scale(chord))


def test_bebop_scales_have_eight_notes_so_that_chord_tones_fall_on_beats():
    scale = chord_scale(roman("Imaj7", 0))
    assert len(scale) == 8
    assert scale[::2] == (0, 4, 7, 9)
