"""Country on paper."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.composers import compose, make_brief
from datasets.composers.accompaniment import bass
from datasets.composers.country import TRAIN, TUNE, TWO_STEP, WALTZ, pedalled, tune, walked
from datasets.composers.drums import play
from datasets.composers.harmony import progression

SEEDS = range(12)
WITHOUT_HALF_STEPS = {0, 2, 4, 7, 9}
LINE = replace(TUNE, low=60, high=76)


class AlwaysWalks:
    """A generator whose draws all decide for a walk-up."""

    def random(self):
        return 0.0


@pytest.fixture(scope="module")
def songs():
    return [compose(make_brief("country", seed, seconds=60, key="G major")) for seed in SEEDS]


def part(song, name):
    return next((found.notes for found in song.parts if found.name == name), ())


@pytest.mark.parametrize("feel", [TWO_STEP, TRAIN, WALTZ], ids=["two-step", "train", "waltz"])
def test_a_tune_has_two_like_halves_and_ends_at_home(feel):
    for seed in SEEDS:
        brief = make_brief("country", seed, key="G major")
        notes, chords = tune(LINE, brief, feel, np.random.default_rng(seed))
        half = 4 * feel.beats_per_bar
        first = [(n.start, n.pitch) for n in notes if n.start < half]
        second = [(n.start - half, n.pitch) for n in notes[:-1] if n.start >= half]
        assert first == second
        assert notes[-1].pitch % 12 == 7
        assert [chords[0].symbol, chords[-1].symbol] == ["I", "I"]
        assert len(chords) == 8
        assert chords[-1].end == 2 * half
        assert {span.symbol for span in chords} <= {"I", "ii", "IV", "V", "vi"}
        assert {(n.pitch - 7) % 12 for n in notes} <= WITHOUT_HALF_STEPS


def test_the_bass_walks_up_to_the_subdominant():
    """C, then D and E, then F with its fifth."""
    chords = progression(["I", "IV"], 0)
    notes = walked(bass(chords, "R-5-"), chords, 0, "major", AlwaysWalks())
    assert [(n.start, n.pitch % 12) for n in sorted(notes, key=lambda n: n.start)] == [
        (0, 0),
        (2, 2),
        (3, 4),
        (4, 5),
        (6, 0),
    ]


def test_the_bass_stays_where_the_chord_does():
    chords = progression(["I", "I"], 0)
    line = bass(chords, "R-5-")
    assert walked(line, chords, 0, "major", AlwaysWalks()) == line


def test_boom_and_chick_take_turns():
    kicks = {n.start for n in play({"kick": TWO_STEP.drums["kick"]}, 0)}
    assert kicks == {0.0, 2.0}
    assert [index for index, step in enumerate(TWO_STEP.bass_line) if step in "R5"] == [0, 2]
    assert [index for index, step in enumerate(TWO_STEP.strum) if step == "x"] == [1, 3]


def test_the_train_beat_is_sixteenths_on_the_snare_with_accents_between_the_basses():
    snare = TRAIN.drums["snare"]
    assert "." not in snare
    assert [index for index, step in enumerate(snare) if step == "X"] == [2, 6, 10, 14]


def test_the_steel_guitar_is_pulled_up_a_whole_tone_into_its_chord():
    low, bend, target = pedalled(progression(["I"], 0))
    assert target.pitch - bend.pitch == 2
    assert bend.start == 0
    assert target.start == pytest.approx(bend.end)
    assert {low.pitch % 12, target.pitch % 12} <= {0, 4, 7}
    assert low.pitch < target.pitch


def test_waltzes_are_in_three_and_the_others_in_four(songs):
    metres = [song.beats_per_bar for song in songs]
    assert set(metres) <= {3, 4}
    assert metres.count(4) > metres.count(3)


def test_singer_and_fiddle_take_turns(songs):
    """The fiddle answers in every fourth bar of what is sung."""
    for song in songs:
        for section in song.sections:
            if section.name != "break":
                first = section.start_bar * song.beats_per_bar
                last = first + section.n_bars * song.beats_per_bar
                for note in part(song, "fiddle"):
                    if first + 0.1 < note.start < last - 0.1:
                        assert (note.start - first + 0.1) // song.beats_per_bar % 4 in (3, 0)
