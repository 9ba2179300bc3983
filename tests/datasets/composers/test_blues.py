"""Blues on paper."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.composers import compose, make_brief
from datasets.composers.blues import (
    CALL,
    CALL_BEATS,
    LINE_BEATS,
    MAJOR_RULES,
    MINOR_RULES,
    SHUFFLES,
    TRIPLETS,
    boogie,
    call_and_answer,
    turnaround,
)
from datasets.composers.drums import play
from datasets.composers.harmony import expand, progression

SEEDS = range(12)
LINE = replace(CALL, low=50, high=66)


def twelve(seed, rules=MAJOR_RULES):
    return progression(expand(rules, "TWELVE", np.random.default_rng(seed)), 4)


@pytest.mark.parametrize(("rules", "tonic", "subdominant"), [(MAJOR_RULES, "I7", "IV7"), (MINOR_RULES, "i7", "iv7")])
def test_twelve_bars_begin_at_home_and_go_to_the_subdominant_in_the_fifth(rules, tonic, subdominant):
    for seed in SEEDS:
        chords = twelve(seed, rules)
        by_bar = {span.start / 4: span.symbol for span in chords}
        assert chords[-1].end == 48
        assert [by_bar[0], by_bar[4], by_bar[6], by_bar[10]] == [tonic, subdominant, tonic, tonic]
        assert chords[-1].symbol == "V7"  # leads back


def test_some_choruses_have_the_quick_change():
    second_bars = {next(span.symbol for span in twelve(seed) if span.start == 4) for seed in range(30)}
    assert second_bars == {"I7", "IV7"}


def test_the_second_line_is_sung_like_the_first_and_answers_come_after_calls():
    for seed in SEEDS:
        call, answer = call_and_answer(twelve(seed), LINE, 4, np.random.default_rng(seed))
        first = [(n.start, n.pitch) for n in call if n.start < LINE_BEATS]
        second = [(n.start - LINE_BEATS, n.pitch) for n in call if LINE_BEATS <= n.start < 2 * LINE_BEATS]
        assert first == second
        assert all(n.start % LINE_BEATS < CALL_BEATS for n in call)
        assert all(n.start % LINE_BEATS >= CALL_BEATS for n in answer)
        assert max(n.start for n in answer) < 2 * LINE_BEATS  # the turnaround answers the third line


def test_a_turnaround_descends_in_semitones_under_a_tonic_that_stays():
    notes = turnaround(40.0, 4)
    on_beats = [n.pitch for n in notes if n.start in (40, 41, 42, 43)]
    assert list(np.diff(on_beats)) == [-1, -1, -1]
    assert (on_beats[0] - 4) % 12 == 10
    assert {n.pitch % 12 for n in notes if n.start < 44 and n.start % 1 == 0.5} == {4}
    assert {n.pitch % 12 for n in notes if n.start > 45} == {11, 3, 9}  # B7 in E
    assert max(n.start for n in notes) < 48


def test_boogie_rocks_between_fifth_and_sixth():
    notes = boogie(progression(["I7"], 4), "55665566")
    above = [b.pitch - a.pitch for a, b in zip(notes[::2], notes[1::2], strict=True)]
    assert above == [7, 7, 9, 9, 7, 7, 9, 9]
    assert {n.pitch for n in notes[::2]} == {40}  # the low E


@pytest.mark.parametrize("pattern", [*SHUFFLES, TRIPLETS])
def test_drums_shuffle_in_triplets_with_a_backbeat(pattern):
    notes = play(pattern, 0.0)
    assert {round(n.start % 1 * 3, 6) for n in notes} <= {0, 1, 2}
    assert {1.0, 3.0} <= {n.start for n in notes if n.pitch == 38 and n.velocity > 100}


def test_eighths_swing_two_to_one():
    """The boogie's or the thumb's guitar: no note lies on the straight off-beat, many on the third triplet."""
    near = {"straight": 0, "triplet": 0}
    for seed in SEEDS:
        song = compose(make_brief("blues", seed, tempo_bpm=100.0, seconds=40))
        for part in song.parts:
            if part.name == "guitar":
                inside = np.array([note.start % 1 for note in part.notes])
                near["straight"] += int(np.sum(np.abs(inside - 0.5) < 0.06))
                near["triplet"] += int(np.sum(np.abs(inside - 2 / 3) < 0.06))
    assert near["triplet"] > 300
    assert near["straight"] < 0.05 * near["triplet"]


def test_the_delta_has_one_guitarist_on_an_old_record_and_chicago_a_band():
    bands = 0
    for seed in range(20):
        song = compose(make_brief("blues", seed))
        if any(part.instrument.is_drums for part in song.parts):
            bands += 1
        else:
            assert {part.name for part in song.parts} <= {"voice", "answer", "guitar", "thumb"}
            assert song.mix.bandwidth_hz <= 5000
            assert song.mix.hiss_db > -60
    assert 4 <= bands <= 16
