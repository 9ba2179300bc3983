"""Hip-hop: a sampled loop, a heavy beat on two and four, speech in sixteenths."""

import numpy as np
import pytest

from datasets.composers import compose, make_brief
from datasets.composers.drums import DRUMS
from datasets.composers.hiphop import BOOM_BAP, FLOWS, TRAP

SONGS = [compose(make_brief("hiphop", seed, seconds=40)) for seed in range(10)]


def part(song, name):
    return next(part for part in song.parts if part.name == name)


def test_somebody_speaks():
    for song in SONGS:
        assert part(song, "rap").voice.delivery == "spoken"


def test_syllables_come_faster_than_a_singer_sings_and_near_one_pitch():
    for song in SONGS:
        rap = part(song, "rap")
        starts = np.sort([note.start for note in rap.notes])
        assert np.median(np.diff(starts)) <= 0.5
        assert np.std([note.pitch for note in rap.notes]) < 5
        assert all(abs(note.pitch - rap.voice.centre) <= 12 for note in rap.notes)


@pytest.mark.parametrize("beat", [*BOOM_BAP, *TRAP])
def test_the_backbeat_is_on_two_and_four(beat):
    line = beat.get("snare", beat.get("clap", ""))
    assert [index for index, step in enumerate(line) if step == "X"] == [4, 12]
    assert beat["kick"].startswith("X")


@pytest.mark.parametrize("flow", FLOWS)
def test_a_line_has_sixteen_steps_and_rhymes_at_its_end(flow):
    assert len(flow) == 16
    assert "X" in flow[12:]


def test_the_loop_is_repeated_note_for_note():
    checked = 0
    for song in SONGS:
        for section in (section for section in song.sections if section.n_bars == 8):
            first, again = (
                sorted(
                    (round((note.start - bar * 4) * 4), note.pitch)
                    for note in part(song, "keys").notes
                    if bar * 4 - 0.1 <= note.start < bar * 4 + 15.9
                )
                for bar in (section.start_bar, section.start_bar + 4)
            )
            assert first == again
            checked += 1
    assert checked >= 8


def test_the_bass_is_a_sub_bass():
    for song in SONGS:
        assert np.median([note.pitch for note in part(song, "bass").notes]) < 43  # below 98 Hz


def test_intros_and_breaks_have_no_kick():
    for song in SONGS:
        kicks = np.array([note.start for note in part(song, "drums").notes if note.pitch == DRUMS["kick"]])
        for section in song.sections:
            start, end = section.start_bar * 4, (section.start_bar + section.n_bars) * 4
            inside = np.sum((kicks > start - 0.1) & (kicks < end - 0.1))
            assert (inside == 0) == (section.name in ("intro", "break")), section
