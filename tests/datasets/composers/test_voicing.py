from itertools import pairwise

import numpy as np
import pytest

from datasets.composers.harmony import progression
from datasets.composers.song import Note
from datasets.composers.theory import Chord, roman
from datasets.composers.voicing import (
    RANGES,
    block_chords,
    chorale,
    close_voicings,
    has_parallels,
    in_thirds,
    rootless_voicings,
)
from datasets.errors import DatasetError

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


@pytest.mark.parametrize(
    ("before", "after", "parallel"),
    [
        ((48, 55), (50, 57), True),  # fifths
        ((48, 60), (53, 65), True),  # octaves
        ((48, 67), (50, 69), True),  # fifths over an octave
        ((60, 60), (62, 62), True),  # primes
        ((48, 55), (48, 55), False),  # repeated, not moved
        ((48, 55), (48, 57), False),  # one voice stays
        ((48, 52), (50, 53), False),  # thirds
        ((48, 55), (47, 55), False),
        ((48, 64, 67), (50, 62, 69), True),  # bass and soprano
    ],
)
def test_parallels_are_those_of_the_rules(before, after, parallel):
    assert has_parallels(before, after) is parallel


def test_random_chorales_keep_the_rules():
    """Those that no setting fits are refused; all others are four parts in their ranges, without parallels."""
    rng = np.random.default_rng(0)
    symbols = ("I", "ii", "IV", "V", "vi", "V7", "I", "IV")
    n_found = 0
    for _ in range(40):
        chords = [roman(str(symbol), int(rng.integers(12))) for symbol in rng.choice(symbols, 5)]
        sopranos = [sung(chord, rng) for chord in chords]
        try:
            parts = chorale(chords, sopranos)
        except DatasetError:
            continue
        n_found += 1
        assert [setting[3] for setting in parts] == sopranos
        for chord, setting in zip(chords, parts, strict=True):
            assert list(setting) == sorted(set(setting))
            assert {pitch % 12 for pitch in setting} <= set(chord.pitch_classes)
            assert setting[0] % 12 == chord.root
            assert (chord.root + chord.third) % 12 in {pitch % 12 for pitch in setting}
            assert all(low <= pitch <= high for pitch, (low, high) in zip(setting, RANGES, strict=True))
        assert not any(has_parallels(before, after) for before, after in pairwise(parts))
    assert n_found > 10


def sung(chord: Chord, rng: np.random.Generator) -> int:
    low, high = RANGES[3]
    return int(rng.choice([pitch for pitch in range(low, high + 1) if pitch % 12 in chord.pitch_classes]))


def test_a_cadence_leads_its_inner_voices_least():
    """C, G, C under G, G, G: the fifth is held, the bass goes down a fourth and up again."""
    (first, second, third) = chorale([roman(symbol, 0) for symbol in ("I", "V", "I")], [67, 67, 67])
    moved = sum(abs(a - b) for a, b in zip(first[1:3], second[1:3], strict=True))
    assert moved <= 3
    assert {first[0] % 12, second[0] % 12, third[0] % 12} == {0, 7}


@pytest.mark.parametrize(
    ("symbols", "sopranos", "message"),
    [
        (["I"], [41], "chord 0: soprano 41 fits no setting"),
        (["I", "V"], [41, 67], "chord 0: soprano 41 fits no setting"),
        (["I", "V"], [67, 41], "chord 1: soprano 41 fits no setting"),
    ],
)
def test_a_soprano_that_fits_no_setting_is_named(symbols, sopranos, message):
    with pytest.raises(DatasetError, match=message):
        chorale([roman(symbol, 0) for symbol in symbols], sopranos)


def test_close_voicings_stay_near_their_centre_and_one_another():
    spans = progression(["I", "vi", "IV", "V7", "I"] * 3, tonic=0)
    voicings = close_voicings(spans, centre=60, n_voices=3)
    for span, voicing in zip(spans, voicings, strict=True):
        assert list(voicing) == sorted(set(voicing))
        assert voicing[-1] - voicing[0] < 12
        assert {pitch % 12 for pitch in voicing} <= set(span.chord.pitch_classes)
        assert abs(np.mean(voicing) - 60) <= 7
    first, second = voicings[:2]
    assert len(set(first) & set(second)) == 2, "C major and A minor share two notes"


def test_a_hand_of_few_fingers_leaves_out_the_fifth_first_and_then_the_root():
    spans = progression(["V7"], tonic=0)
    assert {pitch % 12 for pitch in close_voicings(spans, n_voices=4)[0]} == {7, 11, 2, 5}
    assert {pitch % 12 for pitch in close_voicings(spans, n_voices=3)[0]} == {7, 11, 5}
    assert {pitch % 12 for pitch in close_voicings(spans, n_voices=2)[0]} == {11, 5}
