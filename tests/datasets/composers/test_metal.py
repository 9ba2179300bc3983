"""Metal on paper."""

import numpy as np
import pytest

from datasets.composers import compose, make_brief
from datasets.composers.drums import DRUMS
from datasets.composers.metal import (
    BLAST,
    FIGURES,
    LOW_STRING,
    SOLO,
    STYLE,
    Stroke,
    guitar_notes,
    open_chords,
    riff,
    thirds_above,
)
from datasets.composers.song import Note
from datasets.composers.theory import scale_pitches

SEEDS = range(12)


@pytest.fixture(scope="module")
def songs():
    return [compose(make_brief("metal", seed, seconds=60, tempo_bpm=160.0)) for seed in SEEDS]


def part(song, name):
    return next((found.notes for found in song.parts if found.name == name), ())


def test_a_riff_is_a_bar_three_times_and_one_that_leads_back():
    for seed in SEEDS:
        strokes = riff(np.random.default_rng(seed))
        bars = [[(s.start % 4, s.duration, s.degree, s.muted) for s in strokes if s.start // 4 == b] for b in range(4)]
        assert bars[0] == bars[1] == bars[2] != bars[3]
        assert max(s.start + s.duration for s in strokes) <= 16


def test_muted_strokes_stay_on_the_tonic_and_only_open_ones_move():
    strokes = [stroke for seed in SEEDS for stroke in riff(np.random.default_rng(seed))]
    assert {s.degree for s in strokes if s.muted} == {0}
    assert len({s.degree for s in strokes if not s.muted}) > 3


def test_a_gallop_is_an_eighth_and_two_sixteenths():
    assert [index for index, step in enumerate(FIGURES["gallop"]) if step != "."] == [0, 2, 3]


def test_phrygian_has_its_second_degree_a_semitone_above_the_tonic():
    open_second = Stroke(start=0.0, duration=1.0, degree=1, muted=False)
    assert [note.pitch for note in guitar_notes([open_second], 40, "phrygian")] == [41, 48, 53]
    assert [note.pitch for note in guitar_notes([open_second], 40, "minor")] == [42, 49, 54]


def test_open_chords_last_their_bar():
    strokes = open_chords((0, 5), "X-------x-------")
    assert [(s.start, s.duration, s.degree) for s in strokes] == [(0, 2, 0), (2, 2, 0), (4, 2, 5), (6, 2, 5)]


def test_the_second_lead_is_a_third_above_the_first():
    ladder = scale_pitches(9, SOLO.scale, SOLO.low, SOLO.high + 12)
    lead = [Note(0, 1, pitch, 100) for pitch in (69, 71, 72, 80)]  # A, B, C, G sharp in A minor
    assert [note.pitch for note in thirds_above(lead, ladder)] == [72, 74, 76, 83]


def test_the_two_guitars_play_the_same_left_and_right(songs):
    for song in songs:
        left, right = (next(p for p in song.parts if p.name == f"{side} guitar") for side in ("left", "right"))
        assert sorted(n.pitch for n in left.notes) == sorted(n.pitch for n in right.notes)
        assert left.pan == -right.pan < 0
        assert left.drive > 0.7


def test_guitars_are_tuned_down_to_the_tonic(songs):
    for song in songs:
        lowest = min(note.pitch for note in part(song, "left guitar"))
        assert LOW_STRING <= lowest < LOW_STRING + 12
        assert (lowest - song.tonic) % 12 == 0


def test_a_breakdown_is_in_half_time(songs):
    found = 0
    for song in songs:
        snares = [n.start for n in part(song, "drums") if n.pitch == DRUMS["snare"]]
        for section in song.sections:
            if section.name == "breakdown":
                bars = range(section.start_bar, section.start_bar + section.n_bars - 1)  # the last one has a fill
                for bar in bars:
                    there = [start - 4 * bar for start in snares if 4 * bar - 0.1 < start < 4 * bar + 3.9]
                    np.testing.assert_allclose(there, [2.0], atol=0.1)
                found += 1
    assert found


def test_choruses_have_sixteen_strokes_of_the_double_kick_in_a_bar(songs):
    found = 0
    for song in songs:
        kicks = np.array([n.start for n in part(song, "drums") if n.pitch == DRUMS["kick"]])
        for section in song.sections:
            if section.name == "chorus":
                bar = 4 * (section.start_bar + 1) if section.n_bars > 2 else 4 * section.start_bar
                assert np.sum((kicks > bar - 0.1) & (kicks < bar + 3.9)) == 16
                found += 1
    assert found


def test_a_blast_beat_has_kick_and_snare_in_turns():
    kick, snare = ({i for i, step in enumerate(BLAST[drum]) if step != "."} for drum in ("kick", "snare"))
    assert not kick & snare
    assert kick | snare == set(range(16))


def test_it_is_nearly_always_in_a_minor_key_and_fast():
    assert STYLE.minor > 0.9
    assert STYLE.tempo_bpm[0] >= 90


def test_singers_growl(songs):
    voices = [found.voice for song in songs for found in song.parts if found.voice]
    assert voices
    assert min(voice.roughness for voice in voices) >= 0.5
