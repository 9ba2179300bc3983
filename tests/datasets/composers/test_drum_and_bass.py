import numpy as np
import pytest

from datasets.composers import compose, make_brief
from datasets.composers.drum_and_bass import BREAKS, FORM, ROLL, STYLE, _chopped

KICK, SNARE = 36, 38


@pytest.fixture(scope="module")
def songs():
    return [compose(make_brief("drum_and_bass", seed, seconds=60)) for seed in range(8)]


def part(song, name):
    return next((part.notes for part in song.parts if part.name == name), ())


def named(song, *names):
    return [section for section in song.sections if section.name in names]


def inside(notes, section, margin=0.1):
    start, end = section.start_bar * 4, (section.start_bar + section.n_bars) * 4
    return [note for note in notes if start - margin <= note.start < end - margin]


def test_breaks_have_the_snare_on_two_and_a_kick_in_the_second_half_of_three():
    for bars in BREAKS.values():
        for bar in bars:
            assert bar["snare"][4] == "X"
            assert bar["kick"][10] in "Xx"
            assert bar["snare"][8] != "X", "no half-time"


def test_two_step_is_kick_snare_kick_snare():
    for bar in BREAKS["two-step"]:
        accents = sorted((i, drum) for drum in ("kick", "snare") for i, step in enumerate(bar[drum]) if step == "X")
        assert accents == [(0, "kick"), (4, "snare"), (10, "kick"), (12, "snare")]


def test_every_fourth_bar_is_put_together_from_halves():
    rng = np.random.default_rng(0)
    for bars in BREAKS.values():
        assert _chopped(bars, 1, rng) == bars[1]
        for _ in range(10):
            bar = _chopped(bars, 3, rng)
            halves = [{drum: source.get(drum, "." * 16) for drum in bar} for source in bars]
            assert any(all(bar[d][:8] == half[d][:8] for d in bar) for half in halves)
            assert any(all(bar[d][8:] == half[d][8:] for d in bar) for half in halves)


def test_a_drop_follows_a_build_and_a_breakdown_follows_drops():
    assert set(FORM["build"].leads_to) == {"drop"}
    assert set(FORM["breakdown"].leads_to) == {"build"}
    assert "breakdown" in FORM["second drop"].leads_to
    assert FORM["drop"].energy > FORM["build"].energy > FORM["breakdown"].energy


def test_bass_and_kick_are_gone_until_the_drop(songs):
    seen = 0
    for song in songs:
        for section in named(song, "breakdown", "intro"):
            assert not inside(part(song, "sub"), section)
            first = [note for note in inside(part(song, "drums"), section) if note.start < section.start_bar * 4 + 15.9]
            assert not [note for note in first if note.pitch == KICK]
            seen += 1
        for section in named(song, "drop"):
            assert inside(part(song, "sub"), section)
            assert inside(part(song, "reese"), section)
    assert seen


def test_the_bass_moves_at_half_the_speed_of_the_drums(songs):
    for song in songs:
        for section in named(song, "drop", "second drop"):
            assert len(inside(part(song, "sub"), section)) < 0.5 * len(inside(part(song, "drums"), section))


def test_the_sub_lies_below_the_reese_and_below_66_hz(songs):
    for song in songs:
        if sub := part(song, "sub"):
            assert max(note.pitch for note in sub) <= 48
            assert np.median([n.pitch for n in sub]) < np.median([n.pitch for n in part(song, "reese")])
            assert 440 * 2 ** ((np.median([n.pitch for n in sub]) - 69) / 12) < 66


def test_hard_tracks_growl_and_liquid_ones_have_stabs(songs):
    dropped = [song for song in songs if part(song, "reese")]
    kinds = {(bool(part(song, "growl")), bool(part(song, "stab"))) for song in dropped}
    assert kinds == {(True, False), (False, True)}


def test_the_roll_doubles_towards_the_drop():
    first, last = (sum(step != "." for step in line) for line in ROLL)
    assert last > 2 * first
    assert ROLL[0][8:].count(".") < ROLL[0][:8].count(".")


def test_it_is_fast():
    assert STYLE.tempo_bpm == (165, 178)
