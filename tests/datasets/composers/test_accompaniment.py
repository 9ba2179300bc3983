from itertools import pairwise

import numpy as np
import pytest

from datasets.composers.accompaniment import (
    arpeggio,
    bass,
    comp,
    long_chords,
    looped,
    power_chords,
    riff,
    steps,
    walking_bass,
)
from datasets.composers.harmony import progression
from datasets.composers.song import Note
from datasets.errors import DatasetError


def test_a_riff_is_chord_notes_in_its_rhythm_in_close_harmony():
    chords = progression(["I", "V7"], tonic=0)
    voices = riff(chords, "..x-..X.", beats_per_bar=4, low=66, high=78)
    assert len(voices) == 3
    for voice in voices:
        assert [note.start for note in voice] == [1.0, 3.0, 5.0, 7.0]
        assert all(note.pitch % 12 in {0, 4, 7} for note in voice[:2])
        assert all(note.pitch % 12 in {7, 11, 2, 5} for note in voice[2:])
    for highest, middle, lowest in zip(*voices, strict=True):
        assert 66 <= highest.pitch <= 78
        assert lowest.pitch < middle.pitch < highest.pitch
        assert highest.pitch - lowest.pitch < 12
    assert voices[0][1].velocity > voices[0][0].velocity, "an accent"
    assert voices[0][0].duration > voices[0][1].duration, "a note that goes on"


def test_a_boogie_bass_climbs_to_the_minor_seventh_and_comes_back():
    line = bass(progression(["I7"], tonic=0), "R3567653", low=36)
    assert [note.pitch for note in line] == [36, 40, 43, 45, 46, 45, 43, 40]


def test_a_loop_is_repeated_and_cut_at_the_end():
    notes = [Note(0.0, 0.5, 60, 80), Note(3.0, 0.5, 64, 90)]
    again = looped(notes, 4.0, 8.0, 14.0)
    assert [(note.start, note.pitch, note.velocity) for note in again] == [(8, 60, 80), (11, 64, 90), (12, 60, 80)]


CHORDS = progression(["I", "V7", "vi:2", "IV:2"], tonic=0)


def test_steps_stand_on_the_grid_and_a_dash_goes_on():
    assert list(steps("x.g- X---", 4.0, 12.0, 4)) == [
        (4.0, 0.5, "x"),
        (5.0, 1.0, "g"),
        (6.0, 2.0, "X"),
        (8.0, 0.5, "x"),
        (9.0, 1.0, "g"),
        (10.0, 2.0, "X"),
    ]


def test_steps_end_where_the_chords_end():
    assert list(steps("x--- x---", 0.0, 3.0, 4)) == [(0.0, 2.0, "x"), (2.0, 1.0, "x")]


def test_a_step_of_no_alphabet_is_refused():
    with pytest.raises(DatasetError, match=r"rhythm 'x\.q\.': q, expected Xxg, a dot or a dash"):
        list(steps("x.q.", 0.0, 4.0, 4))


def test_a_bass_line_plays_the_tones_that_it_names():
    line = bass(progression(["I", "vi"], tonic=0), "R35b", low=36, legato=1.0)
    assert [note.pitch for note in line] == [36, 40, 43, 44, 45, 48, 52, 44]  # C E G G# | A C E G#
    assert [(note.start, note.duration) for note in line] == [(float(beat), 1.0) for beat in range(8)]
    assert [note.velocity for note in line] == [104, 96, 96, 96] * 2


def test_chords_in_a_rhythm_sound_in_all_voices_with_their_accents():
    notes = comp(progression(["I", "V7"], tonic=0), "X-.g", n_voices=3, legato=1.0, velocity=1.0)
    assert sorted({note.start for note in notes}) == [0.0, 3.0, 4.0, 7.0]
    assert {note.pitch % 12 for note in notes if note.start < 4} == {0, 4, 7}
    assert {note.pitch % 12 for note in notes if note.start >= 4} <= {7, 11, 2, 5}
    assert {(note.duration, note.velocity) for note in notes if note.start in (0, 4)} == {(2.0, 116)}
    assert {(note.duration, note.velocity) for note in notes if note.start in (3, 7)} == {(1.0, 42)}


def test_a_strum_goes_from_string_to_string_and_all_end_together():
    notes = comp(progression(["I"], tonic=0), "x---", n_voices=3, strum_beats=0.1, legato=1.0)
    assert [note.start for note in notes] == pytest.approx([0.0, 0.1, 0.2])
    assert [note.end for note in notes] == pytest.approx([4.0] * 3)
    assert [note.pitch for note in notes] == sorted(note.pitch for note in notes)


def test_power_chords_are_root_fifth_and_octave_and_a_muted_root():
    notes = power_chords(progression(["I5"], tonic=4), "x.g.", low=40)
    assert [(note.start, note.pitch) for note in notes] == [(0.0, 40), (0.0, 47), (0.0, 52), (2.0, 40)]
    assert notes[-1].duration < notes[0].duration


def test_a_walking_bass_steps_on_every_beat_and_into_every_root():
    for seed in range(30):
        line = walking_bass(CHORDS, np.random.default_rng(seed), low=30, high=52)
        assert [note.start for note in line] == [float(beat) for beat in range(12)]
        roots = {0.0: 0, 4.0: 7, 8.0: 9, 10.0: 5}
        assert {beat: line[int(beat)].pitch % 12 for beat in roots} == roots
        assert all(1 <= abs(line[beat].pitch - line[beat - 1].pitch) <= 2 for beat in (4, 8, 10))
        assert all(28 <= note.pitch <= 54 for note in line)


def test_an_arpeggio_plays_its_order_and_leaves_the_chord_upwards():
    line = arpeggio(progression(["I"], tonic=0), [0, 1, 2, 3], step=1.0, n_voices=3, legato=1.0)
    low, middle, high, octave = (note.pitch for note in line)
    assert {low % 12, middle % 12, high % 12} == {0, 4, 7}
    assert low < middle < high < octave == low + 12
    assert line[0].velocity > line[1].velocity == line[2].velocity


def test_long_chords_are_held_until_the_next_one():
    notes = long_chords(CHORDS, n_voices=3)
    starts = sorted({note.start for note in notes})
    assert starts == [0.0, 4.0, 8.0, 10.0]
    for now, following in pairwise([*starts, 12.0]):
        assert all(now < note.end <= following for note in notes if note.start == now)
