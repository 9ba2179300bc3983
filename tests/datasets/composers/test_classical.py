import numpy as np
import pytest

from datasets.composers import classical, compose, make_brief
from datasets.composers.harmony import expand, progression


@pytest.mark.parametrize("rules", [classical.MAJOR_RULES, classical.MINOR_RULES])
def test_a_period_of_eight_bars_ends_with_dominant_and_tonic(rules):
    for seed in range(80):
        spans = progression(expand(rules, "PERIOD", np.random.default_rng(seed)), 0)
        assert spans[-1].end == 32
        assert (spans[-2].symbol, spans[-1].chord.root) == ("V7", 0)


@pytest.mark.parametrize("rules", [classical.MAJOR_RULES, classical.MINOR_RULES])
def test_a_half_cadence_stops_on_the_dominant(rules):
    for seed in range(20):
        assert expand(rules, "HALF", np.random.default_rng(seed))[-1] == "V"


def test_the_melody_rests_at_the_end_of_each_phrase_on_a_note_of_its_chord():
    for seed in range(20):
        period = classical._period(make_brief("classical", seed), np.random.default_rng(seed), away=False)
        for bar in (3, 7):
            held = [note for note in period.melody if bar * 4 <= note.start < bar * 4 + 4]
            chord = next(span.chord for span in period.chords if span.start <= bar * 4 < span.end)
            assert all(note.pitch % 12 in chord.pitch_classes and note.duration == 3.0 for note in held)
            assert len(held) <= 1


@pytest.mark.parametrize(
    ("key", "expected"), [((0, "major"), (7, "major")), ((9, "minor"), (0, "major")), ((7, "major"), (2, "major"))]
)
def test_a_contrast_stands_in_the_dominant_or_the_relative_major(key, expected):
    assert classical._nearest_key(*key) == expected


def test_seeds_draw_every_setting_and_both_hands_play_one_piano():
    casts = set()
    for seed in range(100):
        song = compose(make_brief("classical", seed, seconds=10))
        casts.add(frozenset(part.name for part in song.parts))
        if song.parts[0].name == "right hand":
            assert len({part.instrument for part in song.parts}) == 1
    assert len(casts) >= 6


def test_nothing_is_compressed():
    for seed in range(5):
        mix = compose(make_brief("classical", seed)).mix
        assert mix.compression == 0
        assert mix.room >= 0.6


def test_a_theme_comes_back_as_it_was():
    song = compose(make_brief("classical", 1, seconds=240, tempo_bpm=120.0))
    first, again = [section for section in song.sections if section.name == "theme" and section.n_bars == 8][:2]
    for part in song.parts:
        heard = [
            [
                note.pitch
                for note in sorted(part.notes, key=lambda note: (round(note.start), note.pitch))
                if inside(note)
            ]
            for inside in (
                lambda note, at=section.start_bar * 4: at + 2 <= note.start < at + 30 for section in (first, again)
            )
        ]
        assert abs(len(heard[0]) - len(heard[1])) <= 4  # loose timing moves a note across the border
        assert len(set(heard[0]) ^ set(heard[1])) <= 2
