"""Roman numerals, scales and pitches against what every textbook says."""

import numpy as np
import pytest

from datasets.composers.theory import QUALITIES, SCALES, nearest, pitch_near, roman, scale_pitches
from datasets.errors import DatasetError

C, D, E_FLAT, E, F, G, A_FLAT, A, B_FLAT, B = 0, 2, 3, 4, 5, 7, 8, 9, 10, 11
F_SHARP, C_SHARP, G_SHARP = 6, 1, 8


@pytest.mark.parametrize(
    ("symbol", "tonic", "notes"),
    [
        ("I", C, (C, E, G)),
        ("vi", C, (A, C, E)),
        ("V7", C, (G, B, D, F)),
        ("ii7", C, (D, F, A, C)),
        ("IVmaj7", C, (F, A, C, E)),
        ("vii°", C, (B, D, F)),
        ("vii7b5", C, (B, D, F, A)),
        ("bVII", C, (B_FLAT, D, F)),
        ("#IV°", C, (F_SHARP, A, C)),
        ("I5", E, (E, B)),
        ("i", A, (A, C, E)),
        ("V", A, (E, G_SHARP, B)),
        ("bVI", A, (F, A, C)),
        ("iv6", A, (D, F, A, B)),
        ("II7", G, (A, C_SHARP, E, G)),  # the dominant of the dominant of G
        ("VI7", F, (D, F_SHARP, A, C)),  # the dominant of the second degree of F
        ("bII7", F, (F_SHARP, B_FLAT, C_SHARP, E)),  # the tritone substitute of C7
        ("Vsus4", D, (A, D, E)),
        ("I13", C, (C, E, B_FLAT, D, A)),
        ("III7", B, (E_FLAT, G, B_FLAT, C_SHARP)),
    ],
)
def test_a_numeral_is_the_chord_of_its_key(symbol, tonic, notes):
    assert roman(symbol, tonic).pitch_classes == notes


@pytest.mark.parametrize("symbol", ["IIII", "H", "", "V8", "v maj", "bbV", "I/3"])
def test_what_is_no_numeral_is_refused(symbol):
    with pytest.raises(DatasetError, match="chord "):
        roman(symbol, C)


def test_a_numeral_moves_with_its_key():
    for quality in QUALITIES:
        at_home = roman(f"V{quality}", 0).pitch_classes
        for tonic in range(12):
            assert roman(f"V{quality}", tonic).pitch_classes == tuple((note + tonic) % 12 for note in at_home)


@pytest.mark.parametrize(("symbol", "third"), [("I", 4), ("i", 3), ("Vsus4", 5), ("Vsus2", 2), ("I5", 7), ("vii°", 3)])
def test_the_third_or_what_stands_for_it(symbol, third):
    assert roman(symbol, C).third == third


def test_known_scales():
    assert scale_pitches(C, "major", 60, 72).tolist() == [60, 62, 64, 65, 67, 69, 71, 72]
    assert scale_pitches(A, "harmonic_minor", 57, 69).tolist() == [57, 59, 60, 62, 64, 65, 68, 69]
    assert scale_pitches(D, "dorian", 60, 71).tolist() == scale_pitches(C, "major", 60, 71).tolist()
    assert scale_pitches(E, "phrygian", 60, 71).tolist() == scale_pitches(C, "major", 60, 71).tolist()
    assert scale_pitches(G, "mixolydian", 60, 71).tolist() == scale_pitches(C, "major", 60, 71).tolist()
    assert (
        scale_pitches(A, "minor_pentatonic", 60, 71).tolist() == scale_pitches(C, "major_pentatonic", 60, 71).tolist()
    )


def test_scales_begin_on_their_tonic_and_climb_within_an_octave():
    for degrees in SCALES.values():
        assert degrees[0] == 0
        assert np.all(np.diff(degrees) > 0)
        assert degrees[-1] < 12


def test_the_nearest_pitch_is_the_lower_of_two():
    pitches = np.array([60, 64, 67])
    assert nearest(pitches, 65.4) == 64
    assert nearest(pitches, 62.0) == 60
    assert nearest(pitches, 100.0) == 67


@pytest.mark.parametrize(
    ("pitch_class", "wanted", "pitch"), [(C, 61, 60), (B, 60, 59), (C, 65, 60), (C, 67, 72), (A, 69, 69)]
)
def test_a_pitch_class_is_found_near_by(pitch_class, wanted, pitch):
    assert pitch_near(pitch_class, wanted) == pitch
