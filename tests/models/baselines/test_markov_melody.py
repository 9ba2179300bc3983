"""Chains that can only go one way, and songs that keep what the chain does not know."""

import numpy as np
import pytest

from datasets.composers import compose, make_brief
from datasets.composers.song import Note
from models.baselines.markov_melody import HIGHEST, LOWEST, MarkovMelody, markov_songs
from models.errors import ModelError

SCALE = [Note(float(beat), 0.5, 60 + 2 * beat, 80) for beat in range(6)]


def test_what_always_went_up_goes_up(rng):
    line = MarkovMelody.fit([SCALE], order=2).line(Note(0.0, 0.5, 48, 70), 8.0, rng)
    assert [note.pitch for note in line] == list(range(48, 64, 2))
    assert [note.start for note in line] == list(range(8))
    assert {(note.duration, note.velocity) for note in line} == {(0.5, 70)}


def test_the_order_remembers_which_step_came_before(rng):
    """Up and down in turns: with order 1 as counted, with order 0 in any order."""
    zigzag = [Note(float(beat), 1.0, 60 + beat % 2, 80) for beat in range(40)]
    start = Note(0.0, 1.0, 60, 80)
    ordered = np.diff([note.pitch for note in MarkovMelody.fit([zigzag], 1).line(start, 40.0, rng)])
    assert (np.diff(ordered) != 0).all()
    free = np.diff([note.pitch for note in MarkovMelody.fit([zigzag], 0).line(start, 40.0, rng)])
    assert (np.diff(free) == 0).any()


def test_a_line_stays_on_the_piano_and_chords_come_to_an_end(rng):
    line = MarkovMelody.fit([SCALE], 2).line(Note(0.0, 0.5, 100, 80), 200.0, rng)
    assert all(LOWEST <= note.pitch <= HIGHEST for note in line)
    chord = [Note(0.0, 1.0, pitch, 80) for pitch in (60, 64, 67)]
    assert len(MarkovMelody.fit([chord], 0).line(chord[0], 4.0, rng)) < 200


def test_songs_keep_tempo_parts_and_drums_and_come_again_from_their_seed():
    songs = [compose(make_brief("reggae", seed, seconds=8)) for seed in range(2)]
    made = markov_songs(songs, 3, order=1, seed=4)
    assert made == markov_songs(songs, 3, order=1, seed=4) != markov_songs(songs, 3, order=1, seed=5)
    for song in made:
        (source,) = (each for each in songs if each.tempo_bpm == song.tempo_bpm)
        for part, original in zip(song.parts, source.parts, strict=True):
            assert part.name == original.name
            if part.instrument.is_drums:
                assert part.notes == original.notes
        assert song.duration_s < source.duration_s * 1.5 + 2


@pytest.mark.parametrize(
    "call",
    [
        lambda: MarkovMelody.fit([SCALE[:1]], 1),
        lambda: MarkovMelody.fit([SCALE], -1),
        lambda: markov_songs([], 1, order=1, seed=0),
        lambda: markov_songs([compose(make_brief("pop", 0, seconds=2))], 0, order=1, seed=0),
    ],
)
def test_what_cannot_be_counted_on(call):
    with pytest.raises(ModelError, match=r"expected|line of two notes"):
        call()
