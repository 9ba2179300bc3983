import numpy as np
import pytest

from datasets.composers import bossa_nova, compose, make_brief
from datasets.composers.drums import DRUMS
from datasets.composers.harmony import expand, progression
from datasets.composers.humanise import loosen


@pytest.mark.parametrize("rules", [bossa_nova.MAJOR_RULES, bossa_nova.MINOR_RULES])
@pytest.mark.parametrize("letter", ["A", "B"])
def test_every_section_has_eight_bars(rules, letter):
    for seed in range(60):
        assert progression(expand(rules, letter, np.random.default_rng(seed)), 0)[-1].end == 32


@pytest.mark.parametrize("rules", [bossa_nova.MAJOR_RULES, bossa_nova.MINOR_RULES])
def test_no_chord_is_a_bare_triad(rules):
    for seed in range(60):
        for letter in ("A", "B"):
            spans = progression(expand(rules, letter, np.random.default_rng(seed)), 0)
            assert all(len(span.chord.intervals) >= 4 for span in spans)


@pytest.mark.parametrize("fingers", bossa_nova.FINGERS)
def test_the_thumb_plays_root_and_fifth_on_one_and_three_and_the_fingers_pull_against_it(fingers):
    chords = progression(["Imaj7", "II9", "ii7", "V13"], 0)
    notes = bossa_nova.guitar(chords, fingers, velocity=0.7)
    bottom = [note for note in notes if note.pitch < 53]
    assert [note.start % 4 for note in bottom] == [0.0, 2.0] * 4
    assert [note.pitch % 12 for note in bottom] == [0, 7, 2, 9, 2, 9, 7, 2]
    plucked = {note.start % 8 for note in notes if note.pitch >= 53}
    assert sum(beat % 1 == 0.5 for beat in plucked) >= 2
    assert sum(note.pitch >= 53 for note in notes) == 2 * 3 * len(plucked)


@pytest.mark.parametrize("clicks", bossa_nova.CLICKS)
def test_the_rim_clicks_three_and_two_strokes_of_the_clave(clicks):
    strokes = [[index for index, step in enumerate(bar) if step == "x"] for bar in clicks.split()]
    assert sorted(strokes, key=len) == [[2, 5], [0, 3, 6]]


def test_the_rim_is_heard_in_five_places_of_two_bars():
    song = compose(make_brief("bossa_nova", 1))
    drums = next(part for part in song.parts if part.name == "drums")
    clicks = {round(note.start * 2) % 16 for note in drums.notes if note.pitch == DRUMS["side_stick"]}
    assert clicks in ({0, 3, 6, 10, 13}, {2, 5, 8, 11, 14})


def test_the_melody_lies_behind_the_beat():
    late = []
    for seed in range(10):
        brief = make_brief("bossa_nova", seed, tempo_bpm=130.0)
        lead = next(part for part in compose(brief).parts if part.name == "lead")
        late += [(note.start * 2 + 0.5) % 1 - 0.5 for note in lead.notes]
    assert np.mean(late) / 2 * 60000 / 130 == pytest.approx(bossa_nova.BEHIND_MS, abs=4)


def test_loosening_without_chance_is_the_delay_alone():
    line = progression(["Imaj7"], 0)
    notes = bossa_nova.guitar(line, bossa_nova.FINGERS[0], velocity=0.7)
    moved = loosen(notes, np.random.default_rng(0), tempo_bpm=120, timing_ms=0, velocity=0, late_ms=50)
    assert [after.start - before.start for before, after in zip(notes, moved, strict=True)] == pytest.approx(
        [0.1] * len(notes)
    )


def test_the_fingers_have_the_coming_chord_an_eighth_before_its_bar():
    chords = progression(["Imaj7", "bII9"], 0)
    assert [(span.start, span.end) for span in bossa_nova.anticipated(chords)] == [(0.0, 3.5), (3.5, 8.0)]
    notes = bossa_nova.guitar(chords, "x.x..x.x .x..x.x-", velocity=0.7)
    early = {note.pitch % 12 for note in notes if note.start == 3.5}
    assert early == {5, 11, 3}  # third, seventh and ninth over D flat
