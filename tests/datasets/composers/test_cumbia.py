import numpy as np
import pytest

from datasets.composers import compose, make_brief
from datasets.composers.cumbia import COLOMBIAN, RULES, SCRAPERS, SONIDERO
from datasets.composers.harmony import expand


@pytest.fixture(scope="module")
def songs():
    return [compose(make_brief("cumbia", seed, seconds=60)) for seed in range(10)]


def part(song, name):
    return next((part.notes for part in song.parts if part.name == name), ())


def test_the_scraper_goes_long_short_short_on_every_beat():
    for scraper in SCRAPERS:
        for line in scraper.values():
            assert all(line[beat + 1] == "." for beat in (0, 4, 8, 12)), "the long stroke sounds on"
        struck = {index % 4 for line in scraper.values() for index, step in enumerate(line) if step != "."}
        assert struck == {0, 2, 3}


def test_the_llamador_calls_on_every_off_beat():
    line = COLOMBIAN.always["high_bongo"]
    assert [index for index, step in enumerate(line) if step != "."] == [2, 6, 10, 14]


def test_the_tambora_is_the_low_drum_of_the_colombian_kind_alone():
    assert all("floor_tom" in bar for bar in COLOMBIAN.bars)
    assert not any("floor_tom" in bar for bar in SONIDERO.bars)
    assert all("cowbell" in bar for bar in SONIDERO.bars)


def test_the_bass_plays_on_one_three_and_four(songs):
    for song in songs:
        sixteenths = np.round(np.array([note.start for note in part(song, "bass")]) * 4) % 16
        counts = dict(zip(*np.unique(sixteenths, return_counts=True), strict=True))
        assert set(counts) <= {0, 8, 12, 6}
        assert counts[0] == counts[8] == counts[12]


def test_the_chords_are_on_the_off_beats(songs):
    for song in songs:
        assert all(0.1 < note.start % 1 < 0.9 for note in part(song, "chords"))
        assert np.mean([abs(note.start % 1 - 0.5) < 0.1 for note in part(song, "chords")]) > 0.75


def test_every_turn_goes_by_the_dominant_seventh():
    rng = np.random.default_rng(0)
    for mode, symbol in (("minor", "SONG"), ("major", "SONG"), ("minor", "MONTUNO"), ("major", "MONTUNO")):
        for _ in range(20):
            assert any(chord.startswith("V7") for chord in expand(RULES[mode], symbol, rng))


def test_horns_answer_in_the_third_and_fourth_bar(songs):
    answered = 0
    for song in songs:
        for section in song.sections:
            start, end = section.start_bar * 4, (section.start_bar + section.n_bars) * 4
            places = [(n.start - start) % 16 for n in part(song, "horn 1") if start - 0.1 <= n.start < end - 0.1]
            answered += bool(places)
            assert all(place > 7.9 for place in places)
    assert answered


def test_in_a_montuno_the_voice_leaves_room_for_the_answer(songs):
    sung = [song for song in songs if any(part.name == "voice" and part.voice for part in song.parts)]
    called = 0
    for song in sung:
        for section in (section for section in song.sections if section.name == "montuno"):
            start, end = section.start_bar * 4, (section.start_bar + section.n_bars) * 4
            places = [(n.start - start) % 16 for n in part(song, "voice") if start - 0.1 <= n.start < end - 0.1]
            called += bool(places)
            assert all(place < 8 or place > 15.9 for place in places)
    assert called


def test_both_kinds_are_played_and_slow_songs_are_more_often_sonidero():
    def share(tempo_bpm):
        songs = [compose(make_brief("cumbia", seed, seconds=12, tempo_bpm=tempo_bpm)) for seed in range(40)]
        cowbells = [
            any(note.pitch == 56 for part in song.parts if part.name == "drums" for note in part.notes)
            for song in songs
        ]
        return np.mean(cowbells)

    assert 0 < share(104.0) < share(86.0) < 1
