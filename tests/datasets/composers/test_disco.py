"""Disco: the kick on every beat, open hats between them, octaves in the bass, a chorus above its verse."""

import numpy as np
import pytest

from datasets.composers import compose, make_brief
from datasets.composers.disco import BASS_LINES, STYLE
from datasets.composers.drums import DRUMS

SONGS = [compose(make_brief("disco", seed, seconds=40)) for seed in range(8)]


def part(song, name):
    return next(part for part in song.parts if part.name == name)


def strokes(song, drum):
    return np.array([note.start for note in part(song, "drums").notes if note.pitch == DRUMS[drum]])


def test_four_on_the_floor_never_stops():
    for song in SONGS:
        n_beats = 4 * sum(section.n_bars for section in song.sections)
        kicks = strokes(song, "kick")
        assert len(kicks) == n_beats
        assert np.abs(np.sort(kicks) - np.arange(n_beats)).max() < 0.1


def test_open_hats_are_off_the_beat():
    for song in SONGS:
        hats = strokes(song, "open_hat")
        assert len(hats) >= len(strokes(song, "kick")) * 0.9
        assert np.abs(hats % 1 - 0.5).max() < 0.1


def test_the_backbeat_is_on_two_and_four():
    for song in SONGS:
        claps = np.concatenate([strokes(song, "clap"), strokes(song, "snare")])
        backbeat = np.abs(claps % 2 - 1) < 0.1
        assert backbeat.mean() > 0.8  # fills are the rest


@pytest.mark.parametrize("line", BASS_LINES)
def test_the_bass_leaps_by_octaves(line):
    assert len(line) == 16
    assert {"R", "8"} <= set(line)


def test_the_guitar_plays_sixteenths():
    for song in SONGS:
        starts = np.array([note.start for note in part(song, "guitar").notes])
        odd = np.abs((starts * 4) % 2 - 1) < 0.3
        assert 0.05 < odd.mean() < 0.9


def test_strings_play_in_octaves():
    """In choruses, intros and breaks they play one line; the octaves sound together."""
    checked = 0
    for song in SONGS:
        chorus = next((section for section in song.sections if section.name == "chorus"), None)
        if chorus is None:
            continue
        checked += 1
        start, end = chorus.start_bar * 4, (chorus.start_bar + chorus.n_bars) * 4
        notes = [note for note in part(song, "strings").notes if start - 0.1 < note.start < end - 0.1]
        pitches = sorted(note.pitch for note in notes)
        upper = sorted(pitch - 12 for pitch in pitches if pitch - 12 in pitches)
        assert len(upper) >= len(pitches) / 2
    assert checked > 4


def test_a_woman_sings_and_the_tempo_is_for_dancing():
    for song in SONGS:
        assert part(song, "singer").voice.tract_cm < 15
    assert 110 <= STYLE.tempo_bpm[0] < STYLE.tempo_bpm[1] <= 130
