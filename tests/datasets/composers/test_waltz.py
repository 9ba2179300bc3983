import numpy as np
import pytest

from datasets.composers import compose, make_brief, waltz
from datasets.composers.harmony import expand, progression
from datasets.composers.song import Note


def part(piece, name):
    return next(part for part in piece.parts if part.name == name)


@pytest.mark.parametrize("rules", [waltz.MAJOR_RULES, waltz.MINOR_RULES])
def test_every_period_has_sixteen_bars_of_three(rules):
    for seed in range(60):
        spans = progression(expand(rules, "PERIOD", np.random.default_rng(seed)), 0, beats_per_bar=3)
        assert spans[-1].end == 48


def test_most_of_the_harmony_is_tonic_and_dominant():
    symbols = [s for seed in range(100) for s in expand(waltz.MAJOR_RULES, "PERIOD", np.random.default_rng(seed))]
    assert np.mean([symbol in ("I", "V7") for symbol in symbols]) > 0.7


def test_the_form_counts_in_three_and_in_sixteen_bars():
    song = compose(make_brief("waltz", 0, seconds=120))
    assert song.beats_per_bar == 3
    assert {section.n_bars for section in song.sections[:-1]} == {16}


def test_the_second_beat_comes_early_and_the_others_on_time():
    notes = [Note(beat, 0.5, 60, 80) for beat in (0.0, 1.0, 2.0, 3.0, 4.0)]
    shift = waltz.EARLY_MS * 180 / 60000
    assert [note.start for note in waltz.early(notes, 180)] == pytest.approx([0.0, 1 - shift, 2.0, 3.0, 4 - shift])


def test_the_bass_has_the_first_beat_and_the_chords_have_the_others():
    song = compose(make_brief("waltz", 3, tempo_bpm=174.0))
    assert {round(note.start) % 3 for note in part(song, "basses").notes} == {0}
    beats = np.array([note.start % 3 for note in part(song, "after-beats").notes])
    assert np.isin(np.round(beats), (1, 2)).all()
    assert beats[beats < 1.5].mean() == pytest.approx(1 - waltz.EARLY_MS * 174 / 60000, abs=0.02)
    assert beats[beats > 1.5].mean() == pytest.approx(2.0, abs=0.02)


def test_the_tune_is_played_in_thirds():
    song = compose(make_brief("waltz", 2, key="C major"))
    first, second = (
        sorted(part(song, name).notes, key=lambda note: note.start) for name in ("violins", "second violins")
    )
    apart = [a.pitch - b.pitch for a, b in zip(first, second, strict=True)]
    assert np.isin(apart, (3, 4)).mean() > 0.7  # human timing swaps a few neighbours
