"""Rock on paper."""

import pytest

from datasets.composers import compose, make_brief
from datasets.composers.drums import DRUMS

SEEDS = range(12)


@pytest.fixture(scope="module")
def songs():
    return [compose(make_brief("rock", seed, seconds=60, tempo_bpm=120.0)) for seed in SEEDS]


def part(song, name):
    return next((found.notes for found in song.parts if found.name == name), ())


def test_the_snare_falls_on_the_second_and_fourth_beat(songs):
    for song in songs:
        beats = {round(n.start) for n in part(song, "drums") if n.pitch == DRUMS["snare"] and n.velocity > 80}
        backbeats = {4 * bar + beat for bar in range(28) for beat in (1, 3)}
        assert backbeats <= beats


def test_the_bass_is_in_step_with_the_guitars_roots(songs):
    """Where both strike together on the first beat of a bar, they are an octave or two apart."""
    for song in songs:
        lowest = {}
        for note in part(song, "guitar"):
            if abs(note.start - round(note.start)) < 0.1 and round(note.start) % 4 == 0:
                bar = round(note.start) // 4
                lowest[bar] = min(note.pitch, lowest.get(bar, 127))
        for note in part(song, "bass"):
            bar = round(note.start) // 4
            if bar in lowest and abs(note.start - 4 * bar) < 0.1:
                assert (lowest[bar] - note.pitch) % 12 == 0


def test_distorted_chords_have_no_third(songs):
    """Guitars hold their chords past the next beat only in choruses, where a chord is struck once a bar."""
    for song in songs:
        for section in song.sections:
            notes = part(song, "second guitar") if section.name == "chorus" else ()
            for bar in range(section.start_bar, section.start_bar + section.n_bars):
                chord = [note.pitch for note in notes if abs(note.start - 4 * bar) < 0.15]
                assert {(pitch - min(chord)) % 12 for pitch in chord} <= {0, 7}


def test_some_songs_are_sung_and_others_leave_the_tune_to_the_guitar(songs):
    sung = [any(found.voice is not None for found in song.parts) for song in songs]
    assert 0 < sum(sung) < len(sung)
