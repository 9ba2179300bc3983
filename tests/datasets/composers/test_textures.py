from itertools import pairwise

import numpy as np
import pytest

from datasets.composers import textures
from datasets.composers.harmony import progression
from datasets.composers.melody import Line, melody
from datasets.composers.textures import Period
from datasets.composers.theory import roman
from datasets.composers.voicing import RANGES, has_parallels

CHORDS = progression(["I", "I", "ii", "V", "I", "vi", "ii:2", "V7:2", "I"], 0)
LINE = Line("major", 65, 84, ("0 1 2 4 3 2 1 0",), ((1, (1.0, 1.0)),))


def period(energy=0.5, chords=CHORDS):
    return Period(chords, melody(LINE, chords, 0, np.random.default_rng(0)), energy)


@pytest.mark.parametrize("seed", range(6))
def test_the_voices_of_a_chorale_move_without_parallels_and_within_their_ranges(seed):
    played = textures.chorale_texture(period(), np.random.default_rng(seed))
    onsets = sorted({note.start for notes in played.values() for note in notes})
    sounding = [
        [max((n for n in played[name] if n.start <= onset), key=lambda n: n.start).pitch for name in textures.VOICES]
        for onset in onsets
    ]
    assert not any(has_parallels(before, after) for before, after in pairwise(sounding))
    assert all(voices == sorted(voices) for voices in sounding)
    for (low, high), name in zip(RANGES, textures.VOICES, strict=True):
        assert all(low <= note.pitch <= high for note in played[name])


def test_a_chorale_breathes_after_each_phrase():
    played = textures.chorale_texture(period(), np.random.default_rng(0))
    for notes in played.values():
        last_of_phrase = next(note for note in notes if note.start == 12.0)
        assert 3.0 < last_of_phrase.duration < 4.0


def test_an_invention_begins_with_its_subject_alone_and_the_other_voice_imitates_it():
    played = textures.invention_texture(period(), np.random.default_rng(3))
    upper, lower = (sorted(played[name], key=lambda note: note.start) for name in ("upper", "lower"))
    assert lower[0].start == 2.0
    subject = [note.pitch for note in upper[:8]]
    answer = [note.pitch for note in lower[:8]]
    assert {a - b for a, b in zip(subject, answer, strict=True)} in ({12}, {24})  # the chord has stayed the same


def test_both_voices_of_an_invention_end_together_on_the_tonic():
    played = textures.invention_texture(period(), np.random.default_rng(1))
    lasts = [max(notes, key=lambda note: note.start) for notes in played.values()]
    assert {(note.start, note.pitch % 12) for note in lasts} == {(30.0, 0)}


def test_timpani_know_two_notes():
    played = textures.orchestra_texture(period(energy=0.9), np.random.default_rng(0))
    assert {note.pitch % 12 for note in played["timpani"]} == {0, 7}


def test_brass_and_timpani_are_silent_in_a_soft_period():
    soft = textures.orchestra_texture(period(energy=0.2), np.random.default_rng(0))
    assert soft["horns"] == soft["trumpets"] == soft["timpani"] == []


def test_an_altered_chord_takes_its_notes_into_the_scale():
    dominant_of_the_dominant = textures.key_scale(CHORDS, roman("II7", 0))
    assert set(dominant_of_the_dominant) == {0, 2, 4, 6, 7, 9, 11}  # F sharp for F
    minor = progression(["i", "V7", "i"], 9)
    assert set(textures.key_scale(minor, minor[1].chord)) == {9, 11, 0, 2, 4, 5, 8}  # G sharp for G
    assert set(textures.key_scale(minor, minor[0].chord)) == {9, 11, 0, 2, 4, 5, 7}


def test_a_melody_keeps_its_accents_at_another_strength():
    notes = period().melody
    moved = textures.at_velocity(notes, textures.MELODY_VELOCITY + 7)
    assert [note.velocity - 7 for note in moved] == [note.velocity for note in notes]
