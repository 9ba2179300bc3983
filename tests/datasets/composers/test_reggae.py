import numpy as np
import pytest

from datasets.composers import compose, make_brief
from datasets.composers.reggae import BASS_LINES, GROOVES, RULES, STYLE

EIGHTHS = np.arange(8)


def part(song, name):
    return next((part.notes for part in song.parts if part.name == name), ())


def within(notes, sections):
    return [n for n in notes if any(s.start_bar * 4 <= n.start < (s.start_bar + s.n_bars) * 4 for s in sections)]


def strokes(line):
    return [index for index, step in enumerate(line) if step in "Xx"]


@pytest.fixture(scope="module")
def songs():
    return [compose(make_brief("reggae", seed, seconds=120)) for seed in range(8)]


def test_the_skank_is_on_every_off_beat_and_never_on_the_beat(songs):
    for song in songs:
        places = np.array([note.start % 1 for note in part(song, "piano")])
        assert (abs(places - 0.5) < 0.06).all()
        played_bars = {int(note.start // 4) for note in part(song, "piano")}
        assert len({round(note.start * 2) for note in part(song, "piano")}) == 4 * len(played_bars)


def test_a_one_drop_leaves_the_first_beat_and_drops_on_two_and_four():
    usual, _ = GROOVES["one drop"]
    assert strokes(usual["kick"]) == strokes(usual["side_stick"]) == [4, 12]


def test_rockers_have_a_kick_on_every_beat_and_steppers_on_every_eighth():
    assert {0, 4, 8, 12} <= set(strokes(GROOVES["rockers"][0]["kick"]))
    assert strokes(GROOVES["steppers"][0]["kick"]) == list(range(0, 16, 2))


def test_bass_lines_leave_air_and_many_leave_the_first_beat():
    assert sum(line[0] == "." for line in BASS_LINES) >= 3
    assert all(line.count(".") >= 8 and len(line) == 32 for line in BASS_LINES)


def test_the_bass_is_deep_and_the_loudest_of_the_pitched_parts(songs):
    for song in songs:
        assert max(note.pitch for note in part(song, "bass")) <= 52
        gains = {part.name: part.gain_db for part in song.parts if not part.instrument.is_drums}
        assert max(gains, key=gains.get) == "bass"


def test_a_dub_is_bass_and_drums_with_chops_that_echo(songs):
    dubs = [(song, [section for section in song.sections if section.name == "dub"]) for song in songs]
    dubs = [(song, sections) for song, sections in dubs if sections]
    assert dubs
    for song, sections in dubs:
        margin = 0.1  # beats; the last of the section before may come late
        for name in ("piano", "organ", "lead"):
            inside = within(part(song, name), sections)
            assert all((note.start + margin) % 4 < 2 * margin for note in inside), name
        assert within(part(song, "bass"), sections)
        assert within(part(song, "drums"), sections)
        chops = [note.velocity for note in within(part(song, "skank guitar"), sections)]
        assert min(chops) < 0.5 * max(chops)


def test_the_tune_of_a_verse_comes_back(songs):
    compared = 0
    for song in songs:
        starts = [section.start_bar * 4 for section in song.sections if section.name == "verse" and section.n_bars == 4]
        tunes = [
            [
                note.pitch
                for note in sorted(part(song, "lead"), key=lambda n: n.start)
                if s - 0.1 <= note.start < s + 15.25
            ]
            for s in starts
        ]
        compared += len(tunes) > 1
        assert all(tune == tunes[0] for tune in tunes)
    assert compared


def test_major_songs_have_the_flat_seventh_of_the_mixolydian_mode_and_minor_ones_the_minor_dominant():
    assert any("bVII" in expansion for _, expansion in RULES["major"]["VAMP"])
    assert any("v7" in expansion for _, expansion in RULES["minor"]["VAMP"])


def test_it_is_counted_slowly():
    assert STYLE.tempo_bpm == (65, 90)
