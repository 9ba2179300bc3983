from itertools import pairwise

import numpy as np
import pytest

from datasets.composers.harmony import progression
from datasets.composers.song import Note
from datasets.composers.voicing import block_chords, in_thirds, rootless_voicings

TWO_FIVE_ONE = progression(["ii7", "V7", "Imaj7", "VI7b9", "iv7", "bVII9", "I6", "bII7"], 0)


def test_rootless_voicings_have_third_and_seventh_and_leave_the_root_to_the_bass():
    for span, voicing in zip(TWO_FIVE_ONE, rootless_voicings(TWO_FIVE_ONE), strict=True):
        pitch_classes = {pitch % 12 for pitch in voicing}
        assert len(voicing) == len(pitch_classes) == 4
        assert span.chord.root not in pitch_classes
        assert (span.chord.root + span.chord.third) % 12 in pitch_classes


def test_two_five_one_is_the_textbook_voicing():
    first, second, third = rootless_voicings(TWO_FIVE_ONE[:3])
    assert {pitch % 12 for pitch in first} == {5, 9, 0, 4}  # F A C E over D
    assert {pitch % 12 for pitch in second} == {5, 9, 11, 4}  # F A B E over G: seventh, ninth, third, thirteenth
    assert {pitch % 12 for pitch in third} == {4, 7, 11, 2}  # E G B D over C
    assert sum(abs(a - b) for a, b in zip(first, second, strict=True)) == 1


def test_the_hand_moves_little():
    voicings = rootless_voicings(TWO_FIVE_ONE, centre=61)
    assert all(abs(np.mean(after) - np.mean(before)) <= 5 for before, after in pairwise(voicings))
    assert all(52 <= min(voicing) <= max(voicing) <= 74 for voicing in voicings)


def test_three_fingers_leave_out_the_fifth():
    assert {pitch % 12 for pitch in rootless_voicings(TWO_FIVE_ONE, fifth=False)[0]} == {5, 0, 4}


@pytest.mark.parametrize("n_voices", [1, 2, 4])
def test_block_chords_hang_below_the_melody(n_voices):
    tune = [Note(0, 1, 72, 80), Note(4, 1, 71, 80), Note(8, 1, 76, 80)]
    voices = block_chords(tune, TWO_FIVE_ONE, n_voices=n_voices)
    assert len(voices) == n_voices
    assert voices[0] == tune
    for upper, lower in pairwise(voices):
        assert all(a.pitch > b.pitch and a.start == b.start for a, b in zip(upper, lower, strict=True))
    assert all(note.pitch % 12 in (2, 5, 9, 0) for voice in voices[1:] for note in voice if note.start == 0)


def test_thirds_below_a_melody_are_those_of_the_scale():
    tune = [Note(index, 1, pitch, 80) for index, pitch in enumerate((60, 62, 64, 65, 67, 61))]
    assert [note.pitch for note in in_thirds(tune, 0, "major")] == [57, 59, 60, 62, 64, 57]
