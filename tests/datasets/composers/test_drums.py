"""Patterns stand on their grid, with the strength that their letters say."""

import numpy as np
import pytest

from datasets.composers.drums import DRUMS, VELOCITIES, fill, play
from datasets.errors import DatasetError


def test_a_rock_beat_stands_on_the_grid():
    notes = play({"kick": "x...x...", "snare": "..X...X.", "closed_hat": "xg xg xg xg"}, start_beat=8.0)
    starts = {name: [note.start for note in notes if note.pitch == DRUMS[name]] for name in ("kick", "snare")}
    assert starts == {"kick": [8.0, 10.0], "snare": [9.0, 11.0]}
    hats = [note for note in notes if note.pitch == 42]
    assert [note.start for note in hats] == [8 + step / 2 for step in range(8)]
    assert [note.velocity for note in hats] == [VELOCITIES["x"], VELOCITIES["g"]] * 4
    assert {note.velocity for note in notes if note.pitch == 38} == {VELOCITIES["X"]}
    assert VELOCITIES["g"] < VELOCITIES["x"] < VELOCITIES["X"]


def test_a_line_divides_its_bar_whatever_its_length():
    assert [note.start for note in play({"ride": "xxx"}, 0.0, beats=3.0)] == [0.0, 1.0, 2.0]
    assert [note.start for note in play({"ride": "xxx"}, 0.0, beats=2.0)] == pytest.approx([0, 2 / 3, 4 / 3])


def test_the_level_is_a_factor_that_stays_within_midi():
    assert [note.velocity for note in play({"kick": "X"}, 0.0, level=0.5)] == [58]
    assert [note.velocity for note in play({"kick": "Xg"}, 0.0, level=9.0)] == [127, 127]
    assert [note.velocity for note in play({"kick": "X"}, 0.0, level=0.0)] == [1]


def test_rests_are_silent():
    assert play({"kick": "....", "snare": ". ."}, 0.0) == []


@pytest.mark.parametrize(
    ("pattern", "message"),
    [({"gong": "x..."}, "drum 'gong': expected one of kick"), ({"kick": "x.o."}, "kick: step 'o' in 'x.o.'")],
)
def test_unknown_drums_and_steps_are_refused(pattern, message):
    with pytest.raises(DatasetError, match=message):
        play(pattern, 0.0)


def test_no_two_drums_share_a_pitch():
    assert len(set(DRUMS.values())) == len(DRUMS)


def test_a_fill_runs_down_the_toms_louder_and_louder_into_the_next_bar():
    strokes = [note for seed in range(20) for note in fill(np.random.default_rng(seed), 14.0, 2.0)]
    assert {note.start for note in strokes} == {14 + step / 4 for step in range(8)}
    one = fill(np.random.default_rng(0), 14.0, 2.0)
    order = [DRUMS[name] for name in ("snare", "high_tom", "mid_tom", "low_tom", "floor_tom")]
    places = [order.index(note.pitch) for note in one]
    velocities = [note.velocity for note in one]
    assert places == sorted(places)
    assert velocities == sorted(velocities)
    assert one[-1].end <= 16.0
