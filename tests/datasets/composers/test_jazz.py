import numpy as np
import pytest

from datasets.composers import compose, jazz, make_brief
from datasets.composers.drums import DRUMS
from datasets.composers.harmony import expand, progression
from datasets.composers.instruments import BRUSH_KIT, JAZZ_KIT


def song(seed=0, **wishes):
    return compose(make_brief("jazz", seed, **wishes))


def part(piece, name):
    return next(part for part in piece.parts if part.name == name)


@pytest.mark.parametrize("rules", [jazz.MAJOR_RULES, jazz.MINOR_RULES])
@pytest.mark.parametrize(("letter", "n_bars"), [("A", 8), ("B", 8), ("BLUES", 12)])
def test_every_derivation_has_the_length_of_its_form(rules, letter, n_bars):
    for seed in range(60):
        symbols = expand(rules, letter, np.random.default_rng(seed))
        assert progression(symbols, 0)[-1].end == n_bars * 4, symbols


def test_a_blues_goes_to_the_subdominant_in_its_fifth_bar():
    for seed in range(20):
        spans = progression(expand(jazz.MAJOR_RULES, "BLUES", np.random.default_rng(seed)), 0)
        fifth = next(span for span in spans if span.start == 16)
        assert (fifth.symbol, fifth.chord.root) == ("IV7", 5)


def test_dominants_are_replaced_by_their_tritone_substitutes():
    derived = {chord for seed in range(80) for chord in expand(jazz.MAJOR_RULES, "II_V2", np.random.default_rng(seed))}
    assert {"V7", "bII7"} <= derived


def test_swing_grows_straight_with_the_tempo():
    assert jazz.swing_share(100) == pytest.approx(0.71)
    assert jazz.swing_share(200) == pytest.approx(0.605)
    assert jazz.swing_share(300) == jazz.swing_share(340) == 0.5


def test_the_ride_is_swung_and_the_hi_hat_closes_on_two_and_four():
    piece = song(tempo_bpm=140.0)
    drums = part(piece, "drums").notes
    hats = [note.start % 4 for note in drums if note.pitch == DRUMS["pedal_hat"]]
    assert np.allclose(np.minimum(np.abs(np.array(hats) - 1), np.abs(np.array(hats) - 3)), 0, atol=0.15)
    skips = [note.start % 1 for note in drums if note.pitch == DRUMS["ride"] and 0.3 < note.start % 1 < 0.85]
    assert np.mean(skips) == pytest.approx(jazz.swing_share(140.0), abs=0.02)


def test_the_bass_walks_in_quarters():
    notes = part(song(tempo_bpm=140.0), "bass").notes
    assert np.allclose(np.diff(sorted(note.start for note in notes)), 1.0, atol=0.25)


def test_ballads_are_played_with_brushes_by_what_sings():
    for seed in range(8):
        piece = song(seed, tempo_bpm=70.0)
        assert part(piece, "drums").instrument in BRUSH_KIT
        assert part(song(seed, tempo_bpm=180.0), "drums").instrument in JAZZ_KIT
        assert not any(part.name == "brass" for part in piece.parts)


def test_the_head_comes_back_with_every_a():
    brief = make_brief("jazz", 2, key="C major")
    _, theme = jazz._tune("AABA", brief, np.random.default_rng(2))
    first = [(note.start, note.pitch) for note in theme if note.start < 32]
    for start in (32.0, 96.0):
        assert [(note.start - start, note.pitch) for note in theme if start <= note.start < start + 32] == first
    bridge = [(note.start - 64, note.pitch) for note in theme if 64 <= note.start < 96]
    assert bridge != first
