import numpy as np
import pytest

from datasets.composers.harmony import chord_at, progression
from datasets.composers.melody import MOVES, Line, NGram, guide_line, melody, tiled
from datasets.composers.song import Note
from datasets.composers.theory import scale_pitches


def test_a_tune_comes_back_until_its_section_ends():
    tune = [Note(0.0, 1.0, 60, 90), Note(3.0, 1.0, 64, 90)]
    notes = tiled(tune, 4, 8.0, 15.0)
    assert [(note.start, note.pitch) for note in notes] == [(8.0, 60), (11.0, 64), (12.0, 60)]
    assert tiled([], 4, 0.0, 8.0) == []


UP = list(MOVES).index(1)
DOWN = list(MOVES).index(-1)
LINE = Line("major", 60, 79, ["0 1 2 3 4 3 2 1 0", "0 2 4 2 0"], [(1, [1.0]), (1, [0.5, 0.5]), (1, ["r0.5", 0.5])])
CHORDS = progression(["I", "IV", "V7", "I"] * 4, tonic=0)


def test_weights_are_the_shares_of_what_followed():
    """Counted on up, up, down: after up and up comes down, after an up either, and two of all three go up."""
    table, blank = NGram.of(["0 1 2 1"]), NGram.of([])
    added = table.weights((1, 1)) - blank.weights((1, 1))
    expected = np.zeros(len(MOVES))
    expected[UP] = 0.5 * 2 / 3 + 2.0 * 1 / 2
    expected[DOWN] = 0.5 * 1 / 3 + 2.0 * 1 / 2 + 4.0
    assert added == pytest.approx(expected)


def test_a_past_that_was_never_seen_falls_back_to_shorter_ones():
    table, blank = NGram.of(["0 1 2 1"]), NGram.of([])
    added = table.weights((5, 5)) - blank.weights((5, 5))
    assert added[UP] == pytest.approx(0.5 * 2 / 3)
    assert added[DOWN] == pytest.approx(0.5 * 1 / 3)
    assert np.count_nonzero(added) == 2


def test_every_move_stays_possible_and_small_ones_are_likelier():
    weights = NGram.of([]).weights((0, 0))
    assert np.all(weights > 0)
    assert weights == pytest.approx(weights[::-1])
    assert np.all(np.diff(weights[MOVES > 0]) < 0)


def test_leaps_that_are_too_wide_count_as_the_widest():
    weights = NGram.of(["0 9"]).weights((0, 0)) - NGram.of([]).weights((0, 0))
    assert weights[-1] == pytest.approx(0.5)
    assert np.count_nonzero(weights) == 1


@pytest.mark.parametrize("seed", range(5))
def test_a_melody_keeps_to_its_scale_register_and_time(seed):
    notes = melody(LINE, CHORDS, 0, np.random.default_rng(seed))
    assert {note.pitch for note in notes} <= set(scale_pitches(0, "major", 60, 79).tolist())
    starts = [note.start for note in notes]
    assert starts == sorted(set(starts))
    assert 0 <= starts[0] <= starts[-1] < 64
    assert all(start % 0.5 == 0 for start in starts)
    assert {note.velocity for note in notes} == {84, 94}
    assert all((note.velocity == 94) == (note.start % 1 == 0) for note in notes)


def test_strong_beats_sing_the_chord_more_often_than_weak_ones():
    notes = [note for seed in range(20) for note in melody(LINE, CHORDS, 0, np.random.default_rng(seed))]
    share = {
        strong: np.mean(
            [
                note.pitch % 12 in chord_at(CHORDS, note.start).pitch_classes
                for note in notes
                if (note.start % 1 == 0) == strong
            ]
        )
        for strong in (True, False)
    }
    assert share[True] > 0.7 > share[False]


def test_silence_is_kept_where_cells_rest():
    silent = Line("major", 60, 79, ["0 1"], [(1, ["r1"])])
    assert melody(silent, CHORDS, 0, np.random.default_rng(0)) == []
    offbeat = Line("major", 60, 79, ["0 1"], [(1, ["r0.5", 0.5])], rest=0.0)
    notes = melody(offbeat, CHORDS[:1], 0, np.random.default_rng(0))
    assert [note.start for note in notes] == [0.5, 1.5, 2.5, 3.5]


def test_a_rhythm_that_always_comes_back_is_that_of_two_bars_before():
    notes = melody(
        Line("major", 60, 79, ["0 1"], LINE.cells, repeat=1.0, rest=0.0), CHORDS[:8], 0, np.random.default_rng(1)
    )
    bars = [[note.start % 4 for note in notes if note.start // 4 == bar] for bar in range(8)]
    assert bars[0] != bars[1]
    assert bars == bars[:2] * 4


def test_a_guide_line_moves_to_the_nearest_note_of_each_chord():
    assert guide_line(progression(["I", "IV", "V", "I"], tonic=0), low=60, high=72, start=67) == [67, 65, 67, 67]
    assert guide_line(progression(["ii7", "V7", "Imaj7"], tonic=0), low=60, high=72, start=60) == [60, 62, 60]
