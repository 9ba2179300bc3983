import numpy as np
import pytest

from datasets.composers.humanise import FAINT, echoed, phrased
from datasets.composers.song import Note


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
