import numpy as np
import pytest

from datasets.composers.humanise import FAINT, echoed, loosen, phrased, played_by_people, swing
from datasets.composers.instruments import Instrument
from datasets.composers.song import Note, Part


def test_an_echo_comes_back_softer_at_its_delay_until_it_is_faint():
    heard = echoed([Note(2.0, 0.5, 60, 96)], delay=0.75, decay=0.5)
    assert [note.start for note in heard] == [2.0, 2.75, 3.5, 4.25]
    assert [note.velocity for note in heard] == [96, 48, 24, 12]
    assert {(note.pitch, note.duration) for note in heard} == {(60, 0.5)}


@pytest.mark.parametrize(("velocity", "decay"), [(100, 0.0), (FAINT - 1, 0.9), (1, 0.9)])
def test_a_note_without_audible_echo_is_the_note(velocity, decay):
    note = Note(0.0, 0.5, 60, velocity)
    assert echoed([note], delay=1.0, decay=decay) == [note]


LINE = [Note(beat, 0.5, 60, 80) for beat in np.arange(0, 16, 0.5).tolist()]


def test_a_phrase_is_slow_and_soft_at_its_ends_and_fast_and_loud_in_its_middle():
    shaped = phrased(LINE, 16.0, rubato=0.2, swell=0.25)
    steps = np.diff([note.start for note in shaped])
    velocities = [note.velocity for note in shaped]
    assert steps.argmin() in (15, 16)
    assert steps[0] > 0.5 > steps.min()
    assert (min(velocities), max(velocities)) == (60, 100)
    assert velocities[16] == 100


def test_phrases_begin_on_the_grid_and_keep_the_order():
    shaped = phrased(LINE, 4.0, rubato=0.5)
    starts = np.array([note.start for note in shaped])
    assert starts[::8] == pytest.approx([0, 4, 8, 12])
    assert np.all(np.diff(starts) > 0)


def test_nothing_moves_without_rubato_and_swell():
    assert phrased(LINE, 8.0, rubato=0.0, swell=0.0) == LINE


EIGHTHS = [Note(step / 2, 0.5, 60, 80) for step in range(8)]


def test_a_straight_swing_moves_nothing():
    for grid in (0.5, 0.25):
        straight = swing(LINE, 0.5, grid=grid)
        assert [note.start for note in straight] == pytest.approx([note.start for note in LINE], abs=1e-6)
        assert [note.end for note in straight] == pytest.approx([note.end for note in LINE], abs=1e-6)


def test_two_thirds_are_triplets():
    triplets = swing(EIGHTHS, 2 / 3)
    starts = [0, 2 / 3, 1, 5 / 3, 2, 8 / 3, 3, 11 / 3]
    assert [note.start for note in triplets] == pytest.approx(starts, abs=1e-6)
    assert [note.end for note in triplets] == pytest.approx([*starts[1:], 4], abs=1e-6)


def test_sixteenths_swing_on_their_own_grid():
    sixteenths = swing([Note(step / 4, 0.25, 60, 80) for step in range(4)], 0.75, grid=0.25)
    assert [note.start for note in sixteenths] == pytest.approx([0, 0.375, 0.5, 0.875], abs=1e-6)


def test_swing_keeps_the_order_and_the_beats():
    rng = np.random.default_rng(0)
    notes = [Note(float(start), 0.1, 60, 80) for start in np.sort(rng.uniform(0, 16, 200))]
    starts = [note.start for note in swing(notes, 0.7)]
    assert starts == sorted(starts)
    beats = swing([Note(float(beat), 1.0, 60, 80) for beat in range(8)], 0.7)
    assert [note.start for note in beats] == pytest.approx(range(8), abs=1e-6)


def test_loosened_notes_are_off_by_as_much_as_asked():
    notes = [Note(float(beat), 0.5, 60, 80) for beat in range(1, 4001)]
    rng = np.random.default_rng(0)
    loose = loosen(notes, rng, tempo_bpm=120.0, timing_ms=10.0, velocity=5.0, late_ms=20.0)
    shifts_ms = [(after.start - before.start) * 500 for before, after in zip(notes, loose, strict=True)]
    assert abs(np.mean(shifts_ms) - 20) < 0.8  # five standard errors
    assert abs(np.std(shifts_ms) - 10) < 0.6
    assert abs(np.std([note.velocity for note in loose]) - 5) < 0.4
    assert {(note.pitch, note.duration) for note in loose} == {(60, 0.5)}


def test_no_note_is_moved_before_the_start_or_out_of_midi():
    notes = [Note(0.0, 0.5, 60, velocity) for velocity in (1, 127) * 100]
    loose = loosen(notes, np.random.default_rng(0), tempo_bpm=120.0, timing_ms=50.0, velocity=30.0)
    assert min(note.start for note in loose) == 0.0
    assert all(1 <= note.velocity <= 127 for note in loose)


def test_people_play_every_part_that_has_notes():
    parts = [Part("piano", Instrument(0, 0), tuple(EIGHTHS)), Part("tacet", Instrument(0, 1), ())]
    played = played_by_people(parts, np.random.default_rng(0), tempo_bpm=120.0, timing_ms=0.0, velocity=0.0)
    assert played == (parts[0],)
